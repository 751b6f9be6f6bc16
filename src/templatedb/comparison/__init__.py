"""Two SQLite databases compared as what they mean: which bytes they are made of does not matter.

Two builds of one history seldom have the same bytes: Alembic and SQLAlchemy walk sets, so the order of constraints
without a name and of indexes varies. That is no difference here; definitions, values and the order of columns are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from templatedb.comparison.contents import Both, RowDifference, Selection, row_difference
from templatedb.comparison.schemas import Schema, SchemaDifference, Table, read_schema, schema_differences

__all__ = ["Comparison", "RowDifference", "SchemaDifference", "compare"]

_SIDE_FILES = ("-journal", "-wal")


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """How two databases differ; both empty, `schema` and `rows`, when they are the same."""

    schema: tuple[SchemaDifference, ...]
    rows: tuple[RowDifference, ...]
    notes: tuple[str, ...]
    """What could not be compared, or only in part."""
    same_bytes: bool


def compare(first: Path, second: Path, *, first_name: str = "first", second_name: str = "second") -> Comparison:
    """Compare two database files and return how they differ; the texts call them by their names, after "the".

    Nothing is written, and nothing but the two files is read: changes that are still in a write-ahead log or a journal
    are not seen, and noted. Neither file may be in use by this process or change meanwhile. An empty file is an empty
    database. Raises sqlite3.DatabaseError for a file that is missing, damaged or no database.
    """
    names = (first_name, second_name)
    with _reading(first) as one, _reading(second) as two:
        schemas = read_schema(one), read_schema(two)
        notes = [*_left_aside(first, first_name), *_left_aside(second, second_name)]
        if _digest(first) == _digest(second):
            return Comparison((), (), tuple(notes), same_bytes=True)
        notes += _virtual(*schemas)
        differences = schema_differences(*schemas, names)
        rows = tuple(_rows((one, two), *schemas, names, notes))
    return Comparison(tuple(differences), rows, tuple(notes), same_bytes=False)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    # Only an immutable file is opened without side files when it is in WAL mode.
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def _digest(path: Path) -> str:
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _left_aside(path: Path, name: str) -> Iterator[str]:
    for suffix in _SIDE_FILES:
        side = f"{path}{suffix}"
        if os.path.exists(side) and os.path.getsize(side):
            yield f"the {name} has unfinished changes in {os.path.basename(side)}, which are not compared"


def _virtual(first: Schema, second: Schema) -> Iterator[str]:
    values = {name for name, is_value in first.shadows.items() if is_value} & first.tables.keys() & second.tables.keys()
    for name in sorted(first.modules.keys() & second.modules.keys()):
        held = sorted(values & {f"{name}_config", f"{name}_content"})
        but = f", but those of {' and '.join(held)} are" if held else ""
        yield f"virtual table {name} ({first.modules[name]}): its rows are not compared{but}"


def _rows(
    both: Both, first: Schema, second: Schema, names: tuple[str, str], notes: list[str]
) -> Iterator[RowDifference]:
    """Yield how the rows of the tables that both have differ; add to *notes* what could not be read."""
    indexes = {name for name, is_value in {**first.shadows, **second.shadows}.items() if not is_value}
    for name in sorted(first.tables.keys() & second.tables.keys() - indexes):
        one, two = first.tables[name], second.tables[name]
        selection = _selection(name, one, two)
        if not selection.columns:
            notes.append(f"table {name}: no column that both have can be read, so its rows are not compared")
            continue
        if {column.name for column in one.columns} != {column.name for column in two.columns}:
            notes.append(f"table {name}: only the columns that both have are compared in its rows")
        try:
            difference = row_difference(both, selection, names)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                raise  # the disk's fault; what is tolerated is a function or collation of the application
            notes.append(f"table {name}: its rows cannot be read: {error}")
        else:
            if difference:
                yield difference


def _selection(name: str, first: Table, second: Table) -> Selection:
    """Select what both tables store; the primary key only when it is the same."""
    known = {column.name for column in second.columns if column.stored}
    columns = tuple(column.name for column in first.columns if column.stored and column.name in known)
    keys = [
        [column.name for column in sorted(table.columns, key=lambda column: column.key) if column.key]
        for table in (first, second)
    ]
    same = keys[0] == keys[1] and set(keys[0]) <= set(columns)
    return Selection(name, columns, tuple(columns.index(column) for column in keys[0]) if same else ())
