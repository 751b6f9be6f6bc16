"""Frozen values that the other modules pass to each other: Key, Manifest, Outcome, CloneKind, Keep, Severity."""

# Annotations are no texts here: typing compiles each text of a NamedTuple, which costs a warm start a millisecond.

import enum
import hashlib
import json
from typing import Any, NamedTuple, Self

MANIFEST_FORMAT = 1
"""Version of the manifest's fields. A reader that finds another number has a miss, and leaves the file alone."""


class Key(str):
    """The migration checksum: ``templatedb1-`` and the SHA-256 of all declared inputs in hexadecimal."""

    __slots__ = ()
    PREFIX = "templatedb1-"

    @property
    def short(self) -> str:
        """The first eight digits: enough to tell goldens apart in a message."""
        return self.removeprefix(self.PREFIX)[:8]


class Outcome(enum.StrEnum):
    """How a golden was come by."""

    HIT = "hit"
    """It was there."""
    WAITED = "waited"
    """Another process or thread built it while this one waited for the lock."""
    BUILT = "built"
    """It was built and published."""
    PRIVATE = "private"
    """It was built for this process alone, because the cache could not be used or an input changed meanwhile."""


class CloneKind(enum.StrEnum):
    """Where the private database of a test lives."""

    FILE = "file"
    MEMORY = "memory"


class Keep(enum.StrEnum):
    """Which tests leave their database behind."""

    FAILED = "failed"
    ALL = "all"
    NONE = "none"


class Track(enum.StrEnum):
    """Which of the files that a build read, beyond the declared ones, count."""

    MIGRATIONS = "migrations"
    """What revisions and seeds imported or opened."""
    ALL = "all"
    """Every file of the project."""


class Severity(enum.StrEnum):
    """What a finding of a check leads to."""

    ERROR = "error"
    WARN = "warn"
    OFF = "off"


class Manifest(NamedTuple):
    """The record of one finished build."""

    key: Key
    digest: str
    """SHA-256 of the golden file, hexadecimal; also its name in the cache."""
    size_bytes: int
    built_at: float
    """Seconds since the epoch; shown to people, and compared only with ``--rebuild``'s moment on the same machine."""
    duration_s: float
    """Seconds of the whole build."""
    migration_s: float
    """Seconds of the migrations alone: what a test would pay to migrate for itself."""
    revisions: int
    """How many revisions the build ran; 0 where the migrator has none."""
    heads: tuple[str, ...]
    journal_mode: str
    """The mode that the migrations left. The published file is always in DELETE mode."""
    versions: dict[str, str]
    discovered: dict[str, str]
    """What the build read beyond the declared inputs: name and digest."""
    inputs: dict[str, str]
    """A short digest of each declared input, by a name for people."""
    warnings: tuple[str, ...] = ()
    project: str = ""
    """Folder of the settings on the machine that built it: to tell what changed since, never to decide."""

    def to_json(self) -> bytes:
        """Return the manifest as the bytes that stand on disk."""
        facts = {"format": MANIFEST_FORMAT, **self._asdict()}
        return json.dumps(facts, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Self | None:
        """Return the manifest, or None when *data* is damaged or of another format: a miss, never an error.

        Unknown fields are passed over, so that a newer release of the same format may add some.
        """
        try:
            facts: dict[str, Any] = json.loads(data)
            if facts.get("format") != MANIFEST_FORMAT:
                return None
            known: dict[str, Any] = {"discovered": {}, "inputs": {}}
            known |= {name: value for name, value in facts.items() if name in cls._fields}
            known["key"] = Key(known["key"])
            known["heads"] = tuple(known["heads"])
            known["warnings"] = tuple(known.get("warnings", ()))
            found = cls(**known)
            plain = all(isinstance(text, str) for pair in found.discovered.items() for text in pair)
            digits = plain and len(found.digest) == 64 and set(found.digest) <= set("0123456789abcdef")
            # The digest becomes a file name: anything but digits could lead out of the cache.
            return found if digits and isinstance(found.size_bytes, int) else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    @property
    def fingerprint(self) -> str:
        """Sixteen digits that name this very manifest, for caches that never overwrite a name."""
        return hashlib.sha256(self.to_json()).hexdigest()[:16]
