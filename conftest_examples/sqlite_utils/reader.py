"""A feed reader's database."""

from __future__ import annotations

from sqlite_utils import Database


def receive(db: Database, feed: str, *titles: str) -> None:
    """Add entries to a feed, all or nothing."""
    with db.atomic():
        db["entry"].insert_all({"feed": feed, "title": title} for title in titles)


def mark_read(db: Database, number: int) -> None:
    """Mark an entry as read."""
    db["entry"].update(number, {"read": 1})


def unread(db: Database) -> list[str]:
    """Return the titles of the entries that nobody has read, the oldest first."""
    return [row["title"] for row in db["entry"].rows_where("read = 0", order_by="id")]


def search(db: Database, words: str) -> list[str]:
    """Return the titles with these words, the best first."""
    return [row["title"] for row in db["entry"].search(words)]
