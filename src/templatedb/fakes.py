"""Clocks and file systems that tests replace with false ones: ours stay real.

A false clock would stop the time limits of locks and date goldens wrongly; in a false file system there is no database.
Binding functions at import is no way out: both libraries look for them in the names of every module.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from typing import Any

_PACKAGE = "templatedb"
_FIXTURES = frozenset({"fs", "fs_class", "fs_module", "fs_session"})
"""Those of pyfakefs."""
_LATE = (
    *("kept", "changes", "lock", "damaged", "prune", "publish", "reasons", "verify", "build.parent"),
    *("slots.evict", "slots.holders", "slots.large", "slots.memory", "slots.rewind"),
)
"""Modules that are imported when they are first needed: inside of a false file system they would keep it for ever."""
_told: set[str] = set()


def stay_real(fixtures: Iterable[str]) -> None:
    """Tell freezegun and pyfakefs, where they are imported by now, to leave this package alone; may be repeated.

    *fixtures* are those of the test that begins.
    """
    if "freezegun" not in _told and (freezegun := sys.modules.get("freezegun")) is not None:
        _told.add("freezegun")
        _leave_clock(freezegun)
    if "pyfakefs" in _told or _FIXTURES.isdisjoint(fixtures):
        return
    if (pyfakefs := sys.modules.get("pyfakefs.fake_filesystem_unittest")) is not None:
        _told.add("pyfakefs")
        _leave_files(pyfakefs)
        for name in _LATE:
            importlib.import_module(f"{_PACKAGE}.{name}")


def _leave_clock(freezegun: Any) -> None:
    if hasattr(freezegun, "configure"):  # before 1.1 there was no way
        freezegun.configure(extend_ignore_list=[f"{_PACKAGE}."])


def _leave_files(pyfakefs: Any) -> None:
    # It skips a module by its whole name, also one that is imported later.
    names: set[str] | None = getattr(pyfakefs.Patcher, "SKIPNAMES", None)
    if names is not None:
        names.update(_modules())


def _modules() -> set[str]:
    """Return the names of all modules of this package, imported or not."""
    found, folders = {_PACKAGE}, [(os.path.dirname(__file__), _PACKAGE)]
    while folders:
        folder, package = folders.pop()
        for entry in os.scandir(folder):
            if entry.name.endswith(".py") and entry.name != "__init__.py":
                found.add(f"{package}.{entry.name.removesuffix('.py')}")
            elif entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py")):
                folders.append((entry.path, f"{package}.{entry.name}"))
                found.add(f"{package}.{entry.name}")
    return found
