"""The head of a wal-index is read and written as SQLite does."""

import contextlib
import os
import sqlite3

import pytest

from templatedb.slots import wal_index


@pytest.fixture(params=[512, 4096, 65536])
def opened(tmp_path, request):
    """A descriptor of the wal-index of a database of each page size, and a connection that wrote into its log."""
    path = tmp_path / "one.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"pragma page_size = {request.param}")
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table t (x)")
        descriptor = os.open(f"{path}-shm", os.O_RDWR)
        yield descriptor, connection
    os.close(descriptor)


def index_of(descriptor):
    return os.pread(descriptor, wal_index.INDEX_BYTES, 0)


def test_what_sqlite_wrote_is_read(opened):
    """After every commit, and after a checkpoint that empties the log."""
    descriptor, connection = opened
    page_size = connection.execute("pragma page_size").fetchone()[0]
    for _ in range(5):
        before = wal_index.parse(index_of(descriptor))
        connection.execute("insert into t values (1)")
        after = wal_index.parse(index_of(descriptor))
        assert after.page_size == (1 if page_size == 65536 else page_size)
        assert after.frames > before.frames
        assert after.head != before.head
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    assert wal_index.parse(index_of(descriptor)).frames == 0


def test_what_is_written_is_what_a_truncating_checkpoint_leaves(opened):
    """The whole of it, but for two random bytes of salt twice, the count of changes, and the sums of these."""
    descriptor, connection = opened
    connection.execute("insert into t values (1)")
    before = index_of(descriptor)
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    theirs = index_of(descriptor)
    pages = int.from_bytes(theirs[20:24], "little" if theirs[0] == 0x18 else "big")
    head = wal_index.parse(before).restarted(pages)
    os.ftruncate(descriptor, os.fstat(descriptor).st_size)
    wal_index.write(descriptor, head)
    ours = index_of(descriptor)
    changing = {*range(8, 12), *range(36, 48)}
    same = [at for at in range(wal_index.INDEX_BYTES) if at % 48 not in changing or at >= 96]
    assert bytes(ours[at] for at in same) == bytes(theirs[at] for at in same)
    assert wal_index.parse(ours).head == head
    connection.execute("insert into t values (2)")
    assert connection.execute("select * from t").fetchall() == [(1,), (2,)]


def test_no_two_heads_are_the_same(opened):
    """A connection that saw an earlier one must not take a later one for it."""
    index = wal_index.parse(index_of(opened[0]))
    assert len({index.restarted(1) for _ in range(100)}) == 100


@pytest.mark.parametrize("where", [0, 12, 14, 16, 47, 48, 95])
def test_what_a_connection_would_not_trust_is_none(opened, where):
    """A byte that differs between the copies, or from the sum."""
    damaged = bytearray(index_of(opened[0]))
    damaged[where] ^= 0x55
    assert wal_index.parse(bytes(damaged)) is None
    assert wal_index.parse(bytes(damaged[:100])) is None


def test_two_copies_that_agree_on_what_their_sum_denies_are_none(opened):
    """As a connection would find them while another one writes."""
    head = bytearray(index_of(opened[0])[:48])
    head[16] ^= 0x55
    assert wal_index.parse(bytes(head) * 2 + bytes(40)) is None


@pytest.mark.parametrize("where", [slice(0, 4), slice(12, 13)], ids=["another version", "not made"])
def test_a_head_of_another_kind_is_none(opened, where):
    """With sums that are right: no SQLite of today writes it, one of tomorrow may."""
    head = bytearray(index_of(opened[0])[:48])
    head[where] = bytes(where.stop - where.start)
    head[40:] = wal_index._sums_of(bytes(head))
    assert wal_index.parse(bytes(head) * 2 + bytes(40)) is None
