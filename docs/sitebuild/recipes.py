"""A page for each folder of conftest_examples/: its README, and its files as code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

OTHERS = "Others"
"""The group of the recipes that the list of recipes leaves out."""

_LANGUAGES = {".py": "python", ".sql": "sql", ".toml": "toml", ".ini": "ini", ".sh": "sh", ".yml": "yaml"}
_AS_GENERATED = ("alembic.ini", "script.py.mako", "README")
"""Files that a migration tool wrote: named, not shown."""


class Group(NamedTuple):
    """Recipes that stand together in the list of recipes."""

    title: str
    """Its heading in the list; empty for those before the first one."""
    recipes: tuple[tuple[str, str], ...]
    """Name of the folder, and what it is for."""


def folders(root: Path) -> list[str]:
    """Return the names of all recipes below *root*: the folders with a README."""
    return sorted(path.parent.name for path in (root / "conftest_examples").glob("*/README.md"))


def groups(root: Path) -> list[Group]:
    """Return the recipes as the list in conftest_examples/README.md has them, by its headings; the rest at the end."""
    text = (root / "conftest_examples/README.md").read_text(encoding="utf-8")
    there = folders(root)
    found: dict[str, list[tuple[str, str]]] = {}
    title = ""
    for line in text.splitlines():
        if heading := re.match(r"##+ (.+)", line):
            title = heading[1]
        elif (row := re.match(r"\| *\[[^\]]+\]\(([\w-]+)/?(?:README\.md)?\) *\|(.*)\|$", line)) and row[1] in there:
            found.setdefault(title, []).append((row[1], row[2].strip()))
    listed = {name for rows in found.values() for name, _ in rows}
    if rest := [(name, "") for name in there if name not in listed]:
        found.setdefault(OTHERS, []).extend(rest)
    return [Group(title, tuple(rows)) for title, rows in found.items()]


def page(root: Path, name: str) -> str:
    """Return the page of one recipe: its README, then each of its files."""
    folder = root / "conftest_examples" / name
    shown, named = _files(folder)
    parts = [
        (folder / "README.md").read_text(encoding="utf-8").rstrip(),
        "## The files",
        f"All of it is in `conftest_examples/{name}/`, and its tests are run by ours."
        + (f" Not shown, as their tools wrote them: {', '.join(f'`{file}`' for file in named)}." if named else ""),
    ]
    for file in shown:
        text = (folder / file).read_text(encoding="utf-8")
        parts.append(f"### `{file}`\n\n{_fenced(text, _LANGUAGES.get(Path(file).suffix, 'text'))}")
    return "\n\n".join(parts) + "\n"


def _files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the files to show, in an order to read them in, and the ones only to name."""
    found = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file()
        and path != folder / "README.md"
        and path.stat().st_size
        and not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
        and path.suffix not in (".db", ".sqlite", ".pyc")
    ]
    named = sorted(path.as_posix() for path in found if path.name in _AS_GENERATED)
    return [path.as_posix() for path in sorted(found, key=_place) if path.as_posix() not in named], named


def _place(path: Path) -> tuple[int, str]:
    """Settings, conftest, tests, the application, then its migrations."""
    name = path.as_posix()
    if name in ("pyproject.toml", "templatedb.toml"):
        return 0, name
    if path.name == "conftest.py":
        return 1, name
    if path.name.startswith("test_"):
        return 2, name
    return (4 if {"migrations", "alembic", "sql", "versions", "changelog"} & set(path.parts[:-1]) else 3), name


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`{3,}", text)), 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
