"""Samplers belong to an artist of their own."""

import peewee as pw
from peewee_migrate import Migrator


def migrate(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    migrator.sql("insert into artist (name) values ('Various Artists')")


def rollback(migrator: Migrator, database: pw.Database, *, fake: bool = False) -> None:
    migrator.sql("delete from artist where name = 'Various Artists'")
