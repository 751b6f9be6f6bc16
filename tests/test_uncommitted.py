"""Rows that were written but not committed when a test failed."""

import sqlite3
import threading

import pytest

from templatedb.uncommitted import uncommitted


@pytest.fixture
def both(tmp_path):
    path = tmp_path / "x.sqlite"
    inside, outside = sqlite3.connect(path, check_same_thread=False), sqlite3.connect(path, timeout=0)
    inside.executescript(
        "create table users (id, name); create table [odd \"name\"] (x); insert into users values (1, 'a')"
    )
    inside.commit()
    yield inside, outside
    inside.close()
    outside.close()


def test_without_a_transaction_there_is_nothing_to_tell(both):
    """Most tests commit or do not write."""
    assert uncommitted(*both) == []


def test_added_and_removed_rows_are_shown_per_table(both):
    """A changed row is one removed and one added."""
    inside, outside = both
    inside.execute("update users set name = 'b'")
    inside.execute('insert into [odd "name"] values (null)')
    assert uncommitted(inside, outside) == [
        "users: 1 row added: (id=1, name='b')",
        "users: 1 row removed: (id=1, name='a')",
        'odd "name": 1 row added: (x=None)',
    ]


def test_long_values_and_many_rows_are_cut(both):
    """A report is for reading."""
    inside, outside = both
    inside.executemany("insert into users values (?, ?)", [(n, "x" * 100) for n in range(2, 7)])
    (line,) = uncommitted(inside, outside)
    assert line.startswith("users: 5 rows added: (id=2, name='xxxxxxx")
    assert line.endswith("...) and 2 more")
    assert len(line) < 250


def test_a_table_made_in_the_transaction_is_all_added(both):
    """It is not there outside."""
    inside, outside = both
    inside.execute("begin")
    inside.execute("create table fresh as select 7 as x")
    assert uncommitted(inside, outside) == ["fresh: 1 row added: (x=7)"]


def test_a_table_with_too_many_rows_is_not_compared(both):
    """Bounded, and it says so."""
    inside, outside = both
    inside.executemany("insert into users values (?, 'x')", [(n,) for n in range(2001)])
    assert uncommitted(inside, outside) == ["users: more than 2000 rows, not compared"]


def test_a_locked_database_is_told_not_raised(both):
    """A report about a failure must not fail itself."""
    inside, outside = both
    inside.execute("begin exclusive")
    inside.execute("insert into users values (2, 'b')")
    assert uncommitted(inside, outside) == ["cannot be read: database is locked"]


def test_an_applications_converters_cannot_spoil_a_report(tmp_path, both):
    """They may return what cannot be hashed, or raise."""
    sqlite3.register_converter("json_test", lambda data: {"data": data})
    sqlite3.register_converter("broken_test", lambda data: 1 / 0)
    inside = sqlite3.connect(tmp_path / "x.sqlite", detect_types=sqlite3.PARSE_DECLTYPES)
    inside.execute("create table j (x json_test)")
    inside.execute("insert into j values ('1')")
    assert uncommitted(inside, both[1]) == ["j: 1 row added: (x={'data': b'1'})"]
    inside.execute("create table b (x broken_test)")
    inside.execute("insert into b values ('1')")
    (line,) = uncommitted(inside, both[1])
    assert line.startswith("cannot be read: ")
    inside.close()


def test_a_closed_connection_has_nothing_to_tell(both):
    """The test closed it itself."""
    both[0].close()
    assert uncommitted(*both) == []


def test_a_connection_of_another_thread_is_told_not_raised(tmp_path, both):
    """sqlite3 refuses it, by default."""
    made = []

    def work():
        connection = sqlite3.connect(tmp_path / "x.sqlite")
        connection.execute("insert into users values (2, 'b')")
        made.append(connection)
        done.wait()
        connection.close()

    done = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    while not made:
        pass
    (line,) = uncommitted(made[0], both[1])
    done.set()
    thread.join()
    assert line.startswith("cannot be read: SQLite objects created in a thread")
