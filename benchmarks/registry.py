"""What is compared: each variant is a folder of `variants/`, run with the plugins and options that it names."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

HERE = Path(__file__).parent

TEMPLATEDB = "templatedb.plugin"
SQLA = "pytest_sqla.plugin"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to give tests their database."""

    name: str
    title: str
    folder: str = ""
    """In `variants/`; default: the name."""
    plugins: tuple[str, ...] = ()
    """Modules of pytest plugins; no other is loaded."""
    arguments: tuple[str, ...] = ()
    fixture: str = "session"
    """What the test asks for."""
    rows: str = "rows.py"
    """The test module, in `project/`."""
    filled_in: tuple[tuple[str, str], ...] = ()
    """Lines of the test module to replace."""
    floor: str = "floor"
    """The same tests without isolation: what its cost is counted from."""
    core: bool = False
    """Measured in every round; the others in fewer."""
    mixable: bool = True
    """Whether it can take turns with others inside one process."""
    option: str = ""
    """An option that not every version of the plugin has."""
    note: str = ""

    @property
    def is_floor(self) -> bool:
        """Whether others are counted from it."""
        return self.floor == self.name

    def write(self, project: Path) -> None:
        """Put it into *project* as a folder of its name."""
        target = project / self.name
        shutil.copytree(HERE / "variants" / (self.folder or self.name), target, dirs_exist_ok=True)
        source = (HERE / "project" / self.rows).read_text()
        replaced = list(self.filled_in)
        if self.fixture != "session":
            old = "def test_row(session, number):"
            replaced.append((old, f"def test_row({self.fixture}, number):\n    session = {self.fixture}"))
        for old, new in replaced:
            if old not in source:
                raise ValueError(f"{self.rows} has no line {old!r}")
            source = source.replace(old, new)
        (target / "test_rows.py").write_text(source)


_PILING_UP = (("ISOLATED = True", "ISOLATED = False"),)
_READING = (("READ_ONLY = False", "READ_ONLY = True"),)
_DJANGO = {"plugins": ("pytest_django.plugin",), "rows": "rows_django.py", "mixable": False, "floor": "django_floor"}
_DJANGO_ARGUMENTS = ("--ds=django_settings", "-p", "no:doctest")

_OURS = {"plugins": (TEMPLATEDB,), "fixture": "clone_session", "core": True}

VARIANTS = (
    Variant(
        name="floor",
        title="no isolation (the floor)",
        filled_in=_PILING_UP,
        core=True,
        note="one file, one engine; exempt from the check by design: rows pile up, its tests use unique values",
    ),
    Variant(name="templatedb", title="templatedb", **_OURS, note="`clone_session`, nothing configured"),
    Variant(
        name="savepoint",
        title="savepoint and rollback (SQLAlchemy's recipe)",
        core=True,
        note="the recipe of SQLAlchemy's documentation, with its listeners for pysqlite; pooled connections",
    ),
    Variant(
        name="templatedb_reconnect",
        title="templatedb, `--templatedb-reconnect`",
        folder="templatedb",
        arguments=("--templatedb-reconnect",),
        option="--templatedb-reconnect",
        mixable=False,
        **_OURS,
        note="a fresh connection pool for every test",
    ),
    Variant(
        name="templatedb_memory",
        title='templatedb, `clone = "memory"`',
        folder="templatedb",
        arguments=("--templatedb-clone=memory",),
        mixable=False,
        **_OURS,
    ),
    Variant(
        name="floor_wal",
        title="no isolation, WAL",
        filled_in=_PILING_UP,
        floor="floor_wal",
        core=True,
        note="exempt from the check, as the floor",
    ),
    Variant(
        name="templatedb_wal",
        title="templatedb, application in WAL mode",
        floor="floor_wal",
        mixable=False,  # it would share its file with the others, who would be in WAL mode then
        **_OURS,
        note="an engine factory whose connect listener sets `journal_mode=WAL`, and checks that it is on",
    ),
    Variant(
        name="floor_read",
        title="no isolation, tests that only read",
        folder="floor",
        filled_in=(*_PILING_UP, *_READING),
        floor="floor_read",
        core=True,
        note="exempt from the check, as the floor",
    ),
    Variant(
        name="templatedb_read",
        title="templatedb, tests that only read",
        folder="templatedb",
        filled_in=_READING,
        floor="floor_read",
        **_OURS,
    ),
    Variant(
        name="sqla_memory",
        title="pytest-sqla, in memory",
        plugins=(SQLA,),
        arguments=("--sqla-url=sqlite://", "-o", "sqla_metadata=models:Base"),
        fixture="sqla_session",
        note="as its README starts: savepoints, a new connection for each test, tables from the models in each run",
    ),
    Variant(
        name="sqla_file",
        title="pytest-sqla, on a file",
        plugins=(SQLA,),
        arguments=("-o", "sqla_schema=none"),
        fixture="sqla_session",
        mixable=False,
        note="the same on a file migrated before; its engine is its own, so fsync is left to the file system",
    ),
    Variant(name="copy_file", title="copy of the file, fresh engine", note="what projects write by hand"),
    Variant(name="vacuum_into", title="`VACUUM INTO`, fresh engine", note="what sqlitestdb does in Go"),
    Variant(name="create_all", title="`create_all` for every test", mixable=False),
    Variant(name="upgrade", title="`alembic upgrade` for every test", mixable=False),
    Variant(
        name="sqlalchemy_alembic",
        title="pytest-sqlalchemy-alembic",
        plugins=("pytest_sqlalchemy_alembic.plugin",),
        arguments=("-o", 'sqlalchemy_alembic_configs={"session_maker": "app:SessionLocal"}'),
        mixable=False,
        note="one migrated database for each worker; it keeps workers apart and does not promise to keep tests apart",
    ),
    Variant(
        name="django_floor",
        title="Django without isolation",
        arguments=_DJANGO_ARGUMENTS,
        filled_in=_PILING_UP,
        **_DJANGO,
        note="Django's models and its in-memory test database; exempt from the check, as the floor",
    ),
    Variant(
        name="django_db",
        title="pytest-django, `django_db`",
        arguments=_DJANGO_ARGUMENTS,
        **_DJANGO,
        note="a transaction around each test, rolled back; counted from Django without isolation",
    ),
    Variant(
        name="django_transaction",
        title="pytest-django, `django_db(transaction=True)`",
        arguments=_DJANGO_ARGUMENTS,
        filled_in=(("TRANSACTION = False", "TRANSACTION = True"),),
        **_DJANGO,
        note="real commits, every table emptied after each test; counted from Django without isolation",
    ),
    Variant(
        name="restores_nothing",
        title="control: a restore that does nothing",
        folder="floor",
        mixable=False,
        note="there to show that the check inside the tests sees it",
    ),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
