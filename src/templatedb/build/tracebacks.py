"""The user's part of a traceback: their env.py and revision, without the libraries' frames in between."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
_MACHINERY = ("templatedb", "alembic", "sqlalchemy", "aiosqlite", "greenlet", "mako")


def of(error: BaseException) -> str:
    """Return the traceback of *error* and its causes, reduced to frames of the user's code.

    Where no frame at all is the user's, the libraries' frames stay (ours never): a traceback without frames helps
    nobody.
    """
    told = traceback.TracebackException.from_exception(error)
    parts = list(_chain(told))
    users_are_there = any(_users(part.stack) for part in parts)
    for part in parts:
        frames = _users(part.stack) if users_are_there else _theirs(part.stack)
        # Without a stack the module prints no empty "Traceback" line above the message.
        shown: Any = traceback.StackSummary.from_list(frames) if frames else None
        part.stack = shown
    return "".join(told.format())


def users_line() -> str:
    """Return file and line of the innermost frame of the user's code that is running, or an empty text."""
    frames = _users(traceback.extract_stack())
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def place_of(error: BaseException) -> tuple[str, int] | None:
    """Return file and line of the innermost frame of the user's code in the traceback of *error*; None without one."""
    frames = _users(traceback.extract_tb(error.__traceback__))
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else None


def is_raised_for_a_library(error: BaseException) -> bool:
    """Whether installed code, not the project's, ran last before Python's own raised *error*."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    last = next((name for name in reversed(files) if _is_anybodys(name)), "")
    return not _PACKAGE_FOLDERS.isdisjoint(Path(last).parts)


def _is_anybodys(filename: str) -> bool:
    """Whether code of *filename* is neither Python's own, nor ours, such as the wrapper of each import."""
    own = str(Path(__file__).parents[1])
    is_installed = not _PACKAGE_FOLDERS.isdisjoint(Path(filename).parts)
    is_pythons = filename.startswith("<") or (filename.startswith(sysconfig.get_path("stdlib")) and not is_installed)
    return not is_pythons and not filename.startswith(own)


def ends_in(error: BaseException, *parts: str) -> bool:
    """Whether *error* was raised in a file whose path ends with *parts*."""
    stack = traceback.extract_tb(error.__traceback__)
    return bool(stack) and Path(stack[-1].filename).parts[-len(parts) :] == parts


def _chain(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting: list[traceback.TracebackException | None] = [told]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if part is not None and id(part) not in seen:
            seen.add(id(part))
            yield part
            waiting += [part.__cause__, part.__context__]


def _theirs(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    own = str(Path(__file__).parents[1])
    return [frame for frame in stack if not frame.filename.startswith(own)]


def _users(stack: traceback.StackSummary) -> list[traceback.FrameSummary]:
    return [frame for frame in _theirs(stack) if not _is_machinery(frame.filename)]


def _is_machinery(filename: str) -> bool:
    if filename.startswith("<"):  # frozen importlib, and the functions that Alembic makes from text
        return True
    parts = Path(filename).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            return parts[parts.index(folder) + 1].removesuffix(".py") in _MACHINERY
    return filename.startswith(sysconfig.get_path("stdlib"))
