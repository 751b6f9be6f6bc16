"""The history of the reader's database; ``sqlite-utils migrate reader.db`` finds it here too."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("reader")


@migrations()
def feeds_and_entries(db: Database) -> None:
    db["feed"].create({"url": str, "title": str}, pk="url", not_null={"title"})
    db["entry"].create(
        {"id": int, "feed": str, "title": str},
        pk="id",
        not_null={"feed", "title"},
        foreign_keys=[("feed", "feed", "url")],
    )


@migrations()
def entries_are_unread(db: Database) -> None:
    db["entry"].add_column("read", int, not_null_default=0)


@migrations()
def first_feed(db: Database) -> None:
    db["feed"].insert({"url": "https://example.org/news", "title": "News"})


@migrations()
def entries_are_searched(db: Database) -> None:
    db["entry"].enable_fts(["title"], create_triggers=True)


def migrate(path: str) -> None:
    """Apply the migrations that the database has not seen yet."""
    with Database(path) as db:
        migrations.apply(db)
