"""False clocks, false file systems and patched functions in tests do not reach what restores their databases."""

import pytest

from hygiene import function_project, has_passed, run_pytest, sql_project
from projects import builds_in, write
from templatedb import load, lock
from templatedb.cache_trust import open_cache

OWN_TEMPLATE = """
    import pytest
    from freezegun import freeze_time
    from templatedb import SqlFolder, Template

    @pytest.fixture(autouse=True)
    def frozen():
        with freeze_time("2012-01-14"):
            yield

    @pytest.fixture
    def templatedb_template(frozen):
        return Template(SqlFolder("db"), lock_timeout="2s")
    """
"""A conftest whose golden is first asked for under a clock that stands still."""


def test_a_clock_that_stands_still_dates_no_golden_and_costs_no_clone(project, cache):
    """A golden of 2012 would be too old for ``--templatedb-rebuild`` and for ``max_age``."""
    sql_project(project)
    write(project / "conftest.py", OWN_TEMPLATE)
    write(
        project / "test_it.py",
        """
        import time
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_it(clone_connection, templatedb_golden, number):
            assert time.time() == 1326499200.0
            assert templatedb_golden.manifest.built_at > 1.7e9
            assert templatedb_golden.outcome == "built"
            assert clone_connection.execute("select name from t1").fetchall() == [("row 1",)]
            clone_connection.execute("delete from t1")
            clone_connection.commit()
        """,
    )
    done = run_pytest(project)
    assert has_passed(done, 3)
    assert "median 0.00 ms" not in done.stdout
    assert has_passed(run_pytest(project, "--templatedb-rebuild"), 3)
    assert builds_in(cache) == 2


def test_a_clock_that_stands_still_does_not_make_a_lock_wait_for_ever(project, cache):
    """The limit counts real seconds."""
    sql_project(project)
    write(project / "conftest.py", OWN_TEMPLATE)
    write(project / "test_it.py", "def test_it(clone): pass")
    path = open_cache(cache).lock_path(load(project).key())
    with lock.hold(path, timeout_s=1, run="another"):
        done = run_pytest(project, timeout_s=30)
    assert has_passed(done, 1)
    assert "building privately, this run pays for it alone: the lock " in done.stdout


@pytest.mark.parametrize("order", ["fs, clone_session, clone_connection", "clone_session, clone_connection, fs"])
def test_a_false_file_system_has_our_databases_as_they_are(project, order):
    """Whether it is put up before the database or after it; what a failed test leaves is kept on the real disk."""
    sql_project(project, 'keep = "failed"\n')
    write(
        project / "test_it.py",
        f"""
        import os
        import pytest
        from sqlalchemy import text

        @pytest.mark.parametrize("number", range(3))
        def test_it({order}, clone_factory, number):
            assert not os.path.exists("/proc")
            assert clone_session.scalar(text("select count(*) from t1")) == 1
            clone_session.execute(text("delete from t1"))
            clone_session.commit()
            with clone_factory() as other, clone_factory("memory") as memory:
                assert other.dump() == memory.dump()
            assert number < 2
        """,
    )
    done = run_pytest(project)
    assert "2 passed" in done.stdout, done.stdout
    assert "1 failed" in done.stdout
    kept = sorted(path.name for path in project.rglob("*.sqlite"))
    assert kept == ["test_it[2]-2.sqlite", "test_it[2]-3.sqlite", "test_it[2].sqlite"]


PATCHES = {
    "chdir": "monkeypatch.chdir('/')",
    "HOME": "monkeypatch.setenv('HOME', '/nowhere')",
    "the cache": "monkeypatch.setenv('TEMPLATEDB_CACHE_DIR', '/nowhere')",
    "an empty environment": "[monkeypatch.delenv(name) for name in list(os.environ) if name != 'PYTEST_CURRENT_TEST']",
    "a sleep that does not": "monkeypatch.setattr(time, 'sleep', lambda seconds: None)",
    "a time": "monkeypatch.setattr(time, 'time', lambda: 0.0)",
    "a counter": "monkeypatch.setattr(time, 'perf_counter', lambda: 0.0)",
    "a folder": "monkeypatch.setattr(os, 'getcwd', lambda: '/nowhere')",
    "existence": "monkeypatch.setattr(os.path, 'exists', lambda path: True)",
    "a system": "monkeypatch.setattr(sys, 'platform', 'win32')",
    "open": "monkeypatch.setattr('builtins.open', None)",
    "listdir": "monkeypatch.setattr(os, 'listdir', None)",
    "remove": "[monkeypatch.setattr(os, name, None) for name in ('remove', 'unlink', 'rename', 'replace', 'makedirs')]",
}


@pytest.mark.parametrize("patch", PATCHES)
def test_what_a_test_patches_does_not_reach_its_database(project, patch):
    """Patched before the database is asked for, and taken back after it was given back."""
    sql_project(project)
    write(
        project / "test_it.py",
        f"""
        import os, sys, time
        import pytest
        from sqlalchemy import text

        @pytest.fixture
        def patched(monkeypatch):
            with monkeypatch.context() as monkeypatch:
                {PATCHES[patch]}
                yield

        @pytest.mark.parametrize("number", range(3))
        def test_it(patched, clone_session, clone_connection, number):
            assert clone_session.scalar(text("select count(*) from t1")) == 1
            clone_session.execute(text("delete from t1"))
            clone_session.commit()

        @pytest.mark.parametrize("number", range(2))
        def test_two(clone_session, clone_connection, patched, number):
            assert clone_session.scalar(text("select count(*) from t1")) == 1
            clone_session.execute(text("delete from t1"))
            clone_session.commit()
        """,
    )
    assert has_passed(run_pytest(project), 5)


def test_fixtures_of_ones_own_by_the_names_of_ours(project):
    """Those that the project did not replace go on working."""
    function_project(project, "pass")
    write(
        project / "conftest.py",
        """
        import pytest

        @pytest.fixture
        def clone():
            return "a sheep"

        @pytest.fixture
        def clone_path(tmp_path):
            return tmp_path / "field"

        @pytest.fixture(scope="session")
        def clone_factory():
            return "a breeder"
        """,
    )
    write(
        project / "test_it.py",
        """
        def test_it(clone, clone_path, clone_factory, clone_url, clone_connection, clone_session):
            assert (clone, clone_path.name, clone_factory) == ("a sheep", "field", "a breeder")
            assert clone_connection.execute("select name from t1").fetchall() == [("row 1",)]
            assert clone_url.endswith(".sqlite")
        """,
    )
    assert has_passed(run_pytest(project), 1)
