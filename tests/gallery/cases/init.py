"""What ``templatedb init`` refuses, and settings that nobody would read."""

from __future__ import annotations

from gallery.case import Group, Said, case
from gallery.shops import alembic_shop, ready_shop
from gallery.world import World
from templatedb import load
from templatedb.proposals.writing import PYPROJECT, change_for, write

_C, _S = Group.COMMAND, Group.SETTINGS
_LINES = '[tool.templatedb]\nalembic = "alembic.ini"\n'


@case(_C, "init finds nothing that makes a database")
def init_nothing(world: World) -> Said:
    return world.command("init")


@case(_C, "init finds settings")
def init_settings(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"')
    return world.command("init")


@case(_C, "init is to write a file that is not there")
def init_no_pyproject(world: World) -> Said:
    world.write("sql/1.sql", "create table users (id integer primary key);")
    return world.command("init", "--to", "pyproject.toml")


@case(_C, "init is to write a file that somebody edits meanwhile")
def init_edited(world: World) -> Said:
    alembic_shop(world)
    world.write("pyproject.toml", "[project]\n")
    change = change_for(world.shop, PYPROJECT, _LINES)
    world.write("pyproject.toml", "[project]\nname = 'shop'\n")
    return world.error(lambda: write(change))


@case(_C, "init is to write through a link that leads out of the project")
def init_link(world: World) -> Said:
    (world.shop.parent / "other.toml").write_text("[project]\n")
    (world.shop / "pyproject.toml").symlink_to("../other.toml")
    return world.error(lambda: change_for(world.shop, PYPROJECT, _LINES))


@case(_C, "init is to write through a link that leads nowhere")
def init_dead_link(world: World) -> Said:
    (world.shop / "pyproject.toml").symlink_to("gone.toml")
    return world.error(lambda: change_for(world.shop, PYPROJECT, _LINES))


@case(_C, "init is to write what is no file")
def init_no_file(world: World) -> Said:
    (world.shop / "pyproject.toml").mkdir()
    return world.error(lambda: change_for(world.shop, PYPROJECT, _LINES))


@case(_C, "init cannot add a table to the file")
def init_no_room(world: World) -> Said:
    alembic_shop(world)
    world.write("pyproject.toml", "tool = {}\n")
    return world.error(lambda: change_for(world.shop, PYPROJECT, _LINES))


@case(_C, "init meets a file that is no TOML")
def init_no_toml(world: World) -> Said:
    alembic_shop(world)
    world.write("pyproject.toml", "[project\n")
    return world.command("init")


@case(_C, "the project's folder is not there, for init")
def init_no_folder(world: World) -> Said:
    return world.command("init", "--project", "shop")


@case(_C, "the project's folder is not there")
def no_folder(world: World) -> Said:
    return world.command("key", "--project", "shop")


@case(_C, "the path of the cache would end a line of GitHub's outputs")
def github_line_end(world: World) -> Said:
    ready_shop(world)
    world.set(GITHUB_OUTPUT=world.tmp / "outputs", TEMPLATEDB_CACHE_DIR=f"{world.cache}\nbuilt=true")
    return world.command("key", "--github-output")


@case(_S, "the module that init proposes is not there yet")
def settings_draft(world: World) -> Said:
    world.settings('function = "templatedb_build:migrate"')
    return world.command("key")


@case(_S, "a table has nearly our name")
def settings_misspelt(world: World) -> Said:
    alembic_shop(world)
    world.write("pyproject.toml", "[tool.pytest-templatedb]\nstrict = true\n")
    return world.error(load)


@case(_S, "templatedb.toml has the header of a table")
def settings_header(world: World) -> Said:
    world.write("templatedb.toml", _LINES)
    return world.error(load)


@case(Group.PYTEST, "an export that no test follows up")
def export_unused(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nexport = { DATABASE_URL = "path" }')
    world.write(
        "test_it.py",
        """
        import os, sqlite3

        def test_it():
            sqlite3.connect(os.environ["DATABASE_URL"]).execute("select * from users")
    """,
    )
    return world.line(world.pytest("test_it.py"), "leads the application to a clone")


@case(Group.PYTEST, "clones that no test opens, while the application opens another file")
def clones_unopened(world: World) -> Said:
    alembic_shop(world)
    world.write(
        "test_it.py",
        """
        import sqlalchemy

        def test_it(clone):
            with sqlalchemy.create_engine("sqlite:///shop.db").connect() as connection:
                connection.execute(sqlalchemy.text("select 1"))
    """,
    )
    return world.line(world.pytest("test_it.py"), "no test opened its clone")


_BESIDE = """
    import sqlite3

    def test_it(clone_connection):
        with sqlite3.connect("shop.db") as connection:
            connection.execute("create table users (id)")
"""


@case(Group.PYTEST, "tests that change another database than their clones")
def other_changed(world: World) -> Said:
    alembic_shop(world)
    world.write("test_it.py", _BESIDE)
    return world.line(world.pytest("test_it.py"), "the tests made")


@case(Group.PYTEST, "a failed test during which another database was open")
def other_open(world: World) -> Said:
    alembic_shop(world)
    world.write("test_it.py", f"{_BESIDE}        assert False\n")
    return world.line(world.pytest("test_it.py"), "another database was open")


@case(Group.PYTEST, "tests that ask for no clone, and change a database of the application")
def nobody_asked(world: World) -> Said:
    alembic_shop(world)
    world.write(
        "test_it.py",
        """
        import sqlite3

        def test_it():
            with sqlite3.connect("shop.db") as connection:
                connection.execute("create table users (id)")
    """,
    )
    return world.line(world.pytest("test_it.py"), "no test asked for a clone")


@case(Group.PYTEST, "an application that has what export sets for a path, and it is a URL")
def export_wrong_kind(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nexport = { DATABASE_URL = "url" }')
    world.write(
        "test_it.py",
        """
        import os, sqlite3

        def test_it(clone):
            sqlite3.connect(os.environ["DATABASE_URL"])
    """,
    )
    return world.line(world.pytest("test_it.py"), "for a path")


@case(Group.PYTEST, "an application that opens a database beside the one that export leads to")
def export_not_everywhere(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nexport = { DATABASE_URL = "path" }')
    world.write(
        "test_it.py", _BESIDE.replace("clone_connection", "clone_session") + "        clone_session.connection()\n"
    )
    return world.line(world.pytest("test_it.py"), "opened all the same")


@case(Group.PYTEST, "a variable of the setting export that the application does not read")
def export_read_by_nobody(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nexport = { DATABASE_URL = "path" }')
    world.write(
        "test_it.py",
        """
        import sqlite3

        def test_it(clone):
            sqlite3.connect("shop.db").execute("select 1")
    """,
    )
    return world.line(world.pytest("test_it.py"), "nobody opened what it says")


@case(Group.PYTEST, "a test that left its database as it was, and failed", nothing_to_do="it is a fact about the test")
def failed_without_changes(world: World) -> Said:
    alembic_shop(world)
    world.write("test_it.py", "def test_it(clone):\n    assert False\n")
    return world.line(world.pytest("test_it.py"), "the test committed no change")
