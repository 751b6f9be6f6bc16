"""An application that passes the clones of its tests by is told so: else all fails, or nothing does and it is wrong."""

import sys

import pytest

from projects import alembic_project, revision, run, write

APP = """
import os
from sqlalchemy import create_engine, text

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///work.db"))

def count():
    with engine.connect() as connection:
        return connection.scalar(text("select count(*) from users"))
"""
REMEDY = (
    "give the application clone_path or clone_url, or have it read a variable that 'export' sets (templatedb init shows"
    " how)"
)
UNOPENED = "no test opened its clone, but {path} (at {opener}) was opened: " + REMEDY
CHANGED = "the tests changed {path} (at {opener}), which is no clone: " + REMEDY
OPEN_TOO = "another database was open, {path} (at {opener}): if it is the application's, " + REMEDY
EXPORTED = (
    "'export' leads the application to a clone by DATABASE_URL, but no test asked for one, so its database was empty:"
    " add an autouse fixture to conftest.py that asks for 'clone' (templatedb init shows it)"
)


@pytest.fixture
def shop(project, monkeypatch):
    """An application with a global engine, and the database that its developer works with."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    table = "op.create_table('users', sa.Column('id', sa.Integer))"
    alembic_project(project, revisions={"r1.py": revision(1, table)})
    write(project / "app.py", APP)
    write(project / "pytest.ini", "[pytest]\npythonpath = .\n")
    run("templatedb", "clone", "work.db", cwd=project)
    return project


def summary(folder, *words: str) -> list[str]:
    said = run("pytest", "-p", "no:randomly", "-p", "no:asyncio", *words, cwd=folder).stdout
    return said.splitlines()


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_clones_that_nobody_opens_while_another_file_is_are_told(shop, words):
    """The tests are green, on the database of the developer."""
    write(shop / "test_it.py", "import app\n\ndef test_one(clone):\n    assert app.count() == 0\n\ndef test_two(clone):\n    assert app.count() == 0\n")  # fmt: skip
    assert UNOPENED.format(path=shop / "work.db", opener="app.py, line 8") in summary(shop, *words)


@pytest.mark.parametrize(
    "use",
    ["clone.path", "clone.url", "clone.async_url", "clone.connect()", "clone.dump()"],
)
def test_a_clone_whose_place_was_asked_for_may_have_been_opened(shop, use):
    """By whatever opens files; and the application may well have a second database."""
    write(shop / "test_it.py", f"import app\n\ndef test_one(clone):\n    {use}\n    assert app.count() == 0\n")
    assert not [line for line in summary(shop) if "no test opened" in line]


def test_an_engine_fixture_opens_the_clone(shop):
    """The application's own file is a second database then."""
    write(shop / "test_it.py", "import app\n\ndef test_one(clone_session):\n    assert app.count() == 0\n")
    assert not [line for line in summary(shop) if "no test opened" in line]


def test_nothing_is_told_of_tests_that_open_no_other_file(shop):
    """A clone may be asked for in vain."""
    write(shop / "test_it.py", "def test_one(clone):\n    pass\n")
    assert not [line for line in summary(shop) if "no test opened" in line]


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_an_export_that_no_test_follows_up_is_told(shop, words):
    """All fails with 'no such table', and templatedb would not be mentioned at all."""
    write(shop / "templatedb.toml", 'export = { DATABASE_URL = "url" }\n')
    write(shop / "test_it.py", "import app\n\ndef test_one():\n    assert app.count() == 0\n")
    said = summary(shop, *words)
    assert EXPORTED in said
    assert any("no such table: users" in line for line in said)


def test_an_export_that_nobody_needs_is_no_matter(shop):
    """The application was not imported, or opened nothing."""
    write(shop / "templatedb.toml", 'export = { DATABASE_URL = "url" }\n')
    write(shop / "test_it.py", "def test_one():\n    pass\n")
    assert not [line for line in summary(shop) if "'export'" in line]


def test_an_export_with_its_fixture_is_no_matter(shop):
    """As it should be."""
    write(shop / "templatedb.toml", 'export = { DATABASE_URL = "url" }\n')
    write(
        shop / "conftest.py", "import pytest\n\n@pytest.fixture(autouse=True)\ndef database(clone):\n    return clone\n"
    )
    write(shop / "test_it.py", "import app\n\ndef test_one():\n    assert app.count() == 0\n")
    said = summary(shop)
    assert not [line for line in said if "'export'" in line or "no test" in line]
    assert any(" 1 passed" in line for line in said)


def test_the_controller_of_workers_runs_no_test_and_says_nothing(shop):
    """Its conftest may open what was exported to it; what the workers did is what the summary tells."""
    write(shop / "templatedb.toml", 'export = { DATABASE_URL = "url" }\n')
    write(
        shop / "conftest.py",
        "import app, pytest\napp.engine.connect().close()\n\n@pytest.fixture(autouse=True)\ndef database(clone):\n    return clone\n",
    )
    write(shop / "test_it.py", "import app\n\ndef test_one():\n    assert app.count() == 0\n")
    said = summary(shop, "-n", "2")
    assert not [line for line in said if "'export'" in line]
    assert any(line.startswith("1 clone (") for line in said)


PLAIN = """
import sqlite3

def connect(path="work.db"):
    return sqlite3.connect(path)

def add():
    with connect() as connection:
        connection.execute("insert into users values (null)")

def count():
    return connect().execute("select count(*) from users").fetchone()[0]
"""
IGNORED = "[pytest]\npythonpath = .\nfilterwarnings = ignore::ResourceWarning\n"


@pytest.fixture
def plain_shop(shop):
    """The same application without SQLAlchemy: nobody but sqlite3 knows what it opens."""
    write(shop / "app.py", PLAIN)
    write(shop / "pytest.ini", IGNORED)
    return shop


def told(said: list[str]) -> list[str]:
    """Return the lines of *said* that are about other databases."""
    starts = ("no test opened", "no test asked", "the tests changed", "the tests made", "another database")
    return [line for line in said if line.startswith(starts)]


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_an_application_on_plain_sqlite3_is_seen_as_well(plain_shop, words):
    """Its test is green, on the database of the developer."""
    write(plain_shop / "test_it.py", "import app\n\ndef test_one(clone):\n    assert app.count() == 0\n")
    assert told(summary(plain_shop, *words)) == [
        UNOPENED.format(path=plain_shop / "work.db", opener="app.py, line 5"),
    ]


def test_what_an_application_on_plain_sqlite3_wrote_is_told(plain_shop):
    """The developer's rows are gone, or others are there."""
    write(plain_shop / "test_it.py", "import app\n\ndef test_one(clone):\n    app.add()\n")
    line = UNOPENED.format(path=plain_shop / "work.db", opener="app.py, line 5")
    assert told(summary(plain_shop)) == [line.replace("was opened", "was opened and changed")]


def test_a_database_that_tests_change_is_told_beside_clones_that_others_open(plain_shop):
    """Of those that have a table of the golden: what else an application writes is its own business."""
    write(
        plain_shop / "test_it.py",
        """
        import sqlite3, app

        def test_one(clone_connection):
            clone_connection.execute("select * from users")

        def test_two(clone):
            app.add()
            sqlite3.connect("cache.db").execute("create table pages (url)")
    """,
    )
    assert told(summary(plain_shop)) == [CHANGED.format(path=plain_shop / "work.db", opener="app.py, line 5")]


def test_a_database_that_is_only_read_beside_clones_that_are_opened_is_no_matter(plain_shop):
    """It may be an old one, for a test of the upgrade."""
    write(
        plain_shop / "test_it.py",
        "import app\n\ndef test_one(clone_connection):\n    assert app.count() == 0\n",
    )
    assert told(summary(plain_shop)) == []


def test_a_database_of_pooled_connections_that_tests_change_is_told(shop):
    """SQLAlchemy's engines are seen by the same means, and the line of the application that led to it is found."""
    write(
        shop / "test_it.py",
        """
        import app
        from sqlalchemy import text

        def test_one(clone_session):
            with app.engine.begin() as connection:
                connection.execute(text("insert into users values (null)"))
    """,
    )
    assert told(summary(shop)) == [CHANGED.format(path=shop / "work.db", opener="test_it.py, line 6")]


ASYNC_APP = """
import sqlalchemy as sa
import aiosqlite
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///work.db")

async def count():
    async with engine.connect() as connection:
        return await connection.scalar(sa.text("select count(*) from users"))

async def plain():
    async with aiosqlite.connect("work.db") as connection:
        return await (await connection.execute("select count(*) from users")).fetchone()
"""


@pytest.mark.parametrize(("function", "line"), [("count", 9), ("plain", 13)], ids=["SQLAlchemy", "aiosqlite"])
def test_the_line_of_an_application_that_awaits_its_database_is_found(shop, function, line):
    """The file is opened in a thread of aiosqlite's, and SQLAlchemy asks for it in a greenlet."""
    pytest.importorskip("aiosqlite")
    write(shop / "app.py", ASYNC_APP)
    write(shop / "test_it.py", f"import app, asyncio\n\ndef test_one(clone):\n    asyncio.run(app.{function}())\n")
    assert UNOPENED.format(path=shop / "work.db", opener=f"app.py, line {line}") in summary(shop)


def test_aiosqlites_connect_is_its_own_again_after_the_tests(shop):
    """Also where a process runs pytest several times; what waits for an import that never comes waits once."""
    pytest.importorskip("aiosqlite")
    write(shop / "test_it.py", "def test_one(clone):\n    pass\n")
    write(shop / "test_async.py", "import aiosqlite\n\ndef test_one(clone):\n    aiosqlite.connect\n")
    write(
        shop / "several.py",
        """
        import sys
        import pytest

        for _ in range(3):
            pytest.main(["-q", "test_it.py"])
        waiting = [one for one in sys.meta_path if getattr(one, "name", "") == "aiosqlite"]
        pytest.main(["-q", "test_async.py"])
        import aiosqlite
        print("left:", len(waiting), type(aiosqlite.connect).__name__, type(aiosqlite.core.connect).__name__)
        """,
    )
    assert "left: 1 function function" in run("several", cwd=shop).stdout


def test_a_process_that_ran_pytest_twice_can_import_sqlite3(shop):
    """Where no test needed it: what waits for its import, to see what is opened, waits once."""
    write(shop / "test_it.py", "def test_one():\n    pass\n")
    write(
        shop / "twice.py",
        """
        import sys
        import pytest

        for _ in range(2):
            pytest.main(["-q", "-p", "templatedb.plugin", "test_it.py"])
        was_there = "sqlite3" in sys.modules
        import sqlite3
        print("was there:", was_there, type(sqlite3.connect).__name__)
        """,
    )
    said = run("twice", cwd=shop, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert said.stdout.endswith("was there: False builtin_function_or_method\n"), said.stderr


def test_the_report_of_a_failed_test_names_the_other_database_that_was_open(plain_shop):
    """That the test changed nothing in its clone is no riddle then. A test that opened only its clone has no such line."""
    write(
        plain_shop / "test_it.py",
        """
        import app

        def test_one(clone_connection):
            app.add()
            assert clone_connection.execute("select count(*) from users").fetchone() == (1,)

        def test_two(clone_connection):
            assert clone_connection.execute("select count(*) from users").fetchone() == (1,)
    """,
    )
    said = summary(plain_shop)
    path = plain_shop / "work.db"
    assert told(said) == [
        OPEN_TOO.format(path=path, opener="app.py, line 5"),
        CHANGED.format(path=path, opener="app.py, line 5"),
    ]
    assert said[said.index(OPEN_TOO.format(path=path, opener="app.py, line 5")) + 1].startswith("the test committed no")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what a process holds open")
def test_a_connection_from_before_the_first_clone_is_known_while_it_stays_open(plain_shop):
    """A plugin that connects when it is imported was there before anybody watched."""
    write(plain_shop / "opens.py", "import sqlite3\n\nconnection = sqlite3.connect('work.db')\n")
    write(
        plain_shop / "test_it.py",
        "import opens\n\ndef test_one(clone):\n    opens.connection.execute('insert into users values (null)')\n"
        "    opens.connection.commit()\n    assert clone.path is None\n",
    )
    path = plain_shop / "work.db"
    assert told(summary(plain_shop, "-p", "opens")) == [
        f"another database was open, {path}: if it is the application's, {REMEDY}",
        f"the tests changed {path}, which is no clone: {REMEDY}",
    ]


def test_tests_that_ask_for_no_clone_and_change_the_developers_database_are_told(plain_shop):
    """Where there are settings, somebody wants clones; that his conftest.py lacks the lines would not be said else."""
    write(plain_shop / "test_it.py", "import app\n\ndef test_one():\n    app.add()\n")
    line = (
        f"no test asked for a clone, but the tests changed {plain_shop / 'work.db'} (at app.py, line 5): add a fixture to"
        " conftest.py that asks for one (templatedb init shows it)"
    )
    assert told(summary(plain_shop)) == [line]
    assert told(summary(plain_shop, "-n", "2")) == [line]


def test_tests_that_need_no_database_are_no_matter(plain_shop):
    """Nor are those that write one of something else."""
    write(
        plain_shop / "test_it.py",
        "import sqlite3\n\ndef test_one():\n    sqlite3.connect('cache.db').execute('create table pages (url)')\n",
    )
    assert told(summary(plain_shop)) == []


def test_an_application_that_only_looks_at_its_database_when_it_starts_is_no_news_of_a_failed_test(plain_shop):
    """The test's own changes are; but where it changed nothing in its clone, it may have looked there."""
    write(
        plain_shop / "test_it.py",
        """
        import app

        def test_one(clone_connection):
            app.count()
            clone_connection.execute("insert into users values (null)")
            clone_connection.commit()
            assert False
    """,
    )
    assert told(summary(plain_shop)) == []


def test_a_path_that_the_application_gets_as_a_url_is_told(plain_shop):
    """To SQLite it is the name of a file, in a folder that is not there."""
    write(plain_shop / "templatedb.toml", 'export = { SHOP_DB = "url" }\n')
    write(
        plain_shop / "app.py",
        "import os, sqlite3\n\ndef connect():\n    return sqlite3.connect(os.environ['SHOP_DB'])\n",
    )
    write(plain_shop / "test_it.py", "import app\n\ndef test_one(clone):\n    app.connect().execute('select 1')\n")
    said = told(summary(plain_shop))
    remedy = 'the application takes what \'export\' sets in SHOP_DB for a path: write "path" in place of "url"'
    assert [line.endswith(remedy) for line in said] == [True, True]


def test_a_variable_of_export_that_nobody_reads_is_named(plain_shop):
    """The green run was one on the database of the developer."""
    write(plain_shop / "templatedb.toml", 'export = { SHOPS_DB = "path" }\n')
    write(plain_shop / "test_it.py", "import app\n\ndef test_one(clone):\n    assert app.count() == 0\n")
    line = (
        f"no test opened its clone, but {plain_shop / 'work.db'} (at app.py, line 5) was opened: 'export' sets SHOPS_DB,"
        " and nobody opened what it says: set the variable that the application reads (templatedb init shows it)"
    )
    assert told(summary(plain_shop)) == [line]


def test_what_a_test_makes_for_itself_is_no_matter(plain_shop):
    """In pytest's temporary folder, or under a name that begins with a dot, as tools have them."""
    write(
        plain_shop / "test_it.py",
        """
        import sqlite3

        def test_one(clone, tmp_path):
            for name in (tmp_path / "mine.db", ".coverage", ":memory:", "file:x?mode=memory", "file:/mine?vfs=memdb"):
                connection = sqlite3.connect(name, uri=True)
                connection.execute("create table users (id)")
                connection.commit()
    """,
    )
    assert told(summary(plain_shop)) == []


def test_connect_is_sqlite3s_own_again_after_the_tests(plain_shop):
    """While they run it shows the name and the text of the original, and is no method in a class."""
    write(
        plain_shop / "test_it.py",
        """
        import sqlite3

        def test_one(clone_path):
            class Shop:
                connect = sqlite3.connect

            assert Shop().connect(":memory:").execute("select 1").fetchone() == (1,)
            assert (sqlite3.connect.__name__, sqlite3.connect.__doc__[:4]) == ("connect", "Open")
            with __import__("pytest").raises(TypeError):
                sqlite3.connect()
    """,
    )
    write(
        plain_shop / "conftest.py",
        """
        import sqlite3

        def pytest_unconfigure():
            print("put back", type(sqlite3.connect) is type(len), sqlite3.connect is sqlite3.dbapi2.connect)
    """,
    )
    said = summary(plain_shop, "-s")
    assert "put back True True" in said
    assert any(" 1 passed" in line for line in said)
