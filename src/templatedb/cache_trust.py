"""Where the cache directory is, and whether it may be trusted.

A cache decides what tests run on: what a stranger can write to is not one (docs/explanation/threat-model.md).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from templatedb.cache import BUCKET, Cache
from templatedb.errors import CacheError, words_of
from templatedb.files import write_atomically
from templatedb.settings import CACHE_DIR_VARIABLE, Settings

_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache made by templatedb. See https://bford.info/cachedir/\n"
_README = """This folder is a cache made by templatedb (the pytest plugin pytest-templatedb).
It holds migrated SQLite databases that tests start from. Everything in it can be rebuilt:
deleting the whole folder is safe at any time, also while tests run.
"""


def directory(settings: Settings, environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the cache is, absolute: environment variable, then setting, then the user's cache folder.

    A relative folder starts at the root of the settings. Raises CacheError where the platform has no such folder.
    """
    if chosen := environment.get(CACHE_DIR_VARIABLE) or settings.cache_dir:
        return settings.root / os.path.expanduser(chosen)
    import platformdirs

    found: Path | None = None
    with contextlib.suppress(RuntimeError, OSError):  # as of platformdirs 4.4; before, it returns a tilde
        found = platformdirs.user_cache_path("templatedb", appauthor=False)
    if found is None or not found.is_absolute() or "~" in found.parts:
        raise CacheError(
            what="no cache directory: this user has no home folder",
            remedy=f"Set HOME, or {CACHE_DIR_VARIABLE}, to an absolute folder.",
            path=found,
        )
    return found


def open_cache(root: Path) -> Cache:
    """Make the directory where it is missing, check that it can be trusted, and return it.

    A directory that cannot be written (an image layer, a read-only mount) is fine as long as it is there.
    Raises CacheError with the reason when it cannot be made, is a link, belongs to a stranger, or is open to others.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        bucket = root / BUCKET
        bucket.mkdir(mode=0o700, exist_ok=True)
        for name in ("manifests", "goldens", "locks", "builds", "failures", "stamps"):
            (bucket / name).mkdir(mode=0o700, exist_ok=True)
        for name, text in (("CACHEDIR.TAG", _TAG), ("README.txt", _README)):
            if not (root / name).exists():
                write_atomically(root / name, text.encode())
    except OSError as error:
        if error.errno not in _NOT_ALLOWED or not (root / BUCKET / "manifests").is_dir():
            raise _not_made(root, error) from error
    return look_at(root)


def look_at(root: Path) -> Cache:
    """Return the directory as it is, checked as `open_cache` does; makes nothing, and one that is missing is empty.

    Raises CacheError when it is a link, belongs to a stranger, is open to others, or cannot be reached.
    """
    for folder in (root, root / BUCKET):
        try:
            _refuse_untrusted(folder)
        except FileNotFoundError:
            break
        except OSError as error:
            if isinstance(error, CacheError):
                raise
            raise CacheError(
                what=f"the cache directory {root} cannot be read: {words_of(error)}",
                remedy=f"Set {CACHE_DIR_VARIABLE} to a folder of your own.",
                path=root,
            ) from error
    return Cache(root)


_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def _not_made(root: Path, error: OSError) -> CacheError:
    """Return what is to be said of a directory that *error* kept from being made or written, by what is in its way."""
    asked = Path(error.filename or root)
    there = next(path for path in (asked, *asked.parents) if os.path.lexists(path))
    cure = ""
    if not there.is_dir():
        what, cure = f"{there} is {'a broken link' if there.is_symlink() else 'a file'}, not a folder", "Remove that"
    elif error.errno == errno.EROFS:
        what = f"the file system of {there} is mounted read-only"
    elif error.errno in _NOT_ALLOWED:
        status, user = there.stat(), os.geteuid()
        what = (
            f"user {user} may not write to {there} (mode {stat.S_IMODE(status.st_mode):04o}, of user {status.st_uid})"
        )
        cure = f"Run: chmod u+rwx {there}" if status.st_uid == user else ""
    else:
        what, cure = error.strerror or str(error), "Make room there" if error.errno in _NO_ROOM else ""
    return CacheError(
        what=f"the cache directory {root} cannot be {'written' if there.is_relative_to(root) else 'made'}: {what}",
        remedy=f"{f'{cure}, or set' if cure else 'Set'} {CACHE_DIR_VARIABLE} to another folder.",
        path=root,
    )


def _refuse_untrusted(folder: Path) -> None:
    status = folder.lstat()
    reason = ""
    if not stat.S_ISDIR(status.st_mode):
        reason = "it is a link or not a folder"
    elif status.st_uid not in (os.geteuid(), 0):
        reason = f"it belongs to user {status.st_uid}"
    elif status.st_mode & 0o022:
        reason = "others may write to it"
    if reason:
        way_out = f"Run: chmod -R go-w {folder}, or set" if "others" in reason else "Set"
        raise CacheError(
            what=f"the cache directory {folder} is not trusted: {reason}",
            remedy=f"{way_out} {CACHE_DIR_VARIABLE} to a folder of your own.",
            path=folder,
        )
