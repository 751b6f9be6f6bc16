"""What goes from a cache, and that nobody who uses it is hurt.

Whoever uses a golden has it open, so removing it would take nothing from him; it stays nevertheless, so that the next
process of the same run does not build it again. No lock is waited for, and no lock file is unlinked.
"""

from __future__ import annotations

import contextlib
import enum
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from templatedb.cache import Cache
from templatedb.errors import CacheError, words_of
from templatedb.files import open_trusted
from templatedb.inventory import take
from templatedb.leftovers import File, Kind, Why, leftovers
from templatedb.limits import NOTHING_STAYS, Doomed, Limits, doomed_groups
from templatedb.lock import Taken, taken
from templatedb.records import Key
from templatedb.settings import Settings

_AFTER_BUILD_S = 0.5
_MAY_BE_USED_S = 86400.0
"""Where locks cannot tell, what was used later than this counts as in use."""


class Doing(enum.Enum):
    """Whether a prune removes, or tells only what it would remove."""

    REMOVE = enum.auto()
    TELL = enum.auto()


class Removed(NamedTuple):
    """One thing that is gone, or would be."""

    kind: Kind
    file: File
    why: Why
    keys: tuple[Key, ...] = ()
    """Of a golden: the keys that led to it."""
    unused_s: float = 0.0
    """How long ago it was used last; of what is no golden and no manifest: written."""


class Report(NamedTuple):
    """What a prune did."""

    removed: tuple[Removed, ...]
    in_use: int
    """Goldens that stay only because somebody uses them."""
    kept: int
    """All goldens that are left, and their bytes."""
    kept_bytes: int
    faults: tuple[str, ...]
    """What could not be removed and why, one line each."""


class OutOfTimeError(Exception):
    """The time that a prune was given is over; what it did until then is done and right."""


def prune(
    cache: Cache,
    limits: Limits,
    *,
    keep: Collection[str] = (),
    memory: Path | None = None,
    doing: Doing = Doing.REMOVE,
    now: float | None = None,
    check: Callable[[], None] = lambda: None,
) -> Report:
    """Remove from *cache* what is beyond the *limits*, broken or left behind; safe beside anything, at any time.

    Goldens with a digest in *keep* stay. Left-over slots in the *memory* folder go, too. *now* is for tests; the
    filesystem's clock is what counts. *check* is called again and again and may raise, which ends the prune.
    Raises CacheError for a cache that cannot be written, OSError for one that cannot be read.
    """
    manifests = cache.folder("manifests")
    if doing is Doing.REMOVE and manifests.exists() and not os.access(manifests, os.W_OK):
        raise CacheError(
            what=f"the cache {cache.root} cannot be written: nothing was removed",
            remedy="Prune it as the user that it belongs to, where it is not mounted read-only.",
            path=cache.root,
        )
    work = _Work(cache, doing, _clock_of(cache) if now is None else now, check)
    inventory = take(cache, now=work.now, check=check)
    for doomed in doomed_groups(inventory, limits, keep, work.now):
        check()
        work.remove_group(doomed)
    for manifest in inventory.damaged:
        work.remove_damaged_manifest(manifest)
    gone = {removed.file.path for removed in work.removed}
    kept = [one.golden for one in inventory.groups if one.golden is not None and one.golden.path not in gone]
    kept_bytes = sum(golden.size_bytes for golden in kept)
    room_bytes = limits.size_bytes - kept_bytes
    why_old = Why.EVERYTHING if limits == NOTHING_STAYS else Why.UNUSED
    for left in leftovers(
        cache, now=work.now, max_age_s=limits.age_s, room_bytes=room_bytes, why_old=why_old, memory=memory
    ):
        check()
        unused_s = max(0.0, work.now - left.file.modified_at)
        work.remove(Removed(left.kind, left.file, left.why, unused_s=unused_s))
    return Report(tuple(work.removed), work.in_use, len(kept), kept_bytes, tuple(work.faults))


def prune_after_build(cache: Cache, settings: Settings, digest: str, notice: Callable[[str], None]) -> None:
    """Keep *cache* within the limits of the *settings* in little time, without the golden *digest*; never raises."""
    # By a clock that tests cannot stop, as they can those of the time module's other functions.
    ends_at = time.clock_gettime(time.CLOCK_MONOTONIC) + _AFTER_BUILD_S

    def check() -> None:
        if time.clock_gettime(time.CLOCK_MONOTONIC) > ends_at:
            raise OutOfTimeError

    try:
        prune(cache, Limits.of(settings), keep=(digest,), check=check)
    except OutOfTimeError:
        notice(f"the cache {cache.root} holds more than can be looked through in passing: run templatedb prune")
    except Exception as error:  # the golden is there: whatever is wrong here must not cost it
        reason = words_of(error) if isinstance(error, OSError) else error
        notice(f"the cache {cache.root} was not pruned: {reason}; run templatedb prune to try again")


def _clock_of(cache: Cache) -> float:
    """Return the filesystem's present: last uses are dated by it, and no test can stop it."""
    folder = cache.folder("builds")  # the time of that folder itself means nothing
    try:
        os.utime(folder)
        return folder.stat().st_mtime
    except OSError:
        return time.time()


class _Work:
    """The removals of one prune, counted."""

    def __init__(self, cache: Cache, doing: Doing, now: float, check: Callable[[], None]) -> None:
        self.now = now
        self.removed: list[Removed] = []
        self.faults: list[str] = []
        self.in_use = 0
        self._cache = cache
        self._doing = doing
        self._check = check

    def remove_group(self, doomed: Doomed) -> None:
        """Remove manifests, then their golden, unless somebody has it open or builds for one of the keys."""
        group, golden = doomed.group, doomed.group.golden
        keys = tuple(sorted({record.key for record in doomed.records}))
        unused_s = self.now - group.used_at(self.now)
        with self._alone(golden, keys) as found:
            is_free = found is Taken.YES or (found is Taken.UNKNOWN and unused_s >= _MAY_BE_USED_S)
            seen = [record.file for record in doomed.records] + ([golden] if golden is not None else [])
            if not is_free or any(_was_touched(file) for file in seen):
                self.in_use += golden is not None
                return
            if doomed.takes_golden and golden is not None:
                # One line for both: the manifests are nothing without it.
                if all(self._unlink(record.file) for record in doomed.records):
                    self.remove(Removed(Kind.GOLDEN, golden, doomed.why, keys, unused_s))
            else:
                for record in doomed.records:
                    self.remove(Removed(Kind.MANIFEST, record.file, doomed.why, (record.key,), unused_s))
            if found is Taken.YES:
                self._remove_empty_folders(keys)

    def remove_damaged_manifest(self, manifest: File) -> None:
        """Remove a manifest that nothing can be read from, unless its key is being built."""
        key = Key(manifest.path.parent.name)
        with self._alone(None, (key,)) as found:
            if found is not Taken.BUSY:
                self.remove(Removed(Kind.MANIFEST, manifest, Why.UNREADABLE, (key,)))
            if found is Taken.YES:
                self._remove_empty_folders((key,))

    def _remove_empty_folders(self, keys: tuple[Key, ...]) -> None:
        """Remove the folders of manifests that have none; under their locks, or a publisher would miss his."""
        if self._doing is Doing.REMOVE:
            for key in keys:
                with contextlib.suppress(OSError):  # other manifests are in it
                    self._cache.manifest_folder(key).rmdir()

    @contextlib.contextmanager
    def _alone(self, golden: File | None, keys: tuple[Key, ...]) -> Iterator[Taken]:
        """Keep others from the *golden* and from building for the *keys* during the block, as far as can be had."""
        with contextlib.ExitStack() as stack:
            found = {stack.enter_context(self._lock_of(key)) for key in keys}
            # Not while its key is being built: its builder could not mark it as in use.
            descriptor = None if golden is None or Taken.BUSY in found else open_trusted(golden.path)
            if descriptor is not None:
                found.add(stack.enter_context(taken(descriptor)))
            yield next((one for one in (Taken.BUSY, Taken.UNKNOWN) if one in found), Taken.YES)

    @contextlib.contextmanager
    def _lock_of(self, key: Key) -> Iterator[Taken]:
        make = os.O_CREAT if self._doing is Doing.REMOVE else 0
        try:
            descriptor = os.open(self._cache.lock_path(key), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | make, 0o600)
        except FileNotFoundError:
            yield Taken.YES  # nobody has built for it here
            return
        except OSError:
            yield Taken.UNKNOWN
            return
        with taken(descriptor) as found:
            yield found

    def remove(self, what: Removed) -> None:
        """Remove a file or a folder and count it; what cannot be removed is a fault."""
        if self._unlink(what.file):
            self.removed.append(what)

    def _unlink(self, file: File) -> bool:
        if self._doing is Doing.TELL:
            return True
        try:
            if file.path.is_dir() and not file.path.is_symlink():
                shutil.rmtree(file.path)
            else:
                file.path.unlink()
        except FileNotFoundError:
            return False  # another prune was quicker
        except OSError as error:
            self.faults.append(f"{file.path} stays: {error.strerror}; remove it as the user that it belongs to")
            return False
        return True


def _was_touched(file: File) -> bool:
    """Whether the file is not as it was seen: used, published anew, or gone."""
    try:
        status = os.lstat(file.path)
    except OSError:
        return True
    return (status.st_mtime, status.st_ctime) != (file.modified_at, file.changed_at)
