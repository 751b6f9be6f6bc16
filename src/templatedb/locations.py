"""Where a file belongs, and a name for it that is the same in another checkout of the project."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
_SYSTEM = (
    *("/dev/", "/proc/", "/sys/", "/run/", "/etc/", "/bin/", "/sbin/", "/lib", "/System/", "/Library/"),
    *(f"{base}/{name}" for base in ("/usr", "/usr/local") for name in ("lib", "share/", "bin/", "sbin/", "include/")),
)
_REPOSITORY_MARKS = (".git", ".hg")


class Belongs(enum.Enum):
    """Whose a file is."""

    PROJECT = enum.auto()
    """The project's, wherever it is: also of an editable install. Counts by its content."""
    PACKAGE = enum.auto()
    """An installed package's. Counts by the package's version."""
    PYTHON = enum.auto()
    """The interpreter's own. Python's minor version is part of the key."""
    SYSTEM = enum.auto()
    """The machine's. Does not count."""


class Locations:
    """The places of one project. Immutable; reads the filesystem only to find the repository."""

    def __init__(self, root: Path, relative_folders: Iterable[str] = ()) -> None:
        """Take the project's *root*, and the import folders that its settings name relative to it."""
        self._root = os.path.abspath(root)
        relative = [entry for entry in relative_folders if not os.path.isabs(entry)]
        self._near: dict[str, str] = {}
        """Each folder that moves with the project, and the root that its names start from: by the real path, too, for
        code that resolves links would else be named absolutely, and a link that was switched not seen."""
        for base in dict.fromkeys((self._root, os.path.realpath(root))):
            for folder in (_repository_of(base), *(os.path.join(base, entry) for entry in relative)):
                self._near.setdefault(os.path.join(os.path.normpath(folder), ""), base)

    def belongs(self, path: str, *, is_module: bool = False) -> Belongs:
        """Return whose the absolute *path* is. Modules (*is_module*) are never the system's: somebody imported them."""
        if os.path.join(path, "").startswith(_STANDARD_LIBRARY) and _PACKAGE_FOLDERS.isdisjoint(path.split(os.sep)):
            return Belongs.PYTHON  # also where the interpreter lies below the root
        root = next((base for base in self._near.values() if path.startswith(os.path.join(base, ""))), "")
        parts = path.removeprefix(root).split(os.sep)
        if not _PACKAGE_FOLDERS.isdisjoint(parts) or (not is_module and path.startswith(self._environment())):
            return Belongs.PACKAGE
        if root:
            return Belongs.PROJECT
        if not is_module and not self.is_near(path) and path.startswith(_SYSTEM):
            return Belongs.SYSTEM
        return Belongs.PROJECT

    def _environment(self) -> tuple[str, ...]:
        """Return the folder of the virtual environment, unless the project itself lies in it."""
        prefix = os.path.join(sys.prefix, "")
        lies_around = os.path.join(self._root, "").startswith(prefix)
        return () if sys.prefix == sys.base_prefix or lies_around else (prefix,)

    def name(self, path: str) -> str:
        """Return *path* relative to the root where both move together, else absolute; with slashes."""
        base = next((base for folder, base in self._near.items() if os.path.join(path, "").startswith(folder)), None)
        return path if base is None else os.path.relpath(path, base).replace(os.sep, "/")

    def is_near(self, path: str) -> bool:
        """Whether *path* moves with the project: below its repository, or an import folder beside it."""
        return os.path.join(path, "").startswith(tuple(self._near))

    def path(self, name: str) -> str:
        """Return the absolute path that *name* means here."""
        return os.path.normpath(os.path.join(self._root, name))


def _repository_of(root: str) -> str:
    """Return the nearest folder from *root* upwards that a version control system made; *root* when there is none."""
    folder = root
    while (above := os.path.dirname(folder)) != folder:
        if any(os.path.exists(os.path.join(folder, mark)) for mark in _REPOSITORY_MARKS):
            return folder
        folder = above
    return root


_STANDARD_LIBRARY = (
    os.path.join(os.path.dirname(os.__file__), ""),
    os.path.join(sys.base_exec_prefix, sys.platlibdir, f"python{sys.version_info.major}.{sys.version_info.minor}", ""),
)
