"""Values that are true on one machine only, such as the path of a checkout: a golden carries them to others."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from templatedb.comparison.schemas import read_schema
from templatedb.identifiers import quoted

_SHORT = 5
"""Letters of a mark below which it is looked for as a whole value only: a machine may be called "db"."""


@dataclasses.dataclass(frozen=True, slots=True)
class MachineValue:
    """A column that holds something of this machine."""

    table: str
    column: str
    what: str
    """Such as ``the project's folder``."""
    rows: int


def marks_of(root: Path, home: str | None) -> dict[str, str]:
    """Return what this machine can be told by, and what each is: the project's folder, the home, the machine's name."""
    marks = {socket.gethostname(): "the name of this machine"}
    if home:
        marks[os.path.normpath(home)] = "the home folder"
    marks[str(root)] = "the project's folder"
    return {mark: what for mark, what in marks.items() if mark.strip(os.sep) not in ("", "localhost")}


def machine_values(path: Path, marks: Mapping[str, str]) -> tuple[MachineValue, ...]:
    """Return the columns of the database at *path* that hold one of the *marks*, each row told by its longest one.

    Tables of extensions that this SQLite does not have, and values that need a function of the application, are left
    out. Writes nothing. Raises sqlite3.DatabaseError for a file that is damaged or no database.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        return tuple(_found(connection, marks))


def _found(connection: sqlite3.Connection, marks: Mapping[str, str]) -> Iterator[MachineValue]:
    schema = read_schema(connection)
    longest_first = sorted(marks, key=len, reverse=True)
    parameters = {f"m{number}": mark for number, mark in enumerate(longest_first)}
    cases = " ".join(f"when {_holds(mark, f'm{number}')} then {number}" for number, mark in enumerate(longest_first))
    for name, table in sorted(schema.tables.items()):
        if not schema.shadows.get(name, True):
            continue  # the bytes of an index over values that are looked at elsewhere
        for column in (column for column in table.columns if column.stored):
            values = f"select cast(t.{quoted(column.name)} as text) as value from main.{quoted(name)} as t"  # noqa: S608
            query = f"select case {cases} end as mark, count(*) from ({values}) where mark is not null group by mark"  # noqa: S608
            try:
                for number, rows in connection.execute(f"{query} order by mark", parameters):
                    yield MachineValue(name, column.name, marks[longest_first[number]], rows)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                    raise  # the disk's fault; what is tolerated is a function or collation of the application


def _holds(mark: str, parameter: str) -> str:
    """Return the condition under which ``value`` holds *mark*."""
    return f"value = :{parameter}" if len(mark) < _SHORT else f"instr(value, :{parameter})"
