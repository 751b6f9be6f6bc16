"""What pytest's own configuration says of a project: its import path, and where its cache folder is.

Read here, not asked of pytest, so that the command and the library build with the same path.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from templatedb import toml

INI_OPTIONS = "[tool.pytest.ini_options]"
_PYPROJECT = "pyproject.toml"
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


class Configuration(NamedTuple):
    """Where pytest is configured, and what stands there."""

    file: str
    section: str
    """The header of the table, such as ``[pytest]``."""
    values: Mapping[str, Any]


def configuration(root: Path) -> Configuration | None:
    """Return the configuration in the folder *root* that pytest itself would take; None when there is none.

    A file that is broken says nothing: pytest reports its own configuration better than we could.
    Source: pytest documentation, "Configuration file formats".
    """
    for file in ("pytest.toml", ".pytest.toml"):
        if (root / file).is_file():
            return Configuration(file, "[pytest]", _read_toml(root / file).get("pytest", {}))
    for file in ("pytest.ini", ".pytest.ini"):
        if (root / file).is_file():
            return Configuration(file, "[pytest]", _section(root / file, "pytest") or {})
    if (root / _PYPROJECT).is_file():
        tool = dict(_read_toml(root / _PYPROJECT).get("tool", {}).get("pytest", {}))
        if tool:
            options = tool.pop("ini_options", {})
            return Configuration(_PYPROJECT, "[tool.pytest]" if tool else INI_OPTIONS, {**options, **tool})
    for file, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if (root / file).is_file() and (values := _section(root / file, section)) is not None:
            return Configuration(file, f"[{section}]", values)
    return None


def _value(root: Path, name: str) -> object:
    found = configuration(root)
    return None if found is None else found.values.get(name)


def _section(path: Path, section: str) -> dict[str, str] | None:
    """Return a section of an INI file; None when there is none."""
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        return None
    return dict(parser.items(section)) if parser.has_section(section) else None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return toml.read(path)
    except ValueError:
        return {}
