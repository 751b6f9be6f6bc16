"""On what a run was measured: versions and kinds of things, no names of machines or paths."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

DISTRIBUTIONS = (
    *("pytest-templatedb", "SQLAlchemy", "alembic", "pytest", "pytest-xdist"),
    *("pytest-sqla", "pytest-sqlalchemy-alembic", "pytest-django", "Django"),
)


def environment() -> dict[str, Any]:
    """Return what belongs beside the figures."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "python": f"{platform.python_implementation()} {'.'.join(map(str, sys.version_info[:3]))}",
        "sqlite": sqlite3.sqlite_version,
        "distributions": {name: _version(name) for name in DISTRIBUTIONS},
        "commit": _commit(),
    }


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    words = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def filesystem_of(path: Path) -> str:
    """Return the type of the file system that *path* is on, or would be."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return "unknown"
    found, kind = "", "unknown"
    for line in mounts:
        _device, point, its_kind = line.split()[:3]
        point = point.replace("\\040", " ")
        if len(point) >= len(found) and path.resolve().is_relative_to(point):
            found, kind = point, its_kind
    return kind
