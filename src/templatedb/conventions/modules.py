"""Where the file of a module is, found without importing anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

FindModule = Callable[[str, Path], Path | None]
"""Maps a module's name, as an import statement in the given file writes it (dots in front included), to its file.

Returns None for whatever is not a module of the project, and for a package without an ``__init__.py``.
"""


def module_finder(folders: tuple[Path, ...], is_projects: Callable[[Path], bool] = lambda path: True) -> FindModule:
    """Return a finder over the import path *folders*, in their order; relative names climb from the importer.

    What is not *is_projects* is not found: a virtual environment in the project's folder would be followed with all
    that is installed in it, for minutes. Only looks whether files are there. Packages win over modules of their name,
    and both over folders without an ``__init__.py``, whose parts in several folders are all searched: as the import
    system does it.
    """

    def find(name: str, importer: Path) -> Path | None:
        found = search(name, importer)
        return found if found is not None and is_projects(found) else None

    def search(name: str, importer: Path) -> Path | None:
        relative = name.lstrip(".")
        climbs = len(name) - len(relative)
        if climbs > len(importer.parents):
            return None
        start = (importer.parents[climbs - 1],) if climbs else folders
        if not relative:
            return _file(start[0] / "__init__.py") if start else None
        return _find(relative.split("."), start)

    return find


def joined(module: str, name: str) -> str:
    """Return the name of the submodule *name* of *module*; *module* may be dots alone."""
    return f"{module}{name}" if not module or module.endswith(".") else f"{module}.{name}"


def _find(parts: list[str], folders: tuple[Path, ...]) -> Path | None:
    """Return the file of the module that *parts* name, one package after the other."""
    found: Path | None = None
    for part in parts:
        found, folders = _step(part, folders)
    return found


def _step(part: str, folders: tuple[Path, ...]) -> tuple[Path | None, tuple[Path, ...]]:
    """Return the file of the module *part* and the folders in which its submodules are; neither when it is missing."""
    portions = []
    for folder in folders:
        package, module = folder / part / "__init__.py", folder / f"{part}.py"
        if package.is_file():
            return package, (folder / part,)
        if module.is_file():
            return module, ()
        if (folder / part).is_dir():
            portions.append(folder / part)
    return None, tuple(portions)


def _file(path: Path) -> Path | None:
    return path if path.is_file() else None
