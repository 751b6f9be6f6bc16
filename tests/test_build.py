"""Any env.py is built unchanged, into our file, and never reaches another database."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest

from projects import PLAIN_ENV, alembic_project, env_with_engine, revision, run, tables, write
from templatedb import Alembic, BuildError, Function, SettingsError, Template, load
from templatedb.build.missing import remedy_for_module
from templatedb.plan import Wishes

ASYNC_MAIN = """
import asyncio

from alembic import context
from sqlalchemy import engine_from_config, pool
from sqlalchemy.ext.asyncio import AsyncEngine, async_engine_from_config, create_async_engine

config = context.config


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = {engine}
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"""

ENVIRONMENTS = {
    "url of the ini": PLAIN_ENV,
    "literal": env_with_engine("sqlalchemy.create_engine('sqlite:///prod.db')"),
    "literal in memory": env_with_engine("sqlalchemy.create_engine('sqlite://')"),
    "variable": env_with_engine("sqlalchemy.create_engine(os.environ['DATABASE_URL'])", "import os"),
    "settings module": env_with_engine("settings.ENGINE", "import settings"),
    "pooled engine with a connect listener for WAL": env_with_engine("settings.wal()", "import settings"),
    "async from ini": ASYNC_MAIN.format(engine="async_engine_from_config(config.get_section('alembic'))"),
    "async of old template": ASYNC_MAIN.format(
        engine="AsyncEngine(engine_from_config({**config.get_section('alembic'), 'sqlalchemy.url':"
        " 'sqlite+aiosqlite:///prod.db'}, poolclass=pool.NullPool))"
    ),
    "async literal": ASYNC_MAIN.format(engine="create_async_engine('sqlite+aiosqlite:///prod.db')"),
    "async from the variable": ASYNC_MAIN.format(
        engine="create_async_engine(__import__('os').environ['DATABASE_URL'])"
    ),
    "connection required": """
        from alembic import context
        connection = context.config.attributes["connection"]
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
        """,
    "engine of a required connection": """
        from alembic import context
        with context.config.attributes.get("connection").engine.connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
        """,
    "engine under the name of the connection": """
        from alembic import context
        with context.config.attributes.get("connection").connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
        """,
    "nothing without a connection": """
        from alembic import context
        connection = context.config.attributes.pop("connection", None)
        if connection is not None:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
        """,
    "async engine of a plain one, from the variable": ASYNC_MAIN.format(
        engine="AsyncEngine(sqlalchemy.create_engine(__import__('os').environ['DATABASE_URL']))"
    ).replace("import asyncio", "import asyncio, sqlalchemy"),
    "sync engine although the variable names an async driver": "import os\n"
    "assert os.environ['DATABASE_URL'].startswith('sqlite')\n"
    + env_with_engine("sqlalchemy.create_engine(os.environ['DATABASE_URL'])", "import os"),
    "the application's engine names the database of the ini": env_with_engine(
        "settings.same_as_ini()", "import settings"
    )
    + PLAIN_ENV,
    "ended by sys.exit(0)": PLAIN_ENV + "\nimport sys\nsys.exit(0)\n",
    "a forked child that comes back": PLAIN_ENV + "\nimport os\nif os.fork() == 0:\n    raise ValueError('child')\n",
    "connection if there is one": PLAIN_ENV.replace(
        "config = context.config", "config = context.config\nassert config.attributes.get('connection') is None"
    ),
    "begin around it": PLAIN_ENV.replace("engine.connect()", "engine.begin()"),
    "own version table": PLAIN_ENV.replace("connection=connection", "connection=connection, version_table='ddl'"),
    "transaction per migration": PLAIN_ENV.replace(
        "connection=connection", "connection=connection, transaction_per_migration=True"
    ),
    "x arguments and options of the command line": "from alembic import context\n"
    "assert context.get_x_argument(as_dictionary=True) == {}\n"
    "assert context.config.cmd_opts.revision == 'heads'\n" + PLAIN_ENV,
    "logging from the ini": "from logging.config import fileConfig\nfrom alembic import context\n"
    "fileConfig(context.config.config_file_name)\n" + PLAIN_ENV,
    "noise, threads and connections left behind": PLAIN_ENV
    + """
import socket, threading, time
print("x" * 100_000)
left = engine.connect()
threading.Thread(target=time.sleep, args=(600,)).start()
with socket.socket() as bound:
    bound.bind(("127.0.0.1", 0))
with socket.socket(type=socket.SOCK_DGRAM) as asking:
    asking.connect(("127.0.0.1", 9))
""",
}

INI = textwrap.dedent(
    """\
    script_location = %(here)s/scripts
    sqlalchemy.url = sqlite:///app.db
    [loggers]
    keys = root
    [handlers]
    keys = console
    [formatters]
    keys = plain
    [logger_root]
    level = INFO
    handlers = console
    [handler_console]
    class = StreamHandler
    args = (sys.stderr,)
    formatter = plain
    [formatter_plain]
    format = %(message)s
    """
)


def env_project(project, env, **options):
    alembic_project(project, env=textwrap.dedent(env), **options)
    write(
        project / "settings.py",
        """
        import os, sqlalchemy
        from sqlalchemy import event

        ENGINE = sqlalchemy.create_engine(os.environ.get("APP_DATABASE", "sqlite:///prod.db"))


        def same_as_ini():
            return sqlalchemy.create_engine("sqlite:///app.db")


        def wal():
            @event.listens_for(ENGINE, "connect")
            def on_connect(connection, record):
                connection.execute("pragma journal_mode = wal")

            return ENGINE
        """,
    )


@pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_env_py_is_built_unchanged(project, env, monkeypatch):
    """Same tables and rows, in our file; the project's own database is never made."""
    if "startswith" in env:
        monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:///app.db")
    env_project(project, env, ini=INI)
    with load().golden() as golden, golden.clone() as clone:
        assert {"t1", "t2"} < tables(clone.path)
        assert clone.connect().execute("select name from t2").fetchall() == [("row 2",)]
        assert (golden.manifest.revisions, golden.manifest.heads) == (2, ("r2",))
    assert sorted(path.name for path in project.iterdir()) in (
        ["alembic.ini", "scripts", "settings.py"],
        ["__pycache__", "alembic.ini", "scripts", "settings.py"],
    )


def test_several_heads_and_branches_are_all_built(project):
    """The default target is heads."""
    history = {
        "r1.py": revision(1),
        "r2.py": revision(2),
        "r3.py": revision(3, after="r1"),
        "x1.py": revision(9, identifier="x1", after=None),
    }
    alembic_project(project, revisions=history)
    with load().golden() as golden, golden.clone() as clone:
        assert golden.manifest.heads == ("r2", "r3", "x1")
        assert tables(clone.path) == {"alembic_version", "t1", "t2", "t3", "t9"}


def said_by(template):
    said = []
    template.golden(Wishes(notice=said.append)).close()
    return said


def test_two_heads_are_told_once_by_the_run_that_builds(project):
    """Nobody merged two branches of work: a hit has nothing to add, and who names one head means it."""
    alembic_project(project, revisions={"r1.py": revision(1), "r2.py": revision(2), "r3.py": revision(3, after="r1")})
    line = (
        "the history of project/alembic.ini has 2 heads, r2 and r3: all were applied (alembic merge heads makes them one; give each a"
        " branch label if they are to stay apart)"
    )
    assert [said_by(load()), said_by(load()), said_by(load().at("r2"))] == [[line], [], []]


def test_many_heads_are_counted(project):
    """One line, however many."""
    branches = {f"r{number}.py": revision(number, after="r1") for number in range(2, 8)}
    alembic_project(project, revisions={"r1.py": revision(1), **branches})
    (line,) = said_by(load())
    assert line.startswith("the history of project/alembic.ini has 6 heads, r2, r3, r4 and 3 more: all were applied (")


@pytest.mark.parametrize(("labels", "told"), [(("shop", "store"), 0), (("shop", ""), 1)])
def test_heads_that_all_have_a_branch_label_are_wanted(project, labels, told):
    """Alembic's own way of saying that two histories live side by side."""
    first, second = (f"branch_labels = {label!r}" if label else "" for label in labels)
    history = {"r1.py": revision(1, extra=first), "x1.py": revision(9, identifier="x1", after=None, extra=second)}
    alembic_project(project, revisions=history)
    assert len(said_by(load())) == told


def test_a_label_of_both_heads_does_not_tell_them_apart(project):
    """It is that of the history they share."""
    history = {
        "r1.py": revision(1, extra="branch_labels = 'shop'"),
        "r2.py": revision(2),
        "r3.py": revision(3, after="r1"),
    }
    alembic_project(project, revisions=history)
    assert len(said_by(load())) == 1


def test_a_revision_can_be_the_target(project):
    """The setting, and Template.at for one test."""
    alembic_project(project, revisions=3)
    template = Template(Alembic("alembic.ini"))
    with template.at("r2").golden() as earlier, earlier.clone() as clone:
        assert tables(clone.path) == {"alembic_version", "t1", "t2"}
        assert earlier.key != template.key()


def test_an_earlier_revision_has_no_seeds_and_no_checks_of_the_finished_database(project):
    """They are written for its newest tables; what is given afterwards holds."""
    alembic_project(project, revisions=2)
    seed = "def fill(connection): connection.execute(\"insert into {} (name) values ('seeded')\")\n"
    write(project / "late.py", seed.format("t2"))
    write(project / "early.py", seed.format("t1"))
    table = '[tool.templatedb]\nseed = ["late:fill"]\nrequired_tables = ["t2"]\nmodels = "no_such_module:metadata"\n'
    write(project / "pyproject.toml", table)
    in_code = Template(Alembic("alembic.ini"), seed=["late:fill"], required_tables=["t2"])
    for template in (load(), in_code):
        with template.at("r1").golden() as earlier, earlier.clone() as clone:
            assert clone.connect().execute("select name from t1").fetchall() == [("row 1",)]
        with template.at("r1").with_settings(seed=["early:fill"]).golden() as earlier, earlier.clone() as clone:
            assert clone.connect().execute("select name from t1").fetchall() == [("row 1",), ("seeded",)]
    assert in_code.at("r1").key() == load().at("r1").key()


def test_the_base_is_a_revision_without_tables(project):
    """Where a test of the first migration starts; Alembic's own table is there."""
    alembic_project(project)
    with Template(Alembic("alembic.ini")).at("base").golden() as golden, golden.clone() as clone:
        assert tables(clone.path) == {"alembic_version"}
        assert clone.connect().execute("select * from alembic_version").fetchall() == []
        assert (golden.manifest.heads, golden.manifest.revisions) == ((), 0)


def test_an_environment_without_a_revision_is_no_base(project):
    """Nobody asked for an empty database."""
    alembic_project(project, revisions={"README.rst": "nothing"})
    write(project / "pyproject.toml", '[tool.templatedb]\ninputs = ["scripts/env.py"]\n')
    with pytest.raises(BuildError, match="made no table"):
        load().golden()


@pytest.mark.parametrize("name", ["a b", "50%", "p%41q", "h#x", "q?r", "quo'te\"s", "ünïcode 😀", "-dash"])
def test_odd_folder_names_are_survived_by_project_and_cache(tmp_path, monkeypatch, name):
    """In the project's path, in the cache's, and in the URL of a clone."""
    folder = tmp_path / name
    alembic_project(folder)
    monkeypatch.setenv("TEMPLATEDB_CACHE_DIR", str(folder / "cache"))
    with load(folder).golden() as golden, golden.clone(folder=folder) as clone:
        import sqlalchemy

        engine = sqlalchemy.create_engine(clone.url)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select name from t1").scalar() == "row 1"
        engine.dispose()
        assert clone.path.parent == folder


def test_env_py_may_choose_the_version_folder_itself(project):
    """As Prefect's does; the setting 'inputs' names the folder for the key."""
    env = "from alembic import context\ncontext.script.version_locations = ['chosen']\n" + PLAIN_ENV
    alembic_project(project, env=env, versions="chosen")
    write(project / "pyproject.toml", '[tool.templatedb]\ninputs = ["chosen"]\n')
    with load().golden() as golden:
        assert golden.manifest.heads == ("r2",)


FUNCTIONS = {
    "sqlite3": """
        import sqlite3

        def migrate(path):
            connection = sqlite3.connect(path)
            connection.execute("create table t1 (id integer primary key)")
            connection.commit()
            connection.close()
        """,
    "create_all and stamp": """
        import sqlalchemy as sa
        from alembic import command
        from alembic.config import Config

        def migrate(path):
            metadata = sa.MetaData()
            sa.Table("t1", metadata, sa.Column("id", sa.Integer, primary_key=True))
            engine = sa.create_engine(f"sqlite:///{path}")
            metadata.create_all(engine)
            config = Config("alembic.ini")
            config.set_main_option("sqlalchemy.url", f"sqlite:///{path}".replace("%", "%%"))
            command.stamp(config, "head")
        """,
    "a factory with a global engine that ignores the path": """
        import sqlalchemy as sa

        engine = sa.create_engine("sqlite:///prod.db")

        def migrate(path):
            with engine.begin() as connection:
                connection.exec_driver_sql("create table t1 (id integer primary key)")
        """,
    "coroutine": """
        import aiosqlite

        async def migrate(path):
            async with aiosqlite.connect(path) as connection:
                await connection.execute("create table t1 (id integer primary key)")
                await connection.commit()
        """,
    "WAL, never closed": """
        import sqlite3

        def migrate(path):
            global connection
            connection = sqlite3.connect(path)
            connection.execute("pragma journal_mode = wal")
            connection.execute("create table t1 (id integer primary key)")
            connection.commit()
        """,
    "a scratch database in memory beside it": """
        import sqlalchemy as sa

        def migrate(path):
            with sa.create_engine(f"sqlite:///{path}").begin() as connection:
                connection.exec_driver_sql("create table t1 (id integer primary key)")
            with sa.create_engine("sqlite://").begin() as connection:
                connection.exec_driver_sql("create table scratch (id integer primary key)")
        """,
}


@pytest.mark.parametrize("body", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_fills_the_file(project, body):
    """What it leaves is one file in DELETE mode, with its tables and no other's."""
    alembic_project(project)
    write(project / "factory.py", body)
    with Template(Function("factory:migrate")).golden() as golden, golden.clone() as clone:
        assert tables(clone.path) - {"alembic_version"} == {"t1"}
        assert clone.connect().execute("pragma journal_mode").fetchone() == ("delete",)
    assert not (project / "prod.db").exists()


def test_the_mode_that_the_migrations_left_is_recorded(project):
    """The one stated exception to: a hit equals a miss."""
    write(project / "factory.py", FUNCTIONS["WAL, never closed"])
    with Template(Function("factory:migrate")).golden() as golden:
        assert golden.manifest.journal_mode == "wal"


def migrate_in_this_module(path):
    """A function that a conftest may give as an object."""
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("create table given (id integer primary key)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("name", ["alembic", "sqlalchemy", "queue"])
def test_a_folder_of_the_project_may_be_called_like_a_library(project, name):
    """The build has the libraries before the project's folders come first."""
    alembic_project(project)
    write(project / name / "__init__.py", "raise RuntimeError('not the library')")
    with load().golden() as golden:
        assert golden.manifest.revisions == 2


def test_scripts_of_two_services_are_never_mistaken_for_each_other(project):
    """A relative script_location that fits twice is refused, not guessed."""
    alembic_project(project, ini="script_location = scripts\n")
    alembic_project(project / "other", revisions=1, ini="script_location = scripts\n")
    with pytest.raises(
        SettingsError, match=r"is ambiguous: there are scripts in .*\nWrite script_location = %\(here\)s/scr"
    ):
        Template(Alembic("other/alembic.ini"), root=project).golden()


def test_prepend_sys_path_of_an_ini_in_a_subfolder_means_that_folder_too(project):
    """Who runs `cd backend && alembic upgrade head` has it so."""
    env = "import helper\n" + PLAIN_ENV
    alembic_project(project / "backend", env=env, ini="script_location = %(here)s/scripts\nprepend_sys_path = .\n")
    write(project / "backend/helper.py", "")
    write(project / "pyproject.toml", '[tool.templatedb]\nalembic = "backend/alembic.ini"\n')
    with load().golden() as golden:
        assert golden.manifest.revisions == 2


def test_a_killed_build_names_its_revision(project):
    """Out of memory looks like this."""
    body = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    alembic_project(project, revisions={"r1.py": revision(1), "r2.py": revision(2, body)})
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "the build process was ended by signal 9 (SIGKILL) during migration r2 (make t2)\n"
        "Often memory ran out: give the machine or the container more of it."
    )


def test_what_alembic_warns_about_the_history_is_told(project):
    """A revision id that is there twice is built from one of them: the user should know."""
    history = {"r1.py": revision(1), "r2.py": revision(2), "again.py": revision(2)}
    alembic_project(project, revisions=history)
    with load().golden() as golden:
        (warning,) = golden.manifest.warnings
    assert warning.startswith("Revision r2 is present more than once")


@pytest.mark.parametrize(
    ("links", "named"),
    [
        ("down_revision = 'gone'", "down_revision"),
        ("down_revision = ('r1', 'gone')", "down_revision"),
        ("down_revision = 'r1'\ndepends_on = 'gone'", "depends_on"),
    ],
)
def test_a_missing_parent_is_named_with_the_file_that_names_it(project, links, named):
    """Not a bare KeyError."""
    wrong = revision(2).replace("down_revision = 'r1'", links)
    alembic_project(project, revisions={"r1.py": revision(1), "r2.py": wrong, "r3.py": revision(3)})
    with pytest.raises(BuildError) as caught:
        load().golden()
    path = project / "scripts/versions/r2.py"
    assert str(caught.value) == (
        f"the build failed: {path} names 'gone' in its {named}, and no file has that revision\n"
        f"Nothing was published. Correct {path}, or add the file with revision = 'gone'."
    )


def test_a_variable_that_env_py_misses_comes_with_the_way_out(project):
    """Probably the commonest first failure."""
    alembic_project(project, env="import os\nurl = os.environ['APP_DB']\n")
    with pytest.raises(
        BuildError,
        match=r"KeyError: 'APP_DB' \(at .*/env.py:2\)\nThe build has no variable APP_DB. If it holds the URL",
    ):
        load().golden()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def migrate(): pass", r"Write it as def migrate\(path\): it is called with the path of the file"),
        ("def migrate(path) pass", r"Nothing was published. Correct .*/factory.py, line 1"),
        ("def migrate(path): pass", r"with create_all, import the modules of the models first"),
    ],
)
def test_a_function_that_cannot_work_comes_with_its_remedy(project, body, message):
    """The three slips that new users make."""
    write(project / "factory.py", body)
    with pytest.raises(BuildError, match=message):
        Template(Function("factory:migrate")).golden()


def remedy_of(project, text, **settings):
    """Return what is to be done about a module of the project whose function fails."""
    write(project / "factory.py", text)
    with pytest.raises(BuildError) as caught:
        Template(Function("factory:migrate"), **settings).golden()
    return caught.value.remedy.replace(f"{project}/", "")


def test_a_table_that_a_function_did_not_import_is_told_by_its_name(project):
    """As for metadata, without its setting."""
    body = """
        import sqlalchemy as sa

        def migrate(path):
            models = sa.MetaData()
            sa.Table("orders", models, sa.Column("user_id", sa.ForeignKey("users.id")))
            models.create_all(sa.create_engine(f"sqlite:///{path}"))
        """
    assert remedy_of(project, body).startswith(
        "Import the module that defines the table 'users' first, or correct the name"
    )


ENVIRONMENTS_FAULTS = {
    "a word that names a variable": "raise RuntimeError('SECRET_KEY must be set')",
    "settings": "raise LookupError('no settings for this environment')",
    "configuration": "class ImproperlyConfigured(Exception): pass\nraise ImproperlyConfigured('no engine')",
    "validation": "class ValidationError(ValueError): pass\nraise ValidationError('1 error')",
    "a value that is not there": "import os\nint(os.environ.get('PORT'))",
    "a URL that is not there": "import sqlalchemy\nsqlalchemy.create_engine(None)",
    "a service": "raise ConnectionRefusedError('no')",
    "a service, by a driver": "class OperationalError(Exception): pass\nraise OperationalError('connection refused')",
}


@pytest.mark.parametrize("text", ENVIRONMENTS_FAULTS.values(), ids=ENVIRONMENTS_FAULTS)
def test_what_the_environment_may_lack_is_told_with_build_env(project, text):
    """Where that can be the reason."""
    line = text.count("\n") + 1
    assert remedy_of(project, text) == (
        f"Nothing was published. Correct factory.py, line {line}, or what it needs: see build_env."
    )


OTHER_FAULTS = {
    "SQL": "import sqlite3\nsqlite3.connect(':memory:').execute('select from SOME_TABLE')",
    "a constraint": "import sqlite3\ndb = sqlite3.connect(':memory:')\n"
    "db.executescript('create table MY_SETTINGS (x not null); insert into MY_SETTINGS values (null)')",
    "SQL through SQLAlchemy": "import sqlalchemy\nengine = sqlalchemy.create_engine('sqlite://')\n"
    "with engine.connect() as it: it.exec_driver_sql('select CONFIG_X')",
    "a name": "def f():\n    x = SOME_NAME\nf()",
    "an argument": "int()  + len()",
    "a key": "{}['a']",
    "a plain error": "raise ValueError('no')",
    "a module without a name": "raise ModuleNotFoundError('no plugin')",
}


@pytest.mark.parametrize("text", OTHER_FAULTS.values(), ids=OTHER_FAULTS)
def test_what_is_wrong_in_the_code_itself_is_told_without_build_env(project, text):
    """It would lead away from the line."""
    line = 2 if text.startswith("def") else text.count("\n") + 1
    assert remedy_of(project, text) == f"Nothing was published. Correct factory.py, line {line}."


def test_a_variable_in_small_letters_is_one_too(project):
    """What os.environ lacks is a variable, whatever its name."""
    assert remedy_of(project, "import os\nos.environ['app_db']").startswith("The build has no variable app_db. If it")


def test_a_module_of_others_is_to_be_installed(project):
    """A library needs it: it is none of the project's."""
    (project / ".venv/site-packages").mkdir(parents=True)
    write(project / ".venv/site-packages/library.py", "import no_such_driver.core")
    assert remedy_of(project, "import library", python_path=[".", ".venv/site-packages"]) == (
        f"Install it into the environment of {sys.executable}: pip install no_such_driver"
    )


def test_a_module_that_may_be_anybodys_has_both_ways_out(project):
    """The project's code needs it, and no folder of the project has it."""
    assert remedy_of(project, "import no_such_module") == (
        f"Install what has it into the environment of {sys.executable} (often: pip install no_such_module); if it is the"
        " project's own, add its folder to python_path."
    )


def test_a_module_that_is_called_like_the_project_is_not_to_be_installed(project):
    """A package of strangers may have that name."""
    assert remedy_of(project, f"import {project.name}.models") == (
        "If it is the project's own, add its folder to python_path."
    )


def test_folders_that_cannot_be_listed_are_no_obstacle_to_the_remedy(tmp_path):
    """A remedy that fails would hide the error itself."""
    order = SimpleNamespace(target=SimpleNamespace(root=tmp_path / "gone"), relative_folders=(".",))
    remedy = remedy_for_module(ModuleNotFoundError("no", name="no_such_module"), order)
    assert remedy.startswith("Install what has it into the environment of")


@pytest.mark.parametrize("name", ["backend/shop/__init__.py", "backend/shop.py"])
def test_a_module_in_a_folder_of_the_project_has_that_named(project, name):
    """The commonest layout that no setting tells of."""
    write(project / name, "")
    assert remedy_of(project, "import shop.models") == 'It is in backend: set python_path = [".", "backend"].'


def test_a_module_that_its_package_lacks_is_told_with_the_place_of_the_package(project):
    """A slip in the name, or another package of that name."""
    write(project / "shop/__init__.py", "")
    assert remedy_of(project, "import shop.modles") == (
        "The package shop is that in shop: correct the name in factory.py, line 1, or python_path if another one is meant."
    )


def test_a_module_that_a_seed_lacks_is_to_be_installed_too(project):
    """Its file is not what is to be corrected."""
    write(project / "rows.py", "def fill(connection):\n    import no_such_module")
    body = "import sqlite3\n\ndef migrate(path):\n    sqlite3.connect(path).execute('create table a (x)')"
    assert remedy_of(project, body, seed=["rows:fill"]).startswith("Install what has it into the environment of")


def test_a_template_is_not_made_of_a_text(project):
    """An easy slip, told at once."""
    with pytest.raises(SettingsError, match=r"Write Template\(Alembic\(\"alembic.ini\"\)\) or"):
        Template("alembic.ini")


def test_flask_migrates_env_py_comes_with_a_function_to_paste(project):
    """It works only inside an application."""
    write(project / "migrations/alembic.ini", "[alembic]\n")
    write(project / "migrations/env.py", "from flask import current_app\n")
    for ask in (load, lambda: Template(Alembic("migrations/alembic.ini")).golden()):
        with pytest.raises(SettingsError, match=r"(?s)Flask-Migrate's, which need the application.*function = "):
            ask()


def test_a_url_that_env_py_completes_itself_is_left_alone(project):
    """Interpolation of an option that is set later."""
    env = (
        "from alembic import context\nfrom sqlalchemy import create_engine\nconfig = context.config\n"
        "config.set_section_option('alembic', 'where', 'x.db')\n" + PLAIN_ENV
    )
    alembic_project(project, env=env, ini="script_location = %(here)s/scripts\nsqlalchemy.url = sqlite:///%(where)s\n")
    with load().golden() as golden:
        assert golden.manifest.revisions == 2


def test_a_function_may_be_given_as_an_object(project):
    """Found by the build through its module's own folder."""
    with Template(Function(migrate_in_this_module)).golden() as golden, golden.clone() as clone:
        assert tables(clone.path) == {"given"}


REFUSALS = {
    "another file": (
        "sqlite3.connect('prod.db')",
        "the build tried to open another database: prod.db",
    ),
    "where it stands": (
        "sqlite3.connect('prod.db')",
        "scripts/versions/r2.py:",
    ),
    "another file, error swallowed": (
        "with contextlib.suppress(Exception): sqlite3.connect('prod.db')",
        "the build tried to open another database: prod.db",
    ),
    "as a URI": (
        "sqlite3.connect('file:prod.db', uri=True)",
        "the build tried to open another database: file:prod.db",
    ),
    "by creator": (
        "sa.create_engine('sqlite://', creator=lambda: sqlite3.connect('prod.db')).connect()",
        "The engine was made with creator=, which cannot be redirected: use the setting 'function'",
    ),
    "attached by a parameter": (
        "op.get_bind().connection.driver_connection.execute('attach ? as other', ('prod.db',))",
        "the build tried to attach another database: one whose name is a parameter or an expression",
    ),
    "attached": (
        "op.get_bind().connection.driver_connection.execute(\"attach 'prod.db' as other\")",
        "the build tried to attach another database: prod.db",
    ),
    "vacuumed into": (
        "sqlite3.connect(':memory:').execute(\"vacuum into 'prod.db'\")",
        "the build tried to attach another database: prod.db",
    ),
    "a second one through SQLAlchemy": (
        "sa.create_engine('sqlite:///other.db').connect()",
        "the build asked for two different databases: ",
    ),
    "another dialect": (
        "fake_postgres().connect()",
        "the build tried to open a postgresql database (postgresql://me:***@db.example:5432/shop)",
    ),
}

IMPORTS = """
import contextlib, sqlite3
from types import ModuleType


def fake_postgres():
    driver = ModuleType("pg8000")
    driver.__dict__.update(paramstyle="format", __version__="1.31.0", Error=Exception)
    from sqlalchemy.dialects.postgresql.pg8000 import PGDialect_pg8000

    PGDialect_pg8000.import_dbapi = classmethod(lambda cls: driver)
    return sa.create_engine("postgresql+pg8000://me:secret@db.example:5432/shop")
"""


@pytest.mark.parametrize(("code", "message"), REFUSALS.values(), ids=REFUSALS)
def test_another_database_is_refused_before_it_is_touched(project, cache, code, message):
    """Also when the code swallows the error; nothing is published, and no password is shown."""
    alembic_project(project, revisions={"r1.py": revision(1), "r2.py": revision(2, code, extra=IMPORTS)})
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert message in str(caught.value)
    assert "secret" not in caught.value.report.split("--- output")[0].split("\n\n")[0]
    assert not (project / "prod.db").exists()
    assert not list(cache.glob("v1/goldens/*"))


def test_reading_a_data_file_and_vacuuming_are_no_offence(project):
    """A read-only URI, databases in memory, and a plain VACUUM."""
    body = """
        op.create_table('t1', sa.Column('name', sa.String))
        with contextlib.closing(sqlite3.connect('file:seed.db?mode=ro', uri=True)) as seed:
            rows = seed.execute('select name from names').fetchall()
        with contextlib.closing(sqlite3.connect(':memory:')) as scratch:
            scratch.execute('create table x (y)')
            scratch.execute("attach ':memory:' as other")
            scratch.execute('vacuum')
        op.bulk_insert(sa.table('t1', sa.column('name')), [{'name': name} for (name,) in rows])
        """
    alembic_project(project, revisions={"r1.py": revision(1, body, extra=IMPORTS)})
    import sqlite3

    seed = sqlite3.connect(project / "seed.db")
    seed.execute("create table names as select 'ada' as name")
    seed.commit()
    seed.close()
    with load().golden() as golden, golden.clone() as clone:
        assert clone.connect().execute("select name from t1").fetchall() == [("ada",)]


def test_an_outgoing_connection_is_refused_and_told(project):
    """The code sees a refused connection, the user a warning; the build goes on."""
    body = """
        import socket
        try:
            socket.create_connection(('127.0.0.1', 9), timeout=5)
        except ConnectionRefusedError as error:
            print(error)
        op.create_table('t1', sa.Column('id', sa.Integer))
        """
    alembic_project(project, revisions={"r1.py": revision(1, body)})
    with load().golden() as golden:
        assert golden.manifest.warnings == (
            (
                "the build tried to connect to 127.0.0.1:9 at scripts/versions/r1.py:13 and was refused:"
                " a golden depends on files only"
            ),
        )


def test_a_failing_migration_tells_revision_traceback_and_output(project, cache):
    """The user's frames, not ours nor the libraries'; nothing is published."""
    body = "print('about to fail')\nop.execute('select * from no_such_table')"
    alembic_project(project, revisions={"r1.py": revision(1), "r2.py": revision(2, body)})
    with pytest.raises(BuildError) as caught:
        load().golden()
    error = caught.value
    assert error.what.startswith("migration r2 (make t2) failed: OperationalError: (sqlite3.OperationalError) no such")
    assert error.remedy == f"Nothing was published. Correct {project}/scripts/versions/r2.py, line 11."
    assert error.revision == "r2"
    assert "about to fail" in error.output
    files = {line.strip().split(",")[0] for line in error.traceback.splitlines() if line.startswith("  File")}
    assert files == {f'File "{project}/scripts/env.py"', f'File "{project}/scripts/versions/r2.py"'}
    assert "about to fail" in error.report
    assert not list(cache.glob("v1/goldens/*")) + list(cache.glob("v1/builds/*"))


ENDINGS = {
    "no run_migrations": ("from alembic import context\n", "env.py ended without running the migrations; it asked for"),
    "no commit": (
        PLAIN_ENV + "\nimport sqlite3\nother = sqlite3.connect(engine.url.database)\n"
        "other.execute('delete from alembic_version')\nother.commit()\nother.close()\n",
        "the migrations ran, but the file is at no revision instead of r2\nThey did not commit: in an env.py",
    ),
    "system exit": ("raise SystemExit(3)", "the build failed: SystemExit: 3"),
    "exit code 0": (
        "import os\nos._exit(0)",
        "the build process ended with exit code 0 before the migrations were done",
    ),
    "killed": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "the build process was ended by signal 9 (SIGKILL) before the migrations were done",
    ),
    "syntax error": ("def :", "the build failed: SyntaxError: "),
    "import error": (
        "import no_such_module",
        "the build failed: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "fewer revisions": (
        "from alembic import context\nsteps = context._proxy.context_opts['fn']\n"
        "context._proxy.context_opts['fn'] = lambda heads, ctx: steps(heads, ctx)[:1]\n" + PLAIN_ENV,
        "the migrations ended before 'heads': 1 not run, first r2",
    ),
}


@pytest.mark.parametrize(("env", "message"), ENDINGS.values(), ids=ENDINGS)
def test_a_build_that_ends_too_early_is_an_error(project, cache, env, message):
    """Success can be empty; the message says what happened."""
    alembic_project(project, env=env)
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert message in str(caught.value)
    assert not list(cache.glob("v1/goldens/*"))


def test_an_unknown_target_names_the_setting(project):
    """Not a screen of Alembic's frames."""
    alembic_project(project)
    write(project / "pyproject.toml", '[tool.templatedb]\nrevision = "nope"\n')
    with pytest.raises(BuildError, match=r"Can't locate revision identified by 'nope'\nCorrect the setting 'revision'"):
        load().golden()


def test_a_driver_that_is_missing_is_told_with_the_way_out(project, monkeypatch):
    """SQLAlchemy fails before the redirect can say it."""
    alembic_project(project, env=env_with_engine("sqlalchemy.create_engine('postgresql://me@db/shop')"))
    with pytest.raises(
        BuildError, match=r"No module named 'psycopg2?' \(at .*/env.py:5\)\ntemplatedb builds SQLite databases: give"
    ):
        load().golden()


def test_a_function_that_its_module_lacks_is_told_in_two_lines(project):
    """The file, and what to correct."""
    write(project / "factory.py", "def migrate(path): pass\n")
    with pytest.raises(BuildError) as caught:
        Template(Function("factory:migrat")).golden()
    assert caught.value.report == (f"{project}/factory.py has no function 'migrat'\nDid you mean 'migrate'?")


def test_a_task_in_a_running_loop_is_not_taken_for_success(project):
    """env.py returns before the migrations ran: the run ended with no file."""
    env = """
        import asyncio

        from alembic import context

        async def main():
            context.run_migrations()

        async def outer():
            asyncio.get_running_loop().create_task(main())

        asyncio.run(outer())
        """
    alembic_project(project, env=textwrap.dedent(env))
    with pytest.raises(BuildError, match=r"env.py ended without running the migrations"):
        load().golden()


def test_home_is_empty_and_the_environment_is_the_projects(project, monkeypatch):
    """No private key of the developer gets into a golden that is shared."""
    body = """
        import os, site
        op.create_table('t1', sa.Column('name', sa.String), sa.Column('value', sa.String))
        facts = {name: os.environ.get(name) for name in ('PYTEST_CURRENT_TEST', 'APP_ENV', 'KEPT', 'XDG_CONFIG_HOME')}
        facts |= {'home': str(os.listdir(os.path.expanduser('~'))), 'cwd': os.getcwd(), 'base': site.getuserbase()}
        op.bulk_insert(sa.table('t1', sa.column('name'), sa.column('value')),
                       [{'name': k, 'value': v} for k, v in facts.items()])
        """
    alembic_project(project, revisions={"r1.py": revision(1, body)})
    write(project / "pyproject.toml", '[tool.templatedb]\nbuild_env = {APP_ENV = "test"}\n')
    monkeypatch.setenv("KEPT", "yes")
    monkeypatch.setenv("PYTHONUSERBASE", "/old/user/base")
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    with load().golden() as golden, golden.clone() as clone:
        facts = dict(clone.connect().execute("select name, value from t1"))
    config_home = facts.pop("XDG_CONFIG_HOME")
    assert "/builds/" in config_home
    assert facts == {
        "PYTEST_CURRENT_TEST": None,
        "APP_ENV": "test",
        "KEPT": "yes",
        "home": "[]",
        "cwd": str(project),
        "base": "/old/user/base",
    }


def test_a_migration_that_asks_for_a_golden_gets_an_error_not_a_deadlock(project):
    """The build's process knows what it is."""
    body = "from templatedb import load\nload().golden()"
    alembic_project(project, revisions={"r1.py": revision(1, body)})
    with pytest.raises(BuildError, match=r"a migration asked for a golden while golden .* was being built"):
        load().golden()


SLOW = "import time, pathlib\npathlib.Path('started').touch()\ntime.sleep(60)"


def children_of(pid):
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in done.stdout.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as opened:
        return opened.read().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def slow_build(project):
    """A command in the middle of a migration, and the pid of its build process."""
    alembic_project(project, revisions={"r1.py": revision(1, SLOW)})
    process = subprocess.Popen(
        [sys.executable, "-m", "templatedb", "build"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (project / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (builder,) = children_of(process.pid)
    yield process, builder
    process.kill()
    process.communicate()


def test_what_a_migration_started_ends_with_a_killed_command(project):
    """The whole group goes, not only the build's own process."""
    body = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nopen('pid', 'w').write(str(child.pid))\n" + SLOW
    )
    alembic_project(project, revisions={"r1.py": revision(1, body)})
    process = subprocess.Popen([sys.executable, "-m", "templatedb", "build"])
    deadline = time.monotonic() + 30
    while not (project / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    pid = int((project / "pid").read_text())
    deadline = time.monotonic() + 2
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_of_ours_outlives_the_command(slow_build, project, cache, how):
    """Killed, interrupted or ended: the builder goes within two seconds, and the next run is right."""
    process, builder = slow_build
    process.send_signal(how)
    _, err = process.communicate(timeout=5)
    if how == signal.SIGINT:
        assert (process.returncode, err) == (130, "templatedb: interrupted; nothing was published\n")
    deadline = time.monotonic() + 2
    while alive(builder) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(builder)
    write(project / "scripts/versions/r1.py", revision(1))
    done = run("templatedb", "build", cwd=project)
    assert done.returncode == 0, done.stderr
    assert len(list(cache.glob("v1/goldens/*"))) == 1


def test_progress_ends_with_a_failed_build_too(project):
    """Else its line would stand before the report."""
    from templatedb.plan import Wishes
    from templatedb.summary import ProgressLine

    alembic_project(project, revisions={"r1.py": revision(1, "raise ValueError('no')")})
    line, shown = ProgressLine(), []
    with pytest.raises(BuildError):
        load().golden(Wishes(on_progress=lambda *facts: shown.append(line.update(*facts))))
    assert re.fullmatch(r"\r +\r", shown[-1])


def test_progress_names_each_revision(project):
    """Done of total, and the name of the current one."""
    from templatedb.plan import Wishes

    alembic_project(project, revisions=3)
    seen = []
    load().golden(Wishes(on_progress=lambda progress, elapsed_s: seen.append(progress))).close()
    assert seen[-1].done == seen[-1].total == 3
    assert [progress.ended for progress in seen[-2:]] == [False, True]
    assert {(progress.identity, progress.name) for progress in seen} <= {
        ("", ""),
        ("r1", "make t1"),
        ("r2", "make t2"),
        ("r3", "make t3"),
    }
