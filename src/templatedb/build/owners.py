"""Whose code is running: the frames of the project among those of libraries and of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from templatedb.locations import Belongs, Locations

OWN_PACKAGE = str(Path(__file__).parents[1]) + os.sep
_SHOWS_SOURCE = os.sep + "linecache.py"
_SETS_UP_LOGGING = os.path.join("logging", "config.py")
_WATCHERS = tuple(str(Path(__file__).with_name(name)) for name in ("owners.py", "trace.py", "imports.py"))


class Owners:
    """Tells the owner of what is looked at right now: a file of the project."""

    def __init__(self, locations: Locations) -> None:
        """Know the project by its *locations*."""
        self._locations = locations
        self._known: dict[str, bool] = {}

    def current(self) -> str | None:
        """Return the project's file whose code runs: the innermost module code, else the outermost function.

        Empty when only libraries run. None when it is nobody's look: of a traceback that shows source, of logging's
        set-up.
        """
        outermost = ""
        for frame in frames():
            filename = frame.f_code.co_filename
            if filename.endswith((_SHOWS_SOURCE, _SETS_UP_LOGGING)):
                return None
            if self._is_projects(filename):
                if frame.f_code.co_name == "<module>":
                    return filename
                outermost = filename
        return outermost

    def all(self) -> set[str]:
        """Return every file of the project whose code runs."""
        return {name for frame in frames() if self._is_projects(name := frame.f_code.co_filename)}

    def caller(self) -> tuple[str, Belongs]:
        """Return the file of the innermost code that is not of Python itself, and whose it is."""
        for frame in frames():
            filename = frame.f_code.co_filename
            if os.path.isabs(filename):
                belongs = self._locations.belongs(filename, is_module=True)
                if belongs is not Belongs.PYTHON:
                    return filename, belongs
        return "", Belongs.PYTHON

    def _is_projects(self, filename: str) -> bool:
        if filename not in self._known:
            self._known[filename] = (
                os.path.isabs(filename)
                and not filename.startswith(OWN_PACKAGE)
                and self._locations.belongs(filename, is_module=True) is Belongs.PROJECT
            )
        return self._known[filename]


def frames() -> Iterator[FrameType]:
    """Yield the frames of this thread from the innermost outwards, those of the watch itself left out."""
    frame: FrameType | None = sys._getframe(1)
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
