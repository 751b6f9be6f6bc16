"""How often a golden was used, and what that saved: counted for people, never needed for anything."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from time import sleep
from typing import NamedTuple

from templatedb.files import read_trusted
from templatedb.records import Key

FOLDER = "uses"
_TRIES = 25
_BETWEEN_TRIES_S = 0.002
_LIMIT_BYTES = 4096


class Uses(NamedTuple):
    """What all test runs on this machine had of one golden."""

    hits: int = 0
    """Runs that found it, whatever number of workers they had."""
    clones: int = 0
    saved_s: float = 0.0
    """Seconds of migrating that were saved: what the summary of each run says of this golden, added up."""
    last_run: str = ""

    @classmethod
    def of(cls, golden: Path, key: Key) -> Uses:
        """Return the counts of the golden at that path for a *key*; zeros when there are none that can be trusted.

        Two keys may lead to one golden: an edited comment builds the same bytes.
        """
        try:
            return cls.parsed(read_trusted(_path(golden, key)) or b"")
        except OSError:
            return cls()

    @classmethod
    def parsed(cls, data: bytes) -> Uses:
        """Return the counts in *data*; zeros when it is damaged."""
        try:
            facts = json.loads(data)
            return cls(int(facts["hits"]), int(facts["clones"]), float(facts["saved_s"]), str(facts["last_run"]))
        except (ValueError, TypeError, KeyError):
            return cls()


class Use:
    """What this process has of one golden."""

    def __init__(self, golden: Path, key: Key, *, is_hit: bool) -> None:
        """Count nothing yet; *is_hit* says whether the run found it."""
        self._path = _path(golden, key)
        self._is_hit = is_hit
        self.clones = 0
        self.saved_s = 0.0

    def note(self, run: str) -> None:
        """Add what was counted to the golden's uses; workers of one *run* are one hit.

        Adds nothing where the cache cannot be written or other processes are in the way: no run waits for this, or
        fails. Safe beside other processes; a write that is cut off costs the counts.
        """
        import fcntl

        with contextlib.suppress(OSError):
            descriptor = _opened(self._path)
            try:
                for _ in range(_TRIES):
                    with contextlib.suppress(BlockingIOError):
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        self._add(descriptor, run)
                        break
                    sleep(_BETWEEN_TRIES_S)
            finally:
                os.close(descriptor)

    def _add(self, descriptor: int, run: str) -> None:
        before = Uses.parsed(os.pread(descriptor, _LIMIT_BYTES, 0))
        is_first_of_run = run != before.last_run
        after = Uses(
            hits=before.hits + (self._is_hit and is_first_of_run),
            clones=before.clones + self.clones,
            saved_s=round(before.saved_s + self.saved_s, 3),
            last_run=run,
        )
        data = json.dumps(after._asdict()).encode()
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))


def noted_at(golden: Path, key: Key) -> float:
    """Return when the golden's uses were last noted, at the end of a test run; 0 where none were."""
    try:
        return _path(golden, key).stat().st_mtime
    except OSError:
        return 0.0


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700)
        return os.open(path, flags, 0o600)


def _path(golden: Path, key: Key) -> Path:
    return golden.parent.parent / FOLDER / f"{key}.{golden.stem}.json"
