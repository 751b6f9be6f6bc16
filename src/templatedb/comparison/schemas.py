"""What a database is apart from its rows, and how two of them differ in that."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from templatedb.comparison.definitions import Definition, Fragment, contrast, cut, unquoted

Kind = Literal["database", "table", "virtual table", "index", "trigger", "view"]
_KINDS: tuple[Kind, ...] = ("database", "table", "virtual table", "index", "trigger", "view")
_SETTINGS = ("application_id", "auto_vacuum", "encoding", "page_size", "user_version")
_FTS_3 = {"content": True, "segments": False, "segdir": False, "docsize": False, "stat": False}
_R_TREE = {"node": False, "parent": False, "rowid": False}
_SHADOWS: Mapping[str, Mapping[str, bool]] = {
    "fts3": _FTS_3,
    "fts4": _FTS_3,
    "fts5": {"content": True, "config": True, "data": False, "idx": False, "docsize": False},
    "rtree": _R_TREE,
    "rtree_i32": _R_TREE,
    "geopoly": _R_TREE,
}
"""The tables in which a module keeps what it holds, and whether their rows are values: the bytes of an index over
them depend on the order in which they came."""


@dataclasses.dataclass(frozen=True, slots=True)
class SchemaDifference:
    """One thing besides rows in which two databases differ."""

    kind: Kind
    name: str
    """Of the table, index, trigger or view, or of the setting of the database."""
    what: str
    """One line, such as ``column email: VARCHAR(320) in the first, TEXT in the second``."""


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column as SQLite itself sees it."""

    name: str
    facts: Fragment
    """All that PRAGMA table_xinfo says of it, besides its name."""
    key: int
    """Its place in the primary key, from 1; 0 when it is not part of it."""
    stored: bool
    """False for a generated column that is computed when it is read."""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """An ordinary table."""

    definition: Definition
    columns: tuple[Column, ...]
    unique: frozenset[tuple[str, ...]]
    """The columns of each automatic index."""


@dataclasses.dataclass(frozen=True, slots=True)
class Other:
    """An index, trigger, view or virtual table."""

    owner: str
    """The table or view that it belongs to; itself for views and virtual tables."""
    fragment: Fragment


@dataclasses.dataclass(frozen=True, slots=True)
class Schema:
    """All that is compared of a database, apart from its rows."""

    settings: Mapping[str, str]
    tables: Mapping[str, Table]
    """Also ``sqlite_sequence`` and the tables of virtual tables; without the statistics of ANALYZE."""
    others: Mapping[tuple[Kind, str], Other]

    @property
    def modules(self) -> dict[str, str]:
        """The virtual tables, and the module of each."""
        virtual = {name: other for (kind, name), other in self.others.items() if kind == "virtual table"}
        return {name: _module(other.fragment.tokens) for name, other in virtual.items()}

    @property
    def shadows(self) -> dict[str, bool]:
        """The tables in which virtual tables of known modules keep what they hold: whether their rows are values."""
        return {
            f"{name}_{suffix}": is_value
            for name, module in self.modules.items()
            for suffix, is_value in _SHADOWS.get(module, {}).items()
        }


def read_schema(connection: sqlite3.Connection) -> Schema:
    """Return the schema, whatever modules, functions and collations it needs; raises sqlite3.DatabaseError.

    Names that are not UTF-8 are given with backslashes. Sets the connection's text factory.
    """
    connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
    tables: dict[str, Table] = {}
    others: dict[tuple[Kind, str], Other] = {}
    query = (
        "select type, name, tbl_name, sql from sqlite_schema"
        " where sql is not null and name not like 'sqlite!_stat%' escape '!'"
    )
    for kind, name, owner, sql in connection.execute(query).fetchall():
        fragment = Fragment.of(sql)
        if kind != "table":
            others[kind, name] = Other(owner, fragment)
        elif [token.upper() for token in fragment.tokens[1:2]] == ["VIRTUAL"]:
            others["virtual table", name] = Other(name, fragment)
        else:
            tables[name] = Table(Definition.of(sql), _columns(connection, name), _unique(connection, name))
    settings = {name: str(connection.execute(f"pragma {name}").fetchone()[0]) for name in _SETTINGS}
    return Schema(settings, tables, others)


def schema_differences(first: Schema, second: Schema, names: tuple[str, str]) -> list[SchemaDifference]:
    """Return all differences; what belongs to a table that only one side has is not named beside it."""
    found = [
        SchemaDifference("database", name, _both(value, second.settings[name], names))
        for name, value in first.settings.items()
        if value != second.settings[name]
    ]
    found += _tables(first, second, names)
    found += _others(first, second, names)
    return sorted(found, key=lambda difference: (_KINDS.index(difference.kind), difference.name))


def _tables(first: Schema, second: Schema, names: tuple[str, str]) -> Iterator[SchemaDifference]:
    left_out = {*first.shadows, *second.shadows, "sqlite_sequence"}
    for name in {*first.tables, *second.tables} - left_out:
        one, two = first.tables.get(name), second.tables.get(name)
        if one is None or two is None:
            yield SchemaDifference("table", name, _only(names, first=two is None))
        elif one != two:
            lines = [*_definitions(one.definition, two.definition, names)] or [*_facts(one, two, names)]
            yield from (SchemaDifference("table", name, line) for line in lines)


def _others(first: Schema, second: Schema, names: tuple[str, str]) -> Iterator[SchemaDifference]:
    for kind, name in {*first.others, *second.others}:
        one, two = first.others.get((kind, name)), second.others.get((kind, name))
        if one and two:
            if one != two:
                yield SchemaDifference(kind, name, _both(one.fragment, two.fragment, names))
        elif (one and _has(second, one.owner)) or (two and _has(first, two.owner)) or kind in ("view", "virtual table"):
            yield SchemaDifference(kind, name, _only(names, first=two is None))


def _has(schema: Schema, owner: str) -> bool:
    views_too = (("view", owner), ("virtual table", owner))
    return owner in schema.tables or any(name in schema.others for name in views_too)


def _definitions(first: Definition, second: Definition, names: tuple[str, str]) -> Iterator[str]:
    """Yield a line for each part of two CREATE TABLE statements that differs."""
    left, right = dict(first.columns), dict(second.columns)
    for name in [*left, *(name for name in right if name not in left)]:
        if name not in left or name not in right:
            yield f"column {name}: {_only(names, first=name in left)}"
        elif left[name] != right[name]:
            yield f"column {name}: {_both(left[name], right[name], names)}"
    one, two = [name for name in left if name in right], [name for name in right if name in left]
    if one != two:
        yield "order of the columns: " + _both(Fragment.of(", ".join(one)), Fragment.of(", ".join(two)), names)
    for text in _surplus(first.constraints, second.constraints):
        yield f"{cut(text)}: {_only(names, first=True)}"
    for text in _surplus(second.constraints, first.constraints):
        yield f"{cut(text)}: {_only(names, first=False)}"
    if first.options != second.options:
        yield f"options: {_both(_sorted(first.options), _sorted(second.options), names)}"


def _facts(first: Table, second: Table, names: tuple[str, str]) -> Iterator[str]:
    """Yield what SQLite sees differently though the texts seem to say the same."""
    for one, two in zip(first.columns, second.columns, strict=False):
        if one != two:
            yield f"column {one.name}: {_both(one.facts, two.facts, names)}"
    for columns in sorted(first.unique ^ second.unique):
        yield f"automatic index on ({', '.join(columns)}): {_only(names, first=columns in first.unique)}"


def _surplus(more: Counter[Fragment], less: Counter[Fragment]) -> list[str]:
    return [fragment.text for fragment in (more - less).elements()]


def _sorted(fragments: Counter[Fragment]) -> str:
    return ", ".join(sorted(_surplus(fragments, Counter())))


def _only(names: tuple[str, str], *, first: bool) -> str:
    return f"only in the {names[0] if first else names[1]}"


def _both(first: Fragment | str, second: Fragment | str, names: tuple[str, str]) -> str:
    texts = (first, second) if isinstance(first, str) or isinstance(second, str) else contrast(first, second)
    return ", ".join(f"{text or 'nothing'} in the {name}" for text, name in zip(texts, names, strict=True))


def _module(tokens: Sequence[str]) -> str:
    """Return the word after USING in the tokens of a CREATE VIRTUAL TABLE."""
    words = [token.upper() for token in tokens]
    place = words.index("USING") + 1 if "USING" in words else len(words)
    return unquoted(tokens[place]).lower() if place < len(tokens) else ""


def _columns(connection: sqlite3.Connection, table: str) -> tuple[Column, ...]:
    query = 'select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo(?)'
    return tuple(
        Column(name, Fragment.of(_fact(kind, not_null, default, key, hidden)), key, stored=hidden in (0, 3))
        for name, kind, not_null, default, key, hidden in connection.execute(query, (table,))
    )


def _fact(kind: str, not_null: int, default: str | None, key: int, hidden: int) -> str:
    words = [kind, "NOT NULL" if not_null else "", f"DEFAULT {default}" if default is not None else ""]
    words += [f"PRIMARY KEY part {key}" if key else "", {2: "VIRTUAL", 3: "STORED"}.get(hidden, "")]
    return " ".join(filter(None, words))


def _unique(connection: sqlite3.Connection, table: str) -> frozenset[tuple[str, ...]]:
    # An expression cannot be part of an automatic index, so every column has a name.
    query = (
        "select i.name, x.name, x.coll, x.desc from pragma_index_list(?) i, pragma_index_xinfo(i.name) x"
        " where i.origin != 'c' and x.key order by i.seq, x.seqno"
    )
    found: dict[str, list[str]] = {}
    for index, column, collation, descending in connection.execute(query, (table,)):
        words = [column, "" if collation == "BINARY" else f"COLLATE {collation}", "DESC" if descending else ""]
        found.setdefault(index, []).append(" ".join(filter(None, words)))
    return frozenset(map(tuple, found.values()))
