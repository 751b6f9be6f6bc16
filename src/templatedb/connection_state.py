"""The state of a connection beside its database: what a test may leave changed, and what the next one would meet."""

from __future__ import annotations

import operator
import sqlite3
from typing import Any

State = tuple[Any, ...]
_TEMPORARY = 1
"""Its number in the list of a connection's databases."""
_ATTRIBUTES = ("isolation_level", "row_factory", "text_factory", "autocommit")
_attributes = operator.attrgetter(*(name for name in _ATTRIBUTES if hasattr(sqlite3.Connection, name)))
"""Reads those that this Python has."""
_QUESTIONS = (
    "pragma foreign_keys",
    "pragma ignore_check_constraints",
    "pragma recursive_triggers",
    "pragma query_only",
    "pragma writable_schema",
    "pragma legacy_alter_table",
    "pragma journal_mode",
    "pragma locking_mode",
    "pragma reverse_unordered_selects",
    "pragma trusted_schema",
    "pragma full_column_names",
    "pragma short_column_names",
    "pragma count_changes",
    "select 'a' like 'A'",  # case_sensitive_like cannot be read
)
"""Those that change what statements do or see. Each costs 2 microseconds a test; those that only change speed,
durability or waiting (cache_size, synchronous, busy_timeout ...) are not asked."""
_LIMITS = [getattr(sqlite3, name) for name in dir(sqlite3) if name.startswith("SQLITE_LIMIT_")]
"""What ``setlimit`` may have changed."""


def read(connection: sqlite3.Connection) -> State | None:
    """Return what can be compared of the *connection*, None when it cannot be read.

    Reads only. Functions, collations, authorizers and trace callbacks cannot be read back.
    """
    try:
        cursor = connection.cursor()
        cursor.row_factory = None
        attributes = _attributes(connection)
        answers = [cursor.execute(question).fetchall() for question in _QUESTIONS]
        answers.append([connection.getlimit(limit) for limit in _LIMITS])
        files = cursor.execute("pragma database_list").fetchall()
        if len(files) > 1:  # attached ones, or a temporary schema: asking for one that is not there would make it
            for _, name, path in files:
                if not path and name != "main":  # nobody else has it, so nobody else puts it back
                    answers += _content(cursor, name)
            files = [row for row in files if row[0] != _TEMPORARY]
        answers.append(files)
    except Exception:  # also what an application's own text factory raises
        return None
    return attributes, *map(tuple, answers)


def _content(cursor: sqlite3.Cursor, schema: str) -> list[list[Any]]:
    """Return what is in a temporary or attached schema: its definitions, then the rows of each table.

    Nothing where it is empty: a temporary schema stays when all that was in it is dropped.
    """
    from templatedb.identifiers import quoted  # rare: most connections have no such schema

    place = quoted(schema)
    definitions = cursor.execute(f"select type, name, sql from {place}.sqlite_master").fetchall()  # noqa: S608  # a name cannot be a parameter
    tables = [f"{place}.{quoted(name)}" for kind, name, _ in definitions if kind == "table"]
    content = [cursor.execute(f"select * from {table}").fetchall() for table in tables]  # noqa: S608
    return [definitions, *content] if definitions else []
