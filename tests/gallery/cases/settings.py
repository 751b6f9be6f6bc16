"""Settings that are wrong, in a file or in code."""

from __future__ import annotations

from pathlib import Path

from gallery.case import Group, Said, case
from gallery.shops import alembic_shop, sql_shop
from gallery.world import World
from templatedb import Alembic, Command, Function, SqlFolder, Template, load

_S = Group.SETTINGS


@case(_S, "a setting is misspelt")
def setting_misspelt(world: World) -> Said:
    world.settings('alembic = "alembic.ini"\nrequired_table = ["users"]\n')
    return world.error(load)


@case(_S, "there is no setting of that name or of one like it")
def setting_unknown(world: World) -> Said:
    world.settings('dialect = "postgresql"\n')
    return world.error(load)


@case(_S, "a setting has a value of the wrong type")
def setting_of_wrong_type(world: World) -> Said:
    world.settings("lock_timeout = 300\n")
    return world.error(load)


@case(_S, "a size has no unit")
def size_without_unit(world: World) -> Said:
    world.settings("cache_size = 2000\n")
    return world.error(load)


@case(_S, "a setting that is a list is a text")
def setting_no_list(world: World) -> Said:
    world.settings('inputs = "data/*.csv"\n')
    return world.error(load)


@case(_S, "a setting is empty")
def setting_empty(world: World) -> Said:
    world.settings('sql = ""\n')
    return world.error(load)


@case(_S, "a setting is none of the words it may be")
def setting_no_choice(world: World) -> Said:
    world.settings('clone = "memroy"\n')
    return world.error(load)


@case(_S, "a variable is exported as something that there is not")
def export_unknown(world: World) -> Said:
    world.settings('export = {DATABASE_URL = "uri"}\n')
    return world.error(load)


@case(_S, "a variable has a name that no process can have")
def variable_impossible(world: World) -> Said:
    world.settings('build_env = {"APP=ENV" = "test"}\n')
    return world.error(load)


@case(_S, "the table of settings is no table")
def table_no_table(world: World) -> Said:
    world.write("pyproject.toml", '[tool]\ntemplatedb = "alembic.ini"\n')
    return world.error(load)


@case(_S, "two settings name what migrates")
def two_migrators(world: World) -> Said:
    world.settings('alembic = "alembic.ini"\nsql = "db/migrations"\n')
    return world.error(load)


@case(_S, "the application is to open a file, and clones are to be in memory")
def export_and_memory(world: World) -> Said:
    world.settings('export = {DATABASE_URL = "url"}\nclone = "memory"\n')
    return world.error(load)


@case(_S, "one folder has two settings files")
def two_files(world: World) -> Said:
    world.settings('sql = "db"\n')
    world.write("templatedb.toml", 'sql = "db"\n')
    return world.error(load)


@case(_S, "no settings and no Alembic configuration are found")
def settings_none(world: World) -> Said:
    return world.error(load)


@case(_S, "the Alembic configuration stands in a folder below")
def settings_below(world: World) -> Said:
    world.write("backend/alembic.ini", "[alembic]\n")
    return world.error(load)


@case(_S, "the migrations are Flask-Migrate's")
def settings_of_flask(world: World) -> Said:
    world.write("migrations/alembic.ini", "[alembic]\n")
    world.write("migrations/env.py", "from flask import current_app\n")
    return world.error(load)


@case(_S, "the settings name nothing that migrates")
def settings_without_migrator(world: World) -> Said:
    world.settings('required_tables = ["users"]\n')
    return world.error(load)


@case(_S, "the settings file is not valid TOML")
def toml_invalid(world: World) -> Said:
    world.write("pyproject.toml", "[tool.templatedb]\nsql: db\n")
    return world.error(load)


@case(_S, "the settings file cannot be read")
def toml_unreadable(world: World) -> Said:
    world.settings('sql = "db"\n')
    (world.shop / "pyproject.toml").chmod(0o000)
    with world.as_nobody():
        return world.error(load)


@case(_S, "a setting given in code is misspelt")
def code_misspelt(world: World) -> Said:
    alembic_shop(world)
    return world.error(Template(Alembic("alembic.ini"), required_table=["users"]).key)


@case(_S, "a setting given in code has a wrong value")
def code_wrong_value(world: World) -> Said:
    alembic_shop(world)
    return world.error(Template(Alembic("alembic.ini"), drift="fail").key)


@case(_S, "a template is made of a path instead of a migrator")
def template_of_path(world: World) -> Said:
    return world.error(lambda: Template(Path("alembic.ini")))  # type: ignore[arg-type]  # that is the slip


@case(_S, "an earlier revision is asked of a template that knows none")
def template_at(world: World) -> Said:
    sql_shop(world, _1_users="create table users (id integer);")
    return world.error(lambda: Template(SqlFolder("db/migrations")).at("0001"))


@case(_S, "a command is a text instead of a list")
def command_text(world: World) -> Said:
    return world.error(lambda: Command("dbmate up"))


@case(_S, "a command does not say where the file to migrate goes")
def command_without_place(world: World) -> Said:
    world.settings('command = ["dbmate", "up"]\ninputs = ["db"]\n')
    return world.error(lambda: load().key())


@case(_S, "a function has no name of the form package.module:function")
def name_impossible(world: World) -> Said:
    world.settings('function = "shop/templatedb_build.py:migrate"\n')
    return world.error(lambda: load().key())


@case(_S, "a function given in code cannot be imported by the build")
def function_local(world: World) -> Said:
    def migrate(path: str) -> None:
        """Migrate nothing."""

    return world.error(lambda: Function(migrate))


@case(_S, "the module has no function of that name")
def function_missing(world: World) -> Said:
    world.function("pass")
    return world.error(Template(Function("templatedb_build:migrat")).golden)


@case(_S, "the module has no function of that name or of one like it")
def function_missing_far(world: World) -> Said:
    world.function("pass")
    return world.error(Template(Function("templatedb_build:upgrade")).golden)


@case(_S, "what is named as a function is none")
def function_none(world: World) -> Said:
    world.write("templatedb_build.py", "migrate = 42\n")
    return world.error(Template(Function("templatedb_build:migrate")).golden)


@case(_S, "what is named as metadata is none")
def metadata_none(world: World) -> Said:
    world.settings('metadata = "shop.models:Base"\n')
    world.write("shop/models.py", "class Base:\n    pass\n")
    return world.error(lambda: load().golden())


@case(_S, "a seed asks for something that there is not")
def seed_asks(world: World) -> Said:
    world.function("sqlite3.connect(path).execute('create table users (id)')", 'seed = ["templatedb_build:fill"]\n')
    world.write(
        "templatedb_build.py", (world.shop / "templatedb_build.py").read_text() + "\n\ndef fill(db):\n    pass\n"
    )
    return world.error(lambda: load().golden())
