"""What each tool reads in the name of a migration: its version, its title, its place in the order."""

from __future__ import annotations

import dataclasses
import enum
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from templatedb.errors import InputsError
from templatedb.migrators import sql_sections
from templatedb.migrators.sql_sections import Section

GOLANG = re.compile(r"([0-9]+)_(.*)\.(down|up)\.sql")
"""Source: golang-migrate, source/parse.go; it takes any last suffix, most projects embed ``*.sql``."""
DBMATE = re.compile(r"([0-9]+)(.*)\.sql")
"""Source: dbmate, pkg/dbmate/db.go."""
_GOOSE = re.compile(r"([+-]?[0-9]+)_(.*)\.sql")
_GOOSE_IN_GO = re.compile(r"[+-]?[0-9]+_.*(?<!_test)\.go")
"""Source: goose, migration.go and migrate.go."""


class Dialect(enum.StrEnum):
    """Whose migrations they are: that decides what a file means and how the database remembers it."""

    GOLANG_MIGRATE = "golang-migrate"
    DBMATE = "dbmate"
    GOOSE = "goose"
    PLAIN = "plain SQL"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SqlFile:
    """One migration."""

    path: Path
    dialect: Dialect
    version: int | str
    """As the tool records it; the file's name where none does."""
    title: str = ""
    """In words; may be empty."""
    runs: bool = True
    """False for a way back without a way forward, whose version golang-migrate records all the same."""

    def sections(self) -> tuple[Section, ...]:
        """Read the file and return what is to run.

        Raises InputsError when it cannot be read as UTF-8, RefusedError where the tool would refuse it.
        """
        if not self.runs:
            return ()
        text = sql_sections.read(self.path)
        match self.dialect:
            case Dialect.DBMATE:
                return tuple(sql_sections.of_dbmate(text))
            case Dialect.GOOSE:
                return (sql_sections.of_goose(text),)
            case Dialect.GOLANG_MIGRATE | Dialect.PLAIN:
                return (Section(self.dialect is Dialect.GOLANG_MIGRATE, ((1, text),)),)


def _golang(folder: Path, names: list[str]) -> list[SqlFile]:
    """Order by number; a version that only has a way back counts, but runs nothing.

    Source: golang-migrate, source/migration.go, whose index holds both directions.
    """
    files = [
        SqlFile(
            path=folder / found[0],
            dialect=Dialect.GOLANG_MIGRATE,
            version=_version(int(found[1]), folder / found[0]),
            title=_words(found[2]),
            runs=found[3] == "up",
        )
        for found in filter(None, map(GOLANG.fullmatch, names))
    ]
    _refuse_twins(files)
    forward = {one.version for one in files if one.runs}
    return [one for one in files if one.runs or one.version not in forward]


def _dbmate(folder: Path, names: list[str]) -> list[SqlFile]:
    found = filter(None, map(DBMATE.fullmatch, names))
    files = [SqlFile(path=folder / it[0], dialect=Dialect.DBMATE, version=it[1], title=_words(it[2])) for it in found]
    if not files:
        raise InputsError(
            what=f"no migrations in {folder}: for dbmate their names begin with a number",
            remedy=f"Rename {names[0]}.",
            searched=(folder,),
        )
    _refuse_twins(files)
    return files


def _goose(folder: Path, names: list[str]) -> list[SqlFile]:
    in_go = [name for name in sorted(os.listdir(folder)) if _GOOSE_IN_GO.fullmatch(name)]
    if in_go:
        raise InputsError(
            what=f"{folder / in_go[0]} is a migration in Go, which only the project's own program can run",
            remedy="Use the setting 'command', with the command that runs it, instead of 'sql'.",
            searched=(folder,),
        )
    files = []
    for name in names:
        found = _GOOSE.fullmatch(name)
        version = _version(int(found[1]) if found else 0, folder / name, least=1)
        title = _words(found[2]) if found else ""
        files.append(SqlFile(path=folder / name, dialect=Dialect.GOOSE, version=version, title=title))
    _refuse_twins(files)
    return files


def _plain(folder: Path, names: list[str]) -> list[SqlFile]:
    return [SqlFile(path=folder / name, dialect=Dialect.PLAIN, version=name) for name in names]


def _version(number: int, path: Path, least: int = 0) -> int:
    if not least <= number < 2**63:
        raise InputsError(
            what=f"{path} has no version: its name begins with a number from {least} to 2^63 - 1 and an underscore",
            remedy="Rename it, or move it out of this folder.",
            searched=(path.parent,),
        )
    return number


def _refuse_twins(files: list[SqlFile]) -> None:
    first: dict[tuple[int | str, bool], SqlFile] = {}
    for one in files:
        twin = first.setdefault((one.version, one.runs), one)
        if twin is not one:
            raise InputsError(
                what=f"two files in {one.path.parent} have version {one.version}: {twin.path.name} and {one.path.name}",
                remedy=f"Give one of them another version: {one.dialect} refuses both.",
                searched=(one.path.parent,),
            )


def _words(title: str) -> str:
    return " ".join(re.split(r"[_\-. ]+", title)).strip()


def _by_version(one: SqlFile) -> int:
    return int(one.version)


def _by_name(one: SqlFile) -> str:
    return one.path.name


def _natural(one: SqlFile) -> tuple[bool, list[Any], str]:
    """Order by the leading number, then as people count: 2_ before 10_; names without a number come last."""
    parts: list[Any] = re.split(r"([0-9]+)", one.path.name)
    parts[1::2] = map(int, parts[1::2])
    numbered = re.match(r"[vV]?[0-9]", one.path.name) is not None
    return not numbered, parts[1:] if numbered else parts, one.path.name


READERS: dict[Dialect, tuple[Callable[[Path, list[str]], list[SqlFile]], Callable[[SqlFile], Any]]] = {
    Dialect.GOLANG_MIGRATE: (_golang, _by_version),
    Dialect.DBMATE: (_dbmate, _by_name),  # 10_ before 2_, as dbmate does
    Dialect.GOOSE: (_goose, _by_version),
    Dialect.PLAIN: (_plain, _natural),
}
