"""Each recipe of conftest_examples/, copied and run as its user would: cold, then warm."""

import importlib.metadata
import re
from functools import partial
from pathlib import Path

import pytest

from projects import builds_in, run, write
from recipes import (
    HTTPX,
    PYTEST,
    RECIPES,
    WITHOUT_ASYNCIO,
    assert_builds_again,
    assert_hits,
    copy_of,
    edit,
    failing,
    needs,
    pytest_cold_and_warm,
    python,
)

needs_flask = needs("flask", "flask_sqlalchemy", "flask_migrate")
needs_peewee = needs("peewee", "peewee_migrate")
needs_sqlite_utils = needs("sqlite_utils")
needs_yoyo = needs("yoyo")
needs_fastapi = needs("fastapi", "httpx")
needs_litestar = needs("litestar", "advanced_alchemy")
OLD_SQLALCHEMY = tuple(map(int, importlib.metadata.version("sqlalchemy").split(".")[:3])) < (2, 0, 14)


@pytest.fixture
def copied(tmp_path):
    """Copy a recipe into a folder of its own."""
    return partial(copy_of, folder=tmp_path)


def test_alembic_orm_session_needs_no_settings_and_no_conftest(copied, cache):
    """A bare alembic.ini is found."""
    folder = copied("alembic_orm_session")
    assert "templatedb]" not in (folder / "pyproject.toml").read_text()
    assert not list(folder.rglob("conftest.py"))
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=3)


def test_raw_sqlite3_builds_again_when_a_file_is_added(copied, cache):
    """The function listed the folder."""
    folder = copied("raw_sqlite3")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=3)
    (folder / "sql/0003_colours.sql").write_text("alter table note add column colour text;\n")
    assert_builds_again(folder, cache)


def test_async_session_awaits_in_env_py_and_in_tests(copied, cache):
    """Migrated by asyncio.run, tested under pytest-asyncio."""
    pytest_cold_and_warm(copied("async_session"), cache, passed=3)


def test_xdist_workers_share_one_build(copied, cache):
    """Two workers, one golden; clones for a test, a file and a session, on disk and in memory."""
    said = pytest_cold_and_warm(copied("xdist"), cache, *WITHOUT_ASYNCIO, "-n", "2", passed=67)
    assert "2 workers [67 items]" in said
    assert "1 in memory" in said


def test_code_built_template_gives_two_folders_two_databases(copied, cache):
    """The nearest conftest decides; the application's own engine factory makes the engines."""
    pytest_cold_and_warm(copied("code_built_template"), cache, *WITHOUT_ASYNCIO, passed=3, goldens=2)


def test_unittest_and_a_script_share_one_build(copied, cache):
    """The library alone, without pytest."""
    folder = copied("unittest")
    for _ in ("cold", "warm"):
        said = python(folder, "-W", "error", "-m", "unittest")
        assert "Ran 3 tests" in said
        assert builds_in(cache) == 1
    said = python(folder, "-W", "error", "try_it.py")
    assert re.fullmatch(r"golden [0-9a-f]{8} hit; still to do: read\n", said)
    assert builds_in(cache) == 1
    assert not list(folder.rglob("*.db"))


def test_flask_migrate_like_builds_again_when_a_revision_is_added(copied, cache):
    """The factory migrates the golden; on a clone its own upgrade finds nothing to do."""
    folder = copied("flask_migrate_like")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=2)
    (folder / "migrations/versions/0003_colours.py").write_text(
        "from alembic import op\nrevision, down_revision = '0003', '0002'\n"
        "def upgrade(): op.execute('alter table entry add column colour text')\n"
    )
    assert_builds_again(folder, cache)


@needs_fastapi
def test_fastapi_global_engine_has_the_url_before_the_application_is_imported(copied, cache):
    """No dependency is overridden; background tasks and threads included, alone and in two workers."""
    folder = copied("fastapi_global_engine")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, *HTTPX, passed=4)
    assert_hits(folder, *WITHOUT_ASYNCIO, *HTTPX, "-n", "2", passed=4)


@needs_fastapi
def test_fastapi_async_global_engine_lives_through_a_loop_for_each_test(copied, cache):
    """The application's pool stays open."""
    pytest_cold_and_warm(copied("fastapi_async_global_engine"), cache, passed=3)


@needs_fastapi
def test_fastapi_dependency_finds_a_forgotten_commit(copied, cache):
    """Where requests have sessions of their own; in the session of the test it goes unnoticed."""
    folder = copied("fastapi_dependency")
    words = (*WITHOUT_ASYNCIO, *HTTPX)
    pytest_cold_and_warm(folder, cache, *words, "-n", "2", passed=6)
    edit(folder / "bank.py", "    session.commit()\n", "    session.flush()\n")
    assert failing(folder, *words) == {
        "tests/test_bank.py::test_a_transfer_is_committed",
        "tests/test_bank.py::test_a_request_sees_the_commit_of_another",
    }


@needs_fastapi
def test_fastapi_async_dependency_gives_each_request_a_session(copied, cache):
    """One for all of a test would not do: requests run at once, and one that failed must not be seen by the next."""
    folder = copied("fastapi_async_dependency")
    pytest_cold_and_warm(folder, cache, "-n", "2", passed=4)
    conftest = folder / "tests/conftest.py"
    edit(conftest, "client(clone_async_engine: AsyncEngine)", "client(clone_async_session)")
    edit(conftest, "async_sessionmaker(clone_async_engine, expire_on_commit=False)", "None")
    edit(conftest, "[get_session] = get_session_on_clone", "[get_session] = lambda: clone_async_session")
    assert failing(folder) == {
        "tests/test_rooms.py::test_of_many_who_want_a_room_at_once_one_gets_it",
        "tests/test_rooms.py::test_a_stay_that_meets_another_is_rolled_back",
    }


def test_anyio_and_asyncio_have_the_same_fixtures(copied, cache):
    """In loops of a test, of a file, and of anyio; each plugin runs its own tests, also without the other."""
    folder = copied("anyio_and_asyncio")
    pytest_cold_and_warm(folder, cache, "-n", "2", passed=8)
    asyncio_files = ("tests/test_asyncio_function_loop.py", "tests/test_asyncio_module_loop.py")
    assert " 5 passed in " in python(folder, *PYTEST, "-p", "no:anyio", *asyncio_files)
    words = (*WITHOUT_ASYNCIO, "-W", "ignore:Unknown config option")
    assert " 3 passed in " in python(folder, *PYTEST, *words, "tests/test_anyio.py")


@needs_litestar
def test_litestar_advanced_alchemy_builds_again_when_a_revision_is_added(copied, cache):
    """Its stock env.py under the function; an edit of a model or a controller is a hit."""
    folder = copied("litestar_advanced_alchemy")
    words = ("-W", "ignore:The declarative_mixin decorator")  # advanced-alchemy 1.12 with SQLAlchemy 2.1
    pytest_cold_and_warm(folder, cache, *words, "-n", "2", passed=5)
    for name in ("models", "tools"):
        module = folder / f"lending/{name}.py"
        module.write_text(module.read_text() + "\nX = 1\n")
    assert_hits(folder, *words, passed=5)
    (folder / "migrations/versions/0003_colours.py").write_text(
        "from alembic import op\nrevision, down_revision = '0003', '0002'\n"
        "def upgrade(): op.execute('alter table tool add column colour text')\n"
    )
    edit(folder / "tests/test_lending.py", "0002", "0003")
    assert_builds_again(folder, cache, *words)


@needs("flask", "flask_sqlalchemy")
def test_flask_sqlalchemy_uses_the_application_as_it_is(copied, cache):
    """Made at import, used by all tests."""
    pytest_cold_and_warm(copied("flask_sqlalchemy"), cache, *WITHOUT_ASYNCIO, passed=4)


@needs("sqlmodel")
@pytest.mark.skipif(OLD_SQLALCHEMY, reason="SQLModel needs SQLAlchemy 2.0.14")
def test_sqlmodel_shares_the_database_between_its_engine_and_the_tests(copied, cache):
    """Two engines on one database; the models are what the migration makes."""
    said = pytest_cold_and_warm(copied("sqlmodel"), cache, *WITHOUT_ASYNCIO, passed=3)
    assert "models" not in said


@needs_flask
def test_flask_migrate_builds_again_when_the_naming_convention_changes(copied, cache):
    """The stock env.py of `flask db init` under the function; its target_metadata comes from the models."""
    folder = copied("flask_migrate")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=4)
    models = folder / "bookmarks/models.py"
    for path in (models, folder / "bookmarks/views.py"):
        path.write_text(path.read_text() + "\nX = 1\n")
    assert re.search(r"^golden [0-9a-f]{8} hit", python(folder, *PYTEST, *WITHOUT_ASYNCIO), re.MULTILINE)
    models.write_text(models.read_text().replace('"pk_%(table_name)s"', '"key_of_%(table_name)s"'))
    assert_builds_again(folder, cache)


@needs_peewee
def test_peewee_migrate_builds_again_when_a_migration_is_added(copied, cache):
    """The application's one global database is bound to the build's file, then to each clone."""
    folder = copied("peewee_migrate")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=4)
    (folder / "migrations/004_colours.py").write_text(
        "def migrate(migrator, database, *, fake=False):\n    migrator.sql('alter table record add column colour text')\n"
    )
    assert_builds_again(folder, cache)


@needs_sqlite_utils
def test_sqlite_utils_builds_again_when_a_migration_is_added(copied, cache):
    """The migrations stand in the function's own module, so no setting names them."""
    folder = copied("sqlite_utils")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, passed=4)
    module = folder / "migrations.py"
    module.write_text(
        module.read_text() + "\n\n@migrations()\ndef colours(db):\n    db['feed'].add_column('colour', str)\n"
    )
    assert_builds_again(folder, cache)


@needs_yoyo
def test_yoyo_builds_again_when_a_migration_is_added(copied, cache):
    """Two workers, one of them migrates; SQL and Python files are inputs alike."""
    folder = copied("yoyo")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, "-n", "2", passed=5)
    (folder / "migrations/0005.colours.sql").write_text("alter table item add column colour text;\n")
    assert_builds_again(folder, cache)


def test_golang_migrate_sql_builds_again_when_a_way_forward_is_added(copied, cache):
    """The ways back make no database: a change of one is a hit."""
    folder = copied("golang_migrate_sql")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, "-n", "2", passed=5)
    files = folder / "db/migrations"
    edit(files / "000001_links.down.sql", "DROP TABLE link;", "DROP TABLE link; -- with all its rows")
    assert_hits(folder, *WITHOUT_ASYNCIO, passed=5)
    (files / "000004_colours.up.sql").write_text("ALTER TABLE link ADD COLUMN colour TEXT;\n")
    edit(folder / "tests/test_migrations.py", "[(3, 0)]", "[(4, 0)]")
    assert_builds_again(folder, cache)


def test_create_all_only_builds_again_when_a_model_changes(copied, cache):
    """Also one in a module that the named one imports; what only uses the models is a hit."""
    folder = copied("create_all_only")
    pytest_cold_and_warm(folder, cache, *WITHOUT_ASYNCIO, "-n", "2", passed=3)
    reports = folder / "weather/reports.py"
    reports.write_text(reports.read_text() + "\nX = 1\n")
    assert_hits(folder, *WITHOUT_ASYNCIO, passed=3)
    edit(
        folder / "weather/stations.py",
        "    altitude: Mapped[int]",
        "    altitude: Mapped[int]\n    owner: Mapped[str | None]",
    )
    assert_builds_again(folder, cache)


@pytest.mark.parametrize(
    ("recipe", "added", "text", "named"),
    [
        pytest.param(
            "flask_migrate",
            "migrations/versions/0004_bad.py",
            "from alembic import op\nrevision, down_revision = '0004', '0003'\n"
            "def upgrade(): op.execute('insert into nowhere values (1)')\n",
            "migration 0004 failed",
            marks=needs_flask,
        ),
        pytest.param(
            "peewee_migrate",
            "migrations/004_bad.py",
            "def migrate(migrator, database, *, fake=False): migrator.sql('insert into nowhere values (1)')\n",
            "Migration failed: 004_bad",
            marks=needs_peewee,
        ),
        pytest.param(
            "sqlite_utils",
            "bad.py",
            "from migrations import migrations, migrate\n"
            "@migrations()\ndef bad(db): db.execute('insert into nowhere values (1)')\n",
            "in bad\n",
            marks=needs_sqlite_utils,
        ),
        pytest.param(
            "yoyo",
            "migrations/0005.bad.sql",
            "insert into nowhere values (1);\n",
            "Applying 0005.bad",
            marks=needs_yoyo,
        ),
        pytest.param(
            "litestar_advanced_alchemy",
            "migrations/versions/0003_bad.py",
            "from alembic import op\nrevision, down_revision = '0003', '0002'\n"
            "def upgrade(): op.execute('insert into nowhere values (1)')\n",
            "migration 0003 failed",
            marks=needs_litestar,
        ),
        (
            "golang_migrate_sql",
            "db/migrations/000004_bad.up.sql",
            "INSERT INTO nowhere VALUES (1);\n",
            "migration 4 (bad)",
        ),
    ],
)
def test_a_build_of_a_recipe_writes_no_file_of_its_own_and_names_the_migration_that_fails(
    copied, recipe, added, text, named
):
    """Neither the library nor a failure leaves anything in the project."""
    folder = copied(recipe)
    files = set(folder.rglob("*"))
    assert run("templatedb", "build", cwd=folder).returncode == 0
    assert set(folder.rglob("*")) == files
    added_file = write(folder / added, text)
    if recipe == "sqlite_utils":
        settings = folder / "pyproject.toml"
        settings.write_text(settings.read_text().replace("migrations:migrate", "bad:migrate"))
    done = run("templatedb", "build", cwd=folder)
    assert done.returncode == 1
    assert "no such table: nowhere" in done.stderr.splitlines()[0]
    assert named in done.stderr
    assert set(folder.rglob("*")) == files | {added_file}


@pytest.mark.parametrize("recipe", sorted(path.parent.name for path in RECIPES.glob("*/pyproject.toml")))
def test_every_recipe_is_run_here_and_says_when_to_use_it(recipe):
    """In its own README and in the list of recipes."""
    assert any(f"\ndef test_{recipe}_" in path.read_text() for path in Path(__file__).parent.glob("test_examples*.py"))
    readme = (RECIPES / recipe / "README.md").read_text()
    assert "**When:**" in readme
    assert "**Copy:**" in readme
    assert f"[{recipe}]({recipe})" in (RECIPES / "README.md").read_text()
