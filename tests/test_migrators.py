"""SQL folders, metadata and commands through the whole story: settings, build, checks, messages, golden."""

import contextlib
import os
import sqlite3
import sys

import pytest

from projects import IDENTITY, builds_in, tables, write
from templatedb import BuildError, Command, InputsError, Metadata, SettingsError, SqlFolder, Template, load
from templatedb.plan import Wishes
from templatedb.records import Outcome

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    user = Column(ForeignKey("users.id"))
"""

PROGRAM = """
import os, sqlite3, sys
print("migrating in", os.environ["HOME"])
connection = sqlite3.connect(sys.argv[1])
connection.executescript(open("schema.sql").read())
connection.close()
"""


def settings(project, text):
    write(project / "pyproject.toml", f"[tool.templatedb]\n{text}\n")


@pytest.fixture
def through_settings(project):
    """One project for each migrator, named in the settings."""
    write(project / "models.py", MODELS)
    write(project / "program.py", PROGRAM)
    write(project / "schema.sql", "create table users (id); create table orders (id);")
    write(project / "sql/1_users.sql", "create table users (id);")
    write(project / "sql/2_orders.sql", "create table orders (id);")
    return project


KINDS = {
    "sql": 'sql = "sql"',
    "metadata": 'metadata = "models:Base.metadata"',
    "metadata of a base": 'metadata = "models:Base"',
    "command": f'command = [{sys.executable!r}, "program.py", "{{path}}"]\ninputs = ["program.py", "schema.sql"]',
}


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_each_migrator_builds_once_and_then_hits(through_settings, cache, text):
    """Through the settings table, with seeds, checks and clones as for Alembic."""
    write(
        through_settings / "seeds.py", "def fill(connection):\n    connection.execute('insert into users values (7)')\n"
    )
    settings(through_settings, text + '\nseed = ["seeds:fill"]\nrequired_tables = ["users", "orders"]')
    for outcome in (Outcome.BUILT, Outcome.HIT):
        with load().golden() as golden, golden.clone() as clone:
            assert golden.outcome is outcome
            assert tables(clone.path) == {"users", "orders"}
            assert clone.connect().execute("select id from users").fetchall() == [(7,)]
    assert builds_in(cache) == 1


@pytest.mark.parametrize("text", KINDS.values(), ids=KINDS)
def test_every_required_table_that_is_missing_is_named(through_settings, text):
    """All of them at once."""
    settings(through_settings, text + '\nrequired_tables = ["client_secret_versions", "users", "tokens"]')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert caught.value.what == "required table missing: client_secret_versions, tokens"


@pytest.mark.parametrize(
    "migrator",
    [SqlFolder("sql"), Metadata("models:Base"), Command([sys.executable, "program.py", "{path}"])],
    ids=lambda migrator: migrator.kind,
)
def test_each_migrator_works_from_code(through_settings, migrator):
    """Without any settings table."""
    with Template(migrator, inputs=["program.py", "schema.sql"]).golden() as golden:
        assert golden.manifest.revisions == (2 if migrator.kind == "sql" else 0)


def test_two_migrators_in_the_settings_are_refused(project):
    """Naming both."""
    settings(project, 'sql = "sql"\nmetadata = "models:Base"')
    with pytest.raises(SettingsError, match=r"two migrators in .*: 'sql' and 'metadata'\nKeep the one"):
        load()


def test_a_half_failed_golang_file_never_becomes_a_golden(project, cache):
    """The story this project starts from: a dirty database, missing tables."""
    write(project / "sql/1_users.up.sql", "create table users (id);")
    write(
        project / "sql/2_secrets.up.sql", "create table client_secret_versions (id);\n\ninsert into nowhere values (1);"
    )
    settings(project, 'sql = "sql"')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value).splitlines()[0] == (
        "migration 2 (secrets) failed: no such table: nowhere (sql/2_secrets.up.sql, line 3)"
    )
    assert caught.value.revision == "2"
    assert "insert into nowhere values (1);" in caught.value.traceback
    assert builds_in(cache) == 0
    write(project / "sql/2_secrets.up.sql", "create table client_secret_versions (id);")
    with load().golden() as golden, golden.clone() as clone:
        assert clone.connect().execute("select * from schema_migrations").fetchall() == [(2, 0)]


def test_a_golden_never_carries_a_dirty_flag(project, cache):
    """Whoever ran the migrations, and whatever exit code it gave."""
    write(
        project / "factory.py",
        "import sqlite3\n\ndef migrate(path):\n    connection = sqlite3.connect(path)\n"
        "    connection.executescript('create table users (id); create table schema_migrations (version uint64, dirty bool);"
        " insert into schema_migrations values (4, 1)')\n    connection.close()\n",
    )
    settings(project, 'function = "factory:migrate"')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "the database is dirty at version 4: a migration failed half-way\n"
        "Correct that migration; a tool that went on after its failure hid it."
    )
    assert builds_in(cache) == 0


def test_sql_files_are_guarded_as_revisions_are(project):
    """ATTACH of another file is refused, with the file's name."""
    write(project / "sql/1_a.sql", "attach 'other.sqlite' as other;")
    settings(project, 'sql = "sql"')
    with pytest.raises(BuildError, match=r"the build tried to attach another database: other.sqlite"):
        load().golden()
    assert not (project / "other.sqlite").exists()


def test_the_sample_history_as_sql_files_builds():
    """migrations/sql, as golang-migrate would."""
    with Template(SqlFolder(IDENTITY / "sql"), root=IDENTITY).golden() as golden, golden.clone() as clone:
        assert "client_secret_versions" in tables(clone.path)
        assert golden.manifest.revisions == 12


def test_metadata_reports_each_table(through_settings):
    """In the order of their foreign keys."""
    settings(through_settings, 'metadata = "models:Base.metadata"')
    seen = []
    load().golden(Wishes(on_progress=lambda progress, elapsed_s: seen.append(progress))).close()
    assert (seen[-1].done, seen[-1].total) == (2, 2)
    assert {one.step for one in seen} <= {"", "table users", "table orders"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "from sqlalchemy import MetaData\nBase = MetaData()",
            "metadata 'models:Base' has no tables\nName a module that",
        ),
        ("Base = {}", "metadata 'models:Base' is not SQLAlchemy metadata, but of the type dict\nWrite it as"),
        ("Bas = 1", r".*/models.py has no metadata 'Base'\nDid you mean 'Bas'\?"),
        (
            "import nowhere",
            r"the build failed: ModuleNotFoundError: No module named 'nowhere' \(at .*/models.py:1\)\nInstall what has it into",
        ),
        (
            "import sqlalchemy as sa\nBase = sa.MetaData()\nsa.Table('orders', Base, sa.Column('u', sa.ForeignKey('users.id')))",
            (
                r"could not find table 'users' .*\nImport the module that defines the table 'users' in the module models, which"
                r" metadata = 'models:Base' names, or correct the name in the foreign key: SQLAlchemy knows the tables of imported"
                r" modules only\."
            ),
        ),
    ],
    ids=["no tables", "something else", "nearest name", "import error", "table of another module"],
)
def test_metadata_that_is_of_no_use_says_why(project, text, message):
    """And what to write instead."""
    write(project / "models.py", text)
    settings(project, 'metadata = "models:Base"')
    with pytest.raises(BuildError, match=message):
        load().golden()


def test_a_command_keeps_its_home_and_its_output_is_shown(through_settings, monkeypatch, tmp_path):
    """Other tools have their settings there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write(through_settings / "program.py", PROGRAM + "sys.exit(3)")
    settings(through_settings, KINDS["command"])
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert caught.value.what == f"the command {sys.executable} program.py '{{path}}' ended with exit code 3"
    assert caught.value.output == f"migrating in {tmp_path}\n"


def test_a_command_gets_a_url_too(project):
    """{url} is SQLAlchemy's."""
    write(
        project / "program.py",
        "import sys\nimport sqlalchemy\nwith sqlalchemy.create_engine(sys.argv[1]).begin() as c:\n    c.exec_driver_sql('create table t (id)')\n",
    )
    with Template(Command([sys.executable, "program.py", "{url}"]), inputs=["program.py"]).golden() as golden:
        assert golden.outcome is Outcome.BUILT


def test_a_command_must_declare_its_inputs(project):
    """The key would never change."""
    settings(project, 'command = ["dbmate", "--url", "sqlite:{path}", "up"]')
    with pytest.raises(InputsError) as caught:
        load().key()
    assert str(caught.value) == (
        "command \"dbmate --url 'sqlite:{path}' up\" has no inputs: what a program reads cannot be seen\n"
        "Name what it reads in the setting 'inputs', such as inputs = [\"db/migrations\"]."
    )


@pytest.mark.parametrize("words", ["dbmate up", [], ["dbmate", "up"]], ids=["text", "empty", "no place"])
def test_a_command_without_a_place_for_the_file_is_refused(words):
    """It would migrate something else."""
    with pytest.raises(SettingsError, match="Write it as"):
        Command(words)


def test_a_command_that_is_not_installed_is_named(project):
    """With what to do."""
    write(project / "schema.sql", "")
    settings(project, 'command = ["no-such-tool", "{path}"]\ninputs = ["schema.sql"]')
    with pytest.raises(
        BuildError, match="the command 'no-such-tool' cannot be started: No such file or directory\nInstall"
    ):
        load().golden()


def test_a_command_that_makes_nothing_is_refused(project):
    """Exit code 0 proves nothing."""
    write(project / "schema.sql", "")
    settings(project, 'command = ["true", "{path}"]\ninputs = ["schema.sql"]')
    with pytest.raises(BuildError, match="ended without an error but wrote nothing"):
        load().golden()


def test_the_key_of_a_command_is_its_words_and_inputs(project):
    """Nothing is run for it."""
    write(project / "schema.sql", "a")
    one = Template(Command(["tool", "{path}"]), inputs=["schema.sql"]).key()
    assert Template(Command(["tool", "-v", "{path}"]), inputs=["schema.sql"]).key() != one
    write(project / "schema.sql", "b")
    assert Template(Command(["tool", "{path}"]), inputs=["schema.sql"]).key() != one


def test_a_command_that_leaves_a_process_behind_cannot_write_later(through_settings):
    """It is ended before the file is looked at."""
    late = "import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 60; echo x >> $0', sys.argv[1]])\n"
    write(through_settings / "program.py", PROGRAM + late)
    settings(through_settings, KINDS["command"])
    with load().golden() as golden, contextlib.closing(sqlite3.connect(":memory:")):
        assert golden.outcome is Outcome.BUILT
        assert os.path.exists(golden.path)
