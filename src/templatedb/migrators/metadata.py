"""SQLAlchemy metadata: ``create_all``, for projects without migrations."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from templatedb.errors import BuildError, SettingsError
from templatedb.inputs import Input, setting
from templatedb.migrators import libraries, objects
from templatedb.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from templatedb.migrators.bench import Bench, Ledger, Target
    from templatedb.steps import Steps


@dataclasses.dataclass(frozen=True, slots=True)
class Metadata:
    """The tables of ``"package.module:Base.metadata"``; a declarative base, or what has ``.metadata``, does as well."""

    kind: ClassVar[str] = "metadata"
    target: str | type
    folder: str = dataclasses.field(default="", kw_only=True)
    """Import folder of a base given as an object."""

    def __post_init__(self) -> None:
        """Turn a declarative base into its name; raise SettingsError for what cannot be imported by name."""
        if not isinstance(self.target, str):
            target, folder = objects.name_of(self.target, "metadata")
            object.__setattr__(self, "target", target)
            object.__setattr__(self, "folder", folder)
        objects.refuse_other_than_names(self.target, "metadata")

    def __str__(self) -> str:
        """Name the metadata."""
        return str(self.target)

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield the name, the source file of its module, and the library versions.

        Raises InputsError when the module cannot be found. Models imported from elsewhere are discovered by the build.
        """
        yield setting("metadata", str(self.target))
        yield from libraries()
        yield objects.input_of(str(self.target), "metadata", settings, self.folder)

    def migrate(self, target: Target, bench: Bench) -> Ledger | None:
        """Create every table. Raises BuildError when the metadata has none, SettingsError when it is none."""
        from sqlalchemy import create_engine, pool

        from templatedb.urls import sqlite_url

        metadata = metadata_of(objects.load(str(self.target), "metadata", self.folder), str(self.target), "metadata")
        if not metadata.tables:
            raise BuildError(
                what=f"metadata {self.target!r} has no tables",
                remedy="Name a module that imports the modules of all models.",
            )
        _report_tables(metadata, bench.steps)
        engine = create_engine(sqlite_url(target.path), poolclass=pool.NullPool)
        metadata.create_all(engine)
        engine.dispose()
        return None


def metadata_of(found: Any, target: str, setting_name: str) -> MetaData:
    """Return *found* itself if it is MetaData, else its ``metadata``; raises SettingsError when that is none."""
    from sqlalchemy import MetaData

    for candidate in (found, getattr(found, "metadata", None)):
        if isinstance(candidate, MetaData):
            return candidate
    raise SettingsError(
        what=f"{setting_name} {target!r} is not SQLAlchemy metadata, but {objects.described(found)}",
        remedy='Write it as "package.module:Base.metadata".',
        key=setting_name,
        value=target,
    )


def _report_tables(metadata: MetaData, steps: Steps) -> None:
    from sqlalchemy import event

    from templatedb.steps import Step, StepKind

    steps.expect(len(metadata.tables))
    for table in metadata.tables.values():
        step = Step(kind=StepKind.TABLE, identity=table.name)
        event.listen(table, "before_create", lambda *_where, _step=step, **_how: steps.begin(_step))
        event.listen(table, "after_create", lambda *_where, **_how: steps.end())
