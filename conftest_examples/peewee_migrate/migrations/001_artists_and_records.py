"""Artists and their records."""

import peewee as pw
from peewee_migrate import Migrator


def migrate(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    @migrator.create_model
    class Artist(pw.Model):
        id = pw.AutoField()
        name = pw.CharField(unique=True)

        class Meta:
            table_name = "artist"

    @migrator.create_model
    class Record(pw.Model):
        id = pw.AutoField()
        artist = pw.ForeignKeyField(model=migrator.orm["artist"], backref="records")
        title = pw.CharField()

        class Meta:
            table_name = "record"


def rollback(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    migrator.remove_model("record")
    migrator.remove_model("artist")
