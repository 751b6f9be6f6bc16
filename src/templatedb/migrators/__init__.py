"""The two-method interface of everything that turns an empty file into the wanted database, and who implements it."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from templatedb.inputs import Input, version
from templatedb.settings import MIGRATORS, Settings

if TYPE_CHECKING:
    from templatedb.migrators.bench import Bench, Ledger, Target


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
