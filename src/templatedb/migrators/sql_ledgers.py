"""How golang-migrate, dbmate and goose remember in the database which migrations ran."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from templatedb.migrators.bench import Ledger
from templatedb.migrators.sql_names import Dialect

_Version = int | str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeping:
    """The statements that one tool runs besides the migrations; ``:version`` stands for a file's version."""

    create: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    """Before a file, outside of its transaction."""
    with_section: tuple[str, ...] = ()
    """Behind each section, inside of its transaction."""
    after: tuple[str, ...] = ()
    ledger: Callable[[list[_Version]], Ledger | None] = lambda versions: None
    """What the table holds when the *versions* ran, in that order."""


def _golang_ledger(versions: list[_Version]) -> Ledger:
    return Ledger(table="schema_migrations", columns=("version", "dirty"), rows=((versions[-1], 0),))


def _dbmate_ledger(versions: list[_Version]) -> Ledger:
    rows = tuple((version,) for version in sorted(versions, key=str))
    return Ledger(table="schema_migrations", columns=("version",), rows=rows)


def _goose_ledger(versions: list[_Version]) -> Ledger:
    rows = tuple((version, 1) for version in sorted([0, *versions], key=int))
    return Ledger(table="goose_db_version", columns=("version_id", "is_applied"), rows=rows)


def _golang_mark(dirty: str) -> tuple[str, ...]:
    insert = "INSERT INTO schema_migrations (version, dirty) VALUES (:version, {})"
    return "BEGIN", "DELETE FROM schema_migrations", insert.format(dirty), "COMMIT"


_GOOSE_TABLE = """CREATE TABLE goose_db_version (
\t\tid INTEGER PRIMARY KEY AUTOINCREMENT,
\t\tversion_id INTEGER NOT NULL,
\t\tis_applied INTEGER NOT NULL,
\t\ttstamp TIMESTAMP DEFAULT (datetime('now'))
\t)"""
"""SQLite keeps the definition as it is written, so the white space is goose's."""

BOOKKEEPING = {
    # Source: golang-migrate, database/sqlite3/sqlite3.go and migrate.go.
    Dialect.GOLANG_MIGRATE: Bookkeeping(
        create=(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version uint64,dirty bool)",
            "CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON schema_migrations (version)",
        ),
        before=_golang_mark("1"),
        after=_golang_mark("0"),
        ledger=_golang_ledger,
    ),
    # Source: dbmate, pkg/driver/sqlite/sqlite.go and pkg/dbmate/db.go.
    Dialect.DBMATE: Bookkeeping(
        create=('create table if not exists "schema_migrations" (version varchar(128) primary key)',),
        with_section=('insert into "schema_migrations" (version) values (:version)',),
        ledger=_dbmate_ledger,
    ),
    # Source: goose, internal/dialects/sqlite3.go and migrate.go.
    Dialect.GOOSE: Bookkeeping(
        create=(
            "BEGIN",
            _GOOSE_TABLE,
            "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)",
            "COMMIT",
        ),
        with_section=("INSERT INTO goose_db_version (version_id, is_applied) VALUES (:version, 1)",),
        ledger=_goose_ledger,
    ),
    Dialect.PLAIN: Bookkeeping(),
}
