"""Changes as lines for people: whole ones for the command, a few for the report of a failed test."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from templatedb.changes.records import Changes, Kind, Row, TableChanges, Value
from templatedb.summary import count, size

_VALUE_LETTERS = 40
_COLUMNS = 8
_MARKS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}
_BRIEF = (20, 10, 5, 3, 2, 1, 0)
"""How many rows of a table a brief report tries to show, one after the other."""


class Look(enum.StrEnum):
    """What a line is about: the terminal gives each a colour."""

    HEADING = "heading"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    NOTE = "note"


class Line(NamedTuple):
    """One line of a report."""

    look: Look
    text: str


def lines(changes: Changes, *, rows_shown: int | None = None) -> list[Line]:
    """Return all that changed: tables with their rows, then schema, sequences, and what is not known.

    At most *rows_shown* rows of each table, all that *changes* holds when it is None. Empty when nothing changed.
    """
    found: list[Line] = []
    for table in changes.tables:
        found += _table(table, len(table.rows) if rows_shown is None else rows_shown)
    found += (Line(Look.HEADING, f"{one.kind} {one.name}: {one.what}") for one in changes.schema)
    found += (
        Line(Look.HEADING, f"sequence of {one.table}: {_value(one.before)} -> {_value(one.after)}")
        for one in changes.sequences
    )
    found += (Line(Look.NOTE, f"note: {note}") for note in changes.notes)
    if changes.not_compared:
        names, more = ", ".join(changes.not_compared[:_COLUMNS]), len(changes.not_compared) - _COLUMNS
        others = f" and {more} more" if more > 0 else ""
        found.append(Line(Look.NOTE, f"not compared, for the time was over: {names}{others}"))
    return found


def brief(changes: Changes, *, at_most: int) -> list[str]:
    """Return the texts of *at_most* lines: everything that changed, with as many rows of each table as fit."""
    some: list[Line] = []
    for rows_shown in _BRIEF:
        some = lines(changes, rows_shown=rows_shown)
        if len(some) <= at_most:
            return [line.text for line in some]
    left_out = len(some) - at_most + 1
    return [*(line.text for line in some[: at_most - 1]), f"and {left_out} more lines"]


def _table(table: TableChanges, rows_shown: int) -> Iterator[Line]:
    counts = [(table.added, "added"), (table.removed, "removed"), (table.changed, "changed")]
    told = [(number, word) for number, word in counts if number]
    first, *rest = told
    texts = [f"{count(first[0], 'row')} {first[1]}", *(f"{number:,} {word}" for number, word in rest)]
    until = "" if table.is_complete else ", until the time was over"
    yield Line(Look.HEADING, f"{table.table}: {', '.join(texts)}{until}")
    chosen = _fairly(table, rows_shown)
    yield from (Line(Look(row.kind.value), f"  {_MARKS[row.kind]} {_row(row)}") for row in chosen)
    if chosen and len(chosen) < table.count:
        yield Line(Look.NOTE, f"    and {table.count - len(chosen):,} more")


def _fairly(table: TableChanges, shown: int) -> list[Row]:
    """Return *shown* rows, of each kind its part: ten added rows must not hide the one that was removed."""
    by_kind = {kind: [row for row in table.rows if row.kind is kind] for kind in Kind}
    left = shown
    parts = dict.fromkeys(Kind, 0)
    while left > 0 and any(parts[kind] < len(rows) for kind, rows in by_kind.items()):
        for kind, rows in by_kind.items():
            if left > 0 and parts[kind] < len(rows):
                parts[kind] += 1
                left -= 1
    return [row for kind, rows in by_kind.items() for row in rows[: parts[kind]]]


def _row(row: Row) -> str:
    key = f"{_pairs(row.key)}: " if row.key else ""
    if row.kind is Kind.CHANGED:
        cells = [f"{cell.column} {_value(cell.before)} -> {_value(cell.after)}" for cell in row.cells[:_COLUMNS]]
        return key + ", ".join(cells) + _more(len(row.cells))
    if not row.values:
        return key.removesuffix(": ")
    return key + _pairs(row.values[:_COLUMNS]) + _more(len(row.values))


def _more(columns: int) -> str:
    return f" and {columns - _COLUMNS} more columns" if columns > _COLUMNS else ""


def _pairs(pairs: Sequence[tuple[str, Value]]) -> str:
    return ", ".join(f"{column}={_value(value)}" for column, value in pairs)


def _value(value: Value) -> str:
    """Return *value* as SQL writes it; long ones cut, with their length."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        short = value[: _VALUE_LETTERS // 4].hex()
        return f"x'{short}'" if len(value) <= _VALUE_LETTERS // 4 else f"x'{short}...' ({size(len(value))})"
    if isinstance(value, str):
        # Nothing of a value moves the cursor or ends the line.
        printable = (letter if letter.isprintable() else repr(letter)[1:-1] for letter in value[:_VALUE_LETTERS])
        text = "".join(printable).replace("'", "''")
        return f"'{text}'" if len(value) <= _VALUE_LETTERS else f"'{text}...' ({len(value):,} letters)"
    return repr(value)
