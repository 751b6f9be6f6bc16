"""The two-method interface of everything that turns an empty file into the wanted database, and who implements it."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from templatedb.inputs import Input, version
from templatedb.settings import MIGRATORS, Settings
from templatedb.steps import Steps
from templatedb.urls import driver_like

if TYPE_CHECKING:
    from templatedb.migrators.revisions import Revisions


class Migrator(Protocol):
    """What turns an empty SQLite file into the wanted database.

    Implementations are frozen dataclasses whose fields are strings: they travel to the build's process as JSON.
    """

    kind: ClassVar[str]

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield what decides the result, importing nothing; raise InputsError when nothing is found."""

    def migrate(self, target: Target, bench: Bench) -> Ledger | None:
        """Migrate the empty file of *target*; return where it records how far it is, None when it does not.

        Runs in the build's process only, behind its redirect and guard. Raises whatever the project's code raises, and
        BuildError for migrations that did not come to their end.
        """


class Way(enum.StrEnum):
    """How the file is offered to the project's code; all but the first are for projects that did not take that."""

    PLAIN = "plain"
    """As Alembic's command line does, with the driver that the replaced URL had."""
    CONNECTION = "connection"
    """With a connection in Alembic's ``config.attributes``."""
    ASYNC = "async"
    """With a URL that names the async driver."""
    SYNC = "sync"
    """With a URL that names no driver."""

    def driver(self, replaced: str | None) -> str:
        """Return the SQLAlchemy driver for a URL that stands in for *replaced*."""
        if self is Way.ASYNC:
            return "sqlite+aiosqlite"
        return "sqlite" if self is Way.SYNC else driver_like(replaced)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a migrator is to fill, and where it runs."""

    path: Path
    """The file to migrate; it does not exist yet."""
    root: Path
    """Folder of the settings, and the working directory."""
    import_folders: tuple[Path, ...]
    way: Way


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the build's process offers to a migrator while it works."""

    steps: Steps
    revisions: Revisions
    """What Alembic did in this process, whoever started it."""
    replaces: Callable[[str], None]
    """To be called with a URL that the build's own stands in for: code that still names it means the same database."""
    covers: Callable[[Path], None]
    """To be called with a configuration file whose options are inputs already, so that it does not count as a whole."""
    home: Mapping[str, str]
    """HOME and the like as they were outside: for programs that keep them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where a database records how far it was migrated, and what must stand there when all went well."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    """Sorted; compared whole with the columns' rows, in any order."""


@contextlib.contextmanager
def exits_only_in_failure() -> Iterator[None]:
    """Let code in the block end the process with success, as scripts do: the build goes on after the block."""
    try:
        yield
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise


def libraries() -> Iterator[Input]:
    """Yield the versions of what compiles and runs DDL: Alembic and SQLAlchemy."""
    from templatedb.migrators import versions

    for name in ("alembic", "sqlalchemy"):
        yield version(name, versions.installed(name))


_CLASSES = {
    "alembic": "Alembic",
    "sql": "SqlFolder",
    "metadata": "Metadata",
    "function": "Function",
    "command": "Command",
}
"""Each kind's module in this package, which is also its setting, and its class there."""


def _class_of(kind: str) -> Callable[..., Migrator]:
    found: Callable[..., Migrator] = getattr(importlib.import_module(f"{__name__}.{kind}"), _CLASSES[kind])
    return found


def from_settings(settings: Settings) -> Migrator:
    """Return the migrator that *settings* name; raises SettingsError when its value is of no use."""
    named = [(kind, value) for kind in MIGRATORS if (value := getattr(settings, kind)) is not None]
    kind, value = named[0] if named else ("alembic", "alembic.ini")
    return _class_of(kind)(value, **({"revision": settings.revision} if kind == "alembic" else {}))


def to_fields(migrator: Migrator) -> dict[str, Any]:
    """Return the migrator as JSON-ready fields, its kind included."""
    fields: Mapping[str, Any] = dataclasses.asdict(migrator)  # type: ignore[call-overload]  # a Protocol cannot require it
    return {"kind": migrator.kind, **fields}


def from_fields(fields: Mapping[str, Any]) -> Migrator:
    """Return the migrator that `to_fields` described."""
    rest = {name: value for name, value in fields.items() if name != "kind"}
    return _class_of(fields["kind"])(**rest)
