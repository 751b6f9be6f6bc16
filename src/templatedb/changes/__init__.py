"""What changed from one database to another: from the golden to what a test left, or between any two files.

Unlike `comparison`, which asks whether two builds mean the same, this tells which rows became what.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from templatedb.changes.records import Changes, Sequence, TableChanges, Value
from templatedb.changes.rows import AFTER, changes_of, choose
from templatedb.comparison.schemas import Schema, Table, read_schema, schema_differences

__all__ = ["Changes", "between"]

_STEPS_BETWEEN_LOOKS = 20_000
"""Instructions of SQLite's virtual machine, a millisecond or less, after which the clock is looked at."""
_BUSY_TIMEOUT_S = 1.0


def between(
    before: Path, after: Path, *, names: tuple[str, str], shown: int = 20, time_limit_s: float | None = None
) -> Changes:
    """Return what changed from the database file *before* to *after*; texts call them by their *names*, after "the".

    Of each table the first *shown* rows of each kind are returned, all are counted. After *time_limit_s* the rest is
    only named, in `Changes.not_compared`. Writes nothing; what is committed counts, a write-ahead log included. Raises
    sqlite3.DatabaseError for a file that is missing, locked, damaged or no database.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    with _reading(before) as one, _reading(after) as two:
        first, second = read_schema(one), read_schema(two)
        one.execute(f"attach ? as {AFTER}", (_uri(after),))
        one.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        if deadline is not None:
            one.set_progress_handler(lambda: monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        tables: list[TableChanges] = []
        not_compared: list[str] = []
        notes: list[str] = []
        for part in _parts(first, second, notes):
            try:
                columns = part.columns or _virtual_columns(one, part.table)
                found = changes_of(one, choose(one, part.table, columns, part.key), shown=shown)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    not_compared.append(part.table)
                elif error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR:
                    # Not the disk's fault: a function, a collation or a module that the application brings along.
                    notes.append(f"the rows of {part.table} cannot be read: {error}")
                else:
                    raise
                continue
            if found is not None and found.count:
                tables.append(found)
            elif found is not None:
                not_compared.append(part.table)
        one.set_progress_handler(None, 0)
        sequences = tuple(_sequences(one, two, first, second))
        schema = tuple(schema_differences(first, second, names))
    return Changes(schema, tuple(tables), sequences, tuple(not_compared), tuple(notes))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    uri = _uri(path)
    with contextlib.closing(
        sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
    ) as connection:
        yield connection


def _uri(path: Path) -> str:
    """Return how SQLite opens *path* without writing.

    An immutable file is opened without locks and side files: that is for goldens, and for what is in WAL mode and has
    no log, because SQLite would make one to read it (https://www.sqlite.org/wal.html, "Read-Only Databases").
    """
    with open(path, "rb") as opened:
        is_golden = not os.fstat(opened.fileno()).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
        is_in_wal_mode = opened.read(20)[18:] == b"\x02\x02"
    alone = is_golden or (is_in_wal_mode and not os.path.exists(f"{path}-wal"))
    return f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"


class _Part(NamedTuple):
    """A table, or a virtual table, that is in both databases."""

    table: str
    columns: tuple[str, ...]
    """Those that both store, in the order of the second; empty for a virtual table: its module knows them."""
    key: tuple[str, ...]


def _parts(first: Schema, second: Schema, notes: list[str]) -> Iterator[_Part]:
    """Yield what has rows in both databases; add to *notes* what is compared only in part."""
    hidden = {*first.shadows, *second.shadows, "sqlite_sequence"}
    names = {*(first.tables.keys() & second.tables.keys() - hidden), *(first.modules.keys() & second.modules.keys())}
    for name in sorted(names):
        one, two = first.tables.get(name), second.tables.get(name)
        if one is None or two is None:
            yield _Part(name, (), ())
            continue
        known = {column.name for column in one.columns if column.stored}
        columns = tuple(column.name for column in two.columns if column.stored and column.name in known)
        if not columns:
            notes.append(f"the rows of {name} are not compared: no column is in both databases")
            continue
        if {column.name for column in one.columns} != {column.name for column in two.columns}:
            notes.append(f"of the rows of {name} only the columns that both databases have are compared")
        keys = [_key(table) for table in (one, two)]
        yield _Part(name, columns, keys[0] if keys[0] == keys[1] else ())


def _virtual_columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    query = "select name from pragma_table_xinfo(?) where hidden = 0"
    return tuple(name for (name,) in connection.execute(query, (table,)))


def _key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in sorted(table.columns, key=lambda column: column.key) if column.key)


def _sequences(one: sqlite3.Connection, two: sqlite3.Connection, first: Schema, second: Schema) -> Iterator[Sequence]:
    before, after = _numbers(one, first), _numbers(two, second)
    for table in sorted({*before, *after}):
        if before.get(table) != after.get(table):
            yield Sequence(table, before.get(table), after.get(table))


def _numbers(connection: sqlite3.Connection, schema: Schema) -> dict[str, Value]:
    if "sqlite_sequence" not in schema.tables:
        return {}
    return dict(connection.execute("select name, seq from main.sqlite_sequence"))
