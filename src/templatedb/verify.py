"""What a file must be before it is a golden.

It is opened here with sqlite3, in the parent: its builder is dead by now, and it is not published yet.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import itertools
import os
import sqlite3
from pathlib import Path

from templatedb.build.messages import GIVEN
from templatedb.build.parent import Built
from templatedb.errors import BuildError
from templatedb.identifiers import quoted
from templatedb.migrators.bench import Ledger
from templatedb.records import Severity
from templatedb.settings import Settings

_SIDE_FILES = ("-journal", "-wal", "-shm")
_UNKNOWN_TO_US = ("no such module", "no such function", "unknown function", "no such collation", "no such tokenizer")
"""What SQLite says of a schema that needs the application's own extensions: not a fault of the file."""
_SHOWN_ORPHANS = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found out about a file that is fit to be a golden."""

    journal_mode: str
    """The mode the migrations left; the file itself is in DELETE mode now."""
    tables: tuple[str, ...]
    warnings: tuple[str, ...]


def verify(built: Built, settings: Settings) -> Verified:
    """Check the built file, switch it to DELETE mode, and return what was found; raises BuildError."""
    path = built.path
    if not path.exists() or path.stat().st_size == 0:
        raise _wrote_nothing(built.done.asked_for)
    warnings = [*built.done.warnings, *_drift(built, settings)]
    tables: tuple[str, ...] = ()
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            journal_mode = str(connection.execute("pragma journal_mode").fetchone()[0])
            if journal_mode != "delete":
                connection.execute("pragma journal_mode = delete").fetchone()
            try:
                tables = _tables(connection)
                _refuse_damage(connection)
                _refuse_unfinished(connection, built, tables)
                _refuse_dirt(connection, tables)
                _refuse_missing_tables(tables, settings)
                warnings += _foreign_keys(connection, tables, settings)
            except sqlite3.OperationalError as error:
                if not any(text in str(error) for text in _UNKNOWN_TO_US):
                    raise
                warnings.append(
                    f"the checks of the golden need an extension of the application and were left out: {error}"
                )
    except sqlite3.DatabaseError as error:
        raise BuildError(
            what=f"the migrations left a file that SQLite cannot read: {error}",
            remedy="They must leave a plain SQLite database, not an encrypted one, at the path or URL that they are"
            " given.",
        ) from error
    _refuse_side_files(path)
    return Verified(journal_mode=journal_mode, tables=tables, warnings=tuple(warnings))


def _wrote_nothing(asked_for: tuple[str, ...]) -> BuildError:
    """Return the error of migrations that opened the databases *asked_for*, in whose place they got the build's."""
    what = "the migrations ended without an error but wrote nothing into the database that they were to fill"
    if not asked_for:
        return BuildError(
            what=what,
            remedy="They must write to the path or URL that they are given; with create_all, import the modules of the"
            " models first. See the settings 'url_env' and 'function'.",
        )
    others = ", ".join(name for name in asked_for if name != GIVEN)
    return BuildError(
        what=f"{what}, although they opened it{f' (as {others})' if others else ''}",
        remedy="With create_all, import the modules of the models first; commit what is written.",
    )


def _tables(connection: sqlite3.Connection) -> tuple[str, ...]:
    rows = connection.execute(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'"
    )
    return tuple(sorted(name for (name,) in rows))


def _refuse_damage(connection: sqlite3.Connection) -> None:
    findings = [row[0] for row in connection.execute("pragma integrity_check(5)")]
    if findings != ["ok"]:
        raise BuildError(
            what="the migrations left a damaged database: " + "; ".join(" ".join(line.split()) for line in findings),
            remedy="Build again; if it happens again, look at the disk and at what the migrations write past SQLite.",
        )


def _refuse_unfinished(connection: sqlite3.Connection, built: Built, tables: tuple[str, ...]) -> None:
    done = built.done
    asked_for_nothing = done.ledger is not None and not done.ledger.rows
    if not [name for name in tables if name != done.version_table] and not done.revisions and not asked_for_nothing:
        raise BuildError(
            what="the migrations ended without an error but made no table",
            remedy="They may have written to another database, or not committed. See the settings 'url_env' and"
            " 'function'.",
        )
    if done.ledger is not None and (rows := _rows(connection, done.ledger)) != sorted(done.ledger.rows):
        raise BuildError(
            what=f"the migrations ran, but the file is at {_shown(rows)} instead of {_shown(sorted(done.ledger.rows))}",
            remedy="They did not commit: in an env.py, run the migrations inside context.begin_transaction(), or call"
            " connection.commit().",
        )


def _rows(connection: sqlite3.Connection, ledger: Ledger) -> list[tuple[str | int, ...]]:
    columns = ", ".join(map(quoted, ledger.columns))
    try:
        return sorted(connection.execute(f"select {columns} from {quoted(ledger.table)}"))  # noqa: S608  # names cannot be parameters
    except sqlite3.OperationalError:
        return []


def _shown(rows: list[tuple[str | int, ...]]) -> str:
    return ", ".join(str(row[0] if len(row) == 1 else row) for row in rows) or "no revision"


def _refuse_dirt(connection: sqlite3.Connection, tables: tuple[str, ...]) -> None:
    """Refuse a database that golang-migrate left half migrated, whoever ran it: it would refuse to go on itself."""
    if "schema_migrations" not in tables:
        return
    columns = {row[1] for row in connection.execute("pragma table_info(schema_migrations)")}
    if {"version", "dirty"} <= columns:
        dirty = connection.execute("select version from schema_migrations where dirty").fetchall()
        if dirty:
            raise BuildError(
                what=f"the database is dirty at version {dirty[0][0]}: a migration failed half-way",
                remedy="Correct that migration; a tool that went on after its failure hid it.",
            )


def _refuse_missing_tables(tables: tuple[str, ...], settings: Settings) -> None:
    missing = [name for name in settings.required_tables if name not in tables]
    if missing:
        near = [found for name in missing for found in difflib.get_close_matches(name, tables, n=1)]
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise BuildError(
            what=f"required table missing: {', '.join(missing)}",
            remedy=f"The database has {len(tables)} table{'' if len(tables) == 1 else 's'}.{hint} Correct the"
            " migrations or the setting 'required_tables'.",
        )


def _drift(built: Built, settings: Settings) -> list[str]:
    if not built.done.drift:
        return []
    what = f"the models {settings.models} differ from the database; a new revision would hold:"
    operations = "\n".join(f"    {line}" for line in built.done.drift.splitlines())
    if settings.drift is Severity.ERROR:
        raise BuildError(what=f"{what}\n{operations}", remedy='Write that revision, or set drift = "warn".')
    return [f'{what}\n{operations}\n    (write that revision, or set drift = "off")']


def _foreign_keys(connection: sqlite3.Connection, tables: tuple[str, ...], settings: Settings) -> list[str]:
    if settings.foreign_keys is Severity.OFF:
        return []
    is_error = settings.foreign_keys is Severity.ERROR
    try:
        if not (orphans := _orphans(connection, tables)):
            return []
    except sqlite3.OperationalError as error:
        if any(text in str(error) for text in _UNKNOWN_TO_US):
            raise
        what = f"the foreign keys cannot be checked: {error}"
        if is_error:
            raise BuildError(what=what, remedy='Correct the migrations, or set foreign_keys = "warn".') from error
        return [f'{what} (correct the migrations, or set foreign_keys = "off")']
    what = "\n    ".join(["the migrations or seeds left rows that break a foreign key:", *orphans])
    why = "SQLite checks only where PRAGMA foreign_keys = ON was run: correct the migrations or seeds, or set"
    if is_error:
        raise BuildError(what=what, remedy=f'{why} foreign_keys = "warn".')
    return [f'{what}\n    ({why} foreign_keys = "off")']


def _orphans(connection: sqlite3.Connection, tables: tuple[str, ...]) -> list[str]:
    """Return a line for each of the first rows that point nowhere, and the number of the others."""
    lines: list[str] = []
    more = 0
    known = {name.lower() for name in tables}
    # Table by table: of all at once SQLite tells in an order of its own.
    checks = (connection.execute("select * from pragma_foreign_key_check(?)", (table,)) for table in tables)
    for table, row, parent, number in itertools.chain.from_iterable(checks):
        if len(lines) == _SHOWN_ORPHANS:
            more += 1
            continue
        query = 'select "from" from pragma_foreign_key_list(?) where id = ? order by seq'
        columns = [column for (column,) in connection.execute(query, (table, number))]
        pointing = columns[0] if len(columns) == 1 else f"({', '.join(columns)})"
        where = f"table {table}" if row is None else f"table {table}, row {row} (rowid)"
        there = parent.lower() in known
        missing = f"a row of {parent} that does not exist" if there else f"the table {parent}, which does not exist"
        lines.append(f"{where}: {pointing} points to {missing}")
    return [*lines, f"and {more} more"] if more else lines


def _refuse_side_files(path: Path) -> None:
    left = [suffix for suffix in _SIDE_FILES if os.path.exists(f"{path}{suffix}")]
    with open(path, "rb") as opened:
        header = opened.read(20)
    if left or header[18:20] != b"\x01\x01":
        raise BuildError(
            what=f"the migrations left the database in more than one file ({', '.join(left) or 'WAL mode'})",
            remedy="Commit and close every connection; a process that the migrations started may still have it open.",
        )
