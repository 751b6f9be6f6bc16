"""SQL files that make a database: folders of migrations, and a schema in one file."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from templatedb.errors import InputsError
from templatedb.migrators import sql_files
from templatedb.migrators.sql_names import Dialect
from templatedb.proposals import Fact
from templatedb.proposals.project import Project, folder_of, is_test
from templatedb.summary import count

_NUMBERED = re.compile(r"[vV]?[0-9]+[_.-]")
_CREATES = re.compile(r"\bcreate\s+(?:table|virtual\s+table)\b", re.IGNORECASE)
_LARGE_BYTES = 50_000_000
_NAMES = {"migration", "migrations", "sql", "schema", "ddl"}
_SCHEMAS = {"schema.sql", "structure.sql", "init.sql", "create_tables.sql"}
_OTHERS = re.compile(
    r"\b(?:create\s+(?:extension|type|function|schema)|auto_increment|plpgsql|engine\s*=\s*innodb)\b|::\w",
    re.IGNORECASE,
)
"""What SQLite does not run, and other databases often do."""


class SqlFiles(NamedTuple):
    """SQL that leads to a database."""

    fact: Fact
    folder: str
    dialect: Dialect
    files: tuple[str, ...]
    """Their names in the folder, in the order they run in."""
    has_strangers: bool = False
    """Whether other SQL files beside a schema would run too, so that the folder cannot be named as a whole."""
    notes: tuple[str, ...] = ()


def sql_folders(project: Project, without: tuple[Path, ...] = ()) -> tuple[list[SqlFiles], list[str]]:
    """Return the folders whose files make a database, and what is wrong with those that look as if they did.

    Folders that a tool knows by marks come first, schemas in one file last. What is below the folders *without* belongs
    to somebody else.
    """
    folders: dict[str, list[str]] = {}
    for name in project.files:
        path = project.root / name
        is_ours = name.endswith(".sql") and not is_test(name) and not project.home_of(name)
        if is_ours and not any(path.is_relative_to(other) for other in without):
            folders.setdefault(folder_of(name), []).append(PurePosixPath(name).name)
    found, problems = [], []
    for folder, names in folders.items():
        try:
            if (one := _look(project, folder, names)) is not None:
                found.append(one)
        except InputsError as error:
            if _is_of_migrations(folder, names):
                problems.append(f"{folder} is no folder of migrations: {error.line}")
    return sorted(found, key=lambda one: (_rank(one), one.folder.count("/"), one.folder)), problems


def _look(project: Project, folder: str, names: list[str]) -> SqlFiles | None:
    if sum((project.root / folder / name).stat().st_size for name in names) > _LARGE_BYTES:
        return None  # dumps: to read them would take longer than anybody waits
    dialect, files = sql_files.find(project.root / folder)
    ordered = tuple(one.path.name for one in files)
    texts = {name: project.text(_joined(folder, name)) for name in ordered}
    notes = tuple(
        f"{_joined(folder, name)}:{text.count(chr(10), 0, other.start()) + 1}: {other[0]!r} is not SQLite's: templatedb"
        " builds SQLite databases"
        for name, text in texts.items()
        if (other := _OTHERS.search(text))
    )[:1]
    if dialect is not Dialect.PLAIN:
        return SqlFiles(
            Fact(folder, 0, f"{dialect}, {count(len(files), 'migration')}"), folder, dialect, ordered, notes=notes
        )
    if not any(map(_CREATES.search, texts.values())):
        return None
    if _is_of_migrations(folder, names):
        return SqlFiles(Fact(folder, 0, f"SQL in {count(len(files), 'file')}"), folder, dialect, ordered, notes=notes)
    schema = next((name for name in ordered if name in _SCHEMAS and _CREATES.search(texts[name])), None)
    if schema is None:
        return None
    line = texts[schema].count("\n", 0, _first(texts[schema])) + 1
    fact = Fact(_joined(folder, schema), line, "a schema in SQL")
    return SqlFiles(fact, folder, dialect, (schema,), has_strangers=len(ordered) > 1, notes=notes)


def _first(text: str) -> int:
    found = _CREATES.search(text)
    return found.start() if found else 0


def _is_of_migrations(folder: str, names: list[str]) -> bool:
    numbered = [name for name in names if _NUMBERED.match(name)]
    return len(numbered) == len(names) or (PurePosixPath(folder).name in _NAMES and not _SCHEMAS & set(names))


def _rank(one: SqlFiles) -> int:
    if one.dialect is not Dialect.PLAIN:
        return 0
    return 2 if one.fact.path != one.folder else 1


def _joined(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"
