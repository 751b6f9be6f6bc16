"""What parent and child tell each other: one order, then one line of JSON per event."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from templatedb.migrators import Migrator, Target, Way, from_fields, to_fields


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the child is to build."""

    migrator: Migrator
    target: Target
    replaced_urls: tuple[str, ...]
    """The URLs that the build's own stands in for: code that still has one of them means the same database."""

    def to_json(self) -> str:
        """Return the order as text for the child."""
        target = self.target
        facts = {
            "migrator": to_fields(self.migrator),
            "path": str(target.path),
            "root": str(target.root),
            "import_folders": [str(folder) for folder in target.import_folders],
            "way": target.way,
            "replaced_urls": self.replaced_urls,
        }
        return json.dumps(facts)

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Return the order that the parent wrote."""
        facts: dict[str, Any] = json.loads(text)
        target = Target(
            path=Path(facts["path"]),
            root=Path(facts["root"]),
            import_folders=tuple(Path(folder) for folder in facts["import_folders"]),
            way=Way(facts["way"]),
        )
        return cls(migrator=from_fields(facts["migrator"]), target=target, replaced_urls=tuple(facts["replaced_urls"]))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a build is."""

    done: int = 0
    total: int = 0
    """0 while unknown, and for migrators without revisions."""
    revision: str = ""
    name: str = ""
    """The first line of the revision's docstring."""
    ended: bool = False
    """The build is over, well or not: whoever shows a line takes it away."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A build that ran to its end; whether the file is any good is for `verify` to say."""

    revisions: int
    migration_s: float
    """Seconds of the migrations themselves, without starting Python and importing, which no test would repeat."""
    heads: tuple[str, ...]
    version_table: str | None
    """Name of the table that Alembic used, None when Alembic did not run."""
    asked_for: tuple[str, ...]
    """The databases that the project's own code asked for, before the redirect."""
    warnings: tuple[str, ...]
    revision_files: tuple[str, ...]
    """The files that Alembic really loaded, wherever env.py may have pointed it."""


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
    if facts.get("next_way") is not None:
        facts["next_way"] = Way(facts["next_way"])
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()})
