"""The import path that pytest's own configuration gives a project.

Read here, not asked of pytest, so that the command and the library build with the same path.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from templatedb import toml


def of_pytest(root: Path) -> Iterator[str]:
    """Yield pytest's ``pythonpath`` of the folder *root*, from the first file that pytest itself would take.

    A file that is broken yields nothing: pytest reports its own configuration better than we could.
    Source: pytest documentation, "Configuration file formats".
    """
    for name in ("pytest.toml", ".pytest.toml"):
        if (root / name).is_file():
            yield from _as_list(_read_toml(root / name).get("pytest", {}).get("pythonpath", []))
            return
    for name in ("pytest.ini", ".pytest.ini"):
        if (root / name).is_file():
            yield from _ini_value(root / name, "pytest")
            return
    if (root / "pyproject.toml").is_file():
        tool = _read_toml(root / "pyproject.toml").get("tool", {}).get("pytest", {})
        if tool:
            yield from _as_list(tool.get("pythonpath", tool.get("ini_options", {}).get("pythonpath", [])))
            return
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if (root / name).is_file():
            yield from _ini_value(root / name, section)


def _as_list(value: object) -> list[str]:
    return (
        value.split() if isinstance(value, str) else [str(entry) for entry in value] if isinstance(value, list) else []
    )


def _ini_value(path: Path, section: str) -> list[str]:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        return []
    return parser.get(section, "pythonpath", fallback="").split()


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return toml.read(path)
    except ValueError:
        return {}
