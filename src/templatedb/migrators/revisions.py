"""Follow Alembic from inside: which revision runs, how many are left, where the database stands at the end.

Watches `MigrationContext.run_migrations`, which every way of running Alembic comes through: its command, Flask-Migrate,
an application factory that upgrades itself.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from templatedb.steps import Step, StepKind, Steps

_SEVERAL = 2


@dataclasses.dataclass(slots=True)
class Revisions:
    """What Alembic has done in this process so far."""

    steps: Steps
    on_run: Callable[[], None] = lambda: None
    """Called before the first revision of each run, from below the code that started it."""
    heads: tuple[str, ...] = ()
    version_table: str | None = None
    """That of the last run."""
    version_tables: set[str] = dataclasses.field(default_factory=set)
    """Those of all runs."""
    script: Any = None
    """The ScriptDirectory as env.py left it."""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What env.py passed to ``context.configure``, target_metadata included."""
    asked_for_connection: bool = False

    def install(self) -> None:
        """Watch all migrations of this process from now on."""
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext

        original = MigrationContext.run_migrations

        def run_migrations(context: MigrationContext, **options: Any) -> None:
            steps = context._migrations_fn
            if steps is not None and not context.as_sql:
                context._migrations_fn = lambda heads, ctx: self._follow(steps(heads, ctx), ctx)
            original(context, **options)

        MigrationContext.run_migrations = run_migrations  # type: ignore[method-assign,assignment]
        Config.attributes = property(self._attributes_of, self._replace_attributes)  # type: ignore[assignment,method-assign]

    def _attributes_of(self, config: Any) -> dict[str, Any]:
        found: dict[str, Any] = config.__dict__.setdefault("_templatedb_attributes", _Attributes(self))
        return found

    def _replace_attributes(self, config: Any, values: dict[str, Any]) -> None:
        attributes = self._attributes_of(config)
        attributes.clear()
        attributes.update(values)

    def _follow(self, scripts: Iterable[Any], context: Any) -> Iterator[Any]:
        listed = list(scripts)
        self.steps.expect(len(listed))
        self.on_run()
        for script in listed:
            self.steps.begin(_step(getattr(script, "revision", None)))
            yield script
            # Alembic comes back for the next step only when this one is applied and recorded.
            self.steps.end()
        self.heads = tuple(sorted(context.get_current_heads()))
        self.version_table, self.options = context.version_table, dict(context.opts)
        self.version_tables.add(context.version_table)
        environment = getattr(context, "environment_context", None)
        self.script = environment.script if environment is not None else None

    def missing(self, target: str) -> list[str]:
        """Return the revisions that an upgrade to *target* would still run; empty when the database is there."""
        if self.script is None or target.startswith(("+", "-")) or "+" in target:
            return []
        return [step.revision.revision for step in self.script._upgrade_revs(target, self.heads)]

    def heads_by_accident(self) -> tuple[str, ...]:
        """Return the heads where there are several, and not each has a branch label that no other has."""
        if self.script is None or len(self.heads) < _SEVERAL:
            return ()
        labels = [self.script.get_revision(head).branch_labels for head in self.heads]
        are_wanted = all(labels) and len(set().union(*labels)) == sum(map(len, labels))
        return () if are_wanted else self.heads

    def files(self) -> tuple[str, ...]:
        """Return the files of all revisions that Alembic loaded."""
        if self.script is None:
            return ()
        return tuple(sorted(str(script.path) for script in self.script.walk_revisions()))


def _step(script: Any) -> Step:
    if script is None:
        return Step(kind=StepKind.MIGRATION, identity="without a revision")
    doc, path = (script.doc or "").strip(), Path(script.path)
    return Step(kind=StepKind.MIGRATION, identity=script.revision, name=doc, path=path)


class Missing(NamedTuple):
    """A revision that another one names, and that no file has."""

    revision: str
    path: Path
    """The file of the one that names it."""
    named_in: str
    """The variable of that file."""


def missing_from_history(error: BaseException) -> Missing | None:
    """Return what is missing where *error* is the KeyError with which Alembic gives up on a history; else None.

    Alembic warns of the revisions, by their identifiers; their files are known to the frames that raised.
    """
    if not isinstance(error, KeyError) or not error.args:
        return None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if Path(frame.f_code.co_filename).parts[-3:] != ("alembic", "script", "revision.py"):
            continue
        for script in (value for value in frame.f_locals.values() if hasattr(value, "path")):
            for attribute, variable in (("down_revision", "down_revision"), ("dependencies", "depends_on")):
                named = getattr(script, attribute, None)
                if error.args[0] in (named if isinstance(named, tuple | list) else (named,)):
                    return Missing(error.args[0], Path(script.path), variable)
    return None


class _Attributes(dict[str, Any]):
    """Alembic's ``config.attributes``, remembering whether a connection was looked for and not found."""

    def __init__(self, revisions: Revisions) -> None:
        super().__init__()
        self._revisions = revisions

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        self._note(name)
        return super().pop(name, *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().setdefault(name, default)

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def _note(self, name: object) -> None:
        if name == "connection":
            self._revisions.asked_for_connection = True
