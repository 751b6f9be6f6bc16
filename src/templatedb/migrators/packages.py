"""Where packages are, found without importing them."""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path


def package_folders(package: str, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the folders of *package* without importing it or its parents; empty when there is no such package.

    Looks on *folders*, then asks the interpreter's own finders, so that editable installs are found.
    """
    search: list[str] | None = [str(folder) for folder in folders]
    name = ""
    for part in package.split("."):
        name = f"{name}.{part}" if name else part
        spec = importlib.machinery.PathFinder.find_spec(name, search)
        if spec is None and name == part:
            finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
            spec = next((found for finder in finders if (found := finder.find_spec(name, None))), None)
        if spec is None or spec.submodule_search_locations is None:
            return ()
        search = list(spec.submodule_search_locations)
    return tuple(Path(folder) for folder in search or ())
