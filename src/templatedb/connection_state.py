"""The state of a connection beside its database: what a test may leave changed, and what the next one would meet."""

from __future__ import annotations

import sqlite3
from typing import Any

State = tuple[Any, ...]
_TEMPORARY = 1
"""Its number in the list of a connection's databases."""
_ATTRIBUTES = ("isolation_level", "row_factory", "text_factory", "autocommit")
_QUESTIONS = (
    "pragma foreign_keys",
    "pragma ignore_check_constraints",
    "pragma recursive_triggers",
    "pragma query_only",
    "pragma writable_schema",
    "pragma legacy_alter_table",
    "pragma journal_mode",
    "pragma locking_mode",
    "select 'a' like 'A'",  # case_sensitive_like cannot be read
)
"""Those that change what statements do or see. Each costs 2 microseconds a test; those that only change speed,
durability or waiting (cache_size, synchronous, busy_timeout ...) are not asked."""


def read(connection: sqlite3.Connection) -> State | None:
    """Return what can be compared of the *connection*, None when it cannot be read.

    Reads only. Functions, collations, authorizers and trace callbacks cannot be read back.
    """
    try:
        cursor = connection.cursor()
        cursor.row_factory = None
        attributes = tuple(getattr(connection, name, None) for name in _ATTRIBUTES)
        answers = [cursor.execute(question).fetchall() for question in _QUESTIONS]
        files = cursor.execute("pragma database_list").fetchall()
        if len(files) > 1:  # attached ones, or a temporary schema: asking for one that is not there would make it
            schemas = {number for number, *_ in files}
            temporary = "select type, name, sql from sqlite_temp_master"
            answers.append(cursor.execute(temporary).fetchall() if _TEMPORARY in schemas else [])
            files = [row for row in files if row[0] != _TEMPORARY]
        else:
            answers.append([])
        answers.append(files)
    except Exception:  # also what an application's own text factory raises
        return None
    return attributes, *map(tuple, answers)
