"""Builds that reach for another database."""

from __future__ import annotations

from gallery.case import Group, Said, case
from gallery.shops import third
from gallery.world import World
from templatedb import load

_B = Group.BUILD
_POSTGRES = """
from types import ModuleType

from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

driver = ModuleType("pg8000")
driver.__dict__.update(paramstyle="format", __version__="1.31.0", Error=Exception)
PGDialect_pg8000.import_dbapi = classmethod(lambda cls: driver)
sa.create_engine("postgresql+pg8000://me:secret@db.example:5432/shop").connect()
"""
"""An engine of PostgreSQL whose driver is not installed here: it fails before the driver would connect."""


def _migration(world: World, body: str) -> Said:
    third(world, f"import sqlite3\n{body}")
    return world.error(lambda: load().golden())


@case(_B, "a migration opens another file")
def another_file(world: World) -> Said:
    return _migration(world, 'sqlite3.connect("shop.db")')


@case(_B, "an engine is made with creator=")
def another_creator(world: World) -> Said:
    return _migration(world, 'sa.create_engine("sqlite://", creator=lambda: sqlite3.connect("shop.db")).connect()')


@case(_B, "a migration attaches another file")
def another_attached(world: World) -> Said:
    return _migration(world, "op.execute(\"attach 'prices.db' as prices\")")


@case(_B, "a migration attaches a file whose name is a parameter")
def another_parameter(world: World) -> Said:
    raw = "op.get_bind().connection.driver_connection"
    return _migration(world, f"{raw}.execute('attach ? as prices', ('prices.db',))")


@case(_B, "two databases are asked for")
def another_engine(world: World) -> Said:
    return _migration(world, 'sa.create_engine("sqlite:///prices.db").connect()')


@case(_B, "a database of another kind is asked for")
def another_kind(world: World) -> Said:
    return _migration(world, _POSTGRES)
