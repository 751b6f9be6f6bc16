"""Seeds add rows after the migrations: they get what their parameter asks for, are traced, and fail as revisions do."""

import pytest

from projects import alembic_project, write
from templatedb import BuildError, InputsError, SettingsError, load
from templatedb.plan import Wishes

ROWS = "select name from t1 order by id"

SEEDS = {
    "connection": "def fill(connection):\n    connection.execute(\"insert into t1 (name) values ('seeded')\")\n",
    "engine": (
        "import sqlalchemy\n\ndef fill(engine):\n    with engine.begin() as connection:\n"
        "        connection.execute(sqlalchemy.text(\"insert into t1 (name) values ('seeded')\"))\n"
    ),
    "session": (
        "import sqlalchemy\n\ndef fill(session):\n"
        "    session.execute(sqlalchemy.text(\"insert into t1 (name) values ('seeded')\"))\n"
    ),
    "coroutine": "async def fill(connection):\n    connection.execute(\"insert into t1 (name) values ('seeded')\")\n",
    "with defaults": (
        "def fill(connection, name='seeded', *more, **rest):\n"
        "    connection.execute('insert into t1 (name) values (?)', (name,))\n"
    ),
    "ends the process well": (
        "import sys\n\ndef fill(connection):\n"
        "    connection.execute(\"insert into t1 (name) values ('seeded')\")\n    sys.exit(0)\n"
    ),
}


@pytest.fixture
def seeded(project):
    """A project with one seed."""
    alembic_project(project)
    write(project / "pyproject.toml", '[tool.templatedb]\nseed = ["seeds:fill"]\n')
    return project


@pytest.mark.parametrize("text", SEEDS.values(), ids=SEEDS)
def test_a_seed_gets_what_its_parameter_asks_for_and_is_committed(seeded, text):
    """By name: connection, engine or session."""
    write(seeded / "seeds.py", text)
    with load().golden() as golden, golden.clone() as clone:
        assert clone.connect().execute(ROWS).fetchall() == [("row 1",), ("seeded",)]
        assert golden.manifest.revisions == 2


def test_seeds_run_in_their_order_with_progress(seeded):
    """After the migrations, as steps of their own."""
    write(seeded / "pyproject.toml", '[tool.templatedb]\nseed = ["seeds:one", "more.seeds:two"]\n')
    write(seeded / "seeds.py", SEEDS["connection"].replace("fill", "one").replace("seeded", "one"))
    write(seeded / "more/seeds.py", SEEDS["session"].replace("fill", "two").replace("seeded", "two"))
    seen = []
    wishes = Wishes(on_progress=lambda progress, elapsed_s: seen.append(progress))
    with load().golden(wishes) as golden, golden.clone() as clone:
        assert clone.connect().execute(ROWS).fetchall() == [("row 1",), ("one",), ("two",)]
    assert (seen[-1].done, seen[-1].total) == (4, 4)


def test_a_failing_seed_is_told_like_a_failing_migration(seeded):
    """With the file to correct and the user's part of the traceback."""
    write(seeded / "seeds.py", "def fill(connection):\n    connection.execute('insert into nowhere values (1)')\n")
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "seed seeds:fill failed: OperationalError: no such table: nowhere\n"
        f"Nothing was published. Correct {seeded}/seeds.py, line 2."
    )
    assert f'File "{seeded}/seeds.py", line 2, in fill' in caught.value.traceback


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("def fill(): pass", "nothing"),
        ("def fill(database): pass", "database"),
        ("def fill(connection, session): pass", "connection, session"),
        ("fill = 1", "nothing"),
    ],
    ids=["no parameter", "another name", "two", "no function"],
)
def test_a_seed_that_asks_for_something_else_is_refused(seeded, text, asked):
    """With the names that it may use."""
    write(seeded / "seeds.py", text)
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        f"seed 'seeds:fill' asks for {asked}\n"
        "Give it one parameter, whose name says what it gets: connection (sqlite3), engine or session."
    )


def test_a_seed_that_is_not_there_is_named_with_the_nearest(seeded):
    """A slip of the pen."""
    write(seeded / "seeds.py", "def fil(connection): pass\n")
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == f"{seeded}/seeds.py has no seed 'fill'\nDid you mean 'fil'?"


def test_a_seed_whose_module_cannot_be_found_is_named(seeded):
    """Before anything is built."""
    with pytest.raises(InputsError, match="no module 'seeds' for seed 'seeds:fill' in"):
        load().key()


@pytest.mark.parametrize(
    ("name", "near"),
    [("rows.sedes:fill", "rows.seeds:fill"), ("row.seeds:fill", "rows.seeds:fill"), ("nothing.like:it", "")],
)
def test_a_seed_whose_module_is_nearly_there_is_named_with_the_nearest(seeded, name, near):
    """Whichever part of its name is wrong; nothing is imported."""
    write(seeded / "rows/seeds.py", "raise SystemExit('imported')")
    write(seeded / "pyproject.toml", f'[tool.templatedb]\nseed = ["{name}"]\n')
    with pytest.raises(InputsError) as caught:
        load().key()
    assert str(caught.value) == (
        f"no module {name.partition(':')[0]!r} for seed {name!r} in {seeded}\n"
        + (f"Did you mean {near!r}? " if near else "")
        + "Correct the name, or add the module's folder to python_path."
    )


ASYNC_SEEDS = {
    "await": "    await session.execute(None)\n",
    "async with": "    async with session.begin():\n        pass\n",
    "async for": "    async for row in session.execute(sqlalchemy.text('select 1')):\n        pass\n",
    "an AsyncSession": "    from sqlalchemy.ext.asyncio import AsyncSession\n"
    "    await AsyncSession(session.get_bind()).execute(sqlalchemy.text('select 1'))\n",
}


@pytest.mark.parametrize("body", ASYNC_SEEDS.values(), ids=ASYNC_SEEDS)
def test_a_seed_that_awaits_what_it_gets_is_told_that_it_is_synchronous(seeded, body):
    """With the line, the names that there are, and how to write it."""
    body = body.replace("None", "sqlalchemy.text('select 1')")
    write(seeded / "seeds.py", f"import sqlalchemy\n\nasync def fill(session):\n{body}")
    with pytest.raises(BuildError) as caught:
        load().golden()
    line = 5 if "AsyncSession" in body else 4
    assert caught.value.remedy == (
        f"Nothing was published. Correct {seeded}/seeds.py, line {line}: a seed gets a connection (sqlite3), an engine or a"
        " session by the name of its parameter, and all are synchronous: call them without await, best in a plain def."
    )


def test_an_async_seed_that_asks_for_something_else_is_told_the_same(seeded):
    """A session that is awaited elsewhere has another name there."""
    write(seeded / "seeds.py", "async def fill(async_session): pass\n")
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "seed 'seeds:fill' asks for async_session\n"
        "Give it one parameter, whose name says what it gets: connection (sqlite3), engine or session. All are"
        " synchronous: call them without await, best in a plain def."
    )


def test_a_seed_needs_a_name(seeded):
    """Of module and function."""
    write(seeded / "pyproject.toml", '[tool.templatedb]\nseed = ["seeds.fill"]\n')
    with pytest.raises(SettingsError, match=r"seed 'seeds.fill' is not a name\nWrite it as"):
        load().key()
