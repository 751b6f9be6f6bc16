"""What dead processes and past runs left in a cache, and what was put aside. Finds it; `prune` removes it."""

from __future__ import annotations

import contextlib
import enum
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from templatedb import lock, place
from templatedb.cache import Cache
from templatedb.records import Key
from templatedb.uses import FOLDER as USES_FOLDER

DAMAGED_FOLDER = "damaged"
GRACE_S = 600.0
"""What is younger may be half of something that is being made."""
_YOUNG_S = 60.0
_FORGOTTEN_S = 86400.0


class Kind(enum.StrEnum):
    """What a thing in a cache is, as people read it."""

    GOLDEN = "golden"
    MANIFEST = "manifest"
    BUILD = "build"
    SLOTS = "slots"
    FAILURE = "failure"
    STAMPS = "stamps"
    USES = "counts of uses"
    TEMPORARY = "temporary file"
    DAMAGED = "damaged file"


class Why(enum.StrEnum):
    """Why something goes, as people read it."""

    UNUSED = "unused for long"
    OVER_SIZE = "over the size of the cache, others were used later"
    UNWANTED = "not in use"
    UNNAMED = "no manifest names it"
    MISSING = "its golden is missing"
    WRONG_SIZE = "it has not the size that was recorded"
    UNREADABLE = "it is damaged"
    DEAD = "its process is dead"
    PAST = "its run is long past"
    HALF = "it was never finished"
    EVERYTHING = "goes with everything else"
    ASIDE = "put aside because it was damaged"


class File(NamedTuple):
    """A file or folder, as it was when it was looked at."""

    path: Path
    size_bytes: int
    modified_at: float
    changed_at: float
    """When content, name or mode were changed last: no program can set it (seconds since the epoch)."""


class Leftover(NamedTuple):
    """Something that nobody will miss."""

    kind: Kind
    file: File
    why: Why


def leftovers(
    cache: Cache,
    *,
    now: float,
    max_age_s: float,
    room_bytes: int,
    why_old: Why = Why.UNUSED,
    memory: Path | None = None,
) -> Iterator[Leftover]:
    """Yield what may be removed from *cache*, and from slots in the *memory* folder where one is given.

    Failures and temporary files stay for a while whatever the age asked for: they may be in use, and cannot tell. Of
    the damaged goldens, those stay that are younger than *max_age_s* and fit into *room_bytes*, the latest first.
    *why_old* is told of what goes by that age and no other reason.
    """
    for file in files_in(cache.folder("builds")):
        if is_abandoned(file, now):
            yield Leftover(Kind.BUILD, _weighed(file), Why.DEAD)
    for parent in filter(None, (cache.folder("slots"), memory)):
        for path in place.left_behind(parent):
            with contextlib.suppress(OSError):
                yield Leftover(Kind.SLOTS, _weighed(_look(path)), Why.DEAD)
    for file in files_in(cache.folder("failures"), ".json"):
        if now - file.modified_at >= _FORGOTTEN_S:
            yield Leftover(Kind.FAILURE, file, Why.PAST)
    for file in files_in(cache.folder("stamps"), ".json"):
        if max(0.0, now - file.modified_at) >= max_age_s:
            yield Leftover(Kind.STAMPS, file, why_old)
    for file in files_in(cache.folder(USES_FOLDER), ".json"):
        key, _, digest = file.path.stem.partition(".")
        is_known = cache.golden_path(digest).exists() and cache.manifest_folder(Key(key)).exists()
        if now - file.modified_at >= GRACE_S and not is_known:
            yield Leftover(Kind.USES, file, Why.MISSING)
    for file in _temporary(cache):
        if now - file.changed_at >= GRACE_S:
            yield Leftover(Kind.TEMPORARY, file, Why.HALF)
    for file in sorted(files_in(cache.folder(DAMAGED_FOLDER)), key=lambda one: one.changed_at, reverse=True):
        room_bytes -= file.size_bytes
        if max(0.0, now - file.changed_at) >= max_age_s or room_bytes < 0:
            yield Leftover(Kind.DAMAGED, file, Why.ASIDE)


def is_abandoned(build: File, now: float) -> bool:
    """Whether the builder of that folder is dead: the lock in it is free.

    A young one may not be locked yet. Where the lock cannot tell (the filesystem does not lock, the builder was on
    another machine), it is taken for dead after a day.
    """
    age_s = now - build.modified_at
    if abs(age_s) < _YOUNG_S:  # a clock that was put back makes nothing young
        return False
    return lock.is_abandoned(build.path / "alive", if_unknown=age_s > _FORGOTTEN_S)


def files_in(folder: Path, suffix: str = "") -> Iterator[File]:
    """Yield what stands in *folder* with a name that ends so; nothing where there is no such folder. Raises OSError."""
    try:
        with os.scandir(folder) as found:
            names = sorted(entry.name for entry in found)
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith(suffix) and (suffix == "" or not name.startswith(".")):
            with contextlib.suppress(FileNotFoundError):  # removed since: nothing is left of it
                yield _look(folder / name)


def _temporary(cache: Cache) -> Iterator[File]:
    """Yield the temporary files of `write_atomically`, which stand beside their targets."""
    keys = files_in(cache.folder("manifests"))
    folders = itertools.chain(
        (cache.root, cache.folder("failures"), cache.folder("stamps")),
        (file.path for file in keys if file.path.is_dir()),
    )
    for folder in folders:
        for file in files_in(folder):
            if file.path.name.startswith(".new-"):
                yield file


def _look(path: Path) -> File:
    status = os.lstat(path)
    return File(path, status.st_size, status.st_mtime, status.st_ctime)


def _weighed(folder: File) -> File:
    """Return the *folder* with the size of all that is in it."""
    total = 0
    for parent, _, names in os.walk(folder.path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return folder._replace(size_bytes=total)
