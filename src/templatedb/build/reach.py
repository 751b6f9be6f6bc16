"""Which modules revisions and seeds need: what they import, with all that it imports in turn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType

from templatedb.build.imports import Imports
from templatedb.build.operating_system import source_of
from templatedb.build.owners import OWN_PACKAGE
from templatedb.build.trace import Trace
from templatedb.locations import Belongs, Locations

DECLARED_PACKAGES = ("alembic", "sqlalchemy", "templatedb")
"""Packages whose versions are in the key already, or are ours: what they import decides nothing."""


def reach(
    begin: Iterable[str], files: Mapping[str, str], trace: Trace, imports: Imports, locations: Locations
) -> set[str]:
    """Return the files that are needed by those of *begin* and by what ran in steps, installed packages' included.

    *files* are those of all modules, by name.
    """
    waiting = {path for name in imports.in_steps for path in _files_of(name, files)} | set(begin)
    waiting |= {path for path, look in trace.sources.items() if look.in_step}
    reached: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in reached or _is_cut(path, locations):
            continue
        reached.add(path)
        waiting |= {file for name in imports.of.get(path, ()) for file in _files_of(name, files)}
        waiting |= trace.loads.get(path, set())
    return reached


def _is_cut(path: str, locations: Locations) -> bool:
    if path.startswith(OWN_PACKAGE) or locations.belongs(path, is_module=True) is Belongs.PYTHON:
        return True
    top = in_packages(path)
    return top is not None and top[1].removesuffix(".py") in DECLARED_PACKAGES


def _files_of(name: str, files: Mapping[str, str]) -> Iterator[str]:
    """Yield the files of the module *name* and of the packages around it, as far as they were loaded."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        if (path := files.get(".".join(parts[:count]))) is not None:
            yield path


def files_of_modules() -> dict[str, str]:
    """Return name and source of every module that was loaded from a file; of one in an archive, the archive."""
    modules: dict[str, object] = dict(sys.modules)
    found = {}
    for name, module in modules.items():
        if not issubclass(type(module), ModuleType):
            continue  # something that puts itself there, and may raise for what it has not
        path = vars(module).get("__file__")
        if not isinstance(path, str) or path.startswith("<"):
            continue
        path = source_of(os.path.abspath(path))
        while not os.path.exists(path) and path != os.path.dirname(path):
            path = os.path.dirname(path)
        if os.path.isfile(path):
            found[name] = path
    return found


def in_packages(path: str) -> tuple[str, str] | None:
    """Return the import folder of installed packages that *path* lies in, and the first name below; None elsewhere."""
    for mark in ("site-packages", "dist-packages"):
        folder, found, below = path.rpartition(f"{os.sep}{mark}{os.sep}")
        if found:
            return f"{folder}{os.sep}{mark}", below.partition(os.sep)[0]
    return None
