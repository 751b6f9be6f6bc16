"""A collection of records, with one global database that is told its file when the application starts."""

from __future__ import annotations

import logging
from pathlib import Path

from peewee import CharField, ForeignKeyField, IntegerField, Model, SqliteDatabase
from peewee_migrate import Router

MIGRATIONS = Path(__file__).parent / "migrations"

db = SqliteDatabase(None, pragmas={"foreign_keys": 1})


class Base(Model):
    class Meta:
        database = db


class Artist(Base):
    name = CharField(unique=True)


class Record(Base):
    artist = ForeignKeyField(Artist, backref="records")
    title = CharField()
    year = IntegerField(null=True)


def migrate(path: str) -> None:
    """Bind the global database to *path* and apply the migrations that it has not seen yet."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # the log names the migration that failed
    db.init(path)
    with db.connection_context():
        Router(db, migrate_dir=MIGRATIONS).run()


def add(title: str, artist: str, year: int | None = None) -> Record:
    """Add a record, and its artist if he or she is new, all or nothing."""
    with db.atomic():
        owner, _ = Artist.get_or_create(name=artist)
        return Record.create(artist=owner, title=title, year=year)


def titles_of(artist: str) -> list[str]:
    """Return the titles of an artist, the oldest first."""
    found = Record.select().join(Artist).where(Artist.name == artist).order_by(Record.year, Record.title)
    return [record.title for record in found]
