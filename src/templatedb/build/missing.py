"""What to do about a module that a build did not find: install it, name its folder, or correct its name."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from templatedb.build import tracebacks
from templatedb.migrators import versions

if TYPE_CHECKING:
    from templatedb.build.messages import Order

_DRIVERS = frozenset({"psycopg", "psycopg2", "asyncpg", "pg8000", "MySQLdb", "pymysql", "asyncmy", "aiomysql"})


def remedy_for_module(error: ModuleNotFoundError, order: Order) -> str:
    """Return what to do about *error*; looks at the folders below the root, imports nothing."""
    name = error.name or ""
    top = name.partition(".")[0]
    if top in _DRIVERS:
        return "templatedb builds SQLite databases: give the build a SQLite URL through url_env or build_env."
    root = order.target.root
    if (package := sys.modules.get(name.rpartition(".")[0])) is not None:
        place = tracebacks.place_of(error)
        where = f" in {place[0]}, line {place[1]}" if place else ""
        return (
            f"The package {package.__name__} is that in {_place_of(package)}: correct the name{where}, or python_path"
            " if another one is meant."
        )
    if found := next(_folders_with(top, root), None):
        folders = [*order.relative_folders, found]
        return f"It is in {root / found}: set python_path = {json.dumps(folders)}."
    if versions.normalized(top) == versions.normalized(root.name):
        return "If it is the project's own, add its folder to python_path."
    here = f"into the environment of {sys.executable}"
    if tracebacks.is_raised_for_a_library(error):
        return f"Install it {here}: pip install {top}"
    return (
        f"Install what has it {here} (often: pip install {top}); if it is the project's own, add its folder to"
        " python_path."
    )


def _place_of(package: ModuleType) -> str:
    folders: Sequence[str] = list(getattr(package, "__path__", ()))
    return folders[0] if folders else str(getattr(package, "__file__", "Python itself"))


def _folders_with(top: str, root: Path) -> Iterator[str]:
    """Yield the folders directly below *root* that hold a module called *top*, where Python does not look yet."""
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:  # a folder that may be passed through only: there is nothing to find
        return
    for entry in entries:
        known = any(os.path.realpath(folder) == os.path.realpath(entry.path) for folder in sys.path)
        if entry.name.startswith(".") or known or not entry.is_dir():
            continue
        if os.path.isfile(f"{entry.path}/{top}.py") or os.path.isfile(f"{entry.path}/{top}/__init__.py"):
            yield entry.name
