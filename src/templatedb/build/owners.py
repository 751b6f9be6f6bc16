"""Whose code is running: the frames of the project among those of libraries and of ours."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from templatedb.locations import Belongs, Locations

OWN_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_LIBRARY = os.path.dirname(os.__file__)
_SHOWS_SOURCE = os.path.join(_LIBRARY, "linecache.py")
"""The module of Python that reads source lines to show them: that decides nothing, unless the project asks for them."""
_GLOBS = tuple(os.path.join(_LIBRARY, name) for name in ("glob.py", "pathlib.py", "pathlib" + os.sep))
_SETS_UP_LOGGING = os.path.join(_LIBRARY, "logging", "config.py")
_WATCHERS = frozenset(
    str(Path(__file__).with_name(f"{name}.py")) for name in ("owners", "trace", "deeds", "imports", "operating_system")
)


class Owners:
    """Tells the owner of what is looked at right now: a file of the project."""

    def __init__(self, locations: Locations) -> None:
        """Know the project by its *locations*."""
        self._locations = locations
        self._known: dict[str, str | None] = {}

    def current(self) -> frozenset[str] | None:
        """Return the project's files whose code runs: up to the innermost module code, else the outermost function.

        Empty when only libraries run. None when it is nobody's look: of a traceback that shows source, of logging's
        set-up.
        """
        found = self._current(frames())
        if found is None or found or threading.current_thread() is threading.main_thread():
            return found
        # A pool runs functions of libraries, with no code of the project around: the main thread waits for it.
        main = sys._current_frames().get(threading.main_thread().ident or 0)
        return self._current(_outwards(main)) or frozenset()

    def _current(self, running: Iterator[FrameType]) -> frozenset[str] | None:
        inner, outermost = set(), frozenset[str]()
        is_shown = False
        for frame in running:
            filename = frame.f_code.co_filename
            if filename == _SHOWS_SOURCE:
                is_shown = True
                continue
            path = self._of_project(filename)
            if filename == _SETS_UP_LOGGING or (is_shown and path is None):
                return None
            is_shown = False
            if path is not None:
                inner.add(path)
                if frame.f_code.co_name == "<module>":
                    return frozenset(inner)
                outermost = frozenset([path])
        return outermost

    def all(self) -> set[str]:
        """Return every file of the project whose code runs."""
        return {path for frame in frames() if (path := self._of_project(frame.f_code.co_filename)) is not None}

    def caller(self) -> tuple[str, Belongs]:
        """Return the file of the innermost code that is not of Python itself, and whose it is."""
        for frame in frames():
            filename = frame.f_code.co_filename
            if os.path.isabs(filename):
                belongs = self._locations.belongs(filename, is_module=True)
                if belongs is not Belongs.PYTHON:
                    return filename, belongs
        return "", Belongs.PYTHON

    def _of_project(self, filename: str) -> str | None:
        """Return the plain path of a file of the project, None for others: an import path may have ``..`` in it."""
        if filename not in self._known:
            path = os.path.abspath(filename) if os.path.isabs(filename) else ""
            is_projects = path and not path.startswith(OWN_PACKAGE)
            is_projects = is_projects and self._locations.belongs(path, is_module=True) is Belongs.PROJECT
            self._known[filename] = path if is_projects else None
        return self._known[filename]


def frames() -> Iterator[FrameType]:
    """Yield the frames of this thread from the innermost outwards, those of the watch itself left out."""
    return _outwards(sys._getframe(1))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        if frame.f_code.co_filename not in _WATCHERS:
            yield frame
        frame = frame.f_back


def is_running(suffix: str) -> bool:
    """Whether code of a file whose path ends with *suffix* runs."""
    return any(frame.f_code.co_filename.endswith(suffix) for frame in frames())


def is_calling(parts: tuple[str, ...]) -> bool:
    """Whether the code that looks right now is of a file whose path holds one of *parts*."""
    filename = next(frames()).f_code.co_filename
    return any(part in filename for part in parts)


def is_globbing() -> bool:
    """Whether a folder is being listed for a pattern; ``iterdir`` and ``walk`` of pathlib list it for themselves."""
    innermost = itertools.takewhile(lambda frame: frame.f_code.co_filename.startswith(_GLOBS), frames())
    names = {frame.f_code.co_name for frame in innermost}
    return bool(names) and (names.isdisjoint(("iterdir", "walk")) or not names.isdisjoint(("glob", "rglob")))
