"""How the rows of a table differ between two databases: which columns, how many rows, and what the values look like."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from templatedb.comparison.guesses import guess
from templatedb.identifiers import quoted
from templatedb.summary import count

LIMIT = 200_000
"""Rows of a table that are held in memory and compared one by one."""
_BATCH = 1000
_SAMPLES = 20
_SHOWN = 8
_LONG = 200
_PAIRED = "the same values, paired differently"

Row = tuple[str, ...]
"""Values by their ``repr``, which tells 1 from 1.0, '1' and b'1', and 0.0 from -0.0."""
Both = tuple[sqlite3.Connection, sqlite3.Connection]


@dataclasses.dataclass(frozen=True, slots=True)
class RowDifference:
    """A table whose rows differ."""

    table: str
    columns: tuple[str, ...]
    """Whose values differ, in the table's order; empty when rows are only missing, or only paired differently."""
    what: str
    """One line, such as ``3 of 12 rows: created_at (looks like a clock)``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """What is compared of one table."""

    table: str
    columns: tuple[str, ...]
    key: tuple[int, ...] = ()
    """The places of the primary key's columns."""

    @property
    def query(self) -> str:
        """The statement that reads it, in any order."""
        # Names cannot be parameters. Without the alias SQLite takes a quoted name that it does not know for a text.
        columns = ", ".join(f"t.{quoted(column)}" for column in self.columns)
        return f"select {columns} from main.{quoted(self.table)} as t"  # noqa: S608


def row_difference(both: Both, selection: Selection, names: tuple[str, str]) -> RowDifference | None:
    """Compare the rows as multisets and return how they differ, None when they do not.

    Equality is told by sums of 64-bit hashes, so memory is bounded; only tables that differ, and have at most `LIMIT`
    rows, are held. Raises sqlite3.Error as reading does. Sets the text factories of the connections.
    """
    first, second = (_tally(_batches(connection, selection)) for connection in both)
    if first == second:
        return None
    sizes = first[0], second[0]
    if max(sizes) > LIMIT:
        return _of_many(both, selection, sizes, names)
    left, right = (Counter(_rows(_batches(connection, selection))) for connection in both)
    return _of_few(selection, list((left - right).elements()), list((right - left).elements()), sizes, names)


# --- Tables that are compared row by row ---


def _of_few(
    selection: Selection, left: list[Row], right: list[Row], sizes: tuple[int, int], names: tuple[str, str]
) -> RowDifference:
    """Explain the rows *left* and *right* that are only in the one and the other."""
    pairs = _pairs(selection, left, right)
    if pairs and _is_rekeyed(selection, left, right):
        key = _named(selection, selection.key)
        what = f"{len(left):,} of {count(sizes[0], 'row')}: the same values under other keys ({', '.join(key)})"
        return RowDifference(selection.table, key, what)
    rest = _without(left, [one for one, _ in pairs]), _without(right, [two for _, two in pairs])
    differing = _merged(_changed(pairs), _differing(selection, *rest))
    listed = _listed(selection, differing)
    if sizes[0] == sizes[1]:
        what = f"{len(left):,} of {count(sizes[0], 'row')}: {listed or _PAIRED}"
    else:
        what = f"{_sized(sizes, names)}: {_missing(rest, len(pairs), names)}" + (f"; {listed}" if listed else "")
    return RowDifference(selection.table, _named(selection, differing), what)


def _is_rekeyed(selection: Selection, left: list[Row], right: list[Row]) -> bool:
    """Tell whether both sides have the same keys and the same rest in other pairs: ids that follow a set's order."""
    others = [place for place in range(len(selection.columns)) if place not in selection.key]
    return all(
        Counter(_of(row, places) for row in left) == Counter(_of(row, places) for row in right)
        for places in (selection.key, others)
    )


def _pairs(selection: Selection, left: list[Row], right: list[Row]) -> list[tuple[Row, Row]]:
    """Return the rows that have the same primary key on both sides; none when keys are missing or not unique."""
    keyed = [{_of(row, selection.key): row for row in rows} for rows in (left, right)]
    if not selection.key or (len(keyed[0]), len(keyed[1])) != (len(left), len(right)):
        return []
    return [(row, keyed[1][key]) for key, row in keyed[0].items() if key in keyed[1]]


def _without(rows: list[Row], left_out: list[Row]) -> list[Row]:
    known = set(left_out)
    return [row for row in rows if row not in known]


def _changed(pairs: list[tuple[Row, Row]]) -> dict[int, list[str]]:
    """Return, by column, the values that differ within a pair."""
    differing: dict[int, list[str]] = {}
    for one, two in pairs:
        for place, values in enumerate(zip(one, two, strict=True)):
            if values[0] != values[1]:
                differing.setdefault(place, []).extend(values)
    return differing


def _differing(selection: Selection, left: list[Row], right: list[Row]) -> dict[int, list[str]]:
    """Return, by column, samples of the values that the side with fewer rows does not share with the other."""
    differing = {}
    for place in range(len(selection.columns)):
        one, two = (Counter(row[place] for row in rows) for rows in (left, right))
        unshared = one - two if len(left) <= len(right) else two - one
        if unshared:
            differing[place] = [*itertools.islice(one - two, _SAMPLES), *itertools.islice(two - one, _SAMPLES)]
    return differing


def _missing(rest: tuple[list[Row], list[Row]], changed: int, names: tuple[str, str]) -> str:
    only = [f"{len(rows):,} only in the {name}" for rows, name in zip(rest, names, strict=True) if rows]
    return ", ".join([*only, *([f"{changed:,} changed"] if changed else [])])


# --- Tables of which only sums are known ---


def _of_many(both: Both, selection: Selection, sizes: tuple[int, int], names: tuple[str, str]) -> RowDifference:
    if sizes[0] != sizes[1]:
        return RowDifference(selection.table, (), _sized(sizes, names) + "; too many to tell which")
    first, second = (_column_sums(_batches(connection, selection)) for connection in both)
    samples = [row for connection in both for row in _rows(itertools.islice(_batches(connection, selection), 1))]
    differing = {
        place: [row[place] for row in samples[:: _BATCH // _SAMPLES]]
        for place in range(len(selection.columns))
        if first[place] != second[place]
    }
    what = f"{count(sizes[0], 'row')}, too many to tell which: {_listed(selection, differing) or _PAIRED}"
    return RowDifference(selection.table, _named(selection, differing), what)


def _tally(batches: Iterable[Sequence[tuple[object, ...]]]) -> tuple[int, int]:
    """Return how many rows there are, and the sum of their hashes: the same in any order."""
    rows = total = 0
    for batch in batches:
        rows += len(batch)
        total += sum(map(hash, map(repr, batch)))
    return rows, total


def _column_sums(batches: Iterable[Sequence[tuple[object, ...]]]) -> Counter[int]:
    sums: Counter[int] = Counter()
    for batch in batches:
        for place, values in enumerate(zip(*batch, strict=True)):
            sums[place] += sum(map(hash, map(repr, values)))
    return sums


# --- Reading ---


def _batches(connection: sqlite3.Connection, selection: Selection) -> Iterator[list[tuple[object, ...]]]:
    # Keeps every byte of text that is not UTF-8, and unlike bytes tells text from blobs.
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
    cursor = connection.execute(selection.query)
    return iter(lambda: cursor.fetchmany(_BATCH), [])


def _rows(batches: Iterable[Sequence[tuple[object, ...]]]) -> Iterator[Row]:
    return (tuple(map(_exact, row)) for batch in batches for row in batch)


def _exact(value: object) -> str:
    """Return the ``repr`` of *value*, or what stands for it without being long."""
    text = repr(value)
    return text if len(text) <= _LONG else f"<{hashlib.sha256(text.encode()).hexdigest()}>"


# --- Words ---


def _merged(one: dict[int, list[str]], two: dict[int, list[str]]) -> dict[int, list[str]]:
    return {place: [*one.get(place, []), *two.get(place, [])] for place in {*one, *two}}


def _of(row: Row, places: Sequence[int]) -> Row:
    return tuple(row[place] for place in places)


def _named(selection: Selection, differing: Iterable[int]) -> tuple[str, ...]:
    return tuple(selection.columns[place] for place in sorted(differing))


def _listed(selection: Selection, differing: dict[int, list[str]]) -> str:
    texts = []
    for place, samples in sorted(differing.items()):
        looks = guess(samples)
        texts.append(selection.columns[place] + (f" (looks like {looks})" if looks else ""))
    more = [f"and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return ", ".join([*texts[:_SHOWN], *more])


def _sized(sizes: tuple[int, int], names: tuple[str, str]) -> str:
    return f"{count(sizes[0], 'row')} in the {names[0]}, {sizes[1]:,} in the {names[1]}"
