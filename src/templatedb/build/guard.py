"""Refuse every other database before it is touched: an audit hook, and an authorizer on each connection.

A guard rail against accidents, not a sandbox: C-level clients do not pass here.
"""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from templatedb.build.redirect import MEMORY, database_name
from templatedb.build.refusals import Refusals
from templatedb.steps import Steps

_WRITES = {
    sqlite3.SQLITE_INSERT: 0,
    sqlite3.SQLITE_UPDATE: 0,
    sqlite3.SQLITE_DELETE: 0,
    sqlite3.SQLITE_CREATE_TABLE: 0,
    sqlite3.SQLITE_CREATE_INDEX: 1,
    sqlite3.SQLITE_CREATE_TRIGGER: 1,
    sqlite3.SQLITE_CREATE_VIEW: 0,
    sqlite3.SQLITE_CREATE_VTABLE: 0,
    sqlite3.SQLITE_DROP_TABLE: 0,
    sqlite3.SQLITE_DROP_INDEX: 1,
    sqlite3.SQLITE_DROP_TRIGGER: 1,
    sqlite3.SQLITE_DROP_VIEW: 0,
    sqlite3.SQLITE_ALTER_TABLE: 1,
}
"""Actions that change a database, and which of their two arguments names the table or view.
Source: https://www.sqlite.org/c3ref/c_alter_table.html"""


class Guard:
    """The guard of one build, which also notes what is written by whom."""

    def __init__(self, target: Path, private_folder: Path, refusals: Refusals, steps: Steps) -> None:
        """Allow *target*, and databases in the *private_folder*, which holds the build's empty HOME."""
        self.written_beside: set[str] = set()
        """Tables that were written to while neither a migration nor a seed ran."""
        self._steps = steps
        self._target = os.path.realpath(target)
        self._private = os.path.realpath(private_folder) + os.sep
        self._refusals = refusals

    def install(self) -> None:
        """Watch this process from now on. An audit hook cannot be removed: the child's life is its scope."""
        _wrap_connect(self._authorize)
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect":
            self._check_database(arguments[0])
        elif event == "socket.connect":
            self._check_socket(*arguments)

    def _check_database(self, database: Any) -> None:
        text = os.fsdecode(database)
        # Whether the text is a URI is not told here; refusing a plain file with such a name harms nobody.
        if self._allows(database_name(text, uri=True)) or _is_read_only(text):
            return
        raise self._refusals.database(
            f"the build tried to open another database: {text}",
            "The engine was made with creator=, which cannot be redirected: use the setting 'function' and open the"
            " path it is given."
            if _made_by_creator()
            else "Open the path or URL that the build is given; see the settings 'url_env', 'build_env', 'function'.",
        )

    def _allows(self, name: str) -> bool:
        return name in (MEMORY, self._target) or name.startswith(self._private)

    def _check_socket(self, connecting: socket.socket, address: object) -> None:
        if connecting.type != socket.SOCK_STREAM:
            return  # a UDP connect sends nothing; libraries use it to learn their own address
        where = ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)
        self._refusals.connection(where)
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"templatedb: a build opens no connections ({where})")

    def _authorize(self, action: int, first: str | None, second: str | None, *_rest: str | None) -> int:
        """Refuse ATTACH and VACUUM INTO, which raise no audit event. A plain VACUUM attaches ``''``."""
        if action != sqlite3.SQLITE_ATTACH:
            if action in _WRITES and not self._steps.is_inside:
                self._note_write((first, second)[_WRITES[action]])
            return sqlite3.SQLITE_OK
        # SQLite names nothing when the name is a parameter or an expression: it could be any file.
        if first is not None and self._allows(database_name(first, uri=True)):
            return sqlite3.SQLITE_OK
        shown = "one whose name is a parameter or an expression" if first is None else first
        self._refusals.database(
            f"the build tried to attach another database: {shown}",
            "A golden is one file: write what the migrations need into it. Databases in memory may be attached, by a"
            " literal name.",
        )
        return sqlite3.SQLITE_DENY

    def _note_write(self, table: str | None) -> None:
        if table is not None and not table.startswith("sqlite_"):  # the schema table is written with any other
            self.written_beside.add(table)


def _is_read_only(text: str) -> bool:
    """Whether *text* is a URI that cannot write: a data file that a migration reads."""
    query = text.partition("?")[2].split("&") if text.startswith("file:") else []
    return "mode=ro" in query or "immutable=1" in query


def _made_by_creator() -> bool:
    """Whether SQLAlchemy's pool is calling somebody's ``creator=``: only such calls get past the redirect."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__") == "sqlalchemy.pool.base":
            return True
    return False


def _wrap_connect(authorize: Callable[..., int]) -> None:
    """Put *authorize* on every connection made from now on."""
    original = sqlite3.connect

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = original(*arguments, **options)
        connection.set_authorizer(authorize)
        return connection

    # Both names are looked up by drivers at call time: SQLAlchemy takes dbapi2's, aiosqlite the package's.
    sqlite3.connect = connect  # type: ignore[assignment]
    sqlite3.dbapi2.connect = connect  # type: ignore[assignment]
