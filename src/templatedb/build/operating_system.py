"""Functions of ``os`` that raise no audit event, or one that says too little, and paths as they are given to them."""

from __future__ import annotations

import enum
import os
import sys
import threading
from collections.abc import Callable
from typing import Any


class Opening(enum.Enum):
    """What opening a file means for it."""

    READS = enum.auto()
    MAY_CHANGE = enum.auto()
    """It is read, and may be written as well."""
    ADDS = enum.auto()
    """It is there, and only added to."""
    MAKES = enum.auto()
    """What was in it does not matter: it is made or emptied."""
    FAILS = enum.auto()
    """It should be new, and is there."""
    FOLDER = enum.auto()


_CHANGING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT


def opening_of(path: str, mode: str | None, flags: int) -> Opening:
    """Return what an ``open`` event with that *mode* (None: of ``os.open``) and *flags* means."""
    if flags & getattr(os, "O_DIRECTORY", 0):
        return Opening.FOLDER
    letters = set(mode or "")
    makes = letters & set("wx") or (mode is None and flags & os.O_TRUNC)
    adds = "a" in letters and "+" not in letters
    may_change = "+" in letters or (mode is None and flags & _CHANGING_FLAGS)
    # tempfile names the folder and opens a new file in it by an opener: the folder is not what is made.
    if (makes or adds or may_change) and os.path.isdir(path):
        return Opening.FOLDER
    is_for_new = "x" in letters or (mode is None and flags & os.O_CREAT and flags & os.O_EXCL)
    if is_for_new and os.path.lexists(path):
        return Opening.FAILS
    if makes or ((adds or may_change) and not os.path.exists(path)):
        return Opening.MAKES
    if adds:
        return Opening.ADDS
    return Opening.MAY_CHANGE if may_change else Opening.READS


class Busy(threading.local):
    """Whether this thread looks for itself: then it is nobody's look."""

    is_set = False


def wrap_look(name: str, after: Callable[[Any], None]) -> None:
    """Call *after* with the path of each call of ``os.<name>``, whether it found something or not."""
    original = getattr(os, name)

    def wrapper(path: Any, *rest: Any, **options: Any) -> Any:
        try:
            return original(path, *rest, **options)
        finally:
            if options.get("dir_fd") is None:
                after(path)

    _put(name, original, wrapper)


def wrap_open(busy: Busy) -> None:
    """Be *busy* during ``os.open(name, flags, dir_fd=...)``: its audit event has the name but not the folder."""
    original = os.open

    def wrapper(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        was_busy = busy.is_set
        busy.is_set = was_busy or dir_fd is not None
        try:
            return original(path, flags, mode, dir_fd=dir_fd)
        finally:
            busy.is_set = was_busy

    _put("open", original, wrapper)


def _put(name: str, original: Any, wrapper: Any) -> None:
    wrapper.__module__, wrapper.__qualname__ = "os", name  # for pickle, which looks it up there
    for supports in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in supports:
            supports.add(wrapper)  # shutil asks whether os.stat is in there
    setattr(os, name, wrapper)


def absolute(name: Any) -> str | None:
    """Return the absolute path of what was opened, None for a descriptor."""
    if isinstance(name, int) or name is None:
        return None
    try:
        return os.path.abspath(os.fsdecode(name))
    except (
        TypeError,
        ValueError,
        OSError,
    ):  # not a path, or a working directory that is gone: whoever asked gets the error
        return None


def source_of(path: str) -> str:
    """Return the source that the byte code at *path* was compiled from; *path* itself when it is none, or has none.

    Not by ``importlib.util.source_from_cache``, which refuses names with dots, as revisions have.
    """
    folder, name = os.path.split(path)
    if not name.endswith(".pyc") or os.path.basename(folder) != "__pycache__":
        return path
    stem = name.partition(f".{sys.implementation.cache_tag}")[0]
    source = os.path.join(os.path.dirname(folder), f"{stem}.py")
    return source if os.path.exists(source) else path
