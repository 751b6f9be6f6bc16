"""What changed from one database to another, as values: tables, rows, sequences."""

from __future__ import annotations

import dataclasses
import enum

from templatedb.comparison.schemas import SchemaDifference

Value = int | float | str | bytes | None
Named = tuple[tuple[str, Value], ...]
"""Columns and their values."""


class Kind(enum.StrEnum):
    """What became of a row."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A value that changed."""

    column: str
    before: Value
    after: Value


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row that was added, removed or changed."""

    kind: Kind
    key: Named
    """What tells it from the others: the primary key, or the rowid; nothing where there is neither."""
    values: Named = ()
    """Its other columns; those of a row that changed as they were before."""
    cells: tuple[Cell, ...] = ()
    """What changed in it, for a row that changed."""


@dataclasses.dataclass(frozen=True, slots=True)
class TableChanges:
    """The rows of one table that changed."""

    table: str
    added: int
    removed: int
    changed: int
    rows: tuple[Row, ...]
    """The first of each kind, as many as were asked for."""
    is_complete: bool
    """False when the counts are only what was found until time ran out."""

    @property
    def count(self) -> int:
        """How many rows changed."""
        return self.added + self.removed + self.changed


@dataclasses.dataclass(frozen=True, slots=True)
class Sequence:
    """The last number that an AUTOINCREMENT gave; None where none was given yet."""

    table: str
    before: Value
    after: Value


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """All that changed; everything empty when nothing did."""

    schema: tuple[SchemaDifference, ...]
    """Tables, columns, indexes, triggers, views, and settings of the database such as ``user_version``."""
    tables: tuple[TableChanges, ...]
    sequences: tuple[Sequence, ...]
    not_compared: tuple[str, ...]
    """Tables for which the time did not suffice."""
    notes: tuple[str, ...]
    """What could not be compared, and why."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed, as far as could be seen."""
        return not (self.schema or self.tables or self.sequences)
