"""The table of changes: what was done to a project, whether its golden must be built again, and the one true reason.

Read by ``test_invalidation.py``, which does each row for real, and by ``docs/explanation/invalidation.md``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from projects import alembic_project, revision, write


def make(root: Path) -> Path:
    """Write a project whose golden depends on something of every kind, and return its folder."""
    alembic_project(root, env=ENV, ini=INI)
    write(root / "app/__init__.py", '"""App."""\n')
    write(root / "app/models.py", MODELS)
    write(root / "app/views.py", "TITLE = 'orders'\n")
    write(root / "app/colours.py", "from sqlalchemy import MetaData\nmetadata = MetaData()\nCOLOURS = ['red']\n")
    write(
        root / "helpers/names.py",
        "from helpers.words import WORD\ntry:\n    import local_settings\nexcept ImportError:\n    pass\nNAME = WORD * 2\n",
    )  # a namespace package
    write(root / "helpers/words.py", "WORD = 'a'\n")
    write(root / "library/__init__.py", "")
    write(root / "library/data/units.csv", "kg,m\n")
    write(root / "data/countries.json", '["de", "fr"]\n')
    write(root / "data/rates.csv", "1,2\n")
    write(root / "data/prices.sql", "insert into t3 (name) values ('price');\n")
    write(root / "data/low.bin", "\x00\x01")
    write(root / "parts/a.txt", "a")
    write(root / "parts/listed/one.txt", "1")
    write(root / "seeds/__init__.py", "from seeds.people import PEOPLE\n" + SEED)
    write(root / "seeds/people.py", "PEOPLE = ['ada']\n")
    write(root / "app/conventions.py", CONVENTIONS)
    write(root / "declared/a.txt", "a")
    install(root, "shades", "1.0")
    install(root, "ownpackage", "0.1", url='{"url": "file:///src", "archive_info": {}}')
    write(root / "scripts/script.py.mako", "## a template\n")
    write(root / "scripts/versions/r3.py", revision(3, BODY, extra=EXTRA))
    write(root / "pyproject.toml", PYPROJECT)
    _reference_database(root / "data/reference.sqlite")
    return root


PYPROJECT = """
[tool.templatedb]
seed = ["seeds:fill"]
environment = ["REGION"]
inputs = ["declared/*.txt"]
"""

INI = """
script_location = %(here)s/scripts
sqlalchemy.url = sqlite:///app.db

[loggers]
keys = root
[handlers]
keys =
[formatters]
keys =
[logger_root]
level = WARN
handlers =
"""

ENV = """
import app.models
from logging.config import fileConfig
from alembic import context
from sqlalchemy import engine_from_config, pool

fileConfig(context.config.config_file_name)
engine = engine_from_config(context.config.get_section("alembic"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=app.models.Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

MODELS = """
import app.views
from app.conventions import CONVENTION
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=CONVENTION)


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
"""

CONVENTIONS = 'CONVENTION = {"uq": "uq_%(table_name)s_%(column_0_name)s"}\n'

EXTRA = """
import csv, glob, json, os, sqlite3
from importlib import resources
from pathlib import Path
from app.colours import COLOURS
from helpers.names import NAME
import ownpackage, shades

HERE = Path(__file__).parents[2]
"""

BODY = """
op.create_table(
    "t3", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20)),
    sa.Column("code", sa.Integer, unique=True),
)
json.loads((HERE / "data/countries.json").read_text())
with open(HERE / "data/rates.csv", newline="") as opened:
    list(csv.reader(opened))
op.execute((HERE / "data/prices.sql").read_text())
os.close(os.open(HERE / "data/low.bin", os.O_RDONLY))
resources.files("library").joinpath("data/units.csv").read_text()
reference = sqlite3.connect(f"file:{HERE / 'data/reference.sqlite'}?mode=ro", uri=True)
reference.execute("select * from rates").fetchall()
reference.close()
for name in sorted(glob.glob(str(HERE / "parts/*.txt"))):
    Path(name).read_text()
os.listdir(HERE / "parts/listed")
if (HERE / "data/optional.json").exists():
    (HERE / "data/optional.json").read_text()
"""

SEED = """

def fill(connection):
    connection.executemany("insert into t1 (name) values (?)", [(name,) for name in PEOPLE])
"""


def _reference_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table rates (rate)")
        connection.commit()


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Return a change of one file."""

    def change(root: Path) -> None:
        path = root / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new))

    return change


def add(name: str, text: str = "new") -> Callable[[Path], object]:
    """Return a change that writes a new file."""
    return lambda root: write(root / name, text)


def edit_in_disguise(root: Path) -> None:
    """Edit a revision so that neither its size nor its modification time tells, right after it was compiled."""
    path = root / "scripts/versions/r2.py"
    before = path.stat()
    path.write_text(path.read_text().replace("row 2", "ROW 2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def rename(old: str, new: str) -> Callable[[Path], object]:
    """Return a change of one name."""
    return lambda root: (root / old).rename(root / new)


def delete(name: str) -> Callable[[Path], object]:
    """Return a change that takes a file away."""
    return lambda root: (root / name).unlink()


def reorder(root: Path) -> None:
    """Let the second and third revision change places."""
    two, three = root / "scripts/versions/r2.py", root / "scripts/versions/r3.py"
    two.write_text(two.read_text().replace("down_revision = 'r1'", "down_revision = 'r3'"))
    three.write_text(three.read_text().replace("down_revision = 'r2'", "down_revision = 'r1'"))


def site_packages(root: Path) -> Path:
    """Return the folder of installed packages beside the project."""
    return root.parent / "site-packages"


def install(root: Path, name: str, version: str, *, url: str = "", text: str = "") -> None:
    """Install a package as pip does: its module, and a metadata folder with RECORD (and PEP 610's direct_url.json)."""
    site = site_packages(root)
    for old in site.glob(f"{name}-*.dist-info"):
        shutil.rmtree(old)
    write(site / f"{name}/__init__.py", text)
    write(site / f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    write(site / f"{name}-{version}.dist-info/RECORD", f"{name}/__init__.py,sha256={hash_of(text)},{len(text)}\n")
    if url:
        write(site / f"{name}-{version}.dist-info/direct_url.json", url)


def hash_of(text: str) -> str:
    """Return a hash as it stands in a RECORD."""
    return hashlib.sha256(text.encode()).hexdigest()


def upgrade(name: str) -> Callable[[Path], object]:
    """Return a change that installs a newer release of a package."""
    return lambda root: install(root, name, "9.9") if name == "shades" else _pretend(root, name)


def _pretend(root: Path, name: str) -> None:
    """Let a metadata folder that comes first on the import path claim another version."""
    write(
        site_packages(root) / f"{name}-9.9.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n"
    )


def reinstall_with_same_version(root: Path) -> None:
    """Install other files under the same version, as tox does with the project itself."""
    install(root, "ownpackage", "0.1", url='{"url": "file:///src", "archive_info": {}}', text="x = 1")


def rewrite_reference_database(root: Path) -> None:
    """Let the database that a revision reads have one row more."""
    with contextlib.closing(sqlite3.connect(root / "data/reference.sqlite")) as connection:
        connection.execute("insert into rates values (1)")
        connection.commit()


def move(root: Path) -> None:
    """Put the project, and the packages beside it, into another folder."""
    shutil.copytree(root.parent, root.parent.parent / "elsewhere")
    shutil.rmtree(root.parent)


def unix_to_windows(root: Path) -> None:
    """Check out with the other line ends."""
    for path in root.rglob("*"):
        if path.suffix in (".py", ".sql", ".csv", ".json", ".txt", ".ini", ".toml"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def touch_everything(root: Path) -> None:
    """Give every file another time."""
    for path in root.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def forget_byte_code(root: Path) -> None:
    """Remove every __pycache__."""
    for path in list(root.rglob("__pycache__")):
        shutil.rmtree(path)


def compile_everything(root: Path) -> None:
    """Write byte code for every file."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(root)], check=True)


def branches(root: Path) -> None:
    """Go to another branch, build there, and come back."""
    from templatedb import load

    path = root / "helpers/words.py"
    text = path.read_text()
    path.write_text("WORD = 'other branch'\n")
    load(root).golden().close()
    path.write_text(text)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table."""

    what: str
    do: Callable[[Path], object] = lambda root: None
    reasons: tuple[str, ...] = ()
    """All that ``templatedb explain`` must say; empty for a hit."""
    settings: str = ""
    """More lines of the settings table, from the beginning."""
    before: Callable[[Path], object] = lambda root: None
    """Done before the first build."""
    variables: dict[str, str] = dataclasses.field(default_factory=dict)
    """Environment variables of the second look."""
    code: str = ""
    """Run before the second look, in its process."""
    folder: str = "."
    """Where the second look is made from."""


def _row(what: str, *reasons: str, **rest: Any) -> Row:
    return Row(what=what, reasons=reasons, **rest)


def _changed(what: str, name: str, old: str, new: str, **rest: Any) -> Row:
    return _row(what, f"{name} changed", do=edit(name, old, new), **rest)


R2, R4, Z2 = (f"scripts/versions/{name}.py" for name in ("r2", "r4", "z2"))
CONVENTION = "app/conventions.py"
TABLE = "[tool.templatedb]"

MUST_REBUILD = [
    _changed("revision edited", R2, "row 2", "row two"),
    _row("revision edited, same size, same time", f"{R2} changed", do=edit_in_disguise),
    _row("revision renamed", f"{R2} renamed to {Z2}", do=rename(R2, Z2)),
    _row("revision added", f"{R4} added", do=add(R4, revision(4))),
    _row("revision deleted", f"{R4} removed", before=add(R4, revision(4)), do=delete(R4)),
    _row("`down_revision` reordered", f"{R2} changed", "scripts/versions/r3.py changed", do=reorder),
    _changed("`env.py` edited", "scripts/env.py", "pool.NullPool", "pool.StaticPool"),
    _row(
        "`[alembic]` option edited",
        "setting [alembic] sqlalchemy.url changed",
        do=edit("alembic.ini", "app.db", "my.db"),
    ),
    _changed("helper imported by a revision", "helpers/names.py", "* 2", "* 3"),
    _changed("helper of the helper", "helpers/words.py", "'a'", "'b'"),
    _changed("helper, its byte code warm", "helpers/words.py", "'a'", "'b'", before=compile_everything),
    _changed("model module imported by a revision", "app/colours.py", "'red'", "'blue'"),
    _changed("package around that module", "app/__init__.py", '"""App."""', '"""Application."""'),
    _changed("JSON read by a revision", "data/countries.json", "de", "it"),
    _changed("CSV read by a revision", "data/rates.csv", "1,2", "1,3"),
    _changed("SQL file read by a revision", "data/prices.sql", "price", "cost"),
    _changed("file read by `os.open`", "data/low.bin", "\x01", "\x02"),
    _changed("file read by `importlib.resources`", "library/data/units.csv", "kg", "lb"),
    _row("database read with `mode=ro`", "data/reference.sqlite changed", do=rewrite_reference_database),
    _row("new file in a globbed folder", "parts/b.txt added", do=add("parts/b.txt")),
    _row("file of a globbed folder gone", "parts/b.txt removed", before=add("parts/b.txt"), do=delete("parts/b.txt")),
    _row("new file in a listed folder", "parts/listed/two.txt added", do=add("parts/listed/two.txt")),
    _row("file looked for and absent, now there", "data/optional.json added", do=add("data/optional.json", "[]")),
    _row("module tried and absent, now there", "local_settings.py added", do=add("local_settings.py", "X = 1")),
    _changed("seed edited", "seeds/__init__.py", "insert into", "insert  into"),
    _changed("seed's helper", "seeds/people.py", "ada", "eve"),
    _row(
        "another seed",
        "more.py added",
        "setting seed changed",
        before=add("more.py", "def fill(connection): pass\n"),
        do=edit("pyproject.toml", '"seeds:fill"', '"seeds:fill", "more:fill"'),
    ),
    _changed("declared input edited", "declared/a.txt", "a", "b"),
    _row("declared input added", "declared/b.txt added", do=add("declared/b.txt")),
    _row("declared variable set", "environment variable REGION is set now", variables={"REGION": "eu"}),
    _row("Alembic's version", "alembic changed (*, now 9.9)", do=upgrade("alembic")),
    _row("SQLAlchemy's version", "sqlalchemy changed (*, now 9.9)", do=upgrade("sqlalchemy")),
    _row("SQLite's version", "sqlite changed (*, now 9.9)", code="import _sqlite3; _sqlite3.sqlite_version = '9.9'"),
    _row(
        "`revision` target", "setting revision changed", do=edit("pyproject.toml", TABLE, f'{TABLE}\nrevision = "r3"')
    ),
    _row(
        "naming convention", f"the naming convention in {CONVENTION} changed", do=edit(CONVENTION, "uq_%", "unique_%")
    ),
    _row("version of a package that a revision imports", "shades changed (1.0, now 9.9)", do=upgrade("shades")),
    _row(
        "the project's own package, installed again",
        "ownpackage changed (0.1, now with other files)",
        do=reinstall_with_same_version,
    ),
    _changed(
        'model of `env.py` edited, `track = "all"`', "app/models.py", '"orders"', '"order"', settings='track = "all"'
    ),
]

MUST_HIT = [
    _row("nothing done"),
    _row("unrelated module edited", before=add("other.py", "x = 1"), do=add("other.py", "x = 2")),
    _row("model edited that only `env.py` imports", do=edit("app/models.py", '"orders"', '"order"')),
    _row("module edited that only that model imports", do=edit("app/views.py", "orders", "ORDERS")),
    _row("comment in `script.py.mako`", do=edit("scripts/script.py.mako", "a template", "another")),
    _row("`touch`", do=touch_everything),
    _row("checkout in another folder", do=move),
    _row("other HOME and user", variables={"HOME": "/nowhere", "USER": "eve", "LOGNAME": "eve"}),
    _row("other working directory", folder="parts"),
    _row("other locale, TZ, PYTHONHASHSEED", variables={"LC_ALL": "C", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}),
    _row("CRLF checkout", do=unix_to_windows),
    _row("`__pycache__` removed", before=compile_everything, do=forget_byte_code),
    _row("byte code written", do=compile_everything),
    _row("branch A, B, A", do=branches),
    _row("logging section of `alembic.ini` edited", do=edit("alembic.ini", "level = WARN", "level = INFO")),
    _row("comment in `alembic.ini`", do=edit("alembic.ini", "[loggers]", "# a comment\n[loggers]")),
    _row("new file in the project's root", do=add("notes.txt")),
    _row("new file beside a helper", do=add("helpers/unused.py", "x = 1")),
    _row("new file that a glob does not match", do=add("parts/c.md")),
    _row("variable that is not declared", variables={"COLOUR": "red"}),
    _row("another table of `pyproject.toml`", do=edit("pyproject.toml", TABLE, f"[tool.other]\nx = 1\n\n{TABLE}")),
    _row("naming convention in other words", do=edit(CONVENTION, "CONVENTION = {", "# names\nCONVENTION = {\n   ")),
    _row("neighbour of the naming convention", do=edit(CONVENTION, "CONVENTION", "OTHER = 1\nCONVENTION")),
]
