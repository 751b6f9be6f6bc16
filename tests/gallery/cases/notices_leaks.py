"""What tests leave behind on their databases: one line each, which names the test."""

from __future__ import annotations

from gallery.case import PYTEST, Group, Said, case, scenario
from gallery.shops import ready_shop
from gallery.world import World, only_linux

_N = Group.NOTICES
_HELD = """
program = '''
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute(sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
'''


def in_another_process(path, statement):
    command = [sys.executable, "-c", program, path, statement]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    KEPT.append(process)


def in_another_thread(path, statement):
    ready = threading.Event()

    def work():
        connection = sqlite3.connect(path)
        connection.execute(statement)
        ready.set()
        done.wait()
        connection.close()

    threading.Thread(target=work).start()
    ready.wait()


@pytest.fixture(scope="session", autouse=True)
def end_of_all():
    yield
    done.set()
    for process in KEPT:
        if isinstance(process, subprocess.Popen):
            process.communicate()
"""
_TESTS = f"""
import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from sqlalchemy import text

KEPT = []
INSERT = "insert into users (email) values ('bob@example.org')"
done = threading.Event()
{_HELD}

def replace(path):
    new = path.with_name("new")
    sqlite3.connect(new).close()
    new.replace(path)


def test_transaction(clone_session):
    clone_session.execute(text(INSERT))
    KEPT.append(clone_session)
    clone_session.close = lambda: None


def test_result(clone_engine):
    KEPT.append(clone_engine.connect())
    KEPT.append(KEPT[-1].execute(text("select email from users, sqlite_master")))
    KEPT[-1].fetchone()


def test_exclusive(clone_path):
    KEPT.append(sqlite3.connect(clone_path, isolation_level=None))
    KEPT[-1].execute("pragma locking_mode = exclusive")
    KEPT[-1].execute(INSERT)


def test_connection(clone_path):
    KEPT.append(sqlite3.connect(clone_path))
    KEPT[-1].execute(INSERT)


def test_replaced(clone_path):
    KEPT.append(sqlite3.connect(clone_path))
    KEPT[-1].execute("select email from users").fetchall()
    replace(clone_path)


def test_process(clone_path):
    in_another_process(clone_path, INSERT)


def test_thread(clone_path):
    in_another_thread(clone_path, INSERT)


def test_replaced_in_thread(clone_path):
    in_another_thread(clone_path, "select email from users")
    replace(clone_path)


def test_replaced_in_process(clone_path):
    in_another_process(clone_path, "select email from users")
    replace(clone_path)


@pytest.mark.templatedb(clone="memory")
def test_memory(clone):
    KEPT.append(sqlite3.connect(clone.url.removeprefix("sqlite:///"), uri=True))
    KEPT[-1].execute(INSERT)


@pytest.mark.templatedb(clone="memory")
def test_after_memory(clone):
    pass


def test_golden(clone, templatedb_golden):
    os.chmod(templatedb_golden.path, 0o600)
    connection = sqlite3.connect(templatedb_golden.path)
    connection.execute(INSERT)
    connection.commit()
    connection.close()


def test_after_golden(clone):
    pass
"""


@scenario
def _leaks(world: World) -> list[str]:
    ready_shop(world)
    world.write("test_shop.py", _TESTS)
    return world.said(world.pytest("-q"), PYTEST).text.splitlines()


def _leak(part: str) -> Said:
    found = [line for line in _leaks() if part in line]
    assert found, _leaks()
    return Said(found[0], PYTEST)


@case(_N, "a test leaves a session in a transaction")
def leak_transaction(world: World) -> Said:
    return _leak("::test_transaction left")


@case(_N, "a test leaves a result half read")
def leak_result(world: World) -> Said:
    return _leak("::test_result left")


@case(_N, "a test leaves a connection in exclusive locking mode")
def leak_exclusive(world: World) -> Said:
    return _leak("::test_exclusive left")


@case(_N, "a test leaves a sqlite3 connection in a transaction")
def leak_connection(world: World) -> Said:
    return _leak("::test_connection left")


@case(_N, "a test replaces the file under its connection")
def leak_replaced(world: World) -> Said:
    return _leak("::test_replaced replaced")


@case(_N, "a test leaves a process in a transaction")
def leak_process(world: World) -> Said:
    return _leak("::test_process left")


@case(_N, "a test leaves a thread in a transaction")
def leak_thread(world: World) -> Said:
    return _leak("::test_thread left")


@case(_N, "a test replaces the file under the connection of a thread")
def leak_replaced_in_thread(world: World) -> Said:
    return _leak("::test_replaced_in_thread replaced")


@case(_N, "a test replaces the file under the connection of a process", cannot=only_linux)
def leak_replaced_in_process(world: World) -> Said:
    return _leak("::test_replaced_in_process replaced")


@case(_N, "a test leaves a transaction open in memory")
def leak_memory(world: World) -> Said:
    return _leak("::test_memory left")


@case(_N, "a test writes into the golden itself")
def golden_written(world: World) -> Said:
    return _leak("somebody wrote into the golden")


_LARGE = f"""
import os
import sqlite3
import subprocess
import sys
import threading

import pytest

KEPT = []
done = threading.Event()
{_HELD}

def test_first(clone_path):
    pass


def test_second(clone_connection):
    clone_connection.execute("insert into users (email) values ('bob@example.org')")
    clone_connection.commit()


def test_connection(clone_path):
    KEPT.append(sqlite3.connect(clone_path))
    KEPT[-1].execute("select email from users").fetchall()


def test_process(clone_path):
    in_another_process(clone_path, "select count(*) from users")


def test_idle(clone_path):
    in_another_process(clone_path, "")  # newer SQLite reads the schema for a "select 1", too


def test_descriptors(clone_path):
    for name in os.listdir("/proc/self/fd"):
        if os.path.realpath("/proc/self/fd/" + name) == str(clone_path):
            os.close(int(name))


def test_last(clone_path):
    pass
"""


@scenario
def _large(world: World) -> list[str]:
    ready_shop(world)
    settings = 'alembic = "alembic.ini"\nlarge_golden = "1kB"\n'
    world.settings(settings)
    # As on a file system that does not share extents, whatever this one does.
    world.write("conftest.py", "from templatedb.slots import large\n\nlarge.can_share = lambda image, folder: False\n")
    world.write("test_shop.py", _LARGE)
    return world.said(world.pytest("-q"), PYTEST).text.splitlines()


def _of_large(part: str) -> Said:
    found = [line for line in _large() if part in line]
    assert found, _large()
    return Said(found[0], PYTEST)


@case(_N, "a test leaves a connection open on the clone of a large golden")
def leak_large(world: World) -> Said:
    return _of_large("::test_connection left")


@case(_N, "a test leaves a process with the clone of a large golden")
def leak_large_process(world: World) -> Said:
    return _of_large("::test_process left")


@case(_N, "a test leaves an idle process with the clone of a large golden", cannot=only_linux)
def leak_large_idle(world: World) -> Said:
    return _of_large("::test_idle left")


@case(_N, "a test closes descriptors that are not its own", cannot=only_linux)
def leak_large_descriptors(world: World) -> Said:
    return _of_large("::test_descriptors left")
