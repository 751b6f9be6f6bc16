"""The cases, one module for each kind of thing that goes wrong."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Register every case of this package."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        importlib.import_module(f"{__name__}.{found.name}")
