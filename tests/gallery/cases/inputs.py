"""What decides the database is missing or cannot be read."""

from __future__ import annotations

from gallery.case import Group, Said, case
from gallery.shops import alembic_shop, sql_shop
from gallery.world import World
from templatedb import Alembic, Metadata, Template, load

_I = Group.INPUTS


@case(_I, "the folder of the revisions is empty")
def revisions_none(world: World) -> Said:
    alembic_shop(world)
    for path in (world.shop / "migrations/versions").iterdir():
        path.unlink()
    return world.error(lambda: load().key())


@case(_I, "the folder of Alembic's scripts is not there")
def scripts_missing(world: World) -> Said:
    world.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    return world.error(lambda: load().key())


@case(_I, "the folder of Alembic's scripts is not in its package")
def scripts_missing_in_package(world: World) -> Said:
    world.write("alembic.ini", "[alembic]\nscript_location = shop:alembic\n")
    world.write("shop/__init__.py")
    return world.error(lambda: load().key())


@case(_I, "the package of Alembic's scripts is not there")
def package_missing(world: World) -> Said:
    world.write("alembic.ini", "[alembic]\nscript_location = shop:migrations\n")
    return world.error(lambda: load().key())


@case(_I, "an input matches no file")
def input_matches_nothing(world: World) -> Said:
    alembic_shop(world)
    world.settings('inputs = ["data/*.csv"]\n')
    return world.error(lambda: load().key())


@case(_I, "a migration cannot be read")
def migration_unreadable(world: World) -> Said:
    alembic_shop(world)
    (world.shop / "migrations/versions/0002_create_orders.py").chmod(0o000)
    with world.as_nobody():
        return world.error(lambda: load().key())


@case(_I, "a folder of migrations cannot be read")
def folder_unreadable(world: World) -> Said:
    alembic_shop(world)
    world.write("migrations/data/countries.csv")
    (world.shop / "migrations/data").chmod(0o000)
    with world.as_nobody():
        return world.error(lambda: load().key())


@case(_I, "a command has no inputs")
def command_without_inputs(world: World) -> Said:
    world.settings('command = ["dbmate", "--url", "sqlite:{path}", "up"]\n')
    return world.error(lambda: load().key())


@case(_I, "the module of a function is not there")
def module_missing(world: World) -> Said:
    world.settings('function = "store:migrate"\n')
    return world.error(lambda: load().key())


@case(_I, "the module of a seed is misspelt")
def seed_module_misspelt(world: World) -> Said:
    world.settings('sql = "sql"\nseed = ["shop.sedes:fill"]\n')
    world.write("sql/0001_users.sql", "create table users (id);\n")
    world.write("shop/seeds.py")
    return world.error(lambda: load().key())


@case(_I, "the module of the models is not there")
def models_missing(world: World) -> Said:
    return world.error(Template(Metadata("shop.models:Base.metadata")).key)


@case(_I, "the folder of SQL files is not there")
def sql_folder_missing(world: World) -> Said:
    world.settings('sql = "db/migration"\n')
    return world.error(lambda: load().key())


@case(_I, "the folder of SQL files is empty")
def sql_none(world: World) -> Said:
    sql_shop(world)
    (world.shop / "db/migrations").mkdir(parents=True)
    return world.error(lambda: load().key())


@case(_I, "the SQL files are in a folder below")
def sql_below(world: World) -> Said:
    world.settings('sql = "db"\n')
    world.write("db/migrations/0001_users.sql")
    return world.error(lambda: load().key())


@case(_I, "a folder has migrations of two tools")
def sql_mixed(world: World) -> Said:
    sql_shop(world, _0001_users="-- migrate:up\n-- migrate:down\n", _0002_orders="-- +goose Up\n")
    return world.error(lambda: load().key())


@case(_I, "a migration leads back only")
def sql_way_back(world: World) -> Said:
    sql_shop(world, _0001_users="", _0002_orders__down="")
    return world.error(lambda: load().key())


@case(_I, "migrations of dbmate have no numbers")
def dbmate_without_numbers(world: World) -> Said:
    sql_shop(world, users="-- migrate:up\n-- migrate:down\n")
    return world.error(lambda: load().key())


@case(_I, "a migration of goose is written in Go")
def goose_in_go(world: World) -> Said:
    sql_shop(world, _0001_users="-- +goose Up\n")
    world.write("db/migrations/0002_orders.go")
    return world.error(lambda: load().key())


@case(_I, "a migration of goose has no version")
def goose_without_version(world: World) -> Said:
    sql_shop(world, users="-- +goose Up\n")
    return world.error(lambda: load().key())


@case(_I, "two migrations have the same version")
def sql_twins(world: World) -> Said:
    sql_shop(world, _0002_orders__up="", _0002_prices__up="")
    return world.error(lambda: load().key())


@case(_I, "a SQL file is not UTF-8")
def sql_encoding(world: World) -> Said:
    sql_shop(world, _0001_users="")
    (world.shop / "db/migrations/0001_users.sql").write_bytes("-- Kunden\n-- gr\u00f6\u00dfe\n".encode("latin-1"))
    return world.error(lambda: load().key())


@case(_I, "a SQL file cannot be read")
def sql_unreadable(world: World) -> Said:
    sql_shop(world, _0001_users="")
    (world.shop / "db/migrations/0001_users.sql").chmod(0o000)
    with world.as_nobody():
        return world.error(lambda: load().key())


@case(_I, "the Alembic configuration cannot be read")
def ini_locked(world: World) -> Said:
    alembic_shop(world)
    (world.shop / "alembic.ini").chmod(0o000)
    with world.as_nobody():
        return world.error(Template(Alembic("alembic.ini")).key)
