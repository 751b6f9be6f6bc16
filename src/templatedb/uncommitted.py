"""Rows that one connection sees and another does not: what a test had flushed but not committed when it failed."""

from __future__ import annotations

import ast
import sqlite3
import warnings
from collections import Counter

_ROW_LIMIT = 2000
_SHOWN = 3
_VALUE_LIMIT = 40


def uncommitted(inside: sqlite3.Connection, outside: sqlite3.Connection) -> list[str]:
    """Return a line per table whose rows differ between *inside*, an open transaction, and *outside*.

    Empty when *inside* is in no transaction. Reads at most 2,000 rows a table and says when there are more; writes
    nothing. Never raises for a locked database or a connection of another thread: the line says so.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the application's converters may be deprecated ones
            return _all_tables(inside, outside)
    except Exception as error:  # converters and text factories are the application's: a report must survive them
        return [] if "closed database" in str(error) else [f"cannot be read: {error}"]


def _all_tables(inside: sqlite3.Connection, outside: sqlite3.Connection) -> list[str]:
    if not inside.in_transaction:
        return []
    tables = _rows(inside, "select name from sqlite_master where type = 'table' and sql not like 'create virtual%'")
    return [line for (name,) in tables for line in _table(ast.literal_eval(name), inside, outside)]


def _table(name: str, inside: sqlite3.Connection, outside: sqlite3.Connection) -> list[str]:
    # A table's name cannot be a parameter; the quotes in it are doubled.
    query = f'select * from "{name.replace(chr(34), chr(34) * 2)}" limit {_ROW_LIMIT + 1}'  # noqa: S608
    columns = [column for (column, *_) in inside.execute(query).description]
    seen = _rows(inside, query)
    try:
        committed = _rows(outside, query)
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        committed = []
    if len(seen) > _ROW_LIMIT or len(committed) > _ROW_LIMIT:
        return [f"{name}: more than {_ROW_LIMIT} rows, not compared"]
    added, removed = Counter(seen) - Counter(committed), Counter(committed) - Counter(seen)
    return [
        f"{name}: {rows.total()} {'row' if rows.total() == 1 else 'rows'} {verb}: {_shown(rows, columns)}"
        for verb, rows in (("added", added), ("removed", removed))
        if rows
    ]


def _rows(connection: sqlite3.Connection, query: str) -> list[tuple[str, ...]]:
    """Return the rows with each value as its ``repr``: what a converter made of it need not be hashable."""
    cursor = connection.cursor()
    cursor.row_factory = None  # the application's own factory may return anything
    return [tuple(map(repr, row)) for row in cursor.execute(query)]


def _shown(rows: Counter[tuple[str, ...]], columns: list[str]) -> str:
    listed = list(rows.elements())
    texts = [
        "(" + ", ".join(f"{column}={_cut(value)}" for column, value in zip(columns, row, strict=False)) + ")"
        for row in listed[:_SHOWN]
    ]
    return ", ".join(texts) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_LIMIT else text[: _VALUE_LIMIT - 3] + "..."
