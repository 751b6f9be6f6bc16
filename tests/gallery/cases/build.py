"""Builds that fail while the project's code runs."""

from __future__ import annotations

import sys

from gallery.case import Group, Said, case
from gallery.shops import ENV, alembic_shop, migration, third
from gallery.world import World
from templatedb import load

_B = Group.BUILD


def _function(world: World, body: str, settings: str = "") -> Said:
    world.function(body, settings)
    return world.error(lambda: load().golden())


def _env(world: World, env: str) -> Said:
    alembic_shop(world, env=env)
    return world.error(lambda: load().golden())


@case(_B, "a migration fails: what the command shows")
def migration_fails(world: World) -> Said:
    third(world, 'print("prices of", 2024)\nop.execute("insert into price (amount) values (3)")')
    return world.command("build")


@case(_B, "a seed fails")
def seed_fails(world: World) -> Said:
    world.function("sqlite3.connect(path).execute('create table users (id)')", 'seed = ["templatedb_build:fill"]\n')
    fill = 'def fill(connection):\n    connection.execute("insert into user values (1)")\n'
    world.write("templatedb_build.py", (world.shop / "templatedb_build.py").read_text() + f"\n\n{fill}")
    return world.error(lambda: load().golden())


def _seed(world: World, fill: str, name: str = "fill") -> Said:
    world.function("sqlite3.connect(path).execute('create table users (id)')", f'seed = ["shop.seeds:{name}"]\n')
    world.write("shop/seeds.py", fill)
    return world.error(lambda: load().golden())


@case(_B, "a seed awaits what it gets")
def seed_awaits(world: World) -> Said:
    rows = 'session.execute(sqlalchemy.text("select id from users"))'
    return _seed(
        world, f"import sqlalchemy\n\n\nasync def fill(session):\n    async for row in {rows}:\n        pass\n"
    )


@case(_B, "an async seed asks for something that there is not")
def seed_async_parameter(world: World) -> Said:
    return _seed(world, "async def fill(async_session):\n    await async_session.commit()\n")


@case(_B, "the name of the models is misspelt")
def models_misspelt(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nmodels = "shop.models:Base.metdata"\n')
    world.write("shop/models.py", "from sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n")
    return world.error(lambda: load().golden())


@case(_B, "the code of a migration cannot be parsed")
def syntax_error(world: World) -> Said:
    alembic_shop(world)
    world.write("migrations/versions/0003_add_prices.py", "def upgrade(:\n")
    return world.error(lambda: load().golden())


@case(_B, "env.py raises")
def env_raises(world: World) -> Said:
    return _env(world, f'raise RuntimeError("APP_ENV must be production or test")\n{ENV}')


@case(_B, "env.py imports a module that is not found")
def env_misses_module(world: World) -> Said:
    return _env(world, f"import shop.models\n{ENV}")


@case(_B, "the project's code imports a module that nobody has")
def module_unknown(world: World) -> Said:
    return _function(world, "import httpx_2")


@case(_B, "a library imports a driver that is not installed")
def driver_missing(world: World) -> Said:
    world.write("vendor/site-packages/library.py", "import aiosqlite_2\n")
    return _function(world, "import library", 'python_path = [".", "vendor/site-packages"]\n')


@case(_B, "a module is in a folder that is not on the import path")
def module_in_folder(world: World) -> Said:
    world.write("backend/store/__init__.py")
    return _function(world, "import store.models")


@case(_B, "a package has no such module")
def module_not_in_package(world: World) -> Said:
    world.write("store/__init__.py")
    return _function(world, "import store.modles")


@case(_B, "a foreign key of the metadata leads to a table that is not imported")
def table_not_imported(world: World) -> Said:
    world.settings('metadata = "shop.models:metadata"\n')
    world.write(
        "shop/models.py",
        "import sqlalchemy as sa\n\nmetadata = sa.MetaData()\n"
        'sa.Table("orders", metadata, sa.Column("user_id", sa.ForeignKey("users.id")))\n',
    )
    return world.error(lambda: load().golden())


@case(_B, "a function raises")
def function_raises(world: World) -> Said:
    return _function(world, "raise ValueError('a price is negative')")


@case(_B, "the driver of another database is not installed")
def env_misses_driver(world: World) -> Said:
    world.write("pg8000/__init__.py", "raise ModuleNotFoundError(\"No module named 'pg8000'\", name='pg8000')\n")
    url = 'engine = __import__("sqlalchemy").create_engine("postgresql+pg8000://me@db/shop")\n'
    return _env(world, url)


@case(_B, "env.py reads a variable that is not set")
def env_misses_variable(world: World) -> Said:
    return _env(world, f'import os\n\nurl = os.environ["SHOP_DATABASE"]\n{ENV}')


@case(_B, "a breakpoint is left in a migration")
def breakpoint_left(world: World) -> Said:
    third(world, "breakpoint()")
    return world.error(lambda: load().golden())


@case(_B, "the setting 'revision' names none that there is")
def revision_unknown(world: World) -> Said:
    alembic_shop(world)
    world.settings('revision = "0009"\n')
    return world.error(lambda: load().golden())


@case(_B, "the history has two heads, and one is asked for")
def revision_two_heads(world: World) -> Said:
    alembic_shop(world)
    world.settings('revision = "head"\n')
    world.write("migrations/versions/0003_add_prices.py", migration(3, "add prices", "pass", after=1))
    return world.error(lambda: load().golden())


@case(_B, "a migration follows one that is not there")
def revision_without_parent(world: World) -> Said:
    alembic_shop(world)
    world.write("migrations/versions/0004_add_prices.py", migration(4, "add prices", "pass"))
    return world.error(lambda: load().golden())


@case(_B, "the function takes no path")
def function_without_path(world: World) -> Said:
    world.settings('function = "templatedb_build:migrate"\n')
    world.write("templatedb_build.py", "def migrate():\n    pass\n")
    return world.error(lambda: load().golden())


@case(_B, "code that is not the project's fails before a migration runs")
def fails_elsewhere(world: World) -> Said:
    alembic_shop(world)
    (world.shop / "migrations/env.py").unlink()
    return world.error(lambda: load().golden())


@case(_B, "memory runs out")
def build_killed(world: World) -> Said:
    third(world, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    return world.error(lambda: load().golden())


@case(_B, "a library in C crashes")
def build_crashed(world: World) -> Said:
    return _function(world, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")


@case(_B, "somebody ends the build")
def build_ended(world: World) -> Said:
    return _function(world, "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)")


@case(_B, "the migrations end the process")
def build_exits(world: World) -> Said:
    return _function(world, "import os\nprint('done')\nos._exit(0)")


@case(_B, "the process of the build cannot be started")
def build_not_started(world: World) -> Said:
    return _function(world, "pass", f'build_env = {{LICENCE = "{"x" * 140_000}"}}\n')


@case(_B, "the interpreter was removed while it ran")
def interpreter_gone(world: World) -> Said:
    world.patch.setattr(sys, "executable", str(world.shop / ".venv/bin/python3"))
    return _function(world, "pass")


@case(_B, "templatedb is used on Windows")
def windows(world: World) -> Said:
    world.function("pass")
    template = load()
    world.patch.setattr(sys, "platform", "win32")
    return world.error(template.golden)


@case(_B, "env.py runs no migrations")
def env_runs_nothing(world: World) -> Said:
    return _env(world, "from alembic import context\n")


@case(_B, "env.py runs only some of the migrations")
def env_runs_some(world: World) -> Said:
    less = (
        "from alembic import context\n\nsteps = context._proxy.context_opts['fn']\n"
        "context._proxy.context_opts['fn'] = lambda heads, context: steps(heads, context)[:1]\n"
    )
    return _env(world, less + ENV)


@case(_B, "a migration asks for a golden")
def migration_asks(world: World) -> Said:
    third(world, "import templatedb\n\ntemplatedb.load().golden()")
    return world.error(lambda: load().golden())


@case(_B, "the models have no tables")
def models_empty(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nmodels = "shop.models:Base.metadata"\n')
    world.write("shop/models.py", "from sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n")
    return world.error(lambda: load().golden())


@case(_B, "the metadata has no tables")
def metadata_empty(world: World) -> Said:
    world.settings('metadata = "shop.models:Base.metadata"\n')
    world.write(
        "shop/models.py", "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n    pass\n"
    )
    return world.error(lambda: load().golden())


@case(_B, "the program of a command is not installed")
def command_missing(world: World) -> Said:
    world.settings('command = ["dbmate-2", "--url", "sqlite:{path}", "up"]\ninputs = ["db"]\n')
    world.write("db/0001_users.sql")
    return world.error(lambda: load().golden())


@case(_B, "a command fails: what the command shows")
def command_fails(world: World) -> Said:
    world.settings('command = ["sh", "migrate.sh", "{path}"]\ninputs = ["migrate.sh"]\n')
    world.write("migrate.sh", 'echo "cannot read db/schema.sql"\nexit 3\n')
    return world.command("build")


@case(_B, "the path of the file to build is too long")
def build_path_too_long(world: World) -> Said:
    deep = world.tmp / "x" / "/".join(["y" * 100] * 5)
    deep.mkdir(parents=True)
    world.cache.parent.mkdir(parents=True)
    world.cache.touch()  # no cache: the build is in TMPDIR
    world.set(TMPDIR=deep)
    return _function(world, "pass")


@case(_B, "the disk is full, in the cache and in the temporary folder")
def disk_full(world: World) -> Said:
    # SQLite itself says so, of a limit that is easier to bring about than a full disk.
    body = "connection = sqlite3.connect(path)\nconnection.execute('pragma max_page_count = 1')\n"
    return _function(world, body + "connection.execute('create table users (id)')")
