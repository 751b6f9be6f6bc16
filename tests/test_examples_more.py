"""More recipes of conftest_examples/, copied and run as their users would: cold, then warm."""

import re
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from projects import builds_in, write
from recipes import (
    PYTEST,
    WITHOUT_ASYNCIO,
    assert_builds_again,
    copy_of,
    edit,
    failing,
    needs,
    pytest_cold_and_warm,
    python,
)

BUILD = ("-m", "templatedb", "build")
VERIFY = ("-m", "templatedb", "verify")


@pytest.fixture
def copied(tmp_path):
    """Copy a recipe into a folder of its own."""
    return partial(copy_of, folder=tmp_path)


def kept_of(folder, pattern="*"):
    """Return the databases that failed tests of a recipe have left."""
    return sorted((folder / ".pytest_cache/d/templatedb/failed").glob(pattern))


@needs("hypothesis")
def test_hypothesis_clones_gives_each_example_a_database(copied, cache):
    """Hundreds of them, at one path."""
    said = pytest_cold_and_warm(copied("hypothesis_clones"), cache, *WITHOUT_ASYNCIO, passed=4)
    assert re.search(r"^\d{3} clones \(1 copied, \d{3} restored in place", said, re.MULTILINE)


@needs("hypothesis")
def test_hypothesis_clones_keeps_the_database_of_the_smallest_example(copied, cache):
    """When a property fails, and no other."""
    folder = copied("hypothesis_clones")
    edit(folder / "bank.py", "cents -= cents + FEE", "cents -= cents")
    said = python(folder, *PYTEST, *WITHOUT_ASYNCIO, "-k", "neither_made_nor_lost", code=1)
    assert "transfers=[(" in said
    (kept,) = kept_of(folder)
    with closing(sqlite3.connect(kept)) as connection:  # one transfer, whose fee nobody has paid
        assert connection.execute("select cents from account where owner = 'the house'").fetchone() == (1,)


@needs("hypothesis")
def test_hypothesis_clones_says_why_a_fixture_of_a_test_will_not_do(copied, cache):
    """The README quotes hypothesis's own words."""
    folder = copied("hypothesis_clones")
    write(
        folder / "tests/test_wrong.py",
        """
        from hypothesis import given, strategies as st


        @given(st.integers())
        def test_wrong(clone_session, number):
            pass
        """,
    )
    said = python(folder, *PYTEST, *WITHOUT_ASYNCIO, "tests/test_wrong.py", code=1)
    assert "function-scoped fixture 'clone_session'" in said
    assert "uses a function-scoped fixture 'clone_session'" in (folder / "README.md").read_text()


def test_migration_tests_start_each_from_the_golden_before(copied, cache):
    """The finished database with its seed, and one golden for each revision that a test starts from; all are cached."""
    folder = copied("migration_tests")
    said = pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=10, goldens=4)
    sources = re.findall(r"from migration_tests/alembic.ini(.*)", said)
    assert sorted(sources) == ["", " at 0001", " at 0002", " at base"]


def test_migration_tests_find_what_a_downgrade_has_left(copied, cache):
    """And that Alembic, in the tests' process, would have turned loggers off."""
    folder = copied("migration_tests")
    edit(folder / "migrations/versions/0003_customers.py", '    op.drop_table("customer")\n', "")
    edit(folder / "tests/migrations/conftest.py", "    config.config_file_name = None", "    #")
    said = python(folder, *PYTEST, *WITHOUT_ASYNCIO, code=1)
    assert " 2 failed, 8 passed in " in said
    assert "AssertionError: assert [('remove_tab" in said
    assert [path.name for path in kept_of(folder)] == [
        "test_a_revision_can_be_undone_and_done_again[0002-0003].sqlite",
        "test_the_loggers_of_the_tests_are_left_alone.sqlite",
    ]


def assert_seeds_are_reproducible_and_watched(folder, cache, *, seeding, columns):
    """Run a recipe whose seed uses factories; without the line *seeding* those *columns* are others each time."""
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=4)
    assert "rows: the same in both builds" in python(folder, *VERIFY)
    factories = folder / "tests/factories.py"
    factories.write_text(factories.read_text().replace("2024", "2023"))
    assert "built in" in python(folder, *BUILD)
    assert builds_in(cache) == 2
    edit(folder / "tests/seeds.py", seeding, "    #")
    python(folder, *BUILD)
    said = python(folder, *VERIFY)
    assert dict(re.findall(r"^    (\w+): \d+ of \d+ rows: (.*)$", said, re.MULTILINE)) == columns


@needs("factory")
def test_factory_boy_seeds_builds_again_when_a_factory_changes(copied, cache):
    """The same factories in the golden and in the tests; the seeded random generator makes it reproducible."""
    assert_seeds_are_reproducible_and_watched(
        copied("factory_boy_seeds"),
        cache,
        seeding="    reseed_random(",
        columns={"customer": "name", "purchase": "day (looks like a clock), cents"},
    )


@needs("polyfactory")
def test_polyfactory_seeds_builds_again_when_a_factory_changes(copied, cache):
    """The same with polyfactory."""
    assert_seeds_are_reproducible_and_watched(
        copied("polyfactory_seeds"),
        cache,
        seeding="    Base.seed_random(",
        columns={"agent": "name", "ticket": "title, opened (looks like a clock), state"},
    )


def test_many_databases_has_two_goldens_with_settings_of_their_own(copied, cache):
    """One test uses both; a change of the second builds the second only; the command knows each in its folder."""
    folder = copied("many_databases")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=5, builds=2)
    write(folder / "events/sql/0003_kinds.sql", "create index event_by_kind on event (kind);\n")
    said = python(folder, *PYTEST, *WITHOUT_ASYNCIO, "-n", "2")
    assert re.search(r"^golden [0-9a-f]{8} hit", said, re.MULTILINE)
    assert builds_in(cache) == 3
    for where in (folder, folder / "events"):
        python(where, *BUILD, "--require-hit")


@needs("django")
def test_django_migrate_builds_again_when_a_migration_is_added(copied, cache):
    """Not when a view changes; tests commit for real, in threads and in two workers."""
    folder = copied("django_migrate")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, "-n", "2", passed=6)
    views = folder / "rooms/views.py"
    views.write_text(views.read_text() + "\nX = 1\n")
    python(folder, *PYTEST, *WITHOUT_ASYNCIO, "--templatedb-require-hit")
    write(
        folder / "rooms/migrations/0003_cellar.py",
        """
        from django.db import migrations


        class Migration(migrations.Migration):
            dependencies = [("rooms", "0002_first_rooms")]
            operations = [migrations.RunSQL("alter table rooms_room add column floor text")]
        """,
    )
    assert_builds_again(folder, cache)


@needs("django", "pytest_django")
def test_django_migrate_works_under_pytest_django(copied, cache):
    """The marks and Django's own test classes as always, on the golden that the other tests use."""
    folder = copied("django_migrate")
    python(folder, *BUILD)
    words = (*PYTEST, *WITHOUT_ASYNCIO, "pytest_django_tests", "--templatedb-require-hit")
    assert " 7 passed in " in python(folder, *words)
    assert " 7 passed in " in python(folder, *words, "-n", "2")
    assert builds_in(cache) == 1


def test_sqlite3_path_variable_leads_an_application_without_an_engine_to_clones(copied, cache):
    """In each worker to its own; a file that is added builds again."""
    folder = copied("sqlite3_path_variable")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, "-n", "2", passed=4)
    write(folder / "sql/0003_notes.sql", "alter table tool add column note text;\n")
    assert_builds_again(folder, cache)


def test_sqlite3_path_variable_serves_an_application_that_keeps_its_connection(copied, cache):
    """Its rows go back under it."""
    folder = copied("sqlite3_path_variable")
    edit(folder / "loans.py", '"loans.db")\n', '"loans.db")\nKEPT = sqlite3.connect(PATH)\n')
    edit(folder / "loans.py", "with contextlib.closing(sqlite3.connect(PATH)) as connection, connection:", "with KEPT:")
    edit(folder / "loans.py", "yield connection", "yield KEPT")
    assert " 4 passed in " in python(folder, *PYTEST, *WITHOUT_ASYNCIO)


def test_sqlite3_path_variable_needs_its_fixture_for_every_test(copied, cache):
    """Before the first clone the file is empty; later it is what the last one was left as."""
    folder = copied("sqlite3_path_variable")
    edit(folder / "tests/conftest.py", "(autouse=True)", "")
    tests = ("lent_is_not", "lent_once", "looks_at", "nothing_is_left")
    named = [
        "test_a_tool_that_is_lent_is_not_at_home",
        "test_a_tool_is_lent_once",
        "test_nothing_is_left_of_other_tests",
    ]
    assert failing(folder, *WITHOUT_ASYNCIO, "-p", "no:randomly", "-k", " or ".join(tests)) == {
        f"tests/test_loans.py::{name}" for name in named
    }
