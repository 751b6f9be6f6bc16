"""TOML files: several modules ask the same ``pyproject.toml``, whose parsing takes longer than all their other work."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, Any]:
    """Return the tables of the file at *path*, not to be changed by the caller; raises ValueError and OSError.

    The file is read at each call; a text that was parsed before is not parsed again.
    """
    return _parsed(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)
