"""What is wrong in a cache, set aside for a person to look at: it is never used, and must not be met again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from templatedb.cache import Cache
from templatedb.files import open_trusted
from templatedb.inventory import damaged_manifests
from templatedb.leftovers import DAMAGED_FOLDER, files_in
from templatedb.records import Key

_UNTRUSTED = "it is a link, or another user owns it or may write to it"


def set_aside(cache: Cache, path: Path, stem: str, seen: os.stat_result | None = None) -> str:
    """Move the damaged file at *path* into ``damaged/``, as *stem* with a number, and return one line about it.

    Not a file that has taken its place since it was *seen*. A cache that cannot be written keeps it where it is.
    Whoever has it open is not disturbed. Never raises; safe beside others who set the same one aside.
    """
    folder = cache.folder(DAMAGED_FOLDER)
    said = f"{path} is damaged and is passed over: this user cannot set it aside"
    if not os.access(path.parent, os.W_OK):
        return said
    with contextlib.suppress(OSError):  # it is passed over in any case; a name here is a courtesy
        folder.mkdir(mode=0o700, exist_ok=True)
        if seen is not None and not os.path.samestat(seen, os.lstat(path)):
            return said
        earlier = sum(name.startswith(f"{stem}.") for name in os.listdir(folder))
        target = folder / f"{stem}.{earlier + 1}{path.suffix}"
        os.replace(path, target)
        said = f"{path} was damaged and is now in {folder}"
        if earlier:
            said += "; not for the first time: look for what writes into the cache, or at its disk"
    return said


def set_golden_aside(cache: Cache, path: Path) -> str:
    """Do so with a golden whose content is not what its name says; return the line about it, empty when it is gone.

    A link, or a file that is not this user's to trust, is passed over and stays.
    """
    descriptor = open_trusted(path)
    if descriptor is None:
        return f"the golden {path} is passed over: {_UNTRUSTED}" if os.path.lexists(path) else ""
    try:
        return f"the golden {set_aside(cache, path, path.stem, os.fstat(descriptor))}"
    finally:
        os.close(descriptor)


def set_manifests_aside(cache: Cache, key: Key) -> list[str]:
    """Do so with every manifest of *key* that says nothing; return a line about each.

    The caller holds the key's lock.
    """
    with contextlib.suppress(OSError):  # what cannot be listed is not there to anybody else either
        return [
            f"the manifest {set_aside(cache, path, f'{key}-{path.stem}')}" for path in damaged_manifests(cache, key)
        ]
    return []


def was_set_aside(cache: Cache, path: Path, since: float) -> bool:
    """Whether a file of that *path* was set aside after the moment *since* (seconds since the epoch)."""
    with contextlib.suppress(OSError):
        return any(
            file.path.name.startswith(f"{path.stem}.") and file.changed_at >= since
            for file in files_in(cache.folder(DAMAGED_FOLDER))
        )
    return False
