"""What a developer sees: fixtures, the line, the summary, and what is left when a test fails."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from projects import alembic_project, builds_in, revision, write

ROW = "connection.execute(\"insert into t1 (name) values ('mine')\"); connection.commit()"
ISOLATED = f"""
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_a_row_of_ones_own(clone_connection, number):
        connection = clone_connection
        {ROW}
        assert connection.execute("select name from t1").fetchall() == [("row 1",), ("mine",)]
    """


@pytest.fixture
def project_suite(suite):
    """A project with two revisions, and a pytest to run in it."""
    alembic_project(suite.path)
    return suite


def summary(result) -> str:
    text = "\n".join(result.outlines)
    found = re.search(r"=+ templatedb =+\n(.*?)\n=", text, re.DOTALL)
    return found[1] if found else ""


def test_each_test_starts_from_the_golden(project_suite):
    """Every test commits, none sees another's rows."""
    project_suite.makepyfile(ISOLATED)
    result = project_suite.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=6)


def test_every_fixture_gives_what_it_says(project_suite, cache):
    """One look at all of them, raw and through SQLAlchemy, sync and async."""
    project_suite.makepyfile(
        """
        import pathlib, sqlite3
        import pytest
        from sqlalchemy import text
        from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
        from sqlalchemy.orm import Session
        import sqlalchemy, templatedb

        def test_golden(templatedb_golden, templatedb_template):
            assert isinstance(templatedb_golden, templatedb.Golden)
            assert templatedb_golden.key == templatedb_template.key() == templatedb_golden.manifest.key
            assert templatedb_golden.path.is_file()
            assert templatedb_golden.outcome == "built"

        def test_clone(clone, clone_path, clone_url, clone_async_url, clone_connection):
            assert isinstance(clone, templatedb.Clone)
            assert isinstance(clone_path, pathlib.Path) and clone_path == clone.path
            assert (clone_url, clone_async_url) == (clone.url, clone.async_url)
            assert isinstance(clone_connection, sqlite3.Connection)
            assert "CREATE TABLE t1" in clone.dump()

        def test_engine_and_session_share_the_database(clone_engine, clone_session, clone_connection):
            assert isinstance(clone_engine, sqlalchemy.Engine) and isinstance(clone_session, Session)
            clone_session.execute(text("delete from t1"))
            clone_session.commit()
            with clone_engine.connect() as connection:
                assert connection.scalar(text("select count(*) from t1")) == 0
            assert clone_connection.execute("select count(*) from t1").fetchone() == (0,)

        @pytest.mark.asyncio
        async def test_async(clone_async_engine, clone_async_session, clone):
            assert isinstance(clone_async_engine, AsyncEngine) and isinstance(clone_async_session, AsyncSession)
            await clone_async_session.execute(text("delete from t1"))
            await clone_async_session.commit()
            async with clone_async_engine.connect() as connection:
                assert await connection.scalar(text("select count(*) from t1")) == 0
            assert clone.connect().execute("select count(*) from t1").fetchone() == (0,)

        @pytest.fixture(scope="module")
        def shared(clone_factory):
            with clone_factory() as clone:
                yield clone

        @pytest.mark.parametrize("number", range(2))
        def test_factory(clone_factory, shared, number):
            with clone_factory() as one, clone_factory("memory") as two:
                assert one.dump() == two.dump() == shared.dump()
                assert one.url != two.url
        """
    )
    result = project_suite.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=6)
    assert builds_in(cache) == 1


def test_public_fixtures_have_a_line_for_people(project_suite):
    """pytest --fixtures is the first page of documentation."""
    result = project_suite.runpytest_subprocess("--fixtures")
    told = "\n".join(result.outlines)
    names = [
        "templatedb_golden", "clone", "clone_path", "clone_url", "clone_async_url", "clone_connection", "clone_engine",
        "clone_session", "clone_async_engine", "clone_async_session", "clone_factory", "templatedb_template",
        "templatedb_engine_factory", "templatedb_async_engine_factory",
    ]  # fmt: skip
    for name in names:
        assert re.search(rf"^{name}( \[session scope\])? -- .*\n    \S", told, re.MULTILINE), name


def test_in_memory_by_marker_option_or_setting(project_suite):
    """The marker is the strongest; several connections and threads share one database."""
    project_suite.makepyfile(
        """
        import threading
        import pytest

        def test_default(clone):
            assert clone.kind == "memory"

        @pytest.mark.templatedb(clone="file")
        def test_marked(clone):
            assert clone.kind == "file"

        def test_shared(clone_session, clone_connection, clone_engine):
            from sqlalchemy import text

            def work():
                with clone_engine.begin() as connection:
                    connection.execute(text("delete from t1"))

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            assert clone_session.scalar(text("select count(*) from t1")) == 0
            assert clone_connection.execute("select count(*) from t1").fetchone() == (0,)
        """
    )
    result = project_suite.runpytest_subprocess("-W", "error", "--templatedb-clone=memory")
    result.assert_outcomes(passed=3)
    write(project_suite.path / "templatedb.toml", 'clone = "memory"\n')
    result = project_suite.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=3)
    assert "3 clones (1 copied, 2 in memory)" in summary(result)


def test_a_path_asked_of_a_clone_in_memory_is_one_line(project_suite):
    """With the remedy."""
    project_suite.makepyfile("def test_it(clone_path): pass")
    result = project_suite.runpytest_subprocess("--templatedb-clone=memory")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["templatedb: a clone in memory has no path. Use its url, or ask for a file: *"])


def test_the_closest_marker_counts_in_any_order_of_tests(project_suite):
    """Those of classes and modules are looked for once for all their tests, which may run in turns with others."""
    project_suite.makepyfile(
        test_mixed="""
        import pytest

        pytestmark = pytest.mark.templatedb(clone="memory")

        @pytest.mark.templatedb(clone="file")
        class TestFiles:
            def test_of_class(self, clone):
                assert clone.kind == "file"

            @pytest.mark.templatedb(clone="memory")
            def test_own(self, clone):
                assert clone.kind == "memory"

        def test_of_module(clone):
            assert clone.kind == "memory"

        @pytest.mark.templatedb(clone="file")
        @pytest.mark.templatedb(clone="memory")
        def test_nearest_of_two(clone):
            assert clone.kind == "memory"
        """,
        test_none="""
        def test_plain(clone):
            assert clone.kind == "file"
        """,
    )
    mixed = "test_mixed.py::"
    one = (f"{mixed}test_of_module", f"{mixed}TestFiles::test_of_class", "test_none.py", f"{mixed}TestFiles::test_own")
    two = (f"{mixed}test_nearest_of_two", f"{mixed}TestFiles", "test_none.py", f"{mixed}test_of_module")
    project_suite.runpytest_subprocess("-p", "no:randomly", *one).assert_outcomes(passed=4)
    project_suite.runpytest_subprocess("-p", "no:randomly", *two).assert_outcomes(passed=5)


def test_a_clone_asks_for_no_fixture_of_pytests(project_suite, monkeypatch):
    """Not for ``pytestconfig``, say, which asks for ``request``: that costs every test a fifth of its clone."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    template, factory, async_factory = (
        "templatedb_template",
        "templatedb_engine_factory",
        "templatedb_async_engine_factory",
    )
    expected = {
        **dict.fromkeys(("clone", "clone_path", "clone_url", "clone_async_url", "clone_connection"), (template,)),
        **dict.fromkeys(("clone_engine", "clone_session"), (template, factory)),
        **dict.fromkeys(("clone_async_engine", "clone_async_session"), (template, async_factory)),
        "templatedb_golden": (template, "_templatedb_golden"),
        "clone_factory": (template, "_templatedb_factory"),
    }
    project_suite.makepyfile("\n".join(f"def test_{name}({name}): pass" for name in expected))
    project_suite.makeconftest("""
        import json

        def pytest_collection_modifyitems(items):
            names = {item.name.removeprefix("test_"): sorted(item.fixturenames) for item in items}
            with open("names.json", "w") as file:
                json.dump(names, file)
        """)
    project_suite.runpytest_subprocess("-p", "templatedb.plugin", "--collect-only")
    asked = json.loads((project_suite.path / "names.json").read_text())
    assert asked == {name: sorted([name, *others]) for name, others in expected.items()}


def test_a_wrong_marker_is_one_line(project_suite):
    """It names what it takes."""
    project_suite.makepyfile("import pytest\n@pytest.mark.templatedb(clone='disk')\ndef test_it(clone): pass")
    result = project_suite.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['templatedb: the marker takes clone="file" or clone="memory", not \'disk\''])


def test_the_line_says_built_then_hit_and_the_summary_repeats_it(project_suite):
    """After collection, and at the end with clones, their cost and what was saved."""
    project_suite.makepyfile(ISOLATED)
    result = project_suite.runpytest_subprocess()
    text = "\n".join(result.outlines)
    (_collected, line) = re.search(r"(collected 6 items)\n(templatedb: .*)\n", text).groups()
    assert re.fullmatch(r"templatedb: golden [0-9a-f]{8} built in [\d.]+ s \(2 revisions, \d+ kB\)", line)
    said = summary(result).splitlines()
    assert said[0] == line.removeprefix("templatedb: ")
    assert re.match(r"6 clones \(1 copied, 5 restored in place\), median \d\.\d\d ms", said[1])
    result = project_suite.runpytest_subprocess()
    assert re.match(r"golden [0-9a-f]{8} hit \(2 revisions, \d+ kB, built \d+ s ago\)\n6 clones", summary(result))


@pytest.mark.parametrize(
    "words", [("--collect-only",), ("--help",), ("-k", "none"), ("--setup-plan",), ("--fixtures",), ("--markers",)]
)
def test_nothing_is_built_or_made_when_no_test_runs(project_suite, cache, words):
    """No golden, no cache directory, no line."""
    project_suite.makepyfile(ISOLATED)
    result = project_suite.runpytest_subprocess(*words)
    assert not cache.exists()
    assert "templatedb: golden" not in "\n".join(result.outlines)


def test_a_suite_that_needs_no_database_sees_nothing_of_us(suite, cache):
    """No settings are asked for either."""
    suite.makepyfile("def test_it(): pass")
    result = suite.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=1)
    assert "templatedb: " not in "\n".join(result.outlines)
    assert not cache.exists()


def test_without_settings_each_test_gets_one_line_and_the_summary_the_remedy(suite):
    """What to paste stands once."""
    suite.makepyfile("def test_a(clone): pass\ndef test_b(clone): pass")
    result = suite.runpytest_subprocess()
    result.assert_outcomes(errors=2)
    text = "\n".join(result.outlines)
    assert text.count("no settings found from") >= 3
    assert '    [tool.templatedb]\n    alembic = "path/to/alembic.ini"' in text


FAILING = {
    "r1.py": revision(1),
    "r2.py": revision(
        2, "print('about to fail')\nopen('builds.txt', 'a').write('x')\nop.execute('select * from no_such_table')"
    ),
}


@pytest.mark.parametrize("words", [(), ("-n", "8")], ids=["alone", "8 workers"])
def test_a_failing_migration_is_tried_once_and_reported_once(suite, cache, words):
    """One line for each test, the whole report in the summary, exit code 1, nothing published."""
    alembic_project(suite.path, revisions=FAILING)
    suite.makepyfile(ISOLATED)
    result = suite.runpytest_subprocess(*words)
    text = "\n".join(result.outlines)
    assert result.ret == 1
    result.assert_outcomes(errors=6)
    assert "INTERNALERROR" not in text
    line = "templatedb: migration r2 (make t2) failed: OperationalError: (sqlite3.OperationalError) no such table:"
    assert text.count(f"\n{line} no_such_table (the whole report is in the summary)") == 6
    assert text.count("= templatedb: no database for the tests that need one =") == 1
    assert text.count("about to fail") == 1
    assert text.count("Traceback (most recent call last)") == 1
    assert 'scripts/versions/r2.py"' in text
    assert "site-packages" not in text.split("no database for the tests", 1)[1].split("short test summary")[0]
    assert (suite.path / "builds.txt").read_text() == "x"
    assert not list(cache.glob("v1/goldens/*"))


def test_four_workers_cold_build_once_and_warm_never_import_alembic(project_suite, cache):
    """Counted in the cache, in the build, and in every process."""
    body = "open('builds.txt', 'a').write('x')\nop.create_table('t1', sa.Column('name', sa.String))"
    alembic_project(project_suite.path, revisions={"r1.py": revision(1, body), "r2.py": revision(2)})
    project_suite.makepyfile(
        """
        import os, pathlib, sys
        import pytest

        @pytest.mark.parametrize("number", range(24))
        def test_it(clone_connection, number):
            clone_connection.execute("insert into t1 values ('x')")
            clone_connection.commit()
            assert clone_connection.execute("select count(*) from t1").fetchone() == (1,)
            loaded = [name for name in ("alembic", "sqlalchemy") if name in sys.modules]
            pathlib.Path(f"loaded-{os.environ['PYTEST_XDIST_WORKER']}").write_text(repr(loaded))
        """
    )
    for line in (r"golden [0-9a-f]{8} built in [\d.]+ s ", r"golden [0-9a-f]{8} hit "):
        result = project_suite.runpytest_subprocess("-n", "4", "-W", "error")
        result.assert_outcomes(passed=24)
        assert re.match(line, summary(result))
        assert re.search(r"24 clones \([1-4] copied, 2[0-3] restored in place\)", summary(result))
        assert len(re.findall(r"^templatedb: " + line, "\n".join(result.outlines), re.MULTILINE)) == 1
    assert (builds_in(cache), (project_suite.path / "builds.txt").read_text()) == (1, "x")
    loaded = {path.read_text() for path in project_suite.path.glob("loaded-*")}
    assert loaded == {"[]"}


TWO_TEMPLATES = {
    "conftest": """
        import pytest
        from pathlib import Path
        from templatedb import Alembic, Template

        @pytest.fixture(scope="session")
        def templatedb_template():
            return Template(Alembic(Path(__file__).parent / "alembic.ini"))
        """,
    "test": """
        def test_own_tables(clone_session, clone_connection, {extra}):
            names = [name for (name,) in clone_connection.execute(
                "select name from sqlite_master where type = 'table' and name like 't%'")]
            assert names == ["{table}"]
        """,
}


def two_folders(path, extra="clone_path"):
    for folder, number in (("first", 1), ("second", 2)):
        alembic_project(path / folder, revisions={f"r{number}.py": revision(number, after=None)})
        write(path / folder / "conftest.py", TWO_TEMPLATES["conftest"])
        write(path / folder / f"test_{folder}.py", TWO_TEMPLATES["test"].format(table=f"t{number}", extra=extra))


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_two_folders_with_templates_of_their_own_get_two_databases(suite, cache, order):
    """In both orders: nothing is filled by the first and seen by the second."""
    two_folders(suite.path)
    result = suite.runpytest_subprocess("-W", "error", *order)
    result.assert_outcomes(passed=2)
    assert builds_in(cache) == 2
    named = re.findall(r"^golden .* built in .* from (.*)$", summary(result), re.MULTILINE)
    assert named == [f"{folder}/alembic.ini" for folder in order]


def test_a_factory_asked_for_dynamically_refuses_as_well(suite):
    """request.getfixturevalue leads to the same factory."""
    two_folders(suite.path)
    for folder in ("first", "second"):
        write(
            suite.path / folder / f"test_{folder}.py",
            """
            def test_it(request):
                with request.getfixturevalue("clone_factory")() as clone:
                    pass
            """,
        )
    result = suite.runpytest_subprocess("first", "second")
    result.assert_outcomes(passed=1, failed=1)
    assert "templatedb: clone_factory lives for the whole session" in result.stdout.str()


def test_both_of_two_failing_templates_are_reported(suite):
    """Even when they are written alike."""
    for folder in ("first", "second"):
        alembic_project(suite.path / folder, revisions={"r1.py": revision(1, f"raise ValueError('{folder}')")})
        write(
            suite.path / folder / "conftest.py",
            """
            import pytest
            from pathlib import Path
            from templatedb import Alembic, Template

            @pytest.fixture(scope="session")
            def templatedb_template():
                return Template(Alembic("alembic.ini"), root=Path(__file__).parent)
            """,
        )
        write(suite.path / folder / f"test_{folder}.py", "def test_it(clone): pass\n")
    result = suite.runpytest_subprocess("-n2")
    result.assert_outcomes(errors=2)
    assert result.stdout.str().count("= templatedb: no database for the tests that need one =") == 2


def test_a_template_made_for_each_test_is_built_once_even_without_a_cache(project_suite, cache):
    """A private build is shared by its key."""
    cache.touch()
    body = "open('builds.txt', 'a').write('x')\nop.create_table('t1', sa.Column('name', sa.String))"
    alembic_project(project_suite.path, revisions={"r1.py": revision(1, body)})
    project_suite.makepyfile(
        """
        import pytest
        from templatedb import Alembic, Template

        @pytest.fixture
        def templatedb_template():
            return Template(Alembic("alembic.ini"))

        @pytest.mark.parametrize("number", range(3))
        def test_it(clone, number):
            pass
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)
    assert (project_suite.path / "builds.txt").read_text() == "x"


def test_two_templates_of_one_key_keep_their_own_settings(suite, cache):
    """One golden, but one wants its clones in memory."""
    alembic_project(suite.path)
    for folder, kind in (("first", "memory"), ("second", "file")):
        write(
            suite.path / folder / "conftest.py",
            f"""
            import pytest
            from templatedb import Alembic, Template

            @pytest.fixture(scope="session")
            def templatedb_template():
                return Template(Alembic("alembic.ini"), clone="{kind}")
            """,
        )
        write(suite.path / folder / f"test_{folder}.py", f"def test_it(clone): assert clone.kind == '{kind}'\n")
    suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)
    assert builds_in(cache) == 1


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_a_factory_asked_for_under_two_templates_refuses_and_names_both(suite, order):
    """It lives for the session, so it cannot serve both."""
    two_folders(suite.path, extra="clone_factory")
    result = suite.runpytest_subprocess(*order)
    result.assert_outcomes(passed=1, errors=1)
    (line,) = [line for line in result.outlines if line.startswith("templatedb: clone_factory lives for")]
    assert f"{order[0]}/alembic.ini" in line
    assert f"{order[1]}/alembic.ini" in line


def test_an_overridden_template_is_built_at_first_use_only(suite, cache):
    """It cannot be known earlier, and the project's own is not built for it."""
    two_folders(suite.path)
    suite.makepyfile("def test_it(): pass")
    suite.runpytest_subprocess("-k", "test_it").assert_outcomes(passed=1, deselected=2)
    assert not cache.exists()


def test_a_relative_path_in_code_starts_at_the_rootdir(suite, cache):
    """Whatever the working directory is."""
    alembic_project(suite.path / "db")
    suite.makeconftest(
        """
        import pytest
        from templatedb import Alembic, Template

        @pytest.fixture(scope="session")
        def templatedb_template():
            return Template(Alembic("db/alembic.ini"))
        """
    )
    write(suite.path / "tests/test_it.py", "def test_it(clone_path): assert clone_path.exists()")
    os.chdir(suite.path / "tests")
    suite.runpytest_subprocess("--rootdir", str(suite.path), "-W", "error").assert_outcomes(passed=1)


def test_a_suite_with_a_fixture_called_clone_of_its_own_builds_nothing(project_suite, cache):
    """It has our name and not our work; a migration that fails would concern nobody."""
    project_suite.makepyfile(
        """
        import sys

        import pytest

        @pytest.fixture
        def clone():
            return "a sheep"

        def test_it(clone):
            assert clone == "a sheep"
            assert "templatedb.testrun" not in sys.modules
        """
    )
    result = project_suite.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=1)
    assert ("golden" in result.stdout.str(), cache.exists()) == (False, False)


def test_a_pytest_that_ran_inside_of_a_test_leaves_the_test_its_clone(project_suite):
    """A plugin's own tests run pytest in their process; the clone that is asked for afterwards is of the outer one."""
    project_suite.makeconftest("pytest_plugins = ['pytester']")
    project_suite.makepyfile(
        """
        def test_it(pytester, request):
            pytester.makepyfile("def test_inner(): pass")
            pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=1)
            clone = request.getfixturevalue("clone")
            assert clone.connect().execute("select name from t1").fetchall() == [("row 1",)]
            assert request.getfixturevalue("clone_path") == clone.path

        def test_next(clone):
            assert not clone.closed
        """
    )
    project_suite.runpytest_subprocess("-W", "error", "-p", "no:randomly").assert_outcomes(passed=2)


def test_the_clone_lives_until_the_fixtures_that_use_it_have_ended(project_suite):
    """Theirs and the project's: what a tear-down writes or reads is still the test's own database."""
    project_suite.makepyfile(
        """
        import pytest

        @pytest.fixture
        def shop(clone_connection, clone):
            yield clone_connection
            clone_connection.execute("insert into t1 (name) values ('at the end')")
            clone_connection.commit()
            assert not clone.closed and "at the end" in clone.dump()

        def test_one(shop):
            pass

        def test_two(shop):
            assert shop.execute("select name from t1").fetchall() == [("row 1",)]
        """
    )
    project_suite.runpytest_subprocess("-W", "error", "-p", "no:randomly").assert_outcomes(passed=2)


def test_a_projects_own_fixture_called_clone_changes_nothing_of_ours(project_suite):
    """Public fixtures never depend on each other's public names."""
    project_suite.makepyfile(
        """
        import pytest

        @pytest.fixture
        def clone():
            return "a sheep"

        @pytest.fixture
        def clone_engine():
            return "a sheep's engine"

        def test_it(clone, clone_engine, clone_session, clone_path):
            from sqlalchemy import text
            assert clone == "a sheep"
            assert clone_session.scalar(text("select count(*) from t1")) == 1
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_engine_factories_can_be_overridden(project_suite):
    """One's own pragmas and options."""
    project_suite.makeconftest(
        """
        import pytest
        from sqlalchemy import create_engine, event
        from sqlalchemy.ext.asyncio import create_async_engine

        def with_foreign_keys(engine, target):
            @event.listens_for(target, "connect")
            def on_connect(connection, record):
                cursor = connection.cursor()
                cursor.execute("pragma foreign_keys = on")
                cursor.close()
            return engine

        @pytest.fixture(scope="session")
        def templatedb_engine_factory():
            def make(url):
                engine = create_engine(url)
                return with_foreign_keys(engine, engine)
            return make

        @pytest.fixture(scope="session")
        def templatedb_async_engine_factory():
            def make(url):
                engine = create_async_engine(url)
                return with_foreign_keys(engine, engine.sync_engine)
            return make
        """
    )
    project_suite.makepyfile(
        """
        import pytest
        from sqlalchemy import text

        def test_sync(clone_session):
            assert clone_session.scalar(text("pragma foreign_keys")) == 1

        @pytest.mark.asyncio
        async def test_async(clone_async_session):
            assert (await clone_async_session.scalar(text("pragma foreign_keys"))) == 1
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_a_clone_of_a_passing_test_is_gone_after_it(project_suite):
    """The next one finds its place restored; nothing is kept for three sessions like tmp_path."""
    project_suite.makepyfile(
        """
        import os, pathlib
        paths = []

        def test_one(clone_path, clone_session):
            from sqlalchemy import text
            clone_session.execute(text("delete from t1"))
            paths.append(clone_path)

        def test_two(clone, clone_path):
            assert clone.connect().execute("select count(*) from t1").fetchone() == (1,)
            assert clone_path == paths[0]
            assert sorted(os.listdir(clone_path.parent)) in ([clone_path.name], ["alive", clone_path.name])
            pathlib.Path("folder.txt").write_text(str(clone_path.parent))
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)
    assert not Path((project_suite.path / "folder.txt").read_text()).exists()


def test_a_test_that_leaves_everything_open_causes_no_warning_and_no_harm(project_suite):
    """Sessions, cursors, half-read results: closed with the clone, under -W error."""
    project_suite.makepyfile(
        """
        import gc
        from sqlalchemy import text

        def test_one(clone_session, clone_connection, clone, clone_engine):
            clone_session.execute(text("insert into t1 (name) values ('x')"))
            other = clone.connect()
            other.execute("select * from t1").fetchone()
            clone_connection.execute("select * from t2").fetchone()

        def test_two(clone_session):
            gc.collect()
            assert clone_session.scalar(text("select count(*) from t1")) == 1
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_async_sessions_leave_no_thread(project_suite):
    """aiosqlite's threads end with the engine."""
    project_suite.makepyfile(
        """
        import threading
        import pytest
        from sqlalchemy import text

        @pytest.mark.asyncio
        async def test_one(clone_async_session, clone_async_engine):
            await clone_async_session.execute(text("insert into t1 (name) values ('x')"))
            async with clone_async_engine.connect() as connection:
                await connection.execute(text("select 1"))

        def test_two():
            assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_without_aiosqlite_the_async_engine_says_what_to_install(project_suite):
    """An extra, named."""
    project_suite.makeconftest("import sys; sys.modules['aiosqlite'] = None")
    project_suite.makepyfile("def test_it(clone_async_engine): pass")
    result = project_suite.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            (
                "templatedb: clone_async_engine and clone_async_session need aiosqlite, which is not installed. Run: pip install aiosqlite"
            )
        ]
    )


def test_strict_and_cache_dir_and_require_hit_are_options(project_suite, tmp_path):
    """The option's directory is stronger than the variable; a required hit that is none names the key."""
    project_suite.makepyfile("def test_it(clone): pass")
    other = tmp_path / "other"
    result = project_suite.runpytest_subprocess(f"--templatedb-cache-dir={other}", "--templatedb-require-hit", "-n1")
    result.assert_outcomes(errors=1)
    assert f"in {other}" in "\n".join(result.outlines)
    project_suite.runpytest_subprocess(f"--templatedb-cache-dir={other}").assert_outcomes(passed=1)
    assert builds_in(other) == 1
    project_suite.runpytest_subprocess(
        f"--templatedb-cache-dir={other}", "--templatedb-require-hit", "-n1"
    ).assert_outcomes(passed=1)
    other.chmod(0o777)
    result = project_suite.runpytest_subprocess(f"--templatedb-cache-dir={other}")
    result.assert_outcomes(passed=1)
    assert "building privately, this run pays for it alone" in summary(result)
    project_suite.runpytest_subprocess(f"--templatedb-cache-dir={other}", "--templatedb-strict").assert_outcomes(
        errors=1
    )


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "2 workers"])
def test_rebuild_builds_once_for_all_workers(project_suite, cache, words):
    """Once in a run, however many ask."""
    project_suite.makepyfile(ISOLATED)
    project_suite.runpytest_subprocess(*words).assert_outcomes(passed=6)
    project_suite.runpytest_subprocess("--templatedb-rebuild", *words).assert_outcomes(passed=6)
    assert builds_in(cache) == 2


def test_a_run_that_waits_for_another_says_for_whom_and_goes_on(project_suite, cache):
    """After a second, in the terminal and in the summary; after the timeout it builds privately."""
    from templatedb import load, lock
    from templatedb.cache_trust import open_cache

    write(project_suite.path / "templatedb.toml", 'lock_timeout = "2s"\n')
    project_suite.makepyfile("def test_it(clone): pass")
    path = open_cache(cache).lock_path(load(project_suite.path).key())
    with lock.hold(path, timeout_s=1, run="another"):
        result = project_suite.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    text = "\n".join(result.outlines)
    line = f"templatedb: waiting for process {os.getpid()} on {os.uname().nodename}, since "
    assert text.index(line) < text.index("1 passed")
    assert "building privately, this run pays for it alone: the lock " in summary(result)
    assert re.search(r"golden [0-9a-f]{8} built privately in ", summary(result))


def test_no_test_timeout_counts_a_build(project_suite):
    """The golden is made sure of before the first test."""
    slow = "import time; time.sleep(2.5)\nop.create_table('t1', sa.Column('id', sa.Integer))"
    alembic_project(project_suite.path, revisions={"r1.py": revision(1, slow)})
    project_suite.makepyfile("def test_it(clone): pass")
    project_suite.runpytest_subprocess("--timeout=2", "-n1").assert_outcomes(passed=1)


def test_unittest_classes_use_it_through_an_autouse_fixture(project_suite):
    """As pytest's documentation has it for fixtures in TestCase."""
    project_suite.makepyfile(
        """
        import unittest
        import pytest

        class TestStore(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _database(self, clone_connection):
                self.connection = clone_connection

            def test_it(self):
                self.assertEqual(self.connection.execute("select count(*) from t1").fetchone(), (1,))
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


TELL_MODULES = """
    import json, pathlib, sys

    def pytest_unconfigure():
        loaders = {name: type(module.__loader__).__name__ for name, module in list(sys.modules.items())
                   if getattr(module, "__loader__", None) is not None}
        pathlib.Path("modules.json").write_text(json.dumps(loaders))
"""

ONLY_FOR_MORE = frozenset(
    {"alembic", "sqlalchemy", "aiosqlite", "greenlet", "platformdirs", "asyncio", "subprocess", "socket"}
    | {"multiprocessing", "concurrent", "importlib.metadata", "inspect", "ast", "random", "statistics", "traceback"}
    | {"difflib", "uuid", "unicodedata", "decimal", "fractions", "selectors", "site"}
)
"""What a build, an engine, a failure or a connection may need, and a hit must not pay for."""


def modules_of(suite, *options):
    """Run pytest with its own plugins only, and return each module that it then had with the kind of its loader."""
    suite.runpytest_subprocess(*options).assert_outcomes(passed=1)
    return json.loads((suite.path / "modules.json").read_text())


def ours(modules):
    return {name for name in modules if name.partition(".")[0] == "templatedb"}


@pytest.fixture
def bare_suite(project_suite, monkeypatch):
    """A pytest without any plugin but those of its own, that tells which modules it imported."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project_suite.makepyprojecttoml("[tool.templatedb]\nalembic = 'alembic.ini'\n")
    project_suite.makeconftest(TELL_MODULES)
    return project_suite


def test_the_plugin_imports_nothing_heavy_before_it_is_used(bare_suite):
    """By list of modules, not by clock: pytest loads the plugin in every project it is installed in."""
    bare_suite.makepyfile("def test_it(): pass")
    without = modules_of(bare_suite)
    unused = modules_of(bare_suite, "-p", "templatedb.plugin")
    assert unused.keys() - without.keys() == {
        "templatedb",
        *map(
            "templatedb.{}".format, ("current_test", "early", "fixtures", "options", "plugin", "after_import", "opened")
        ),
    }


def test_a_hit_imports_neither_what_builds_nor_what_only_some_tests_want(bare_suite):
    """Nor does pytest look through the modules for assertions to rewrite, which takes longer than to run them."""
    bare_suite.makepyfile("def test_it(): pass")
    without = modules_of(bare_suite)
    bare_suite.makepyfile("def test_it(clone, clone_path, clone_url): pass")
    modules_of(bare_suite, "-p", "templatedb.plugin")
    warm = modules_of(bare_suite, "-p", "templatedb.plugin")
    new = warm.keys() - without.keys()
    assert {name for name in new if not ONLY_FOR_MORE.isdisjoint({name, name.partition(".")[0]})} == set()
    assert {name.removeprefix("templatedb.") for name in ours(warm)} == {
        *("templatedb", "plugin", "current_test", "fixtures", "running", "terminal", "testrun", "summary"),
        *("errors", "records", "urls", "toml", "pytest_configuration", "settings", "search", "digests", "inputs"),
        *("migrators", "migrators.alembic", "migrators.alembic_config", "migrators.versions"),
        *("key", "locations", "discovered", "files", "cache", "cache_trust", "plan", "golden"),
        *("slots", "slots.copy", "slots.image", "slots.in_place", "slots.reused", "slots.shared", "slots.worker"),
        *("early", "exported", "options", "place", "after_import", "opened", "connection_state", "pools"),
        *("clone", "lent", "handle", "known", "runoptions", "template", "unused", "uses"),
    }
    assert {warm[name] for name in ours(warm) - {"templatedb"}} == {"SourceFileLoader"}


def test_a_build_seen_on_a_terminal_shows_its_progress(project_suite):
    """Done of total, the name of the revision, elapsed; rewritten in one line and removed at the end."""
    import pty

    slow = "import time; time.sleep(0.7)\nop.create_table('t1', sa.Column('id', sa.Integer))"
    alembic_project(project_suite.path, revisions={"r1.py": revision(1, slow), "r2.py": revision(2)})
    project_suite.makepyfile("def test_it(clone): pass")
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q"], stdout=terminal, stderr=terminal, stdin=terminal, cwd=project_suite.path
    )
    os.close(terminal)
    said = b""
    while True:
        try:
            data = os.read(controller, 65536)
        except OSError:
            break
        if not data:
            break
        said += data
    assert process.wait() == 0
    os.close(controller)
    assert re.search(rb"templatedb: building golden 1/2 make t1 \(\d+ s\)", said)


def tables_and_rows(path: Path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("select name from t1 order by id").fetchall()
    finally:
        connection.close()


KEPT = """
    import pytest
    from sqlalchemy import text

    @pytest.fixture
    def outer():
        yield
        assert False, "outer teardown"

    @pytest.fixture
    def broken(clone_connection):
        clone_connection.execute("insert into t1 (name) values ('set-up')")
        clone_connection.commit()
        assert False, "set-up"

    @pytest.fixture
    def cleaning(clone_connection):
        yield
        clone_connection.execute("delete from t1")
        clone_connection.commit()

    def test_call(clone_session, cleaning):
        clone_session.execute(text("insert into t1 (name) values ('committed')"))
        clone_session.commit()
        clone_session.execute(text("insert into t1 (name) values ('flushed')"))
        assert False

    def test_setup(clone, broken):
        pass

    def test_outer_teardown(outer, clone_connection):
        clone_connection.execute("insert into t1 (name) values ('call')")
        clone_connection.commit()

    @pytest.mark.templatedb(clone="memory")
    def test_memory(clone_session):
        clone_session.execute(text("insert into t1 (name) values ('in memory')"))
        clone_session.commit()
        assert False

    @pytest.mark.parametrize("text", ["a/b c"])
    def test_odd_name(clone, text):
        assert False

    @pytest.mark.asyncio
    async def test_async(clone_async_session):
        await clone_async_session.execute(text("insert into t1 (name) values ('awaited')"))
        assert False

    def test_two(clone_factory):
        with clone_factory() as one, clone_factory() as two:
            assert False

    def test_passing(clone):
        pass
    """


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "2 workers"])
def test_a_failing_test_keeps_its_database_and_says_where(project_suite, words):
    """Set-up, call or a later teardown: the evidence is what was there at the failure."""
    project_suite.makepyfile(KEPT)
    result = project_suite.runpytest_subprocess("-W", "error", *words)
    text = "\n".join(result.outlines)
    folder = project_suite.path / ".pytest_cache/d/templatedb/failed"
    kept = {path.name: tables_and_rows(path) for path in folder.iterdir()}
    first = ("row 1",)
    assert kept == {
        "test_call.sqlite": [first, ("committed",)],
        "test_setup.sqlite": [first, ("set-up",)],
        "test_outer_teardown.sqlite": [first, ("call",)],
        "test_memory.sqlite": [first, ("in memory",)],
        "test_odd_name[a_b_c].sqlite": [first],
        "test_async.sqlite": [first],
        "test_two.sqlite": [first],
        "test_two-2.sqlite": [first],
    }
    for name in kept:
        assert f"database kept: {folder / name}" in text
    assert f"    sqlite3 {folder}/test_call.sqlite\n" in text
    assert f"    sqlite3 '{folder}/test_odd_name[a_b_c].sqlite'\n" in text
    assert "not committed when the test failed:\n    t1: 1 row added: (id=3, name='flushed')" in text
    assert "not committed when the test failed:\n    t1: 1 row added: (id=2, name='awaited')" in text


def test_a_report_has_no_rows_that_were_rolled_back_or_that_a_connection_of_ones_own_holds_open(project_suite):
    """Nobody knows of a connection of plain sqlite3; a pool's, and those of the fixtures, are looked into."""
    project_suite.makepyfile(
        """
        import sqlite3
        from sqlalchemy import create_engine, text

        INSERT = "insert into t1 (name) values ('open')"

        def test_plain(clone_path):
            connection = sqlite3.connect(clone_path)
            connection.execute(INSERT)
            assert connection is None

        def test_rolled_back(clone_connection):
            with clone_connection:
                clone_connection.execute(INSERT)
                assert False

        def test_fixture(clone_connection):
            clone_connection.execute(INSERT)
            assert False

        def test_engine(clone_url):
            connection = create_engine(clone_url).connect()
            connection.execute(text(INSERT))
            assert connection is None
        """
    )
    result = project_suite.runpytest_subprocess("-p", "no:randomly")
    result.assert_outcomes(failed=4)
    lines = [line.strip() for line in result.outlines if " row added: " in line or "committed no change" in line]
    unseen = "the test committed no change to its database: it made none, rolled it back or left it open"
    seen = "t1: 1 row added: (id=2, name='open')"
    assert lines == [unseen, unseen, seen, unseen, seen, unseen]


def test_a_test_that_takes_one_clone_after_the_other_has_one_place_and_keeps_the_last(project_suite):
    """As property tests do, hundreds of times: what it has closed goes back when it asks for another."""
    project_suite.makepyfile(
        """
        def test_many(clone_factory):
            places = set()
            for number in range(50):
                with clone_factory() as clone:
                    places.add(clone.path)
                    connection = clone.connect()
                    assert connection.execute("select name from t1").fetchall() == [("row 1",)]
                    connection.execute(f"insert into t1 (name) values ('{number}')")
                    connection.commit()
            assert len(places) == 1

        def test_failing(clone_factory, clone_connection):
            for number in range(50):
                with clone_factory() as one, clone_factory() as two:
                    for clone in (one, two):
                        connection = clone.connect()
                        connection.execute(f"insert into t1 (name) values ('{number}')")
                        connection.commit()
                    assert number < 30
        """
    )
    result = project_suite.runpytest_subprocess("-W", "error", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    folder = project_suite.path / ".pytest_cache/d/templatedb/failed"
    kept = {path.name: tables_and_rows(path) for path in folder.iterdir()}
    first = ("row 1",)
    assert kept == {
        "test_failing.sqlite": [first],
        "test_failing-2.sqlite": [first, ("30",)],
        "test_failing-3.sqlite": [first, ("30",)],
    }


def test_a_shared_database_is_not_kept_for_a_test_that_did_not_ask_for_it(project_suite):
    """The plain name is the test's own."""
    project_suite.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="session")
        def shared(clone_factory):
            with clone_factory() as clone:
                yield clone

        def test_a_user_of_it(shared):
            pass

        def test_own(clone_connection):
            clone_connection.execute("insert into t1 (name) values ('own')")
            clone_connection.commit()
            assert False

        def test_both(shared, clone_connection):
            clone_connection.execute("insert into t1 (name) values ('both')")
            clone_connection.commit()
            assert False
        """
    )
    project_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=1, failed=2)
    folder = project_suite.path / ".pytest_cache/d/templatedb/failed"
    kept = {path.name: tables_and_rows(path) for path in folder.iterdir()}
    first = ("row 1",)
    assert kept == {
        "test_own.sqlite": [first, ("own",)],
        "test_both.sqlite": [first, ("both",)],
        "test_both-2.sqlite": [first],
    }


def test_whatever_a_test_does_to_its_database_ends_no_run(project_suite):
    """A folder in its place, closed connections, converters that raise."""
    project_suite.makepyfile(
        """
        import sqlite3

        def test_folder(clone_path):
            clone_path.unlink()
            clone_path.mkdir()
            assert False

        def test_closed(clone):
            clone.connect().close()
            assert False

        def test_converter(clone):
            sqlite3.register_converter("varchar", lambda data: {})
            connection = clone.connect(detect_types=sqlite3.PARSE_DECLTYPES)
            connection.execute("insert into t1 (name) values ('x')")
            assert False

        def test_last(clone):
            pass
        """
    )
    result = project_suite.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=3)
    assert "INTERNALERROR" not in result.stdout.str()
    assert "Cannot operate on a closed" not in result.stdout.str()


def test_nothing_is_built_when_collection_fails(project_suite, cache):
    """The run ends there."""
    project_suite.makepyfile(test_a="def test_it(clone): pass", test_b="import no_such_module")
    project_suite.runpytest_subprocess().assert_outcomes(errors=1)
    assert not cache.exists()


def test_without_pytests_temporary_folders_clones_have_a_place(project_suite):
    """-p no:tmpdir."""
    project_suite.makepyfile("def test_it(clone_path): assert clone_path.exists()")
    command = [sys.executable, "-m", "pytest", "-p", "no:tmpdir", "-p", "no:randomly", "-p", "no:asyncio"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=project_suite.path, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_the_next_run_clears_what_the_last_one_kept(project_suite):
    """This project's, and only when tests run."""
    project_suite.makepyfile("import os\ndef test_it(clone): assert 'FINE' in os.environ")
    folder = project_suite.path / ".pytest_cache/d/templatedb/failed"
    project_suite.runpytest_subprocess().assert_outcomes(failed=1)
    assert os.listdir(folder) == ["test_it.sqlite"]
    project_suite.runpytest_subprocess("--collect-only")
    assert os.listdir(folder) == ["test_it.sqlite"]
    os.environ["FINE"] = "1"
    try:
        project_suite.runpytest_subprocess("-n", "2").assert_outcomes(passed=1)
    finally:
        del os.environ["FINE"]
    assert not folder.exists()


@pytest.mark.parametrize(("keep", "kept"), [("all", ["test_bad.sqlite", "test_good.sqlite"]), ("none", [])])
def test_what_is_kept_can_be_chosen(project_suite, keep, kept):
    """All or none; by option or setting."""
    project_suite.makepyfile("def test_good(clone): pass\ndef test_bad(clone): assert False")
    folder = project_suite.path / ".pytest_cache/d/templatedb/failed"
    project_suite.runpytest_subprocess(f"--templatedb-keep={keep}").assert_outcomes(passed=1, failed=1)
    assert sorted(path.name for path in folder.glob("*")) == kept
    write(project_suite.path / "templatedb.toml", f'keep = "{keep}"\n')
    project_suite.runpytest_subprocess().assert_outcomes(passed=1, failed=1)
    assert sorted(path.name for path in folder.glob("*")) == kept


def test_a_crashed_worker_is_replaced_and_the_rest_passes(project_suite, cache):
    """The replacement finds the golden."""
    project_suite.makepyfile(
        """
        import os, pathlib
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(clone_connection, number):
            if number == 3:
                os._exit(1)
            assert clone_connection.execute("select count(*) from t1").fetchone() == (1,)
        """
    )
    result = project_suite.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=7, failed=1)
    assert builds_in(cache) == 1


def test_without_pytests_cache_plugin_everything_still_works(project_suite):
    """Common in CI: -p no:cacheprovider."""
    project_suite.makepyfile("def test_it(clone): assert False")
    result = project_suite.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    assert (project_suite.path / ".pytest_cache/d/templatedb/failed/test_it.sqlite").exists()


@pytest.mark.parametrize("words", [(), ("-n1",)], ids=["alone", "worker"])
def test_an_error_that_nobody_foresaw_is_no_internal_error(project_suite, words):
    """A settings file that cannot be read, a bug of ours: each test gets a line, the summary the traceback."""
    project_suite.makeconftest(
        """
        import templatedb.template

        def broken(*arguments):
            raise ZeroDivisionError("a bug")

        templatedb.template.open_golden = broken
        """
    )
    project_suite.makepyfile("def test_it(clone): pass")
    result = project_suite.runpytest_subprocess(*words)
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert "INTERNALERROR" not in text
    assert text.count("an error that templatedb does not know: ZeroDivisionError: a bug") >= 2
    assert text.count("Traceback (most recent call last)") == 1


def test_a_wrong_setting_in_an_overridden_template_is_one_line(suite):
    """Never an internal error, with and without workers."""
    alembic_project(suite.path)
    suite.makeconftest(
        """
        import pytest
        from templatedb import Alembic, Template

        @pytest.fixture(scope="session")
        def templatedb_template():
            return Template(Alembic("alembic.ini"), required_table=["t1"])
        """
    )
    suite.makepyfile("def test_it(clone): pass")
    for words in ((), ("-n1",)):
        result = suite.runpytest_subprocess(*words)
        result.assert_outcomes(errors=1)
        assert (
            "\ntempla" + "tedb: unknown setting 'required_table' given in code. Did you mean 'required_tables'?\n"
            in result.stdout.str()
        )


def test_a_template_of_the_wrong_type_is_one_line(suite):
    """An easy slip: the migrator alone."""
    suite.makeconftest(
        """
        import pytest
        from templatedb import Alembic

        @pytest.fixture(scope="session")
        def templatedb_template():
            return Alembic("alembic.ini")
        """
    )
    suite.makepyfile("def test_it(clone): pass")
    result = suite.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    assert "templatedb_template must return a templatedb.Template, not Alembic(" in result.stdout.str()


def test_settings_errors_name_key_and_value(suite):
    """In each test's line and in the summary."""
    write(suite.path / "templatedb.toml", 'clone = "memroy"\n')
    suite.makepyfile("def test_it(clone): pass")
    result = suite.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    assert 'is \'memroy\'; allowed: "file" or "memory"' in "\n".join(result.outlines)


def test_the_manifest_in_the_cache_is_readable(project_suite, cache):
    """People look into caches."""
    project_suite.makepyfile("def test_it(clone): pass")
    project_suite.runpytest_subprocess().assert_outcomes(passed=1)
    (path,) = cache.glob("v1/manifests/*/1.json")
    facts = json.loads(path.read_bytes())
    assert facts["format"] == 1
    assert facts["heads"] == ["r2"]
    assert facts["key"] == path.parent.name


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="only Linux has storage backed by memory there")
@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_a_small_dev_shm_is_not_used_and_that_is_in_the_summary(project_suite, words):
    """Containers give it 64 MB; workers have no terminal, so the summary has the line."""
    project_suite.makeconftest(
        """
        import os

        real = os.statvfs

        def statvfs(path):
            return os.statvfs_result((4096, 4096, 16000, 16000, 16000, *real(path)[5:])) if str(path) == "/dev/shm" else real(path)

        os.statvfs = statvfs
        """
    )
    project_suite.makepyfile("def test_it(clone_path): assert '/dev/shm' not in str(clone_path)")
    result = project_suite.runpytest_subprocess(*words)
    result.assert_outcomes(passed=1)
    assert "/dev/shm has 65 MB left: the databases of tests are on disk" in summary(result)
