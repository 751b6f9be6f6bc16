"""The two-method interface of everything that turns an empty file into the wanted database, and who implements it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from templatedb.inputs import Input
from templatedb.settings import Settings
from templatedb.urls import driver_like


class Migrator(Protocol):
    """What turns an empty SQLite file into the wanted database.

    Implementations are frozen dataclasses whose fields are strings: they travel to the build's process as JSON.
    """

    kind: ClassVar[str]

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield what decides the result, importing nothing; raise InputsError when nothing is found."""

    def migrate(self, target: Target) -> None:
        """Migrate the empty file of *target*. Runs in the build's process only, behind its redirect and guard."""


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


def from_settings(settings: Settings) -> Migrator:
    """Return the migrator that *settings* name."""
    from templatedb.migrators.alembic import Alembic
    from templatedb.migrators.function import Function

    if settings.function is not None:
        return Function(settings.function)
    return Alembic(settings.alembic or "alembic.ini", revision=settings.revision)


def to_fields(migrator: Migrator) -> dict[str, Any]:
    """Return the migrator as JSON-ready fields, its kind included."""
    fields: Mapping[str, Any] = dataclasses.asdict(migrator)  # type: ignore[call-overload]  # a Protocol cannot require it
    return {"kind": migrator.kind, **fields}


def from_fields(fields: Mapping[str, Any]) -> Migrator:
    """Return the migrator that `to_fields` described."""
    from templatedb.migrators.alembic import Alembic
    from templatedb.migrators.function import Function

    rest = {name: value for name, value in fields.items() if name != "kind"}
    return Function(**rest) if fields["kind"] == Function.kind else Alembic(**rest)
