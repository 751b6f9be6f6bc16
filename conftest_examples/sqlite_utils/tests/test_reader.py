import pytest
from sqlite_utils import Database
from sqlite_utils.db import NotFoundError

from migrations import migrations
from reader import mark_read, receive, search, unread

NEWS = "https://example.org/news"


def test_a_new_entry_is_unread_until_it_is_read(db: Database) -> None:
    """The column that a later migration added has its default."""
    receive(db, NEWS, "Rain in May", "Sun in June")
    mark_read(db, 1)
    assert unread(db) == ["Sun in June"]


def test_entries_are_found_by_their_words(db: Database) -> None:
    """The triggers of the full-text table came with the golden."""
    receive(db, NEWS, "Rain in May", "Sun in June")
    assert search(db, "rain") == ["Rain in May"]


def test_an_entry_that_is_not_there_cannot_be_read(db: Database) -> None:
    """And nothing is left of other tests."""
    with pytest.raises(NotFoundError):
        mark_read(db, 1)
    assert unread(db) == []


def test_on_a_clone_nothing_is_left_to_apply(db: Database) -> None:
    """An application that migrates when it starts finds its database as it wants it."""
    assert migrations.pending(db) == []
