"""Who still has a file open: this process, another one, a forked child; and that looking does no harm."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from templatedb.slots.holders import (
    cursors_of,
    descriptors_on,
    locked_by_another_process,
    open_elsewhere,
    raw_connections,
)

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t(x)")
    return path


@pytest.fixture
def descriptor(path):
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


@contextlib.contextmanager
def another_process(path, statements: str = ""):
    """Have another process open the file, run Python *statements* on its connection `c`, and wait."""
    code = f"import sqlite3, sys\nc = sqlite3.connect({str(path)!r})\n{statements}\nprint('ready', flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def identity(path):
    facts = path.stat()
    return facts.st_dev, facts.st_ino


def test_descriptors_of_a_file_are_found_by_what_they_are_not_by_name(path, descriptor, tmp_path):
    """A connection, a second name and a duplicate count; the file's later namesake does not."""
    assert descriptors_on(*identity(path)) == [descriptor]
    os.link(path, tmp_path / "second name")
    by_other_name = os.open(tmp_path / "second name", os.O_RDONLY)
    with contextlib.closing(sqlite3.connect(path)):
        found = descriptors_on(*identity(path))
        assert len(found) == 3
        assert {descriptor, by_other_name} < set(found)
    assert descriptors_on(*identity(path)) == sorted([descriptor, by_other_name])
    os.close(by_other_name)
    old = identity(path)
    path.unlink()
    path.touch()
    assert descriptors_on(*old) == [descriptor]
    assert descriptors_on(*identity(path)) == []


def test_looking_keeps_the_locks_of_sqlite(path, descriptor):
    """Opening the file to look, and closing that, would let another process write into an open transaction."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("begin exclusive")
        descriptors_on(*identity(path))
        open_elsewhere(descriptor)
        locked_by_another_process(descriptor)
        raw_connections(path)
        code = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('insert into t values (1)')"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr


@LINUX
@pytest.mark.parametrize("how", ["rw", "ro"])
def test_an_idle_connection_of_this_process_is_seen_in_one_question(path, descriptor, how):
    """Also one that only reads, and before its first statement, when no lock tells of it."""
    assert open_elsewhere(descriptor) is False
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode={how}", uri=True)):
        assert open_elsewhere(descriptor) is True
    assert open_elsewhere(descriptor) is False


@LINUX
def test_an_idle_connection_of_another_process_is_seen_in_one_question(path, descriptor):
    """No lock tells of it: it is idle in a rollback mode."""
    with another_process(path, "c.execute('select * from t').fetchall()"):
        assert locked_by_another_process(descriptor) is None
        assert open_elsewhere(descriptor) is True
    assert open_elsewhere(descriptor) is False


@LINUX
def test_what_a_forked_child_inherited_is_seen_in_one_question(path, descriptor):
    """Its copy of the connection holds no lock, and could still write."""
    connection = sqlite3.connect(path)
    connection.execute("select * from t").fetchall()
    inherited = set(descriptors_on(*identity(path))) - {descriptor}
    with subprocess.Popen(["cat"], pass_fds=inherited, stdin=subprocess.PIPE):
        connection.close()
        assert descriptors_on(*identity(path)) == [descriptor]
        assert locked_by_another_process(descriptor) is None
        assert open_elsewhere(descriptor) is True
    assert open_elsewhere(descriptor) is False


@LINUX
def test_somebody_who_opens_while_we_ask_is_not_disturbed(path, descriptor):
    """The lease is back in microseconds, and its signal is one that nothing minds."""
    stop = threading.Event()
    opened = 0

    def work():
        nonlocal opened
        while not stop.is_set():
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("select * from t").fetchall()
            opened += 1

    thread = threading.Thread(target=work)
    thread.start()
    started = time.monotonic()
    answers = set()
    while time.monotonic() - started < 0.5:
        answers.add(open_elsewhere(descriptor))
    stop.set()
    thread.join()
    assert answers <= {True, False}
    assert opened > 100


def test_where_there_are_no_leases_the_answer_is_unknown(path, descriptor, monkeypatch):
    """Never a wrong "nobody"."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert open_elsewhere(descriptor) is None


@pytest.mark.parametrize("statement", ["begin", "begin immediate", "begin exclusive"])
def test_an_open_transaction_of_another_process_is_seen_with_its_pid(path, descriptor, statement):
    """Readers and writers; nobody once it is gone."""
    open_it = f"c.isolation_level = None\nc.execute({statement!r})\nc.execute('select * from t').fetchall()"
    with another_process(path, open_it) as process:
        assert locked_by_another_process(descriptor) == process.pid
    assert locked_by_another_process(descriptor) is None


def test_an_idle_wal_connection_of_another_process_is_seen_with_its_pid(path, descriptor):
    """In WAL mode a connection that has read once holds a lock until it is closed."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode=wal")
    with another_process(path, "c.execute('select * from t').fetchall()") as process:
        assert locked_by_another_process(descriptor) == process.pid


def test_locks_of_this_process_are_not_those_of_another(path, descriptor):
    """The system does not tell a process about its own."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("begin exclusive")
        assert locked_by_another_process(descriptor) is None


def test_connections_are_found_by_their_file(path, tmp_path):
    """Main or attached, through a link or not, whatever factories they have; not closed ones, not others' files."""

    class Odd(sqlite3.Connection):
        def execute(self, *arguments):
            raise AssertionError("not through methods that a subclass may replace")

        cursor = execute

    (tmp_path / "link").symlink_to(path)
    other = sqlite3.connect(tmp_path / "other.sqlite")
    attached = sqlite3.connect(":memory:")
    attached.execute("attach ? as it", (str(path),))
    closed = sqlite3.connect(path)
    closed.close()
    never_opened = sqlite3.Connection.__new__(sqlite3.Connection)
    on_it = [sqlite3.connect(path), sqlite3.connect(tmp_path / "link"), sqlite3.connect(path, factory=Odd), attached]
    on_it[0].row_factory = sqlite3.Row
    on_it[0].text_factory = bytes
    on_it[1].row_factory = lambda cursor, row: dict(enumerate(row))
    found = raw_connections(path)
    assert set(map(id, found.on_the_file)) == set(map(id, on_it))
    assert not {id(other), id(closed), id(never_opened)} & set(map(id, found.unknown))
    for connection in [*on_it, other]:
        connection.close()
    assert raw_connections(path).on_the_file == []


def test_a_connection_that_does_not_answer_is_named_apart(path):
    """One that was made for another thread may be on any file: the caller decides."""
    made = []
    done = threading.Event()
    end = threading.Event()

    def work():
        connection = sqlite3.connect(path)
        made.append(connection)
        done.set()
        end.wait()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    done.wait()
    found = raw_connections(path)
    assert made[0] in found.unknown
    assert made[0] not in found.on_the_file
    end.set()
    thread.join()
    found = raw_connections(path)  # closed, though still another thread's
    assert made[0] not in found.unknown + found.on_the_file


def test_a_connection_whose_authorizer_refuses_is_named_apart(path):
    """The question is a pragma, and the user may have forbidden those."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.set_authorizer(lambda *arguments: sqlite3.SQLITE_DENY)
        assert connection in raw_connections(path).unknown


def test_looking_for_connections_starts_no_transaction(path):
    """A connection with a transaction open keeps it, one without gets none."""
    with contextlib.closing(sqlite3.connect(path)) as idle, contextlib.closing(sqlite3.connect(path)) as busy:
        busy.execute("insert into t values (1)")
        raw_connections(path)
        assert (idle.in_transaction, busy.in_transaction) == (False, True)


def test_cursors_are_found_of_a_closed_connection_too(path):
    """A half-read one keeps the file open after close()."""
    connection, other = sqlite3.connect(path), sqlite3.connect(path)
    connection.executemany("insert into t values (?)", [(1,), (2,)])
    connection.commit()
    half_read = connection.execute("select * from t")
    half_read.fetchone()
    other_cursor = other.cursor()
    connection.close()
    assert cursors_of([connection]) == [half_read]
    assert cursors_of([other]) == [other_cursor]
    other.close()


def test_looking_takes_tens_of_milliseconds_in_a_big_process(path):
    """It is for the rare case of a leak, and must not take seconds there."""
    kept = [[number] for number in range(300_000)]
    started = time.perf_counter()
    raw_connections(path)
    assert time.perf_counter() - started < 2.0
    assert kept
