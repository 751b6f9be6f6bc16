"""What parent and child tell each other: one order, then one line of JSON per event."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from templatedb.migrators import Migrator, from_fields, to_fields
from templatedb.migrators.bench import Ledger, Target, Way
from templatedb.records import Track
from templatedb.steps import Progress

GIVEN = "the file it was given"
"""What is said instead of the path of the build's file, which nobody knows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the child is to build."""

    migrator: Migrator
    target: Target
    replaced_urls: tuple[str, ...]
    """The URLs that the build's own stands in for: code that still has one of them means the same database."""
    seed: tuple[str, ...] = ()
    models: str | None = None
    """What to compare the finished database with; None: nothing."""
    track: Track = Track.MIGRATIONS
    relative_folders: tuple[str, ...] = ()
    """The import folders that the settings name relative to the root."""
    declared: tuple[str, ...] = ()
    """Files that are in the key already."""
    home: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """HOME and the like as they are outside of the build."""

    def to_json(self) -> str:
        """Return the order as text for the child."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        target = dataclasses.asdict(self.target)
        facts["target"] = {name: str(value) for name, value in target.items() if name != "import_folders"}
        facts["target"]["import_folders"] = [str(folder) for folder in self.target.import_folders]
        return json.dumps({**facts, "migrator": to_fields(self.migrator), "home": dict(self.home)})

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Return the order that the parent wrote."""
        facts: dict[str, Any] = json.loads(text)
        where = facts.pop("target")
        target = Target(
            path=Path(where["path"]),
            root=Path(where["root"]),
            import_folders=tuple(Path(folder) for folder in where["import_folders"]),
            way=Way(where["way"]),
        )
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()
        }
        plain |= {"migrator": from_fields(facts["migrator"]), "target": target, "track": Track(facts["track"])}
        return cls(**plain)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A build that ran to its end; whether the file is any good is for `verify` to say."""

    revisions: int
    migration_s: float
    """Seconds of the migrations themselves, without starting Python and importing, which no test would repeat."""
    heads: tuple[str, ...]
    version_table: str | None
    """Name of the table in which the migrator, or Alembic, records how far it is; None when there is none."""
    ledger: Ledger | None
    """What must stand in that table; None when only the project's own code knows."""
    asked_for: tuple[str, ...]
    """The databases that the project's own code asked for, before the redirect."""
    warnings: tuple[str, ...]
    """Lines that each hit repeats."""
    notices: tuple[str, ...]
    """Lines for the run that builds alone."""
    discovered: dict[str, str]
    """What counts of what the build read, as the manifest keeps it."""
    untracked: tuple[str, ...]
    home: tuple[str, ...]
    edited: tuple[str, ...]
    """Names of inputs that were edited while the build ran."""
    written: tuple[str, ...]
    """Names of what the build left outside of its database."""
    programs: tuple[str, ...]
    """Programs that the project's code started."""
    drift: str
    """The operations that would lead from the database to the models, as code; empty when there are none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A build that did not run to its end."""

    what: str
    remedy: str
    revision: str | None
    traceback: str
    next_way: Way | None
    """Nothing ran, and this way is worth a try in a fresh process."""


Event = Progress | Done | Failed
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in (Progress, Done, Failed)}


def to_line(event: Event) -> bytes:
    """Return *event* as one line."""
    return json.dumps({"event": type(event).__name__, **dataclasses.asdict(event)}).encode() + b"\n"


def from_line(line: bytes) -> Event:
    """Return the event of one *line* that `to_line` wrote."""
    facts: dict[str, Any] = json.loads(line)
    kind: Callable[..., Event] = _KINDS[facts.pop("event")]
    if (ledger := facts.get("ledger")) is not None:
        rows = tuple(tuple(row) for row in ledger["rows"])
        facts["ledger"] = Ledger(table=ledger["table"], columns=tuple(ledger["columns"]), rows=rows)
    if facts.get("next_way") is not None:
        facts["next_way"] = Way(facts["next_way"])
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()})
