"""Follow Alembic from inside: which revision runs, how many are left, where the database stands at the end.

Watches `MigrationContext.run_migrations`, which every way of running Alembic comes through: its command, Flask-Migrate,
an application factory that upgrades itself.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from templatedb.build.messages import Progress


@dataclasses.dataclass(slots=True)
class Revisions:
    """What Alembic has done in this process so far."""

    tell: Callable[[Progress], None]
    done: int = 0
    total: int = 0
    current: Any = None
    """The Script that is running, None between revisions."""
    heads: tuple[str, ...] = ()
    version_table: str | None = None
    script: Any = None
    """The ScriptDirectory as env.py left it."""
    asked_for_connection: bool = False
    seconds: float = 0.0
    """How long the revisions took."""

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

    def _follow(self, steps: Iterable[Any], context: Any) -> Iterator[Any]:
        listed = list(steps)
        self.total = self.done + len(listed)
        started = time.perf_counter()
        for step in listed:
            self.current = getattr(step, "revision", None)
            self.tell(self._progress())
            yield step
            # Alembic comes back for the next step only when this one is applied and recorded.
            self.current = None
            self.done += 1
        self.seconds += time.perf_counter() - started
        self.tell(self._progress())
        self.heads = tuple(sorted(context.get_current_heads()))
        self.version_table = context.version_table
        environment = getattr(context, "environment_context", None)
        self.script = environment.script if environment is not None else None

    def _progress(self) -> Progress:
        current = self.current
        return Progress(
            done=self.done,
            total=self.total,
            revision=current.revision if current else "",
            name=(current.doc or "").strip() if current else "",
        )

    def missing(self, target: str) -> list[str]:
        """Return the revisions that an upgrade to *target* would still run; empty when the database is there."""
        if self.script is None or target.startswith(("+", "-")) or "+" in target:
            return []
        return [step.revision.revision for step in self.script._upgrade_revs(target, self.heads)]

    def files(self) -> tuple[str, ...]:
        """Return the files of all revisions that Alembic loaded."""
        if self.script is None:
            return ()
        return tuple(sorted(str(script.path) for script in self.script.walk_revisions()))


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
