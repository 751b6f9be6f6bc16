"""Forks, daemons, threads and workers that die: nobody gets another's database, and nothing stays behind."""

import os
import signal
import time
from pathlib import Path

import pytest

from hygiene import function_project, has_passed, is_alive, run_pytest, sql_project, wait_for
from projects import builds_in, write

OWN_MEMORY = """
    from pathlib import Path
    from templatedb import place

    place.MEMORY = Path("memory").resolve()
    place.MEMORY.mkdir(exist_ok=True)
    place.Storage.__init__.__kwdefaults__["memory"] = place.MEMORY
    place._ROOM_BYTES = place._ROOM_GOLDENS = 0
    """
"""A conftest that has the slots in a folder of the project, where leftovers can be counted."""


def leftovers(project: Path) -> list[Path]:
    return sorted((project / "memory").glob("templatedb-slots-*"))


def age(folders: list[Path]) -> None:
    """Let a minute pass for folders: younger ones are not swept."""
    for folder in folders:
        os.utime(folder, (time.time() - 120, time.time() - 120))


def test_a_test_that_forks_keeps_its_database_and_its_child_gets_one_of_its_own(project):
    """The child's clone is another file with the golden's rows; the parent's rows are untouched by its end."""
    sql_project(project)
    write(
        project / "test_it.py",
        """
        import multiprocessing, os
        import pytest

        def in_child(factory, sender):
            with factory() as clone:
                connection = clone.connect()
                rows = connection.execute("select name from t1").fetchall()
                connection.execute("delete from t1")
                connection.commit()
                sender.send((str(clone.path), rows))

        @pytest.mark.filterwarnings("ignore::DeprecationWarning")
        @pytest.mark.parametrize("number", range(3))
        def test_it(clone, clone_connection, clone_factory, number):
            clone_connection.execute("insert into t1 values ('mine')")
            clone_connection.commit()
            fork = multiprocessing.get_context("fork")
            receiver, sender = fork.Pipe()
            child = fork.Process(target=in_child, args=(clone_factory, sender))
            child.start()
            path, rows = receiver.recv()
            child.join()
            assert child.exitcode == 0
            assert (path != str(clone.path), rows) == (True, [("row 1",)])
            assert clone_connection.execute("select name from t1").fetchall() == [("row 1",), ("mine",)]
        """,
    )
    assert has_passed(run_pytest(project), 3)


def test_a_migration_that_forks_ends_and_its_child_does_not_hold_the_lock(project):
    """Nor does the child live on: it belongs to the build's own group."""
    function_project(
        project,
        """
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        open('child', 'w').write(str(pid))
        """,
    )
    write(project / "test_it.py", "def test_it(clone): pass")
    started = time.monotonic()
    assert has_passed(run_pytest(project), 1)
    assert time.monotonic() - started < 30
    wait_for(lambda: not is_alive(int((project / "child").read_text())), 5)
    assert lock_is_free(project)


def test_a_daemon_that_a_migration_starts_holds_neither_lock_nor_build(project):
    """In a session of its own it lives on, with nothing of ours but the captured output."""
    function_project(
        project,
        """
        daemon = subprocess.Popen(['sleep', '60'], start_new_session=True)
        daemon.returncode = 0
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        open('daemon', 'w').write(str(daemon.pid))
        """,
    )
    write(project / "test_it.py", "def test_it(clone): pass")
    started = time.monotonic()
    try:
        assert has_passed(run_pytest(project), 1)
        assert time.monotonic() - started < 30
        assert lock_is_free(project)
    finally:
        os.kill(int((project / "daemon").read_text()), signal.SIGKILL)


def lock_is_free(project: Path) -> bool:
    from templatedb import load, lock
    from templatedb.cache_trust import directory

    template = load(project)
    (path,) = (directory(template.settings) / "v1/locks").glob("*.lock")
    with lock.hold(path, timeout_s=0) as waited:
        return not waited


DYING = """
    import os, signal
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_it(clone_connection, number):
        assert clone_connection.execute("select name from t1").fetchall() == [("row 1",)]
        clone_connection.execute("begin immediate")
        clone_connection.execute("delete from t1")
        if number == 2 and os.path.exists("die"):
            {how}
        clone_connection.commit()
    """
HOWS = {"killed": "os.kill(os.getpid(), signal.SIGKILL)", "_exit": "os._exit(3)"}


@pytest.mark.parametrize("how", HOWS)
def test_a_worker_that_dies_inside_a_transaction_is_replaced_and_its_files_are_reaped(project, cache, how):
    """The replacement's tests pass; the next run removes what the dead one left in memory-backed storage."""
    sql_project(project)
    write(project / "conftest.py", OWN_MEMORY)
    write(project / "test_it.py", DYING.format(how=HOWS[how]))
    (project / "die").touch()
    done = run_pytest(project, "-n", "2")
    assert "5 passed" in done.stdout, done.stdout
    assert "1 failed" in done.stdout
    assert len(leftovers(project)) == 1
    age(leftovers(project))
    (project / "die").unlink()
    assert has_passed(run_pytest(project, "-n", "2"), 6)
    assert (leftovers(project), builds_in(cache)) == ([], 1)


@pytest.mark.parametrize("how", HOWS)
def test_a_run_that_dies_in_a_test_leaves_nothing_that_the_next_one_minds(project, cache, how):
    """Without workers the whole run is gone; the next one finds golden and room."""
    sql_project(project)
    write(project / "conftest.py", OWN_MEMORY)
    write(project / "test_it.py", DYING.format(how=HOWS[how]))
    (project / "die").touch()
    assert run_pytest(project).returncode == (3 if how == "_exit" else -signal.SIGKILL)
    age(leftovers(project))
    (project / "die").unlink()
    assert has_passed(run_pytest(project), 6)
    assert (leftovers(project), builds_in(cache)) == ([], 1)


FORK_EACH_TEST = """

    import os
    import pytest
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        pid = os.fork()
        if pid == 0:
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            os._exit(0 if all(report.passed for report in reports) else 1)
        _, status = os.waitpid(pid, 0)
        report = pytest.TestReport(
            nodeid=item.nodeid, location=item.location, keywords={}, when="call", longrepr=None,
            outcome="failed" if status else "passed",
        )
        item.ihook.pytest_runtest_logreport(report=report)
        return True
    """
"""As pytest-forked does it, which itself does not run with every pytest."""


@pytest.mark.parametrize("tests", ["one process each", "after tests of the parent"])
def test_a_process_for_each_test_gets_a_database_for_each_and_leaves_none(project, tests):
    """A child must not restore its parent's file, and ends without any clean-up."""
    sql_project(project)
    fork = FORK_EACH_TEST
    if tests != "one process each":
        fork = fork.replace(
            "pid = os.fork()", "if item.name == 'test_it[0]':\n            return None\n        pid = os.fork()"
        )
    write(project / "conftest.py", OWN_MEMORY + fork)
    write(
        project / "test_it.py",
        """
        import os
        import pytest
        from sqlalchemy import text

        @pytest.mark.parametrize("number", range(5))
        def test_it(clone_session, clone_connection, number):
            assert clone_session.scalar(text("select count(*) from t1")) == 1
            clone_session.execute(text("delete from t1"))
            clone_session.commit()
            others = [name for name in os.listdir("memory") if f"-{os.getpid()}-" not in name]
            assert len(others) <= 1, others
        """,
    )
    assert has_passed(run_pytest(project), 5)
    assert leftovers(project) == []
