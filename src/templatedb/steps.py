"""How far a migrator is: which step runs now, how many are left, how long they took."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import Callable
from pathlib import Path


class StepKind(enum.StrEnum):
    """What one step is, as messages call it."""

    MIGRATION = "migration"
    TABLE = "table"
    SEED = "seed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a migrator does, and that can fail."""

    kind: StepKind
    identity: str
    """Such as a revision or the version of an SQL file."""
    name: str = ""
    """What it is for, in the words of its author; may be empty."""
    path: Path | None = None
    """The file to correct when it fails."""

    def __str__(self) -> str:
        """Name the step in a message, such as ``migration 0042 (add users)``."""
        return f"{self.kind} {self.identity}{f' ({self.name})' if self.name else ''}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a build is, for whoever waits for it."""

    done: int = 0
    total: int = 0
    """0 while unknown, and for migrators without steps."""
    step: str = ""
    """The step that runs, as `Step` names itself; empty between steps."""
    identity: str = ""
    name: str = ""
    ended: bool = False
    """The build is over, well or not: whoever shows a line takes it away."""


@dataclasses.dataclass(slots=True)
class Steps:
    """The steps of one build. A step that raised stays `current`: that is how a failure gets its name."""

    tell: Callable[[Progress], None] = lambda progress: None
    done: int = 0
    total: int = 0
    migrations: int = 0
    """How many of the steps done were migrations."""
    seconds: float = 0.0
    """How long the steps took."""
    current: Step | None = None
    _began: float = 0.0

    @property
    def is_inside(self) -> bool:
        """Whether a migration or a seed runs now: what it reads and writes is its own."""
        return self.current is not None and self.current.kind is not StepKind.TABLE

    def expect(self, count: int) -> None:
        """Say that *count* more steps are coming."""
        self.total = self.done + count

    def begin(self, step: Step) -> None:
        """Say that *step* runs now."""
        self.current, self._began = step, time.perf_counter()
        self._report()

    def end(self) -> None:
        """Say that the current step is done."""
        if self.current is not None:
            self.migrations += self.current.kind is StepKind.MIGRATION
            self.done += 1
            self.seconds += time.perf_counter() - self._began
        self.current = None
        self._report()

    def _report(self) -> None:
        current = self.current
        self.tell(
            Progress(
                done=self.done,
                total=self.total,
                step=str(current or ""),
                identity=current.identity if current else "",
                name=current.name if current else "",
            )
        )
