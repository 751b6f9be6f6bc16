import pytest
from peewee import IntegrityError, SqliteDatabase
from peewee_migrate import Router

from records import MIGRATIONS, Artist, add, titles_of


def test_records_are_listed_by_year(database: SqliteDatabase) -> None:
    """The models meet the tables that the migrations made, the later column included."""
    add("Blue", "Joni Mitchell", 1971)
    add("Clouds", "Joni Mitchell", 1969)
    assert titles_of("Joni Mitchell") == ["Clouds", "Blue"]


def test_an_artist_is_added_once(database: SqliteDatabase) -> None:
    """The row that a migration wrote is there, and nothing of other tests."""
    add("Woodstock", "Various Artists")
    assert [artist.name for artist in Artist.select()] == ["Various Artists"]


def test_an_artist_with_records_cannot_be_deleted(database: SqliteDatabase) -> None:
    """The global database keeps its pragmas when it is bound to a clone."""
    add("Woodstock", "Various Artists")
    with pytest.raises(IntegrityError):
        Artist.delete().execute()


def test_on_a_clone_nothing_is_left_to_apply(database: SqliteDatabase) -> None:
    """An application that migrates when it starts finds its database as it wants it."""
    assert Router(database, migrate_dir=MIGRATIONS).diff == []
