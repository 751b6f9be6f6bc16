"""What pytest's own configuration says of a project: its import path, and where its cache folder is.

Read here, not asked of pytest, so that the command and the library build with the same path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from templatedb import toml

_DEFAULT_CACHE = ".pytest_cache"


def import_path(root: Path) -> list[str]:
    """Return pytest's ``pythonpath`` of the folder *root*; empty when its configuration has none."""
    value = _value(root, "pythonpath")
    if isinstance(value, str):
        return value.split()
    return [str(entry) for entry in value] if isinstance(value, list) else []


def cache_folder(root: Path) -> Path:
    """Return where pytest keeps its cache when *root* is its rootdir."""
    value = _value(root, "cache_dir")
    return root / (value if isinstance(value, str) and value else _DEFAULT_CACHE)


def _value(root: Path, name: str) -> object:
    """Return a value from the first file that pytest itself would take; None when that does not have it.

    A file that is broken says nothing: pytest reports its own configuration better than we could.
    Source: pytest documentation, "Configuration file formats".
    """
    for file in ("pytest.toml", ".pytest.toml"):
        if (root / file).is_file():
            return _read_toml(root / file).get("pytest", {}).get(name)
    for file in ("pytest.ini", ".pytest.ini"):
        if (root / file).is_file():
            return _ini_value(root / file, "pytest", name)
    if (root / "pyproject.toml").is_file():
        tool = _read_toml(root / "pyproject.toml").get("tool", {}).get("pytest", {})
        if tool:
            return tool.get(name, tool.get("ini_options", {}).get(name))
    for file, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if (root / file).is_file() and (value := _ini_value(root / file, section, name)) is not None:
            return value
    return None


def _ini_value(path: Path, section: str, name: str) -> str | None:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        return None
    return parser.get(section, name, fallback=None)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return toml.read(path)
    except ValueError:
        return {}
