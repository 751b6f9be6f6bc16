"""The rows of one table that differ between two attached databases, found by SQLite itself.

Memory is bounded: rows are joined inside SQLite, and only the first few of each kind are held.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from templatedb.changes.records import Cell, Kind, Named, Row, TableChanges, Value
from templatedb.identifiers import quoted

BEFORE, AFTER = "main", "after_it"
"""The names by which one connection has the two databases."""
_REUNITED = 10_000
"""Rows without a primary key that are held, to find those that were only renumbered."""
_HELD_BYTES = 64_000_000
"""What the held rows of one kind may take together."""
_ROWIDS = ("rowid", "_rowid_", "oid")

Values = tuple[Value, ...]


class Compared(NamedTuple):
    """A table that both databases have, and what tells its rows apart."""

    table: str
    columns: tuple[str, ...]
    """What both store."""
    key: tuple[str, ...]
    """The primary key, or a name of the rowid; empty where neither can be used."""
    is_named: bool
    """Whether the key is a primary key: a rowid is given anew to a row that comes back, and by VACUUM."""


def choose(connection: sqlite3.Connection, table: str, columns: tuple[str, ...], key: tuple[str, ...]) -> Compared:
    """Return how the rows of *table* are told apart: by its primary *key*, else by the rowid, else not at all.

    A primary key may hold NULL, and then two rows the same one (SQLite documentation, "CREATE TABLE", section 3.5).
    """
    if key and set(key) <= set(columns):
        is_null = " or ".join(f"{quoted(column)} is null" for column in key)
        query = " union all ".join(
            f"select * from (select 1 from {place}.{quoted(table)} where {is_null} limit 1)"  # noqa: S608  # a name cannot be a parameter
            for place in (BEFORE, AFTER)
        )
        if connection.execute(query).fetchone() is None:
            return Compared(table, columns, key, is_named=True)
    taken = {column.lower() for column in columns}
    for name in _ROWIDS:
        if name not in taken and _has(connection, table, name):
            return Compared(table, columns, (name,), is_named=False)
    return Compared(table, columns, (), is_named=False)


def changes_of(connection: sqlite3.Connection, compared: Compared, *, shown: int) -> TableChanges | None:
    """Return what changed in a table, with the first *shown* rows of each kind; None when nothing did.

    Raises sqlite3.OperationalError as reading does. When it is interrupted, what was found before is returned as
    incomplete.
    """
    found = _Found(shown if compared.is_named or not compared.key else max(shown, _REUNITED))
    is_complete = True
    try:
        for row in _keyed(connection, compared) if compared.key else _counted(connection, compared):
            found.add(row)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        is_complete = False
    if not compared.is_named and is_complete:
        found.reunite()
    if not any(found.counts.values()) and is_complete:
        return None
    return TableChanges(
        compared.table,
        added=found.counts[Kind.ADDED],
        removed=found.counts[Kind.REMOVED],
        changed=found.counts[Kind.CHANGED],
        rows=tuple(row for kind in Kind for row in found.rows[kind][:shown]),
        is_complete=is_complete,
    )


class _Found:
    """Rows as they are found: all are counted, the first ones of each kind held."""

    def __init__(self, held: int) -> None:
        self.counts = dict.fromkeys(Kind, 0)
        self.rows: dict[Kind, list[Row]] = {kind: [] for kind in Kind}
        self._held = held
        self._room_bytes = dict.fromkeys(Kind, _HELD_BYTES)

    def add(self, row: Row) -> None:
        self.counts[row.kind] += 1
        if len(self.rows[row.kind]) < self._held and self._room_bytes[row.kind] > 0:
            self._room_bytes[row.kind] -= _size_bytes(row)
            self.rows[row.kind].append(row)

    def reunite(self) -> None:
        """Leave out rows that only have another rowid: removed and added again, or renumbered by VACUUM.

        Nothing is done where not all rows are held.
        """
        if any(self.counts[kind] > len(self.rows[kind]) for kind in Kind):
            return
        gone = Counter(_exact(row.values) for row in (*self.rows[Kind.REMOVED], *self.rows[Kind.CHANGED]))
        came = Counter(
            [_exact(row.values) for row in self.rows[Kind.ADDED]]
            + [_exact(_after(row)) for row in self.rows[Kind.CHANGED]]
        )
        if not (moved := gone & came):
            return
        removed, added, changed = [*self.rows[Kind.REMOVED]], [*self.rows[Kind.ADDED]], []
        for row in self.rows[Kind.CHANGED]:
            if moved[_exact(row.values)] or moved[_exact(_after(row))]:
                removed.append(Row(Kind.REMOVED, row.key, row.values))
                added.append(Row(Kind.ADDED, row.key, _after(row)))
            else:
                changed.append(row)
        self.rows = {Kind.ADDED: _without(added, moved), Kind.REMOVED: _without(removed, moved), Kind.CHANGED: changed}
        self.counts = {kind: len(rows) for kind, rows in self.rows.items()}


def _without(rows: list[Row], moved: Counter[str]) -> list[Row]:
    left, rest = moved.copy(), []
    for row in rows:
        if left[exact := _exact(row.values)]:
            left[exact] -= 1
        else:
            rest.append(row)
    return rest


def _after(row: Row) -> Named:
    """Return the values of a changed row as they are now."""
    now = {cell.column: cell.after for cell in row.cells}
    return tuple((column, now.get(column, value)) for column, value in row.values)


def _exact(values: Named) -> str:
    return repr(values)


def _size_bytes(row: Row) -> int:
    values = [value for _, value in row.values] + [value for cell in row.cells for value in (cell.before, cell.after)]
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in values)


# --- Tables with a key ---


def _keyed(connection: sqlite3.Connection, compared: Compared) -> Iterator[Row]:
    """Yield the rows that are only on one side, then those that are on both and differ."""
    table, columns, key = compared.table, compared.columns, compared.key
    same_row = " and ".join(f"b.{quoted(column)} = a.{quoted(column)}" for column in key)
    for kind, place, other in ((Kind.REMOVED, BEFORE, AFTER), (Kind.ADDED, AFTER, BEFORE)):
        query = (
            f"select {_listed('a', [*key, *columns])} from {place}.{quoted(table)} as a"  # noqa: S608
            f" where not exists (select 1 from {other}.{quoted(table)} as b where {same_row})"
        )
        for values in connection.execute(query):
            named, rest = _split(key, columns, values)
            yield Row(kind, named, values=rest)
    if not columns:
        return
    differs = " or ".join(_differ(quoted(column)) for column in columns)
    query = (
        f"select {_listed('a', [*key, *columns])}, {_listed('b', columns)}"  # noqa: S608
        f" from {BEFORE}.{quoted(table)} as a join {AFTER}.{quoted(table)} as b on {same_row} where {differs}"
    )
    for values in connection.execute(query):
        both = len(key) + len(columns)
        named, rest = _split(key, columns, values[:both])
        yield Row(Kind.CHANGED, named, values=rest, cells=_cells(columns, values[len(key) : both], values[both:]))


def _split(key: Sequence[str], columns: Sequence[str], values: Values) -> tuple[Named, Named]:
    """Return the columns of the key, and the others, with their values."""
    named = zip(columns, values[len(key) :], strict=True)
    return tuple(zip(key, values[: len(key)], strict=True)), tuple(pair for pair in named if pair[0] not in key)


def _differ(column: str) -> str:
    # IS NOT alone takes 1 for 1.0, and 'a' for 'A' where the column's own collation does.
    return f"a.{column} is not b.{column} collate binary or typeof(a.{column}) <> typeof(b.{column})"


def _cells(columns: Sequence[str], before: Values, after: Values) -> tuple[Cell, ...]:
    triples = zip(columns, before, after, strict=True)
    return tuple(Cell(*triple) for triple in triples if repr(triple[1]) != repr(triple[2]))


# --- Tables without one: all three names of the rowid are columns ---


def _counted(connection: sqlite3.Connection, compared: Compared) -> Iterator[Row]:
    """Yield the rows that are there more often on one side: nothing tells which of them changed.

    Their hashes are held, not the rows; some hundred bytes for each row.
    """
    queries = [
        f"select {_listed('a', compared.columns)} from {place}.{quoted(compared.table)} as a"  # noqa: S608
        for place in (BEFORE, AFTER)
    ]
    before, after = (Counter(hash(repr(row)) for row in connection.execute(query)) for query in queries)
    for kind, query, surplus in ((Kind.REMOVED, queries[0], before - after), (Kind.ADDED, queries[1], after - before)):
        for row in connection.execute(query):
            if surplus[number := hash(repr(row))] > 0:
                surplus[number] -= 1
                yield Row(kind, (), values=tuple(zip(compared.columns, row, strict=True)))


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    # As the name of a column, not in quotes: SQLite would take an unknown quoted name for a text.
    try:
        for place in (BEFORE, AFTER):
            connection.execute(f"select a.{column} from {place}.{quoted(table)} as a limit 0")  # noqa: S608
    except sqlite3.OperationalError as error:
        if "no such column" not in str(error):
            raise
        return False
    return True


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{quoted(column)}" for column in columns)
