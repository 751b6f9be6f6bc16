"""Locks that SQLite respects, also in the process that has them."""

import contextlib
import errno
import fcntl
import os
import sqlite3

import pytest

from templatedb.slots import LockedError, locks
from templatedb.slots.locks import Kind, Lock, NoLocksError, held, is_taken

pytestmark = pytest.mark.skipif(not locks.ARE_SUPPORTED, reason="these locks are Linux's")

WHOLE = Lock(Kind.EXCLUSIVE, 0x40000000, 512)
SHARED = Lock(Kind.SHARED, 0x40000002, 510)


@pytest.fixture
def opened(tmp_path):
    """A descriptor of a database, and a connection to it."""
    path = tmp_path / "one.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute("create table t (x)")
        descriptor = os.open(path, os.O_RDWR)
        yield descriptor, connection
    os.close(descriptor)


def test_while_a_lock_is_held_sqlite_is_refused_it(opened):
    """And has it again afterwards, also when the block ended with an error."""
    descriptor, connection = opened
    with pytest.raises(sqlite3.OperationalError, match="locked"), held(descriptor, WHOLE):
        connection.execute("select * from t").fetchall()
    assert connection.execute("select * from t").fetchall() == []


def test_a_lock_is_refused_where_a_connection_of_this_process_has_one(opened):
    """Which a POSIX lock of this process's own would take away without a word."""
    descriptor, connection = opened
    connection.execute("begin")
    connection.execute("select * from t").fetchall()
    with pytest.raises(LockedError), held(descriptor, WHOLE):
        pass
    with held(descriptor, SHARED):
        pass
    connection.execute("rollback")
    with held(descriptor, WHOLE):
        pass


def test_what_is_taken_can_be_asked_without_taking_it(opened):
    """By a connection of this process too; a shared lock is in the way of an exclusive one alone."""
    descriptor, connection = opened
    assert (is_taken(descriptor, WHOLE), is_taken(descriptor, SHARED)) == (False, False)
    connection.execute("begin")
    connection.execute("select * from t").fetchall()
    assert (is_taken(descriptor, WHOLE), is_taken(descriptor, SHARED)) == (True, False)
    connection.execute("commit")
    connection.execute("begin exclusive")
    assert (is_taken(descriptor, WHOLE), is_taken(descriptor, SHARED)) == (True, True)
    connection.execute("commit")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_kernel_or_a_file_system_without_them_is_told_from_a_lock_that_is_taken(opened, monkeypatch, number):
    """The first is for good, the second for a moment."""

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    with pytest.raises(NoLocksError), held(opened[0], WHOLE):
        pass
    with pytest.raises(NoLocksError):
        is_taken(opened[0], WHOLE)


def test_another_system_has_none(opened, monkeypatch):
    """Nothing is asked of it."""
    monkeypatch.setattr(locks, "ARE_SUPPORTED", False)
    with pytest.raises(NoLocksError), held(opened[0], WHOLE):
        pass
    with pytest.raises(NoLocksError):
        is_taken(opened[0], WHOLE)
