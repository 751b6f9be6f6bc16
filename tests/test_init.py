"""``templatedb init``: what it finds, what it proposes, and that the proposal builds."""

import json
import os
import pty
import re
import shutil
import stat
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
import yaml

from ci_machines import Machine, Store
from projects import IDENTITY, PLAIN_ENV, alembic_project, revision, run, tables, write
from templatedb.cli import main
from templatedb.proposals.github import GITHUB_STEPS
from templatedb.search import find, nearest
from templatedb.settings import MIGRATORS, from_table
from test_alembic_config import SINCE_1_16
from test_examples import OLD_SQLALCHEMY, RECIPES, needs, needs_flask, needs_peewee, needs_sqlite_utils, needs_yoyo
from test_readme import blocks
from workflow import GitHub

NEEDED = {"flask_migrate": needs_flask, "peewee_migrate": needs_peewee, "sqlite_utils": needs_sqlite_utils}
NEEDS_SQLMODEL = pytest.mark.skipif(OLD_SQLALCHEMY, reason="SQLModel needs SQLAlchemy 2.0.14")
if not OLD_SQLALCHEMY:
    NEEDS_SQLMODEL = needs("sqlmodel")
NEEDED |= {
    "django_migrate": needs("django"),
    "factory_boy_seeds": needs("factory"),
    "polyfactory_seeds": needs("polyfactory"),
}
NEEDED |= {"litestar_advanced_alchemy": needs("litestar", "advanced_alchemy")}
NEEDED |= {"yoyo": needs_yoyo, "sqlmodel": NEEDS_SQLMODEL, "flask_sqlalchemy": needs("flask_sqlalchemy")}

MODEL = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.fixture
def init(capsys):
    """Run ``templatedb init --json`` here and return what it says."""

    def init(*words: str) -> dict:
        assert main(["init", "--json", *words]) == 0
        return json.loads(capsys.readouterr().out)

    return init


@pytest.fixture
def without_settings(tmp_path, monkeypatch):
    """Copy a recipe without its settings, make the copy the working directory, and return it with what they were."""

    def copy(name: str):
        ignored = shutil.ignore_patterns(".*", "__pycache__", "*.db")
        folder = shutil.copytree(RECIPES / name, tmp_path / "recipes" / name, ignore=ignored)
        settings = find(folder)
        path = folder / "pyproject.toml"
        path.write_text(re.sub(r"\[tool\.templatedb\]\n(?:.+\n)*\n?", "", path.read_text()))
        monkeypatch.chdir(folder)
        return folder, settings

    return copy


def builds() -> None:
    assert main(["build"]) == 0


def add(code: dict | None) -> None:
    """Do what people are told to do by hand."""
    write(Path(code["path"]), code["text"])


# --- the recipes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(path.parent.name, marks=NEEDED.get(path.parent.name, ()))
        for path in sorted(RECIPES.glob("*/pyproject.toml"))
    ],
)
def test_of_each_recipe_it_proposes_what_the_recipe_says_and_that_builds(without_settings, recipe, capsys):
    """The migrator and the exports of people who wrote them by hand."""
    folder, wanted = without_settings(recipe)
    assert main(["init", "--yes"]) == 0
    written = find(folder)
    assert {key: getattr(written, key) for key in MIGRATORS} == {key: getattr(wanted, key) for key in MIGRATORS}
    assert {**written.export, **wanted.export} == written.export
    builds()


@pytest.mark.parametrize(
    ("recipe", "module", "function"),
    [
        pytest.param("flask_migrate", "bookmarks/__init__.py", "migrate_file", marks=needs_flask),
        ("flask_migrate_like", "guestbook.py", "build_golden"),
        pytest.param("peewee_migrate", "records.py", "migrate", marks=needs_peewee),
        pytest.param("sqlite_utils", "migrations.py", "migrate", marks=needs_sqlite_utils),
        pytest.param("yoyo", "stock.py", "migrate", marks=needs_yoyo),
    ],
)
def test_where_no_function_migrates_the_one_that_is_shown_does(
    without_settings, init, recipe, module, function, capsys
):
    """Added by hand as it stands; without it the settings lead nowhere yet, which is said."""
    folder, _ = without_settings(recipe)
    path = folder / module
    path.write_text(re.sub(rf"(?ms)^def {function}\(.*?(?=^\S|\Z)", "", path.read_text()))
    said = init("--yes")
    assert said["settings"]["function"] == "templatedb_build:migrate"
    assert said["module"]["path"] == "templatedb_build.py"
    add(said["module"])
    builds()


def test_sql_files_alone_are_the_migrator(without_settings, init):
    """Where the application has no function for them."""
    folder, _ = without_settings("raw_sqlite3")
    (folder / "store.py").unlink()
    assert init("--yes")["settings"] == {"sql": "sql"}
    builds()


# --- SQL -------------------------------------------------------------------------------------------------------------

DBMATE = "-- migrate:up\ncreate table t (id integer);\n-- migrate:down\ndrop table t;\n"
GOOSE = "-- +goose Up\ncreate table t (id integer);\n-- +goose Down\ndrop table t;\n"
TABLE = "create table t (id integer);\n"


@pytest.mark.parametrize(
    ("files", "settings", "what"),
    [
        ({"db/migrations/1_t.up.sql": TABLE, "db/migrations/1_t.down.sql": ""}, {"sql": "db/migrations"}, "golang-migrate, 1 migration"),
        ({"db/migrations/1_t.sql": DBMATE, "db/schema.sql": TABLE}, {"sql": "db/migrations"}, "dbmate, 1 migration"),
        ({"migrations/1_t.sql": GOOSE}, {"sql": "migrations"}, "goose, 1 migration"),
        ({"app/changes/001-t.sql": TABLE, "queries/all.sql": "select 1;"}, {"sql": "app/changes"}, "SQL in 1 file"),
        ({"app/sql/tables.sql": TABLE, "app/sql/views.sql": "create view v as select 1;"}, {"sql": "app/sql"}, "SQL in 2 files"),
        ({"app/schema.sql": TABLE}, {"sql": "app"}, "a schema in SQL"),
        ({"schema.sql": TABLE}, {"sql": "."}, "a schema in SQL"),
        ({"app/schema.sql": TABLE, "app/queries.sql": "select 1;"}, {"function": "templatedb_build:migrate", "inputs": ["app/schema.sql"]}, "a schema in SQL"),
    ],
    ids=["golang-migrate", "dbmate", "goose", "numbered", "named", "schema", "schema at the root", "schema beside others"],
)  # fmt: skip
def test_sql_files_are_told_by_their_names_and_marks(project, init, files, settings, what):
    """As the migrator tells them, and they build."""
    for name, text in files.items():
        write(project / name, text)
    said = init("--yes")
    assert (said["settings"], said["found"][0]["what"]) == (settings, what)
    if said["module"]:
        add(said["module"])
    builds()


def test_the_sample_history_in_sql_builds(project, init):
    """golang-migrate's files as a real project has them."""
    shutil.copytree(IDENTITY / "sql", project / "migrations")
    assert init("--yes")["settings"] == {"sql": "migrations"}
    builds()


def test_sql_that_no_tool_would_run_is_told(project, init):
    """With the reason, beside what is taken."""
    write(project / "db/migrations/1_t.up.sql", TABLE)
    write(project / "db/migrations/2_t.sql", DBMATE)
    write(project / "schema.sql", TABLE)
    said = init()
    assert said["settings"] == {"sql": "."}
    (note,) = said["notes"]
    assert note.startswith("db/migrations is no folder of migrations: ")
    assert "mixes migrations: 1_t.up.sql is golang-migrate's, 2_t.sql is dbmate's" in note


def test_sql_of_another_database_is_told(project, init):
    """By what SQLite does not run."""
    write(project / "migrations/1_t.up.sql", f"{TABLE}create extension citext;\n")
    assert init()["notes"] == [
        "migrations/1_t.up.sql:2: 'create extension' is not SQLite's: templatedb builds SQLite databases"
    ]


RUNNER = """
    import pathlib
    import sqlite3

    def run_migrations(connection):
        for number, file in enumerate(sorted(pathlib.Path("db").glob("*.sql")), 1):
            if connection.execute("pragma user_version").fetchone()[0] < number:
                connection.executescript(file.read_text())
                connection.execute({writes})
"""


@pytest.mark.parametrize(
    ("writes", "line"),
    [
        ('f"PRAGMA user_version = {number}"', 9),
        ('"pragma main.user_version=" + str(number)', 9),
        ("QUOTES\n  pragma user_version(1)QUOTES", 10),
    ],
)  # fmt: skip
def test_a_project_that_counts_its_migrations_itself_is_told_to_use_its_runner(project, init, writes, line):
    """The files alone would leave the count at 0, and the application would run them again."""
    write(project / "db/001.sql", TABLE)
    write(project / "store.py", textwrap.dedent(RUNNER).replace("{writes}", writes.replace("QUOTES", '"' * 3)))
    note = (
        f"store.py:{line} writes user_version, which SQL files alone leave at 0: use"
        ' function = "package.module:name", a def name(path) that calls the project\'s own runner.'
    )
    said = init()
    assert (said["settings"], said["notes"]) == ({"sql": "db"}, [note])
    write(project / "db/001.sql", f"{TABLE}pragma user_version = 1;\n")
    assert init()["notes"] == []


def test_a_runner_that_is_found_is_named(project, init):
    """Where files of a known tool come before it."""
    write(project / "db/1_t.up.sql", TABLE)
    runner = "def migrate(path):\n    db = sqlite3.connect(path)\n    db.execute('PRAGMA user_version = 1')\n"
    write(project / "store.py", f"import sqlite3\n{runner}")
    said = init()
    assert said["settings"] == {"sql": "db"}
    (note,) = said["notes"]
    assert note == (
        "store.py:4 writes user_version, which SQL files alone leave at 0: use"
        ' function = "store:migrate", the project\'s own runner.'
    )


def test_a_version_that_is_only_read_or_that_the_function_writes_is_not_told(project, init):
    """Neither is passed by."""
    write(project / "db/001.sql", TABLE)
    write(
        project / "store.py",
        "def version(db):\n    return db.execute('pragma user_version').fetchone()  # pragma user_version = 1\n",
    )
    assert init()["notes"] == []
    migrate = """
        def migrate(path):
            with sqlite3.connect(path) as connection:
                run_migrations(connection)
    """
    text = textwrap.dedent(RUNNER).replace("{writes}", "'pragma user_version = 1'") + textwrap.dedent(migrate)
    write(project / "store.py", text)
    said = init()
    assert said["settings"] == {"function": "store:migrate", "inputs": ["db"]}
    assert not any("user_version" in note for note in said["notes"])


# --- models ----------------------------------------------------------------------------------------------------------

SQLMODEL = "from sqlmodel import Field, SQLModel\nclass Hero(SQLModel, table=True):\n    id: int | None = Field(default=None, primary_key=True)\n"
FLASK = "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\nclass User(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n"
OLD = "from sqlalchemy import Column, Integer\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\nclass User(Base):\n    __tablename__ = 'users'\n    id = Column(Integer, primary_key=True)\n"
CORE = "from sqlalchemy import Column, Integer, MetaData, Table\nmetadata = MetaData()\nusers = Table('users', metadata, Column('id', Integer, primary_key=True))\n"
BASE = "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n"
USER = "from sqlalchemy.orm import Mapped, mapped_column\nfrom {} import Base\nclass {}(Base):\n    __tablename__ = '{}'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"


@pytest.mark.parametrize(
    ("files", "settings", "made"),
    [
        ({"models.py": MODEL}, {"metadata": "models:Base.metadata"}, {"users"}),
        ({"models.py": OLD}, {"metadata": "models:Base.metadata"}, {"users"}),
        ({"tables.py": CORE}, {"metadata": "tables:metadata"}, {"users"}),
        pytest.param({"models.py": SQLMODEL}, {"metadata": "models:SQLModel.metadata"}, {"hero"}, marks=NEEDED["sqlmodel"]),
        pytest.param({"models.py": FLASK}, {"metadata": "models:db.metadata"}, {"user"}, marks=NEEDED["flask_sqlalchemy"]),
        (
            {"shop/__init__.py": "", "shop/db.py": BASE, "shop/models/__init__.py": "from .user import User\nfrom .item import Item\n",
             "shop/models/user.py": USER.format("shop.db", "User", "users"), "shop/models/item.py": USER.format("..db", "Item", "items")},
            {"metadata": "shop.models:User.metadata"}, {"users", "items"},
        ),
        (
            {"shop/db.py": BASE, "shop/user.py": USER.format("shop.db", "User", "users"), "shop/item.py": USER.format("shop.db", "Item", "items"),
             "shop/every.py": "from shop.db import Base\nfrom shop import user, item\n"},
            {"metadata": "shop.every:Base.metadata"}, {"users", "items"},
        ),
        (
            {"shop/db.py": BASE, "shop/user.py": USER.format("shop.db", "User", "users"), "shop/item.py": USER.format("shop.db", "Item", "items")},
            {"metadata": "templatedb_build:Base.metadata"}, {"users", "items"},
        ),
        (
            {"src/shop/__init__.py": "", "src/shop/models.py": MODEL, "docs/models.py": MODEL},
            {"metadata": "shop.models:Base.metadata", "python_path": ["src", "."]}, {"users"},
        ),
        (
            {"shop/mixed.py": BASE + "class Dated(Base):\n    __abstract__ = True\n", "shop/models.py": USER.format("shop.mixed", "User", "users").replace("import Base", "import Dated as Base")},
            {"metadata": "shop.models:User.metadata"}, {"users"},
        ),
    ],
    ids=["declarative", "declarative_base", "core", "sqlmodel", "flask-sqlalchemy", "package", "one that imports all", "none imports all", "src", "abstract"],
)  # fmt: skip
def test_models_alone_are_named_by_a_module_that_imports_all_of_them(project, init, files, settings, made, capsys):
    """So that create_all makes every table."""
    for name, text in files.items():
        write(project / name, text)
    said = init("--yes")
    assert said["settings"] == settings
    assert (said["module"] is not None) == (settings["metadata"].startswith("templatedb_build"))
    if said["module"]:
        add(said["module"])
    builds()
    capsys.readouterr()
    assert main(["clone", "copy.sqlite"]) == 0
    assert tables(project / "copy.sqlite") == made


def test_models_of_tests_are_not_the_applications(project, capsys):
    """Nor those of documentation."""
    write(project / "tests/test_models.py", MODEL)
    assert main(["init"]) == 1
    assert "makes a database" in capsys.readouterr().err


# --- engines ---------------------------------------------------------------------------------------------------------

ENGINE = "import os\nfrom sqlalchemy import create_engine\n"
ASYNC = "import os\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
PYDANTIC = "from pydantic_settings import BaseSettings\n"


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        ({"db.py": ENGINE + "engine = create_engine(os.environ['DATABASE_URL'])"}, {"export": {"DATABASE_URL": "url"}}),
        ({"db.py": ENGINE + "engine = create_engine(os.getenv('DB_URL', 'sqlite:///x.db'), echo=bool(os.getenv('ECHO')))"},
         {"url_env": ["DB_URL"], "export": {"DB_URL": "url"}}),
        ({"db.py": ASYNC + "engine = create_async_engine(os.environ['DATABASE_URL'])"}, {"export": {"DATABASE_URL": "async_url"}}),
        ({"db.py": ASYNC + "URL = os.environ.get('DATABASE_URL', 'sqlite:///x.db')\nengine = create_async_engine(URL.replace('sqlite:', 'sqlite+aiosqlite:'))"},
         {"export": {"DATABASE_URL": "url"}}),
        ({"db.py": ENGINE + "engine = create_engine(os.getenv('DATABASE_URL', 'sqlite+aiosqlite:///x.db').replace('+aiosqlite', ''))"},
         {"export": {"DATABASE_URL": "async_url"}}),
        ({"app/db.py": ENGINE + "from app.config import URL\nengine = create_engine(URL)", "app/config.py": "import os\nURL = os.getenv('DATABASE_URL') or 'sqlite://'"},
         {"export": {"DATABASE_URL": "url"}}),
        ({"app/db.py": ENGINE + "from app import config\nengine = create_engine(str(config.URL))", "app/config.py": "from starlette.config import Config\nconfig = Config('.env')\nURL = config('DATABASE_URL')"},
         {"export": {"DATABASE_URL": "url"}}),
        ({"app/db.py": ENGINE + "from app.config import settings\nengine = create_engine(settings.database_url)",
          "app/config.py": PYDANTIC + "class Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='shop_')\n    database_url: str = 'sqlite:///x.db'\nsettings = Settings()"},
         {"url_env": ["SHOP_DATABASE_URL"], "export": {"SHOP_DATABASE_URL": "url"}}),
        ({"app/db.py": ENGINE + "from app.config import get_settings\nengine = create_engine(get_settings().url.unicode_string())",
          "app/config.py": PYDANTIC + "class Settings(BaseSettings):\n    url: AnyUrl = Field('sqlite:///x.db', alias='DATABASE_URL')\n    secret_key: str\ndef get_settings(): return Settings()"},
         {"export": {"DATABASE_URL": "url"}}),
        ({"db.py": ENGINE + "engine = create_engine(f\"sqlite:///{os.environ['DB_FILE']}\")"}, {"export": {"DB_FILE": "path"}}),
        ({"db.py": "import os, sqlite3\nconnection = sqlite3.connect(os.environ.get('DB_FILE', 'x.db'))"}, {"export": {"DB_FILE": "path"}}),
        ({"db.py": ENGINE + "def make():\n    url = os.environ['DATABASE_URL']\n    return create_engine(url)"}, {"export": {"DATABASE_URL": "url"}}),
        ({"db.py": ENGINE + "def url():\n    return os.getenv('DATABASE_URL')\nengine = create_engine(url())"}, {"export": {"DATABASE_URL": "url"}}),
        ({"app.py": "import os\nfrom flask import Flask\napp = Flask(__name__)\napp.config['SQLALCHEMY_DATABASE_URI'] = os.environ['DATABASE_URL']"},
         {"export": {"DATABASE_URL": "url"}}),
        ({"db.py": ENGINE + "engine = create_engine(f\"postgresql://{os.environ['DB_USER']}@{os.environ['DB_HOST']}/x\")"}, {}),
        ({"db.py": ENGINE + "engine = create_engine('sqlite:///' + os.path.join(os.environ['DATA_DIR'], 'x.db'))"}, {}),
        ({"db.py": ENGINE + "def make(url): return create_engine(url)"}, {}),
        ({"tests/db.py": ENGINE + "engine = create_engine(os.environ['DATABASE_URL'])"}, {}),
    ],
    ids=["environ", "getenv", "async", "async from sync", "sync from async", "imported constant", "starlette", "pydantic", "pydantic alias",
         "path in a URL", "sqlite3", "in a function", "by a function", "flask", "put together", "below a folder", "given", "of tests"],
)  # fmt: skip
def test_the_variable_of_an_engine_is_exported(project, init, files, settings):
    """In the form that it holds; what is only a part of a URL is no URL."""
    alembic_project(project)
    for name, text in files.items():
        write(project / name, text)
    said = init()["settings"]
    assert said == ({"alembic": "alembic.ini", **settings} if settings else {})


def test_the_comment_of_an_export_says_where_the_variable_is_read(project, capsys):
    """The module and the line, which may be another one than the engine's."""
    alembic_project(project)
    write(project / "pyproject.toml", "")
    write(project / "app/config.py", "import os\n\nURL = os.getenv('DATABASE_URL') or 'sqlite://'\n")
    write(project / "app/db.py", f"{ENGINE}from app.config import URL\nengine = create_engine(URL)\n")
    assert main(["init"]) == 0
    assert (
        '\nexport = { DATABASE_URL = "url" }  # app/config.py:3 reads DATABASE_URL; set before the tests import it\n'
        in capsys.readouterr().out
    )
    write(project / "other.py", f"{ENGINE}engine = create_engine(os.environ['OTHER_URL'])\n")
    assert main(["init"]) == 0
    assert (
        "  # other.py:3 reads OTHER_URL, app/config.py:3 reads DATABASE_URL; set before the tests import them\n"
        in capsys.readouterr().out
    )


def test_two_variables_are_both_exported_with_a_word_of_warning(project, init):
    """They may be two databases."""
    alembic_project(project)
    write(
        project / "db.py",
        f"{ENGINE}a = create_engine(os.environ['DATABASE_URL'])\nb = create_engine(os.environ['OTHER_URL'])\n",
    )
    said = init()
    assert said["settings"]["export"] == {"DATABASE_URL": "url", "OTHER_URL": "url"}
    assert said["notes"] == [
        "All variables of export lead to the same database: leave out what belongs to another one."
    ]


def test_a_fixed_url_is_told_without_its_password(project, init):
    """The tests could not lead it elsewhere."""
    alembic_project(project)
    write(project / "db.py", f"{ENGINE}engine = create_engine('postgresql://me:secret@host/x')\n")
    said = init()
    assert said["found"][1] == {
        "path": "db.py",
        "line": 3,
        "what": "create_engine at import, URL fixed, postgresql://host/x",
    }
    (note,) = said["notes"]
    assert note == (
        "db.py:3: create_engine has a fixed URL, so the tests cannot lead it to a clone; let it come from a variable, such as"
        ' os.environ.get("DATABASE_URL", "postgresql://host/x").'
    )


_BY_DEFAULT = (
    "opens app.db where it is called without a path, so tests that get there use that file and no clone; give it"
    " clone_path, or let the default come from a variable, such as os.environ.get"
)
_FROM_A_VARIABLE = "let it come from a variable, such as os.environ.get"
FIXED = {
    "of its parts, as in SQLModel's tutorial": (
        f"{ENGINE}name = 'app.db'\nurl = f'sqlite:///{{name}}'\nengine = create_engine(url)\n",
        f"create_engine has a fixed URL, so the tests cannot lead it to a clone; {_FROM_A_VARIABLE}",
        '("DATABASE_URL", "sqlite:///app.db").',
    ),
    "a path beside the module": (
        textwrap.dedent(
            """\
            import sqlite3
            from pathlib import Path
            DB = Path(__file__).parent / 'app.db'

            def connect():
                return sqlite3.connect(DB)
            """
        ),
        f"sqlite3.connect has a fixed path, so tests that get there use that file and no clone; {_FROM_A_VARIABLE}",
        '("DATABASE_PATH", "app.db").',
    ),
    "a path opened at import": (
        "import sqlite3\nconnection = sqlite3.connect('app.db')\n",
        f"sqlite3.connect has a fixed path, so the tests cannot lead it to a clone; {_FROM_A_VARIABLE}",
        '("DATABASE_PATH", "app.db").',
    ),
    "a default": (
        "import sqlite3\n\ndef connect(path='app.db'):\n    return sqlite3.connect(path)\n",
        f"connect {_BY_DEFAULT}",
        '("DATABASE_PATH", "app.db").',
    ),
    "a default by keyword, of a constant": (
        textwrap.dedent(
            """\
            import sqlite3
            from pathlib import Path
            DB = Path("data.db")

            class Store:
                def __init__(self, name: str, *, path: str | Path = DB):
                    self.connection = sqlite3.connect(str(path))
            """
        ),
        f"__init__ {_BY_DEFAULT.replace('app.db', 'data.db')}",
        '("DATABASE_PATH", "data.db").',
    ),
}


@pytest.mark.parametrize(("source", "said", "example"), FIXED.values(), ids=FIXED)
def test_a_database_that_the_tests_cannot_lead_elsewhere_is_told(project, init, source, said, example):
    """Tests would pass on the developer's own file; that a clone is enough is not said then."""
    alembic_project(project)
    write(project / "db.py", source)
    told = init()
    (note,) = told["notes"]
    place, _, words = note.partition(": ")
    assert words == said + example
    file = "data.db" if "data.db" in source else "app.db"
    assert told["advice"] == (
        f"Nothing for conftest.py yet: {place} opens {file}, not a clone (see its Note)."
        " A test of code that is given its database asks for clone_session, or clone_engine."
    )


def test_an_application_that_has_to_be_changed_first_is_what_comes_next(project, capsys):
    """To build and to test would use the developer's file."""
    write(project / "db/001.sql", TABLE)
    write(project / "store.py", "import sqlite3\nconnection = sqlite3.connect('app.db')\n")
    assert main(["init", "--yes"]) == 0
    assert capsys.readouterr().out.endswith(" change what the Note names, then run templatedb init again.\n")


@pytest.mark.parametrize("default", ["None", "':memory:'", "os.environ.get('DB_FILE', 'app.db')"])
def test_a_default_that_opens_no_file_of_its_own_is_not_told(project, init, default):
    """A variable is exported, as anywhere else."""
    write(project / "db/001.sql", TABLE)
    write(project / "store.py", f"import os, sqlite3\ndef connect(path={default}):\n    return sqlite3.connect(path)\n")
    said = init()
    assert said["notes"] == []
    assert said["settings"].get("export") == ({"DB_FILE": "path"} if "DB_FILE" in default else None)
    assert said["advice"].startswith("No conftest.py is needed: ")


def test_a_function_that_migrates_the_file_it_is_given_may_have_a_default(project, init):
    """The build gives it a path."""
    write(project / "db/001.sql", TABLE)
    write(
        project / "store.py",
        "import pathlib, sqlite3\ndef migrate(path='app.db'):\n    connection = sqlite3.connect(path)\n"
        "    connection.executescript(pathlib.Path('db/001.sql').read_text())\n",
    )
    said = init()
    assert said["settings"]["function"] == "store:migrate"
    assert not any("app.db" in note for note in said["notes"])


def test_a_dotenv_file_that_wins_over_the_environment_is_told(project, init):
    """It would win over what is exported, too."""
    alembic_project(project)
    write(
        project / "db.py", f"load_dotenv(override=True)\n{ENGINE}engine = create_engine(os.environ['DATABASE_URL'])\n"
    )
    assert init()["notes"] == ["db.py:1: load_dotenv(override=True) replaces what is exported to the tests."]


def test_what_env_py_reads_is_suggested(project, init):
    """A URL as url_env, what is needed as build_env, the rest as environment."""
    env = (
        "import os\nschema = os.environ['SCHEMA']\ntenant = os.getenv('TENANT')\nurl = os.environ.get('APP_DB_URL')\n"
        "from alembic import context\n"
    )
    alembic_project(project, env=env)
    said = init()
    assert said["settings"] == {"alembic": "alembic.ini", "url_env": ["APP_DB_URL"]}
    assert said["suggested"] == {
        "build_env": {"SCHEMA": "test"},
        "environment": ["TENANT"],
        "seed": ["package.module:function"],
    }


# --- Alembic ---------------------------------------------------------------------------------------------------------


def test_an_alembic_ini_here_needs_no_settings(project, capsys):
    """It is found by itself; nothing is written, not even with --yes."""
    alembic_project(project)
    assert main(["init", "--yes"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        textwrap.dedent(f"""\
        Found in {project}:
            alembic.ini:2  Alembic, scripts in scripts, 2 revisions

        No settings are needed: the Alembic configuration in this folder is found by itself.
        What may be of use, under [tool.templatedb] in pyproject.toml:

        # seed = ["package.module:function"]  # rows that every test starts with: def function(connection)

        No conftest.py is needed: a test asks for clone_session, or clone_engine.

        For GitHub Actions, in the job of the tests, after what checks out and installs:

        steps:
        """)
    )
    assert sorted(path.name for path in project.iterdir()) == ["alembic.ini", "scripts"]


def test_of_two_configurations_the_nearest_is_proposed_and_both_are_named(project, init):
    """In a repository with several services."""
    for service in ("billing", "apps/shop"):
        alembic_project(project / service)
        write(project / service / "pyproject.toml", f"[project]\nname = '{service}'\n")
    write(project / "pyproject.toml", "[project]\nname = 'all'\n")
    said = init("--yes")
    assert [fact["path"] for fact in said["found"]] == ["billing/alembic.ini", "apps/shop/alembic.ini"]
    assert said["settings"] == {"alembic": "billing/alembic.ini"}
    (note,) = said["notes"]
    assert note.startswith("billing/alembic.ini is the nearest to this folder; there is also apps/shop/alembic.ini.")
    assert "templatedb init --project DIR" in note
    builds()


def test_a_service_below_settings_may_have_its_own(project, init):
    """A folder that is a project of its own; one that is not is refused."""
    write(project / "pyproject.toml", '[tool.templatedb]\nsql = "sql"\n')
    service = alembic_project(project / "shop/here")
    write(project / "shop/pyproject.toml", "[project]\nname = 'shop'\n")
    said = init("--project", "shop", "--yes")
    assert said["settings"] == {"alembic": "here/alembic.ini"}
    assert said["notes"] == [
        f"{project}/pyproject.toml:1 has settings, which hold here too until this folder has its own."
    ]
    assert find(project / "shop").source == project / "shop/pyproject.toml"
    assert main(["init", "--project", str(service)]) == 1


@SINCE_1_16
def test_an_alembic_table_in_pyproject_is_found(project, init):
    """With the scripts that it names."""
    alembic_project(project / "db")
    (project / "db/alembic.ini").unlink()
    write(project / "db/pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/scripts"\n')
    said = init()
    assert said["settings"] == {"alembic": "db/pyproject.toml"}
    assert said["found"] == [
        {"path": "db/pyproject.toml", "line": 2, "what": "Alembic, scripts in db/scripts, 2 revisions"}
    ]


def test_a_configuration_that_leads_nowhere_is_told(project, init):
    """With the reason that templatedb key would give."""
    write(project / "db/alembic.ini", "[alembic]\nscript_location = nowhere\n")
    said = init()
    assert said["settings"] == {"alembic": "db/alembic.ini"}
    (note,) = said["notes"]
    assert note.startswith("as it is, templatedb key fails: script_location 'nowhere' of ")


def test_a_configuration_for_another_database_is_told(project, init):
    """Without its password."""
    alembic_project(project, ini="script_location = scripts\nsqlalchemy.url = postgresql://me:secret@host/x\n")
    assert init()["notes"] == [
        "alembic.ini:3: sqlalchemy.url is of postgresql; templatedb has env.py migrate an SQLite file instead."
    ]


def test_sources_that_env_py_imports_are_put_on_the_path(project, init):
    """Where nothing else leads to the folder src."""
    alembic_project(project / "db", env=f"from shop.models import Base\n{PLAIN_ENV}")
    write(project / "src/shop/models.py", MODEL)
    said = init("--yes")
    assert said["settings"] == {"alembic": "db/alembic.ini", "python_path": ["src", "."]}
    assert said["suggested"]["models"] == "shop.models:Base.metadata"
    builds()


@pytest.mark.parametrize(
    ("files", "is_noted"),
    [
        ({}, True),
        ({"pytest.ini": "[pytest]\npythonpath = src\n"}, False),
        ({"tests/conftest.py": "import sys\nsys.path.insert(0, 'src')\n"}, False),
        ({"src/shop/__init__.py": "from src.shop import models\n"}, False),
    ],
    ids=["nowhere", "in pytest's configuration", "by a conftest", "from the folder above"],
)
def test_a_package_that_tests_cannot_import_is_told(project, init, files, is_noted):
    """SQL files need no import path, the tests do: the line that leads there is the note's."""
    write(project / "db/0001_users.sql", "create table users (id integer primary key);\n")
    write(project / "src/shop/models.py", MODEL)
    for name, text in files.items():
        write(project / name, text)
    note = (
        "pytest does not find what is in src, such as shop: install the project, or write"
        ' pythonpath = ["src"] under [tool.pytest.ini_options] in pyproject.toml.'
    )
    assert (note in init()["notes"]) == is_noted


def test_where_pytest_has_a_file_of_its_own_the_import_path_belongs_there(project, init):
    """In its way of writing."""
    write(project / "db/0001_users.sql", "create table users (id integer primary key);\n")
    write(project / "src/shop/models.py", MODEL)
    write(project / "pytest.ini", "[pytest]\naddopts = -q\n")
    (note,) = init()["notes"]
    assert note.endswith("or write pythonpath = src in pytest.ini.")
    write(project / "pytest.ini", "[pytest]\naddopts = -q\npythonpath = src\n")
    assert init()["notes"] == []


FACTORY = """
    from flask import Flask
    from flask_migrate import Migrate
    from flask_sqlalchemy import SQLAlchemy

    db = SQLAlchemy()

    def create_app({parameters}):
        app = Flask(__name__)
        {body}
        db.init_app(app)
        Migrate(app, db)
        return app
"""


@pytest.mark.parametrize(
    ("parameters", "body", "call", "more"),
    [
        ("config", "app.config.from_mapping(config)", 'create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})', {}),
        ("config", "app.config.update(config)", 'create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})', {}),
        ("settings", "app.config.from_object(settings)", "create_app(Settings)", {}),
        ("", "import os\n        app.config['SQLALCHEMY_DATABASE_URI'] = os.environ['DB_URI']", "create_app()",
         {"url_env": ["DB_URI"], "export": {"DB_URI": "url"}}),
        ("debug=False", "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///x.db'", "create_app()", {}),
    ],
    ids=["mapping", "update", "object", "variable", "fixed"],
)  # fmt: skip
@needs_flask
def test_flask_migrate_is_run_inside_of_the_application(
    without_settings, init, parameters, body, call, more, monkeypatch
):
    """As the application's factory wants to be called."""
    folder, _ = without_settings("flask_migrate")
    shutil.rmtree(folder / "bookmarks")
    shutil.rmtree(folder / "tests")
    write(folder / "shop.py", FACTORY.format(parameters=parameters, body=body))
    said = init("--yes")
    assert said["settings"] == {"function": "templatedb_build:migrate", "inputs": ["migrations"], **more}
    assert f"    with {call}.app_context():\n        upgrade()\n" in said["module"]["text"]
    add(said["module"])
    builds()


@needs_flask
def test_where_no_application_is_found_the_draft_says_so(without_settings, init):
    """It cannot be guessed."""
    folder, _ = without_settings("flask_migrate")
    shutil.rmtree(folder / "bookmarks")
    said = init()
    assert "from yourapp import create_app\n" in said["module"]["text"]
    assert "no Flask application was found: complete templatedb_build.py with yours." in said["notes"]


ADVANCED = "from advanced_alchemy.base import metadata_registry\nurl = context.config.db_url\n"


@pytest.mark.parametrize(
    ("word", "kind", "driver"), [("", "Sync", "sqlite"), ("import asyncio\n", "Async", "sqlite+aiosqlite")]
)
def test_advanced_alchemy_is_run_by_its_own_commands(project, init, word, kind, driver):
    """Its env.py reads attributes that no Alembic configuration has; a function of the project's comes first."""
    alembic_project(project, env=f"{word}{ADVANCED}")
    said = init()
    assert said["settings"] == {"function": "templatedb_build:migrate", "inputs": ["scripts"]}
    assert (
        f'    scripts = Alembic{kind}Config(script_config="alembic.ini", script_location="scripts")\n'
        in said["module"]["text"]
    )
    assert f'(connection_string=f"{driver}:///{{path}}", alembic_config=scripts)\n' in said["module"]["text"]
    write(project / "shop.py", "def migrate(path): AlembicCommands(configure(path)).upgrade()\n")
    assert init()["settings"] == {"function": "shop:migrate", "inputs": ["scripts"]}


def test_an_env_py_without_a_history_is_a_template(project, capsys):
    """Of a package that makes new environments."""
    write(project / "templates/env.py", "from alembic import context\n")
    assert main(["init"]) == 1


def test_yoyos_own_configuration_names_the_folder(project, init):
    """As a path from itself."""
    write(project / "db/yoyo.ini", "[DEFAULT]\nsources = %(here)s/steps\n")
    write(project / "db/steps/0001.sql", TABLE)
    said = init()
    assert said["settings"] == {"function": "templatedb_build:migrate", "inputs": ["db/steps"]}
    assert 'read_migrations("db/steps")' in said["module"]["text"]


@needs("django")
def test_django_migrates_by_its_own_command(project, init):
    """On the file of the build, whatever its settings say."""
    write(project / "manage.py", 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")\n')
    write(
        project / "site_/settings.py",
        'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]\nSECRET_KEY = "x"\n',
    )
    said = init("--yes")
    assert said["settings"] == {"function": "templatedb_build:migrate"}
    add(said["module"])
    builds()


# --- the conftest ----------------------------------------------------------------------------------------------------


def suite_passes(said: dict, test: str) -> None:
    """Add what is shown and *test*, and run pytest."""
    write(Path("tests/test_it.py"), test)
    if said["conftest"]:
        add(said["conftest"])
    done = run("pytest", "-q", "-p", "no:randomly", "-W", "ignore:Using `httpx` with", cwd=Path.cwd())
    assert done.returncode == 0, done.stdout + done.stderr


GUESTS = "op.create_table('guest', sa.Column('name', sa.String, primary_key=True))"
SHOP = """
    import {imports}
    from fastapi import Depends, FastAPI
    from sqlalchemy import text

    {engine}
    app = FastAPI()

    {dependency}

    @app.post("/{{name}}")
    {asynchronous}def add(name: str, session=Depends(get_session)):
        {wait}session.{execute}(text("insert into guest values (:name)"), params=dict(name=name))
        {wait}session.commit()
        return {{"name": name}}
"""
TWICE = """
    import pytest

    @pytest.mark.parametrize("time", [1, 2])
    def test_each_has_its_own(client, time):
        assert client.post("/ada").json() == {"name": "ada"}
"""
TWICE_ASYNC = (
    TWICE.replace("    @pytest", "    @pytest.mark.asyncio\n    @pytest", 1)
    .replace("def ", "async def ")
    .replace('client.post("/ada").json()', '(await client.post("/ada")).json()')
)


@pytest.fixture
def guests(project):
    """A project with a history of one table, and its tests' folder."""
    alembic_project(project, revisions={"r1.py": revision(1, GUESTS)})
    write(
        project / "pyproject.toml",
        '[tool.pytest.ini_options]\nasyncio_default_fixture_loop_scope = "function"\npythonpath = ["."]\n',
    )
    (project / "tests").mkdir()
    return project


def shop(
    folder: Path,
    engine: str,
    session: str,
    *,
    asynchronous: bool = False,
    imports: str = "os",
    execute: str = "execute",
) -> None:
    word, wait = ("async ", "await ") if asynchronous else ("", "")
    write(
        folder / "shop.py",
        textwrap.dedent(SHOP).format(
            imports=imports, engine=engine, asynchronous=word, wait=wait, execute=execute,
            dependency=f"{word}def get_session():\n    {word}with {session} as session:\n        yield session\n",
        ),
    )  # fmt: skip


@needs("fastapi", "httpx")
def test_a_global_engine_gets_a_fixture_that_puts_its_database_back(guests, init):
    """The dependency needs no override then; how to do it all the same is a comment."""
    shop(
        guests,
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\nengine = create_engine(os.environ['DATABASE_URL'])",
        "Session(engine)",
    )
    said = init("--yes")
    assert said["settings"] == {"alembic": "alembic.ini", "export": {"DATABASE_URL": "url"}}
    assert said["conftest"]["text"] == textwrap.dedent('''\
        import pytest
        from templatedb import Clone


        @pytest.fixture(autouse=True)
        def database(clone: Clone) -> None:
            """Put the application's database back before each test."""


        # shop.get_session needs no override: its engine leads to the clone. To give it a session of the test's own:
        #     app.dependency_overrides[get_session] = lambda: clone_session
        ''')
    client = "    from fastapi.testclient import TestClient\n    import pytest\n    from shop import app\n\n    @pytest.fixture\n    def client(): return TestClient(app)\n"
    suite_passes(said, client + TWICE)


OVERRIDDEN = (
    "shop.py:8: create_engine has a fixed URL. Endpoints are served by the fixture's override of get_session; only code"
    " that uses the engine directly (background jobs, scripts, startup events) still opens x.db. If tests run such code,"
    ' let the URL come from a variable, such as os.environ.get("DATABASE_URL", "sqlite:///x.db").'
)


@needs("fastapi", "httpx")
def test_sessions_of_a_fixed_engine_are_overridden(guests, init):
    """With the session of the test; what the fixed URL still means is told, without a contradiction."""
    shop(
        guests,
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\nengine = create_engine('sqlite:///x.db')",
        "Session(engine)",
    )
    said = init()
    assert said["conftest"]["path"] == "tests/conftest.py"
    assert "    app.dependency_overrides[get_session] = lambda: clone_session\n" in said["conftest"]["text"]
    assert said["notes"] == [OVERRIDDEN]
    suite_passes(said, TWICE)
    assert not (guests / "x.db").exists()
    assert init()["notes"] == [OVERRIDDEN]  # by the conftest that was added
    conftest = guests / "tests/conftest.py"
    conftest.write_text(re.sub(r".*dependency_overrides.*\n", "", conftest.read_text()))
    (note,) = init()["notes"]
    assert "create_engine has a fixed URL, so the tests cannot lead it to a clone; " in note


@needs("fastapi", "httpx")
def test_connections_of_plain_sqlite3_are_overridden(guests, init):
    """With the connection of the test: the application's code knows no session."""
    source = """
        import contextlib
        import sqlite3
        from fastapi import Depends, FastAPI

        app = FastAPI()

        def get_db(path="x.db"):
            with contextlib.closing(sqlite3.connect(path, check_same_thread=False)) as db:
                yield db

        @app.post("/{name}")
        def add(name: str, db=Depends(get_db)):
            db.execute("insert into guest values (?)", [name])
            db.commit()
            return {"name": name}
    """
    write(guests / "shop.py", textwrap.dedent(source).lstrip())
    said = init()
    assert "    app.dependency_overrides[get_db] = lambda: clone_connection\n" in said["conftest"]["text"]
    (note,) = said["notes"]
    assert note == (
        "shop.py:8: sqlite3.connect has a fixed path. Endpoints are served by the fixture's override of get_db; only"
        " code that connects by itself (background jobs, scripts, startup events) still opens x.db. If tests run such"
        ' code, let the path come from a variable, such as os.environ.get("DATABASE_PATH", "x.db").'
    )
    suite_passes(said, TWICE)
    assert not (guests / "x.db").exists()


@needs("fastapi", "httpx")
def test_asynchronous_sessions_are_overridden(guests, init):
    """By a client that awaits."""
    shop(
        guests,
        "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine\nengine = create_async_engine('sqlite+aiosqlite:///x.db')",
        "AsyncSession(engine)",
        asynchronous=True,
    )
    said = init()
    assert "    app.dependency_overrides[get_session] = lambda: clone_async_session\n" in said["conftest"]["text"]
    suite_passes(said, TWICE_ASYNC)


@needs("fastapi", "httpx")
def test_tests_that_do_not_await_their_application_keep_the_client_they_have(guests, init):
    """FastAPI's own client runs each request in a loop of its own; the session of the test serves them all."""
    shop(
        guests,
        "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine\nengine = create_async_engine('sqlite+aiosqlite:///x.db')",
        "AsyncSession(engine)",
        asynchronous=True,
    )
    write(guests / "tests" / "test_old.py", "from fastapi.testclient import TestClient\n")
    said = init()
    assert "def client(clone_async_session: AsyncSession) -> Iterator[TestClient]:\n" in said["conftest"]["text"]
    assert "pytest_asyncio" not in said["conftest"]["text"]
    write(guests / "tests" / "test_new.py", "import httpx\n\nclient = httpx.AsyncClient\n")
    assert "async def client(clone_async_session: AsyncSession)" in init()["conftest"]["text"]
    suite_passes(said, TWICE + "        assert client.post('/bob').json() == {'name': 'bob'}\n")
    assert not (guests / "x.db").exists()


def test_an_application_in_a_folder_of_its_own_is_followed(project, init):
    """Its modules import each other by names that begin there, whatever folder tests are run from."""
    alembic_project(project / "backend", revisions={"r1.py": revision(1, GUESTS)})
    app = project / "backend" / "app"
    write(app / "__init__.py", "")
    write(app / "db.py", "def get_db():\n    yield None\n")
    write(app / "contextlib.py", "def database():\n    yield None\n")
    main = (
        "from contextlib import database\nfrom fastapi import Depends, FastAPI\nfrom app.db import get_db\n\n"
        "app = FastAPI()\nPLAIN = Depends(database)\n\n"
    )
    write(app / "main.py", main + "@app.get('/')\ndef root(db=Depends(get_db)): ...\n")
    said = init()
    whats = {f"{fact['path']}:{fact['line']}": fact["what"] for fact in said["found"]}
    assert whats["backend/app/db.py:1"] == "FastAPI gets its sessions from get_db"
    assert "backend/app/contextlib.py:1" not in whats  # to Python that is another module
    assert "from app.db import get_db\nfrom app.main import app\n" in said["conftest"]["text"]


@needs("fastapi", "httpx")
@NEEDS_SQLMODEL
def test_sessions_of_sqlmodel_are_overridden(guests, init):
    """With SQLModel's own session on the test's engine."""
    model = "\n\nclass Guest(SQLModel, table=True):\n    name: str = Field(primary_key=True)\n"
    shop(
        guests,
        "from sqlmodel import Field, Session, SQLModel, create_engine\nengine = create_engine('sqlite:///x.db')"
        + model,
        "Session(engine)",
        execute="exec",
    )
    said = init()
    assert "    with Session(clone_engine) as session:\n" in said["conftest"]["text"]
    suite_passes(said, TWICE)


@needs_flask
def test_a_flask_factory_gets_the_url_of_the_clone(without_settings, init):
    """And its engine is closed afterwards."""
    folder, _ = without_settings("flask_migrate")
    tests = (folder / "tests/test_bookmarks.py").read_text()
    client = (folder / "tests/conftest.py").read_text().partition("@pytest.fixture\ndef client")[2]
    (folder / "tests/conftest.py").unlink()
    said = init("--yes")
    said["conftest"]["text"] += f"\n\nfrom flask.testing import FlaskClient\n\n@pytest.fixture\ndef client{client}"
    suite_passes(said, tests)


def test_a_conftest_that_asks_for_clones_needs_nothing(guests, init):
    """It is named instead."""
    write(guests / "shop.py", f"{ENGINE}engine = create_engine(os.environ['DATABASE_URL'])\n")
    write(guests / "tests/conftest.py", "import pytest\n\n@pytest.fixture(autouse=True)\ndef mine(clone): pass\n")
    said = init()
    assert (said["conftest"], said["advice"]) == (None, "tests/conftest.py:4: mine asks for clone already.")


def test_fixtures_that_make_a_database_are_named_and_their_names_kept_free(guests, init):
    """They are what a clone replaces."""
    write(guests / "shop.py", f"{ENGINE}engine = create_engine(os.environ['DATABASE_URL'])\n")
    write(
        guests / "tests/conftest.py",
        "import pytest\n\n@pytest.fixture\ndef database():\n    Base.metadata.create_all(engine)\n",
    )
    said = init()
    assert said["found"][-1] == {
        "path": "tests/conftest.py",
        "line": 4,
        "what": "fixture database calls create_all: a clone may replace it",
    }
    assert "\ndef database_put_back(clone: Clone)" in said["conftest"]["text"]


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def sql(project):
    """A project that needs settings, and one file of its own for them."""
    write(project / "db/001.sql", TABLE)
    write(project / "pyproject.toml", "[project]\nname = 'shop'\n")
    return project


TABLE_OF_SQL = """\
[tool.templatedb]
sql = "db"
# seed = ["package.module:function"]  # rows that every test starts with: def function(connection)
"""


def test_without_a_terminal_it_shows_and_writes_nothing(sql, capsys):
    """Nor without --yes; the settings are there to be copied."""
    before = (sql / "pyproject.toml").read_bytes()
    assert main(["init"]) == 0
    out = capsys.readouterr().out
    assert f"\nFor pyproject.toml:\n\n{TABLE_OF_SQL}\n" in out
    assert out.endswith("\nNothing was written: templatedb init --yes writes it.\n")
    assert (sql / "pyproject.toml").read_bytes() == before


def test_with_yes_it_appends_and_shows_the_difference(sql, capsys):
    """And says what comes next."""
    assert main(["init", "--yes"]) == 0
    out = capsys.readouterr().out
    assert (sql / "pyproject.toml").read_text() == f"[project]\nname = 'shop'\n\n{TABLE_OF_SQL}"
    assert (
        "--- pyproject.toml\n+++ pyproject.toml\n@@ -1,2 +1,6 @@\n [project]\n name = 'shop'\n+\n+[tool.templatedb]\n"
        in out
    )
    assert out.endswith(f"\nWrote {sql}/pyproject.toml. Next: templatedb build, then pytest.\n")
    builds()


@pytest.mark.parametrize(
    ("before", "gap"),
    [
        (b"[project]\r\nname = 'shop'\r\n", b"\r\n"),
        (b"[project]\r\nname = 'shop'", b"\r\n\r\n"),
        (b"[project]\nname = 'shop'", b"\n\n"),
        (b"[project]\nname = 'sh\xc3\xb6p'  \n\n\n", b"\n"),
        (b"", b""),
    ],
    ids=["CRLF", "CRLF without an end", "without an end", "with blanks", "empty"],
)
def test_the_files_own_bytes_line_ends_and_mode_stay(sql, init, before, gap):
    """Only what is added is new."""
    path = sql / "pyproject.toml"
    path.write_bytes(before)
    path.chmod(0o640)
    init("--yes")
    newline = b"\r\n" if b"\r\n" in before else b"\n"
    assert path.read_bytes() == before + gap + TABLE_OF_SQL.encode().replace(b"\n", newline)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert find(sql).sql == "db"
    assert sorted(one.name for one in sql.iterdir()) == ["db", "pyproject.toml"]


@pytest.mark.parametrize("words", [["--to", "templatedb.toml"], []])
def test_a_new_file_holds_the_settings_alone(sql, init, words):
    """When asked for, and where there is no pyproject.toml."""
    if not words:
        (sql / "pyproject.toml").unlink()
    said = init("--yes", *words)
    assert (sql / "templatedb.toml").read_text() == TABLE_OF_SQL.removeprefix("[tool.templatedb]\n")
    assert said["file"]["path"] == str(sql / "templatedb.toml")
    assert said["file"]["diff"].startswith("--- /dev/null\n+++ templatedb.toml\n")
    builds()


def test_a_pyproject_that_is_not_there_is_not_made(project, capsys):
    """It would make a Python project of the folder."""
    write(project / "db/001.sql", TABLE)
    assert main(["init", "--yes", "--to", "pyproject.toml"]) == 1
    assert capsys.readouterr().err == (
        f"templatedb: there is no pyproject.toml in {project}\nLeave --to out: the settings go to a new templatedb.toml then.\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\n[ tool . 'templatedb' ]  # ours\nsql = 'db'\nexport = {A = 'url'}\n", 3),
        ("pyproject.toml", "[tool]\ntemplatedb = {sql = 'db', export = {A = 'url'}}\n", 2),
        ("templatedb.toml", "sql = 'db'\nexport = {A = 'url'}\n", 1),
    ],
)  # fmt: skip
def test_settings_that_are_there_are_shown_and_left_alone(sql, capsys, name, text, line):
    """By file and line."""
    write(sql / name, text)
    assert main(["init", "--yes"]) == 1
    assert capsys.readouterr().err == (
        f'templatedb: settings are there already: {sql}/{name}:{line}\n    sql = "db"\n    export = {{ A = "url" }}\n'
        "Edit them there: templatedb build tries them. To start anew, take them out first.\n"
    )
    assert (sql / name).read_text() == text


def test_what_would_be_proposed_is_shown_beside_settings_that_are_there(sql, capsys):
    """Settings, conftest and all; nothing is written."""
    text = "[tool.templatedb]\nsql = 'old'\n"
    write(sql / "pyproject.toml", text)
    assert main(["init", "--yes"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(
        f"Found in {sql}:\n    db  SQL in 1 file\n\n"
        "Without the settings in pyproject.toml these would be proposed. They are shown only, not written:\n\n"
        f"{TABLE_OF_SQL}\nNo conftest.py is needed: "
    )
    assert err.startswith(f"templatedb: settings are there already: {sql}/pyproject.toml:1\n")
    assert (sql / "pyproject.toml").read_text() == text
    assert main(["init", "--json"]) == 1
    assert capsys.readouterr().out == ""


@pytest.fixture
def schema(sql):
    """A project whose settings need a new module."""
    (sql / "db/001.sql").rename(sql / "db/schema.sql")
    write(sql / "db/queries.sql", "select 1;\n")
    return sql


def test_with_yes_the_new_module_is_written_too(schema, capsys):
    """So that the settings lead somewhere: the build works at once."""
    assert main(["init"]) == 0
    assert not (schema / "templatedb_build.py").exists()
    capsys.readouterr()
    assert main(["init", "--yes"]) == 0
    out = capsys.readouterr().out
    assert out.endswith(
        f"\nWrote {schema}/pyproject.toml and {schema}/templatedb_build.py. Next: templatedb build, then pytest.\n"
    )
    module = (schema / "templatedb_build.py").read_text()
    assert f"\nFor a new templatedb_build.py:\n\n{module}\n" in out
    builds()


def test_a_module_that_is_there_is_never_overwritten(schema, init):
    """Where all names are taken."""
    for name in ("build", "migrate", "golden"):
        write(schema / f"templatedb_{name}.py", "MINE = True\n")
    said = init("--yes")
    assert (said["file"]["written"], said["module"]["written"]) == (True, False)
    assert (schema / "templatedb_build.py").read_text() == "MINE = True\n"


def test_a_module_that_is_there_as_a_link_is_told_and_left_alone(schema, tmp_path, capsys):
    """The file that the link leads to is not made."""
    (schema / "templatedb_build.py").symlink_to(tmp_path / "outside.py")
    assert main(["init", "--yes"]) == 0
    assert capsys.readouterr().out.endswith(
        f"\n{schema}/templatedb_build.py is there already: it stays as it is.\n\n"
        f"Wrote {schema}/pyproject.toml. Next: templatedb build, then pytest.\n"
    )
    assert not (tmp_path / "outside.py").exists()


def test_on_a_terminal_the_question_names_the_new_module(schema):
    """One yes for both."""
    seen = on_a_terminal(schema, b"y\n")
    assert "Write the settings above to pyproject.toml, and a new templatedb_build.py? [y/N] " in seen
    assert (schema / "templatedb_build.py").is_file()


def test_a_missing_module_of_ours_is_shown_by_init_once_more(schema, init, capsys):
    """The error says so, and it is true."""
    init("--yes")
    text = (schema / "templatedb_build.py").read_text()
    (schema / "templatedb_build.py").unlink()
    assert main(["key"]) == 1
    assert capsys.readouterr().err == (
        f"templatedb: no module 'templatedb_build' for function 'templatedb_build:migrate' in {schema}\n"
        "templatedb init shows the text of templatedb_build.py, where the project needs it. Or correct the name, or add"
        " the module's folder to python_path.\n"
    )
    assert main(["init"]) == 1
    assert f"\nFor a new templatedb_build.py:\n\n{text}\n" in capsys.readouterr().out


def test_a_pyproject_that_is_no_toml_is_refused(sql, capsys):
    """Before anything is looked for."""
    write(sql / "pyproject.toml", "[project\n")
    assert main(["init", "--yes"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"templatedb: {sql}/pyproject.toml is not valid TOML: ")
    assert err.endswith("\nCorrect it first: nothing was written.\n")


def test_a_file_that_cannot_take_the_lines_stays_as_it_is(sql, capsys):
    """A table that is closed."""
    write(sql / "pyproject.toml", "tool = {ruff = {}}\n")
    assert main(["init", "--yes"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"templatedb: {sql}/pyproject.toml cannot take these lines at its end: ")
    assert err.endswith("\nWrite them by hand, or use --to templatedb.toml.\n")
    assert (sql / "pyproject.toml").read_text() == "tool = {ruff = {}}\n"


def test_a_link_inside_of_the_project_stays_a_link(sql, init):
    """Its target is written."""
    (sql / "pyproject.toml").rename(sql / "db/real.toml")
    (sql / "pyproject.toml").symlink_to("db/real.toml")
    init("--yes")
    assert (sql / "pyproject.toml").is_symlink()
    assert "[tool.templatedb]" in (sql / "db/real.toml").read_text()


@pytest.mark.parametrize("name", ["pyproject.toml", "templatedb.toml"])
def test_nothing_is_written_through_a_link_out_of_the_project(sql, tmp_path, capsys, name):
    """Neither a file nor a new one."""
    outside = write(tmp_path / "outside.toml", "")
    (sql / "pyproject.toml").unlink()
    (sql / name).symlink_to(outside)
    if name == "templatedb.toml":
        outside.unlink()
    assert main(["init", "--yes", "--to", name]) == 1
    assert str(sql / name) in capsys.readouterr().err
    assert not outside.exists() or outside.read_bytes() == b""


def test_a_file_that_was_edited_meanwhile_is_not_overwritten(sql, capsys, monkeypatch):
    """While the question stood."""

    def edit(_question: str) -> str:
        write(sql / "pyproject.toml", "[project]\nname = 'edited'\n")
        return "y"

    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", edit)
    assert main(["init"]) == 1
    assert capsys.readouterr().err == (
        f"templatedb: {sql}/pyproject.toml changed in the meantime: nothing was written\nRun templatedb init again.\n"
    )
    assert (sql / "pyproject.toml").read_text() == "[project]\nname = 'edited'\n"


def on_a_terminal(folder: Path, answer: bytes) -> str:
    """Run ``templatedb init`` on a terminal of its own, type *answer*, and return what was to be seen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "templatedb", "init"], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while b"[y/N] " not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, answer)
    try:
        while data := os.read(ours, 4096):
            seen += data
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("answer", "is_written"), [(b"y\n", True), (b"Yes\n", True), (b"n\n", False), (b"\n", False), (b"\x04", False)]
)
def test_on_a_terminal_it_asks(sql, answer, is_written):
    """Anything but a yes is a no."""
    seen = on_a_terminal(sql, answer)
    assert "+[tool.templatedb]\n" in seen.partition("Write the settings above to pyproject.toml? [y/N] ")[0]
    assert ("Nothing was written." in seen, (nearest(sql) is not None)) == (not is_written, is_written)


# --- promises --------------------------------------------------------------------------------------------------------


def test_an_empty_folder_is_told_what_was_looked_for(project, capsys):
    """Exit code 1, and what works for anything else."""
    assert main(["init"]) == 1
    assert capsys.readouterr().err == textwrap.dedent(f"""\
        templatedb: nothing in {project} makes a database
        Looked for:
            an alembic.ini, or [tool.alembic] in a pyproject.toml
            an env.py of Alembic or Flask-Migrate
            a folder of .sql files: numbered ones, golang-migrate's, dbmate's, goose's; a schema.sql
            migrations of yoyo, peewee-migrate, sqlite-utils or Django
            SQLAlchemy models: a DeclarativeBase, SQLModel, Flask-SQLAlchemy's db, a MetaData with tables
            a function such as migrate(path)
        For anything else, write a function that fills the file it is given, and name it: function = "package.module:function".
        """)


def test_a_subfolder_is_told_where_the_project_is(sql, capsys):
    """And a folder of several projects, what they are."""
    (sql / "tests").mkdir()
    assert main(["init", "--project", "tests"]) == 1
    assert f"\nThis folder is inside of {sql}: templatedb init --project {sql}\n" in capsys.readouterr().err
    sql.rename(sql.parent / "shop")
    (sql.parent / "all").mkdir()
    (sql.parent / "shop").rename(sql.parent / "all/shop")
    assert main(["init", "--project", str(sql.parent / "all")]) == 1
    assert "\nProjects of their own, to be named by --project: shop.\n" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(project, capsys):
    """With the place from which it was looked for."""
    assert main(["init", "--project", "nowhere"]) == 1
    assert (
        capsys.readouterr().err
        == f"templatedb: {project}/nowhere is no folder\nName the project's folder by --project.\n"
    )


def test_nothing_of_the_project_is_imported_and_neither_are_the_libraries(project):
    """Modules that fail when they are imported, and how long Alembic takes."""
    alembic_project(project, env="from app import Base\nraise SystemExit('imported')\n")
    write(
        project / "app.py",
        f"{textwrap.dedent(MODEL)}\nraise SystemExit('imported')\n{ENGINE}engine = create_engine(os.environ['X_URL'])\n",
    )
    script = (
        "import sys\nfrom templatedb.cli import main\nassert main(['init']) == 0\n"
        "print(sorted({'sqlalchemy', 'alembic', 'pytest', 'sqlite3', 'app'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert 'export = { X_URL = "url" }' in done.stdout


def test_files_that_are_no_python_or_no_text_do_no_harm(sql, init):
    """Nor does a name that could break a settings file, or a link that leads in a circle."""
    write(sql / "broken.py", "def migrate(path:\n    sqlite3.connect(path)\n")
    (sql / "binary.py").write_bytes(b"\xff\xfe create_engine(\x00")
    write(sql / "a\nb/001.sql", TABLE)
    (sql / "loop.py").symlink_to("loop.py")
    (sql / "circle").symlink_to(sql)
    assert init()["settings"] == {"sql": "db"}


def test_environments_of_python_and_hidden_folders_are_left_out(sql, init):
    """Whatever packages are installed there."""
    for folder in ("env", ".hidden", "node_modules/x"):
        alembic_project(sql / folder)
    write(sql / "env/pyvenv.cfg", "")
    said = init()
    assert [fact["path"] for fact in said["found"]] == ["db"]


def test_each_comment_is_a_setting_that_can_be_turned_on(guests, init, capsys):
    """As it stands."""
    write(guests / "app.py", f"{ENGINE}{textwrap.dedent(MODEL)}engine = create_engine(os.environ['DATABASE_URL'])\n")
    env = guests / "scripts/env.py"
    env.write_text(f"import os\nos.environ['TOKEN']\nos.getenv('TENANT')\n{env.read_text()}")
    said = init()
    assert list(said["suggested"]) == ["build_env", "environment", "models", "seed"]
    assert main(["init", "--yes"]) == 0
    text = (guests / "pyproject.toml").read_text()
    turned_on = tomllib.loads(re.sub(r"(?m)^# ", "", text))["tool"]["templatedb"]
    assert turned_on == {**said["settings"], **said["suggested"]}
    from_table(turned_on, guests, None)


def test_the_json_has_everything(sql, init):
    """For programs."""
    said = init()
    assert said == {
        "project": str(sql),
        "found": [{"path": "db", "line": 0, "what": "SQL in 1 file"}],
        "notes": [],
        "settings": {"sql": "db"},
        "suggested": {"seed": ["package.module:function"]},
        "file": {"path": str(sql / "pyproject.toml"), "diff": said["file"]["diff"], "written": False},
        "module": None,
        "pytest": None,
        "conftest": None,
        "advice": "No conftest.py is needed: a test asks for clone_connection, or clone_path.",
        "github_actions": GITHUB_STEPS.replace(" -n 2", ""),
    }


def test_the_help_teaches_by_example(capsys):
    """And says what is never touched."""
    with pytest.raises(SystemExit) as caught:
        main(["init", "--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert "examples:\n  templatedb init\n" in out
    assert "imports and runs none of them" in out


def test_the_recipes_that_are_named_are_there():
    """In templatedb's own repository."""
    from templatedb.proposals import migrators

    named = {*migrators._RECIPES.values(), "code_built_template"}
    assert named <= {path.name for path in RECIPES.iterdir()}
    assert "conftest_examples/code_built_template" in migrators._SEVERAL


# --- CI --------------------------------------------------------------------------------------------------------------


def test_the_steps_are_those_of_the_readme():
    """Where their tests are."""
    (shown,) = blocks("CI", "yaml")
    assert yaml.safe_load(GITHUB_STEPS) == yaml.safe_load(shown)


def test_the_steps_that_are_shown_work(guests, init, tmp_path):
    """Twice on a fresh machine: built once, then restored."""
    steps = yaml.safe_load(init()["github_actions"])["steps"]
    assert steps[-1] == {"run": "pytest --templatedb-require-hit"}
    write(guests / "tests/test_it.py", "def test_it(clone): pass\n")
    github = GitHub(Machine(tmp_path / "machine"), Store(tmp_path / "store"))
    workflow = {"jobs": {"tests": {"steps": [{"uses": "actions/checkout@v5"}, *steps]}}}
    jobs = [github.run(workflow, guests)["tests"] for _ in range(2)]
    assert [(job.passed, len(job.saved)) for job in jobs] == [(True, 1), (True, 0)], jobs[-1].log


def test_the_steps_of_a_folder_in_a_repository_run_there_with_the_workers_that_it_has(project, init):
    """pytest-xdist where the project names it."""
    (project / ".git").mkdir()
    write(project / "shop/pyproject.toml", "[dependency-groups]\ntest = ['pytest-xdist']\n")
    write(project / "shop/db/001.sql", TABLE)
    job = yaml.safe_load(init("--project", "shop")["github_actions"])
    assert job["defaults"] == {"run": {"working-directory": "shop"}}
    assert job["steps"] == yaml.safe_load(GITHUB_STEPS)["steps"]


def test_where_settings_are_what_goes_beside_them_is_shown_again(project, capsys):
    """It may be what was forgotten."""
    alembic_project(project)
    write(project / "pyproject.toml", '[tool.templatedb]\nalembic = "alembic.ini"\n')
    assert main(["init"]) == 1
    out, err = capsys.readouterr()
    assert "templatedb build --github-output" in out
    assert "settings are there already" in err
