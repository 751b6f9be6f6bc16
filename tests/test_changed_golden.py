"""A golden that is written to in spite of its mode: noticed before the next clone, its writer named, built again."""

import os
import pickle
import sqlite3

import pytest

from projects import alembic_project, builds_in
from templatedb import CloneError, Golden, load
from templatedb.errors import GoldenChangedError
from templatedb.golden import open_golden
from templatedb.plan import Wishes
from templatedb.records import Outcome

WRITES = """
import os, sqlite3

def rows(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("select name from t1").fetchall()
    finally:
        connection.close()

def test_first(clone_path):
    assert rows(clone_path) == [("row 1",)]

def test_writer(clone_path, templatedb_golden):
    os.chmod(templatedb_golden.path, 0o600)
    connection = sqlite3.connect(templatedb_golden.path)
    connection.execute("insert into t1 (name) values ('not a migration')")
    connection.commit()
    connection.close()

def test_next(clone_path, templatedb_golden):
    assert rows(clone_path) == [("row 1",)]
    assert rows(templatedb_golden.path) == [("row 1",)]

def test_last(clone_path):
    assert rows(clone_path) == [("row 1",)]
"""


def write_into(path):
    os.chmod(path, 0o600)
    connection = sqlite3.connect(path)
    connection.execute("insert into t1 (name) values ('not a migration')")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_golden_that_a_test_writes_into_is_built_again_and_the_test_named(suite, cache, kind):
    """Later tests, also of the next run, start from what the migrations make."""
    alembic_project(suite.path)
    if kind == "memory":
        text = WRITES.replace("clone_path", "clone").replace(
            "rows(clone)", "clone.connect().execute('select name from t1').fetchall()"
        )
    else:
        text = WRITES
    suite.makepyfile(test_it=text)
    result = suite.runpytest_subprocess("-q", f"--templatedb-clone={kind}")
    result.assert_outcomes(passed=4)
    assert "test_it.py::test_writer" in result.stdout.str()
    result.stdout.fnmatch_lines(["*somebody wrote into the golden *: test_it.py::test_writer*it is built again*"])
    assert builds_in(cache) == 2
    suite.makepyfile(test_it="def test_it(clone): assert 'not a migration' not in clone.dump()")
    result = suite.runpytest_subprocess("-q")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*golden * hit *"])


def test_a_clone_of_a_golden_that_was_written_to_is_refused(project):
    """In the library there is no run that could build it again: the error says how."""
    alembic_project(project)
    with load().golden() as golden:
        golden.clone().close()
        write_into(golden.path)
        for _ in range(2):
            with pytest.raises(GoldenChangedError) as caught:
                golden.clone()
        error = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(error, CloneError)
        assert (error.path, str(error)) == (golden.path, str(caught.value))
        assert str(error) == (
            f"somebody wrote into the golden {golden.path} while it was in use\n"
            "Open clones only, never the golden itself. Template.golden() builds it again."
        )
    with load().golden() as golden, golden.clone() as clone:
        assert golden.outcome is Outcome.BUILT
        assert "not a migration" not in clone.dump()


def test_a_golden_that_is_written_to_between_its_check_and_its_first_clone_is_refused(project):
    """What counts is the stamp that it had before it was read for its digest."""
    alembic_project(project)
    template = load()
    opened = open_golden(template.migrator, template.settings, Wishes())
    write_into(opened.path)
    with Golden(opened, template.settings) as golden, pytest.raises(GoldenChangedError):
        golden.clone()


def test_a_golden_whose_times_change_is_read_again_and_used(project):
    """A prune takes its name away, a tool sets its mode: nothing was written."""
    alembic_project(project)
    with load().golden() as golden:
        expected = golden.clone().dump()
        os.chmod(golden.path, 0o440)
        assert golden.clone().dump() == expected
        os.unlink(golden.path)
        assert golden.clone().dump() == expected
