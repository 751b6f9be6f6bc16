"""An application that passes the clones of its tests by is told so: else all fails, or nothing does and it is wrong."""

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
UNOPENED = (
    "no test opened its clone, but {path} was opened: give the application clone_url, or set 'export' (templatedb init"
    " shows how)"
)
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
    assert UNOPENED.format(path=shop / "work.db") in summary(shop, *words)


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
