"""The lines that people read: what became of each golden, how many clones, what was saved."""

# Annotations are no texts here: typing compiles each text of a NamedTuple, which costs a warm start a millisecond.

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from templatedb.records import Key, Manifest, Outcome

if TYPE_CHECKING:
    from templatedb.steps import Progress


CHANGED_BY_TEST = "changed by the test, against the golden:"
"""The first line of what a failed test's report says of it."""


class Status(NamedTuple):
    """What became of one golden in one process."""

    key: Key
    outcome: Outcome
    revisions: int
    size_bytes: int
    built_at: float
    duration_s: float
    source: str = ""
    """What it was built from, shown where a run has more than one golden."""
    reason: str = ""
    """Why it was built."""

    @classmethod
    def of(cls, manifest: Manifest, outcome: Outcome, *, source: str = "", reason: str = "") -> Self:
        """Return the status of a golden with that manifest."""
        return cls(
            source=source,
            reason=reason,
            key=manifest.key,
            outcome=outcome,
            revisions=manifest.revisions,
            size_bytes=manifest.size_bytes,
            built_at=manifest.built_at,
            duration_s=manifest.duration_s,
        )

    def of_run(self, began: float) -> Self:
        """Return the status as a whole run tells it: what a colleague built since it *began* was built by the run."""
        is_the_runs = self.outcome is Outcome.WAITED and self.built_at >= began
        return self._replace(outcome=Outcome.BUILT) if is_the_runs else self

    @property
    def line(self) -> str:
        """One line, such as ``golden 3f9c2a1b hit (43 revisions, 228 kB, built 2 d ago)``."""
        facts = [self.reason] if self.reason else []
        facts += [count(self.revisions, "revision")] if self.revisions else []
        facts.append(size(self.size_bytes))
        if self.outcome is Outcome.HIT:
            facts.append(f"built {age(time.time() - self.built_at)} ago")
        took = duration(self.duration_s)
        what = {
            Outcome.HIT: "hit",
            Outcome.WAITED: f"built in {took} by another process",
            Outcome.BUILT: f"built in {took}",
            Outcome.PRIVATE: f"built privately in {took}",
        }[self.outcome]
        return f"golden {self.key.short} {what} ({', '.join(facts)})"


class Tally:
    """What one pytest process did; adds up over workers."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.statuses: dict[Key, Status] = {}
        self.clone_costs_us: dict[str, list[int]] = {}
        """Way of cloning: microseconds of each clone."""
        self.saved_s = 0.0
        """Seconds that migrating for each clone would have taken, less what building and cloning took in this run."""
        self.notices: list[str] = []
        self.failures: list[str] = []
        """The whole report of each golden that could not be had."""

    def to_json(self) -> str:
        """Return the tally as text: execnet sends plain types only."""
        return json.dumps({**vars(self), "statuses": [status._asdict() for status in self.statuses.values()]})

    def add(self, text: str) -> None:
        """Add what another process's tally gave by `to_json`."""
        plain: dict[str, Any] = json.loads(text)
        for fields in plain["statuses"]:
            key, outcome = Key(fields["key"]), Outcome(fields["outcome"])
            self.note(Status(**{**fields, "key": key, "outcome": outcome}))
        for way, costs in plain["clone_costs_us"].items():
            self.clone_costs_us.setdefault(way, []).extend(costs)
        self.saved_s += plain["saved_s"]
        self.notices += [line for line in plain["notices"] if line not in self.notices]
        self.failures += [report for report in plain["failures"] if report not in self.failures]

    def note(self, status: Status) -> None:
        """Take in the status of a golden; what one process built, the others of the run only waited for."""
        rank = (Outcome.HIT, Outcome.WAITED, Outcome.PRIVATE, Outcome.BUILT).index
        known = self.statuses.get(status.key)
        if known is None or rank(status.outcome) > rank(known.outcome):
            self.statuses[status.key] = status

    def lines(self) -> list[str]:
        """Return the summary, empty when nothing of templatedb was used."""
        several = len(self.statuses) > 1
        lines = [
            f"templatedb: {status.line}{f' from {status.source}' if several and status.source else ''}"
            for status in self.statuses.values()
        ]
        costs = [cost for way in self.clone_costs_us.values() for cost in way]
        if costs:
            ways = ", ".join(f"{len(some):,} {way}" for way, some in sorted(self.clone_costs_us.items()))
            lines.append(
                f"templatedb: {count(len(costs), 'clone')} ({ways}), median {median(costs) / 1000:.2f} ms"
                + (f"; saved about {duration(self.saved_s)} of migrating in this run" if self.saved_s >= 0.1 else "")
            )
        return lines + [f"templatedb: {line}" for line in self.notices]


def median(values: Sequence[float]) -> float:
    """Return the median of one value or more: importing ``statistics`` takes longer than a clone."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[~middle]) / 2


def count(number: int, thing: str) -> str:
    """Return such as ``1 clone`` or ``2 clones``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Return such as ``228 kB``."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"


def duration(seconds: float) -> str:
    """Return such as ``2.31 s``, ``1 min 12 s`` or ``3 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def age(seconds: float) -> str:
    """Return such as ``40 s``, ``5 min``, ``3 h`` or ``2 d``."""
    for limit, divisor, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{max(0.0, seconds) // divisor:.0f} {unit}"
    return f"{seconds // 86400:.0f} d"


class ProgressLine:
    """One line on a terminal that is rewritten while a build runs, and taken away when it ends."""

    def __init__(self) -> None:
        """Have nothing on the terminal yet."""
        self._width = 0

    def update(self, progress: "Progress", elapsed_s: float) -> str:
        """Return what to write, such as ``templatedb: building golden 12/43 add users (3 s)``, over the line before."""
        line = "" if progress.ended else progress_line(progress, elapsed_s)
        text = "\r" + " " * self._width + "\r" + line if self._width or line else ""
        self._width = len(line)
        return text


def progress_line(progress: "Progress", elapsed_s: float) -> str:
    """Return such as ``templatedb: building golden 12/43 add users (3 s)``."""
    steps = f" {min(progress.done + 1, progress.total)}/{progress.total}" if progress.total else ""
    name = f" {progress.name}" if progress.name else ""
    return f"templatedb: building golden{steps}{name} ({elapsed_s:.0f} s)"
