"""Builds that end well and leave something that is no golden."""

from __future__ import annotations

from gallery.case import Group, Said, case
from gallery.shops import ENV, alembic_shop
from gallery.world import World
from templatedb import load

_B = Group.BUILD
_USERS = (
    "connection = sqlite3.connect(path)\nconnection.execute('create table users (id integer not null primary key)')\n"
)
_ORPHAN = (
    f"{_USERS}connection.execute('create table orders (user_id integer references users (id))')\n"
    "connection.execute('insert into orders values (99)')\nconnection.commit()"
)


def _function(world: World, body: str, settings: str = "") -> Said:
    world.function(body, settings)
    return world.error(lambda: load().golden())


@case(_B, "create_all knows no models")
def left_no_models(world: World) -> Said:
    create = "from sqlalchemy import MetaData, create_engine\nMetaData().create_all(create_engine(f'sqlite:///{path}'))"
    return _function(world, create)


@case(_B, "the migrations leave no database")
def left_none(world: World) -> Said:
    return _function(world, "pass")


@case(_B, "the migrations leave no database where they were told to")
def left_elsewhere(world: World) -> Said:
    asked = "from sqlalchemy import create_engine, text\nengine = create_engine('sqlite:///shop.db')\n"
    gone = "with engine.connect() as connection:\n    connection.execute(text('create table users (id)'))\n"
    return _function(world, f"{asked}{gone}import os\nos.unlink(path)")


@case(_B, "the migrations leave no table")
def left_no_table(world: World) -> Said:
    return _function(world, f"{_USERS}connection.execute('drop table users')\nconnection.commit()")


@case(_B, "the migrations leave a file that is no database")
def left_no_database(world: World) -> Said:
    return _function(world, "open(path, 'wb').write(b'-- a dump' * 500)")


@case(_B, "the migrations leave a damaged database")
def left_damaged(world: World) -> Said:
    # Not by an index of too few rows: SQLite 3.51 does not count those of a partial one.
    never_null = "update sqlite_master set sql = 'create table users (id not null)' where name = 'users'"
    return _function(
        world,
        f"{_USERS}connection.execute('insert into users values (null)')\n"
        f'connection.commit()\nconnection.execute("pragma writable_schema = on")\nconnection.execute("{never_null}")\n'
        "connection.commit()",
    )


@case(_B, "env.py does not commit")
def left_uncommitted(world: World) -> Said:
    behind = (
        "other = __import__('sqlite3').connect(engine.url.database)\nother.execute('delete from alembic_version')\n"
    )
    alembic_shop(world, env=f"{ENV}\n{behind}other.commit()\n")
    return world.error(lambda: load().golden())


@case(_B, "golang-migrate left a migration half done")
def left_dirty(world: World) -> Said:
    return _function(
        world,
        f"{_USERS}connection.execute('create table schema_migrations (version integer, dirty boolean)')\n"
        "connection.execute('insert into schema_migrations values (4, true)')\nconnection.commit()",
    )


@case(_B, "a required table is missing")
def left_without_table(world: World) -> Said:
    return _function(world, f"{_USERS}connection.commit()", 'required_tables = ["user", "orders"]\n')


@case(_B, 'rows break a foreign key, and foreign_keys = "error"')
def left_orphan(world: World) -> Said:
    return _function(world, _ORPHAN, 'foreign_keys = "error"\n')


@case(_B, 'a foreign key leads to a column that is not unique, and foreign_keys = "error"')
def left_unchecked(world: World) -> Said:
    orders = "connection.execute('create table orders (email text references users (email))')\n"
    users = "connection = sqlite3.connect(path)\nconnection.execute('create table users (email text)')\n"
    rows = "connection.execute(\"insert into orders values ('ada')\")\nconnection.commit()"
    return _function(world, users + orders + rows, 'foreign_keys = "error"\n')


@case(_B, 'the models differ from the database, and drift = "error"')
def left_behind_models(world: World) -> Said:
    models = (
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n\nclass Base(DeclarativeBase):\n    pass\n"
        "\n\nclass User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    email: Mapped[str]\n"
    )
    world.write("shop/models.py", models)
    settings = 'models = "shop.models:Base.metadata"\ndrift = "error"\n'
    return _function(world, f"{_USERS}connection.commit()", settings)


@case(_B, "the migrations leave a second file beside the database")
def left_side_file(world: World) -> Said:
    return _function(world, f"{_USERS}connection.commit()\nopen(f'{{path}}-shm', 'w').close()")
