"""What stands in a cache: goldens, the manifests that name them, and when those were used last. Changes nothing."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from templatedb.cache import Cache
from templatedb.files import read_trusted
from templatedb.leftovers import File, files_in, is_abandoned
from templatedb.records import MANIFEST_FORMAT, Key, Manifest

_GOLDEN = re.compile(r"([0-9a-f]{64})\.sqlite")
_DIGEST = re.compile(rb"(?=([0-9a-f]{64}))")


class Record(NamedTuple):
    """A manifest of this release's format, as far as prune needs it."""

    file: File
    """Modified at the last use."""
    key: Key
    digest: str
    golden_bytes: int


class Group(NamedTuple):
    """One golden and every manifest that names it; each of the two may be missing."""

    digest: str
    golden: File | None
    records: tuple[Record, ...]

    def used_at(self, now: float) -> float:
        """Return when it was used last; a golden that no manifest names: when it came. The future counts as *now*."""
        dates = [record.file.modified_at for record in self.records]
        if not dates and self.golden is not None:
            dates = [self.golden.changed_at]
        return min(now, max(dates, default=now))


class Inventory(NamedTuple):
    """All that `take` saw."""

    groups: tuple[Group, ...]
    damaged: tuple[File, ...]
    """Manifests that nothing can be read from."""
    named_elsewhere: frozenset[str]
    """Digests that manifests of other formats name: those goldens are not ours alone."""
    has_builders: bool
    """Whether somebody may be about to name a golden that he has just put here."""
    is_whole: bool
    """Whether every manifest could be opened: else a golden that none names may still be named."""


def take(cache: Cache, *, now: float, check: Callable[[], None] = lambda: None) -> Inventory:
    """Look through *cache* and return what is in it; calls *check* again and again, which may raise. Raises OSError.

    Goldens are listed first, builders second, manifests last: a golden that was there and is not named in the end has
    no builder either, or one that is seen.
    """
    goldens = {}
    for file in files_in(cache.folder("goldens"), ".sqlite"):
        check()
        if (match := _GOLDEN.fullmatch(file.path.name)) is not None:
            goldens[match[1]] = file
    has_builders = any(not is_abandoned(build, now) for build in files_in(cache.folder("builds")))
    records: dict[str, list[Record]] = {}
    damaged: list[File] = []
    elsewhere: set[str] = set()
    is_whole = True
    for folder in files_in(cache.folder("manifests")):
        if not folder.path.is_dir():
            continue
        for file in files_in(folder.path):
            check()
            if file.path.name.startswith(".new-"):
                continue
            data = read_trusted(file.path)
            if data is None or not _is_ours(file.path, data):
                try:
                    other = _read_untrusted(file.path) if data is None else data
                except OSError:
                    is_whole = False
                    continue
                elsewhere.update(digits.decode() for digits in _DIGEST.findall(other))
                continue
            key = Key(folder.path.name)
            if (manifest := _read(data, key)) is None:
                damaged.append(file)
            else:
                record = Record(file, key, manifest.digest, manifest.size_bytes)
                records.setdefault(manifest.digest, []).append(record)
    digests = sorted({*goldens, *records})
    groups = tuple(Group(digest, goldens.get(digest), tuple(records.get(digest, ()))) for digest in digests)
    return Inventory(groups, tuple(damaged), frozenset(elsewhere), has_builders, is_whole)


def damaged_manifests(cache: Cache, key: Key) -> list[Path]:
    """Return the manifests of *key* that are this user's, of this format, and say nothing. Raises OSError."""
    found = []
    for file in files_in(cache.manifest_folder(key), ".json"):
        data = read_trusted(file.path)
        if data is not None and _is_ours(file.path, data) and _read(data, key) is None:
            found.append(file.path)
    return found


def _read(data: bytes, key: Key) -> Manifest | None:
    """Return the manifest in *data*; None when it says nothing, or something of another key."""
    manifest = Manifest.from_json(data)
    return manifest if manifest is not None and manifest.key == key else None


def _read_untrusted(path: Path) -> bytes:
    """Return what stands in a file of somebody else's; nothing where it is gone or no file. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError:
        if path.is_symlink():
            return b""
        raise
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""


def _is_ours(path: Path, data: bytes) -> bool:
    """Whether a file among the manifests was written in this format: named so, and nothing in it says another."""
    if not path.stem.isdecimal() or path.suffix != ".json" or not path.parent.name.startswith(Key.PREFIX):
        return False
    try:
        facts = json.loads(data)
    except ValueError:
        return True  # cut off, or overwritten: no release writes what is not JSON
    return not isinstance(facts, dict) or facts.get("format", MANIFEST_FORMAT) == MANIFEST_FORMAT
