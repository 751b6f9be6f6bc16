"""A slot that is rewound is the golden again, whatever a test did to it; what cannot be proven is copied."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from templatedb import CloneError
from templatedb.slots import Way, evict, rewind, seal
from templatedb.slots.rewind import RewindSlot

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
SIDE_FILES = ("-journal", "-wal", "-shm")


class Stand:
    """A golden, its slot, and the pool that stands for those of a process."""

    def __init__(self, folder, *, blob_bytes=200_000):
        self.folder = folder
        self.golden = folder / "golden.sqlite"
        with contextlib.closing(sqlite3.connect(self.golden)) as connection:
            connection.execute("pragma synchronous=off")
            connection.execute("pragma page_size=1024")
            connection.execute("pragma application_id=77")
            connection.execute("pragma user_version=5")
            connection.execute("create table t(id integer primary key, name text not null, extra text)")
            connection.execute("create index named on t(name)")
            connection.execute("insert into t(name) values ('golden')")
            connection.execute("create table blobs(body blob)")
            connection.execute("insert into blobs values (zeroblob(?))", (blob_bytes,))
            connection.commit()
            self.rows = "\n".join(connection.iterdump())
        self.source = os.open(self.golden, os.O_RDONLY)
        (folder / "slot").mkdir()
        self.pool = []
        self.slot = RewindSlot(folder / "slot" / "clone.sqlite", self.source, close_connections=self.close_all)

    @property
    def path(self):
        return self.slot.path

    def close_all(self, path):
        assert path == self.path
        while self.pool:
            self.pool.pop().close()
        return True

    def connect(self, **options):
        """Open one of the pool's."""
        connection = sqlite3.connect(self.path, timeout=0, **options)
        self.pool.append(connection)
        connection.execute("pragma synchronous=off")
        return connection

    def rewinding(self):
        """Bring the slot past its trial, to a clone with a guard."""
        for _ in range(3):
            way = self.slot.restore()
            if way is Way.REWOUND:
                return self
            self.connect().execute("select * from t").fetchall()
        raise AssertionError(way)

    def check(self):
        """The clone is the golden: its bytes, but for the two of the mode, and what a connection sees."""
        content, golden = bytearray(self.path.read_bytes()), self.golden.read_bytes()
        if self.slot.rewinds:
            assert content[18:20] == b"\x02\x02"
            content[18:20] = golden[18:20]
        assert content == golden
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            assert "\n".join(connection.iterdump()) == self.rows
            assert connection.execute("pragma user_version").fetchone() == (5,)
            assert connection.execute("pragma application_id").fetchone() == (77,)
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)

    def restored(self, way, *, leak="", why=""):
        """Restore, see that it went that way, and that the clone is the golden."""
        assert (self.slot.restore(), self.slot.leak) == (way, leak)
        assert why in self.slot.why
        assert bool(self.slot.why) == (way is Way.COPIED)
        self.check()

    def end(self):
        self.close_all(self.path)
        self.slot.close()
        assert os.listdir(self.path.parent) == []
        os.close(self.source)


@pytest.fixture
def stand(tmp_path):
    stand = Stand(tmp_path)
    yield stand
    stand.end()


@pytest.fixture
def rewinding(stand):
    return stand.rewinding()


@contextlib.contextmanager
def another_process(path, statements="", then=""):
    """Have another process open the clone, run Python *statements* on `c`, wait for a line, and run the rest."""
    code = (
        f"import sqlite3, sys\nc = sqlite3.connect({str(path)!r}, isolation_level=None)\n{statements}\n"
        f"print('ready', flush=True)\nsys.stdin.readline()\n{then}\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def write_some(connection, rows=3):
    connection.executemany("insert into t(name) values (?)", ((f"row {number}",) for number in range(rows)))
    connection.commit()


def lockless(path):
    """Connect in a way that neither asks for locks nor minds those of others."""
    connection = sqlite3.connect(f"file:{path}?vfs=unix-none", uri=True, isolation_level=None)
    connection.execute("pragma locking_mode=exclusive")
    return connection


def hot_journal(stand):
    """Return the journal of a killed writer of a database with the golden's pages."""
    other = stand.folder / "other.sqlite"
    shutil.copy(stand.golden, other)
    with contextlib.closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("pragma cache_size=5")
        connection.execute("begin")
        connection.execute("update t set name = 'another'")
        connection.executemany("insert into t(name) values (?)", (("x" * 500,) for _ in range(2000)))
        journal = stand.folder / "journal"
        shutil.copy(f"{other}-journal", journal)
    return journal


def main_is_unwritten(stand):
    return os.stat(stand.path).st_mtime_ns == seal.MARK_NS


# --- the way it goes


def test_the_first_two_clones_are_copied_and_the_others_rewound(stand):
    """The second, because the first is a trial without a guard and its test wrote."""
    ways = []
    for _ in range(5):
        ways.append(stand.slot.restore())
        stand.check()
        write_some(stand.connect())
    assert ways == [Way.COPIED, Way.COPIED, Way.REWOUND, Way.REWOUND, Way.REWOUND]


def test_a_rewound_clone_keeps_its_file(rewinding):
    """Nothing of the main file is written: same inode, same time of modification."""
    before = os.stat(rewinding.path)
    write_some(rewinding.connect(), rows=20_000)
    assert main_is_unwritten(rewinding)
    rewinding.restored(Way.REWOUND)
    after = os.stat(rewinding.path)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_rewound_clone_may_be_written_and_read_by_many(rewinding):
    """Concurrent connections see each other's commits, as in production."""
    first, second = rewinding.connect(), rewinding.connect()
    write_some(first)
    assert second.execute("select count(*) from t").fetchone() == (4,)
    write_some(second)
    assert first.execute("select count(*) from t").fetchone() == (7,)
    rewinding.restored(Way.REWOUND)


def test_the_trial_goes_on_until_somebody_connects(stand):
    """A first test that never connects says nothing about the application."""
    assert stand.slot.restore() is Way.COPIED
    for _ in range(3):
        assert stand.slot.restore() is Way.UNCHANGED
    assert not os.path.exists(f"{stand.path}-wal")
    stand.connect().execute("select * from t").fetchall()
    stand.restored(Way.UNCHANGED)
    assert os.path.exists(f"{stand.path}-wal")  # the guard's
    stand.restored(Way.REWOUND)


def test_close_removes_everything_and_restore_begins_anew(rewinding):
    """Also with a test's writes in the WAL; twice is harmless."""
    write_some(rewinding.connect())
    rewinding.close_all(rewinding.path)
    rewinding.slot.close()
    assert os.listdir(rewinding.path.parent) == []
    rewinding.slot.close()
    rewinding.restored(Way.COPIED, why="the first clone")


def test_a_forked_child_takes_nothing_away(rewinding, monkeypatch):
    """Its copy of the slot may be closed when it ends."""
    write_some(rewinding.connect())
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        rewinding.slot.close()
    assert rewinding.connect().execute("select count(*) from t").fetchone() == (4,)


# --- what a test may do to its clone


def test_a_transaction_over_the_limit_of_automatic_checkpoints_stays_in_the_wal(rewinding):
    """The limit is 1000 pages; every commit tries, and moves nothing."""
    connection = rewinding.connect()
    for _ in range(3):
        write_some(connection, rows=50_000)
    assert os.stat(f"{rewinding.path}-wal").st_size > 2000 * 1024
    assert main_is_unwritten(rewinding)
    rewinding.restored(Way.REWOUND)


@pytest.mark.parametrize("kind", ["passive", "full", "restart", "truncate"])
@pytest.mark.parametrize("moment", ["before other connections", "beside an idle one"])
def test_an_explicit_checkpoint_moves_nothing(rewinding, kind, moment):
    """The guard began on the empty WAL: there is nothing before it that could be moved."""
    if moment == "beside an idle one":
        rewinding.connect().execute("select * from t").fetchall()
    connection = rewinding.connect()
    write_some(connection)
    busy, in_wal, moved = connection.execute(f"pragma wal_checkpoint({kind})").fetchone()
    assert (busy, moved) == (kind != "passive", 0)
    assert in_wal > 0
    assert main_is_unwritten(rewinding)
    rewinding.restored(Way.REWOUND)


def test_an_application_that_wants_many_checkpoints_gets_none(rewinding):
    """wal_autocheckpoint=1 tries after each commit."""
    connection = rewinding.connect()
    connection.execute("pragma wal_autocheckpoint=1")
    for _ in range(20):
        write_some(connection)
    assert main_is_unwritten(rewinding)
    rewinding.restored(Way.REWOUND)


def test_closing_the_last_connection_moves_nothing(rewinding):
    """SQLite makes a checkpoint there, but the guard is one more connection."""
    with contextlib.closing(sqlite3.connect(rewinding.path)) as connection:
        write_some(connection)
    assert main_is_unwritten(rewinding)
    rewinding.restored(Way.REWOUND)


def test_a_vacuum_is_rewound(rewinding):
    """In WAL mode the new pages are in the WAL, also with another page size asked for."""
    connection = rewinding.connect(isolation_level=None)
    connection.execute("delete from blobs")
    connection.execute("pragma page_size=4096")
    connection.execute("vacuum")
    assert connection.execute("pragma page_count").fetchone()[0] < 50
    rewinding.restored(Way.REWOUND)


def test_definitions_and_what_the_header_keeps_are_rewound(rewinding):
    """Tables, indexes, user_version, application_id, auto_vacuum's counters."""
    connection = rewinding.connect()
    connection.executescript(
        "drop table blobs; create table another(x); alter table t add column more; pragma user_version=99;"
        "pragma application_id=1; drop index named;"
    )
    rewinding.restored(Way.REWOUND)


def test_a_transaction_left_open_is_closed_with_its_pool(rewinding):
    """And an uncommitted spill of it is no part of the next clone."""
    connection = rewinding.connect()
    connection.execute("pragma cache_size=5")
    connection.executemany("insert into t(name) values (?)", (("x" * 500,) for _ in range(2000)))
    assert os.stat(f"{rewinding.path}-wal").st_size > 0
    rewinding.restored(Way.REWOUND)


def test_a_leftover_journal_is_not_rolled_back_into_the_next_clone(rewinding):
    """A hot journal of a killed writer is replayed by the next one who reads, in any mode."""
    hot_journal(rewinding).rename(f"{rewinding.path}-journal")
    rewinding.restored(Way.REWOUND)


def test_the_wal_of_a_killed_process_is_not_replayed(rewinding):
    """It was committed, and is not the next test's."""
    with another_process(rewinding.path, "c.execute(\"insert into t(name) values ('killed')\")"):
        pass
    assert rewinding.connect().execute("select count(*) from t").fetchone() == (2,)
    rewinding.restored(Way.REWOUND)


def test_a_process_killed_inside_a_transaction_leaves_nothing(rewinding):
    """Its locks go with it."""
    statements = (
        "c.execute('pragma cache_size=5'); c.execute('begin immediate')\n"
        "c.executemany('insert into t(name) values (?)', (('x' * 500,) for _ in range(2000)))"
    )
    with another_process(rewinding.path, statements):
        pass
    rewinding.restored(Way.REWOUND)


def test_a_connection_that_was_only_forgotten_is_collected(rewinding):
    """It waits in a cycle for the garbage collector: no leak to speak of."""

    class Service:
        def __init__(self, path):
            self.me = self
            self.connection = sqlite3.connect(path)
            write_some(self.connection)

    import gc

    gc.disable()
    try:
        Service(rewinding.path)
        with pytest.warns(ResourceWarning) if sys.version_info >= (3, 13) else contextlib.nullcontext():
            rewinding.restored(Way.REWOUND)
    finally:
        gc.enable()


def test_an_immutable_connection_reads_the_golden_and_harms_nothing(rewinding):
    """It looks at the main file alone: what the test committed is not there, as SQLite documents for a lie."""
    write_some(rewinding.connect())
    with contextlib.closing(sqlite3.connect(f"file:{rewinding.path}?immutable=1", uri=True)) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (1,)
    rewinding.restored(Way.REWOUND)


# --- what cannot be rewound is copied


def test_a_connection_without_locks_may_write_the_main_file_and_is_found_out(rewinding):
    """Without locks and in exclusive mode it sees no guard."""
    connection = lockless(rewinding.path)
    connection.execute("insert into t(name) values ('lockless')")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    assert not main_is_unwritten(rewinding)
    rewinding.restored(Way.COPIED, why="the main file was written")
    write_some(rewinding.connect())
    rewinding.restored(Way.REWOUND)


def test_a_lockless_change_of_the_journal_mode_is_found_out(rewinding):
    """The header says so."""
    connection = lockless(rewinding.path)
    assert connection.execute("pragma journal_mode=delete").fetchone() == ("delete",)
    connection.close()
    rewinding.restored(Way.COPIED, why="the journal mode was changed")
    rewinding.restored(Way.REWOUND)


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist", "memory", "off"])
def test_a_change_of_the_journal_mode_is_refused_while_the_guard_reads(rewinding, mode):
    """A limit, said in the docs: the test gets "database is locked", at once, and the clone stays as it is."""
    connection = rewinding.connect()
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        connection.execute(f"pragma journal_mode={mode}")
    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    rewinding.restored(Way.REWOUND)


@pytest.mark.parametrize("mode", ["delete", "truncate", "memory", "off"])
def test_an_application_that_sets_a_mode_of_its_own_gets_copies(stand, mode):
    """Twice in a row, in the trial, where nothing refuses it: from then on the clones are in the golden's own mode."""
    ways = []
    for _ in range(4):
        ways.append(stand.slot.restore())
        stand.check()
        connection = stand.connect()
        assert connection.execute(f"pragma journal_mode={mode}").fetchone() == (mode,)
        write_some(connection)
    assert ways == [Way.COPIED] * 4
    assert not stand.slot.rewinds
    stand.slot.restore()
    assert stand.path.read_bytes() == stand.golden.read_bytes()
    assert stand.slot.restore() is Way.UNCHANGED


def test_one_test_about_journal_modes_is_not_the_application(stand):
    """When it happens to be the first, the second decides."""
    stand.slot.restore()
    stand.connect().execute("pragma journal_mode=delete")
    stand.restored(Way.COPIED, why="the journal mode was changed")
    write_some(stand.connect())
    stand.restored(Way.COPIED)
    write_some(stand.connect())
    stand.restored(Way.REWOUND)


@pytest.mark.parametrize("kind", ["raw", "cursor of a closed one", "in a thread", "reading only", "never used"])
def test_a_connection_left_open_costs_a_copy_on_another_inode(rewinding, kind):
    """It keeps the old file and cannot reach the new one, whatever it still does."""
    old = rewinding.path.stat().st_ino
    uri = f"file:{rewinding.path}?mode=ro" if kind == "reading only" else f"file:{rewinding.path}"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=kind != "in a thread", isolation_level=None)
    cursor = None
    if kind not in ("reading only", "never used"):
        write_some(connection)
        cursor = connection.execute("select * from t")
        cursor.fetchone()
    if kind == "cursor of a closed one":
        connection.close()
    go, stop = threading.Event(), threading.Event()

    def work():
        go.wait()
        while not stop.is_set():
            connection.execute("insert into t(name) values ('from a thread')")
            connection.execute("pragma wal_checkpoint(truncate)")

    thread = threading.Thread(target=work)
    if kind == "in a thread":
        cursor.fetchall()
        thread.start()
        go.set()
    leak = "a connection of this process is still open"
    assert (rewinding.slot.restore(), rewinding.slot.leak, rewinding.slot.why) == (Way.COPIED, leak, leak)
    assert rewinding.path.stat().st_ino != old
    if kind == "raw":
        cursor.fetchall()
        write_some(connection)
        connection.execute("pragma wal_checkpoint(truncate)")
    rewinding.check()
    write_some(rewinding.connect())
    rewinding.restored(Way.REWOUND)
    stop.set()
    if kind == "in a thread":
        thread.join()
    connection.close()
    rewinding.restored(Way.REWOUND)


@pytest.mark.parametrize("statement", ["c.execute('select * from t').fetchall()", "c.execute('begin immediate')"])
def test_another_process_that_has_it_open_is_named(rewinding, statement):
    """Idle or in a transaction; it keeps the old file."""
    then = "c.execute('select 1 from t').fetchall(); c.isolation_level"
    with another_process(rewinding.path, statement, then) as process:
        rewinding.restored(Way.COPIED, leak=f"process {process.pid} still has it open")
        process.communicate("go on\n")
        write_some(rewinding.connect())
        rewinding.restored(Way.REWOUND)


@LINUX
def test_another_process_that_never_read_is_seen_too(rewinding):
    """It holds no lock yet, and would wake up on the wrong clone."""
    with another_process(rewinding.path):
        rewinding.restored(Way.COPIED, leak="another process still has it open")


@LINUX
def test_a_child_that_inherited_a_connection_is_seen(rewinding):
    """It has no lock that a look would find, and could move its old WAL into the file."""
    connection = sqlite3.connect(rewinding.path)
    write_some(connection)
    facts = rewinding.path.stat()
    inherited = seal.descriptors_on(facts.st_dev, facts.st_ino)
    with subprocess.Popen(["cat"], pass_fds=inherited, stdin=subprocess.PIPE):
        connection.close()
        rewinding.restored(Way.COPIED, leak="another process still has it open")
        rewinding.restored(Way.REWOUND)


def test_without_leases_descriptors_and_locks_are_the_proof(stand, monkeypatch):
    """As on macOS: a connection of this process, and one of another that has read."""
    monkeypatch.setattr(seal, "open_elsewhere", lambda descriptor: None)
    stand.rewinding()
    connection = sqlite3.connect(stand.path)
    stand.restored(Way.COPIED, leak="a connection of this process is still open")
    with another_process(stand.path, "c.execute('select * from t').fetchall()") as process:
        stand.restored(Way.COPIED, leak=f"process {process.pid} still has it open")
    write_some(stand.connect())
    stand.restored(Way.REWOUND)
    connection.close()


def test_a_system_whose_leases_are_wrong_is_not_asked_again(stand, monkeypatch):
    """It says of a new file that somebody has it open: then it would say so for ever."""
    monkeypatch.setattr(seal, "open_elsewhere", lambda descriptor: True)
    stand.rewinding()
    stand.restored(Way.REWOUND)


def test_where_nothing_can_be_seen_it_is_copied(stand, monkeypatch):
    """No leases and no /proc."""
    stand.rewinding()

    def no_listing(device, inode):
        raise FileNotFoundError

    monkeypatch.setattr(seal, "open_elsewhere", lambda descriptor: None)
    monkeypatch.setattr(seal, "descriptors_on", no_listing)
    stand.restored(Way.COPIED, leak="who has it open cannot be seen on this system")


def test_a_file_that_was_replaced_removed_or_linked_is_copied(rewinding):
    """By name it would look like the clone."""
    other = rewinding.folder / "other.sqlite"
    shutil.copy(rewinding.golden, other)
    os.replace(other, rewinding.path)
    rewinding.restored(Way.COPIED, why="the file was replaced")
    rewinding.path.unlink()
    rewinding.restored(Way.COPIED, why="the file was removed")
    os.link(rewinding.path, other)
    rewinding.restored(Way.COPIED, why="another name or other permissions")
    rewinding.path.chmod(0o644)
    rewinding.restored(Way.COPIED, why="another name or other permissions")
    rewinding.path.unlink()
    rewinding.path.symlink_to(rewinding.golden)
    rewinding.restored(Way.COPIED, why="the file was replaced")
    assert rewinding.golden.exists()
    rewinding.restored(Way.REWOUND)


def test_a_wal_that_the_test_removed_is_no_harm(rewinding):
    """SQLite gives an error, or two views of it; the next clone is the golden."""
    first = rewinding.connect()
    write_some(first)
    os.unlink(f"{rewinding.path}-wal")
    os.unlink(f"{rewinding.path}-shm")
    with contextlib.suppress(sqlite3.OperationalError):
        write_some(rewinding.connect())
    rewinding.slot.restore()
    rewinding.check()


def test_a_test_that_closes_all_descriptors_costs_a_copy(rewinding):
    """As daemons do; the number may be another file's by then, which is left alone."""
    facts = rewinding.path.stat()
    seal_descriptor = rewinding.slot._seal._descriptor
    other = os.open(rewinding.golden, os.O_RDONLY)
    os.dup2(other, seal_descriptor)
    assert rewinding.slot.restore() is Way.COPIED
    assert "closed from outside" in rewinding.slot.leak
    assert os.fstat(seal_descriptor).st_ino == rewinding.golden.stat().st_ino
    assert rewinding.path.stat().st_ino != facts.st_ino or rewinding.path.stat().st_ctime_ns != facts.st_ctime_ns
    rewinding.check()
    os.close(other)
    os.close(seal_descriptor)
    rewinding.restored(Way.REWOUND)


# --- between the tests


def test_a_write_before_the_guard_reads_is_seen(rewinding, monkeypatch):
    """A background thread reconnects at the wrong moment: its rows must not be the next test's."""
    begin = RewindSlot._begin_guard
    intruders = []

    def begin_late(slot):
        if not intruders:
            intruders.append(sqlite3.connect(slot.path))
            write_some(intruders[0])
        return begin(slot)

    monkeypatch.setattr(RewindSlot, "_begin_guard", begin_late)
    rewinding.restored(Way.COPIED, why="something wrote to the clone before the test had it")
    intruders[0].close()
    rewinding.restored(Way.REWOUND)


@pytest.mark.parametrize("what", ["a journal", "a write past SQLite"])
def test_a_main_file_that_changes_before_the_guard_reads_is_seen(rewinding, monkeypatch, what):
    """Who connects while the file is renamed away makes another of its name, and perhaps a journal."""
    begin = RewindSlot._begin_guard
    journal = hot_journal(rewinding)
    done = []

    def begin_late(slot):
        if not done and what == "a journal":
            journal.rename(f"{slot.path}-journal")
        elif not done:
            with slot.path.open("r+b") as file:
                file.seek(5000)
                file.write(b"x")
        done.append(slot)
        return begin(slot)

    monkeypatch.setattr(RewindSlot, "_begin_guard", begin_late)
    rewinding.restored(Way.COPIED, why="something wrote to the clone before the test had it")
    rewinding.restored(Way.REWOUND)


def test_a_writer_that_never_stops_is_an_error_not_a_wrong_clone(rewinding):
    """The next call begins with a new copy."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(rewinding.path)) as intruder:
                intruder.execute("create table if not exists intruder(x)")
                intruder.commit()

    thread = threading.Thread(target=work)
    thread.start()
    outcomes = set()
    started = time.monotonic()
    while time.monotonic() - started < 1.0:
        with contextlib.suppress(CloneError):
            outcomes.add(rewinding.slot.restore())
    stop.set()
    thread.join()
    assert outcomes <= {Way.COPIED, Way.REWOUND}
    rewinding.slot.close()
    rewinding.restored(Way.COPIED)


def test_a_full_disk_is_an_error_and_the_next_call_copies(stand, monkeypatch):
    """Nothing of the half-made clone stays."""

    def full(descriptor, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rewind, "write_copy", full)
        with pytest.raises(OSError, match="No space left"):
            stand.slot.restore()
    assert os.listdir(stand.path.parent) == []
    stand.restored(Way.COPIED)


def test_a_filesystem_without_shared_memory_gets_copies(stand, monkeypatch):
    """SQLite cannot have a WAL there; it is said once and never tried again."""

    tried = []

    def no_shared_memory(path):
        tried.append(path)
        return False

    monkeypatch.setattr(rewind, "_has_wal", no_shared_memory)
    stand.restored(Way.COPIED, why="SQLite has no WAL in")
    assert not stand.slot.rewinds
    assert stand.path.read_bytes() == stand.golden.read_bytes()
    write_some(stand.connect())
    stand.restored(Way.COPIED)
    stand.slot.close()
    stand.restored(Way.COPIED)
    assert len(tried) == 1


def test_whether_there_can_be_a_wal_is_tried_in_the_slots_folder(tmp_path):
    """Nothing stays of the trial; a folder where nothing can be made has none."""
    assert rewind._has_wal(tmp_path / "trial.sqlite")
    assert not rewind._has_wal(tmp_path / "no folder" / "trial.sqlite")
    assert os.listdir(tmp_path) == []


def test_the_time_of_a_restore_does_not_grow_with_the_golden(tmp_path):
    """A copy of 64 MB takes 30 times what this may take."""
    stand = Stand(tmp_path, blob_bytes=64_000_000).rewinding()
    times = []
    for _ in range(15):
        write_some(stand.connect())
        started = time.perf_counter()
        assert stand.slot.restore() is Way.REWOUND
        times.append(time.perf_counter() - started)
    assert sorted(times)[7] < 0.005
    stand.end()


# --- agreement

OPERATIONS = {
    "insert": lambda c, rnd: write_some(c),
    "update": lambda c, rnd: c.execute("update t set extra = ?", (str(rnd.random()),)),
    "delete": lambda c, rnd: c.execute("delete from t"),
    "create": lambda c, rnd: c.execute(f"create table x{rnd.randrange(9)}(a{rnd.randrange(9)})"),
    "alter": lambda c, rnd: c.execute(f"alter table t add column c{rnd.randrange(9)}"),
    "drop": lambda c, rnd: c.execute("drop table blobs"),
    "vacuum": lambda c, rnd: (c.commit(), c.execute("vacuum")),
    "version": lambda c, rnd: c.execute(f"pragma user_version={rnd.randrange(99)}"),
    "many": lambda c, rnd: c.execute("insert into blobs values (zeroblob(2000000))"),
    "rollback": lambda c, rnd: (c.execute("delete from t"), c.rollback()),
    "left open": lambda c, rnd: c.execute("insert into t(name) values ('uncommitted')"),
    "half read": lambda c, rnd: c.execute("select * from t").fetchone(),
    "mode": lambda c, rnd: (c.commit(), c.execute(f"pragma journal_mode={rnd.choice(['delete', 'memory', 'wal'])}")),
    "checkpoint": lambda c, rnd: (
        c.commit(),
        c.execute(f"pragma wal_checkpoint({rnd.choice(['passive', 'truncate'])})"),
    ),
    "exclusive": lambda c, rnd: c.execute("pragma locking_mode=exclusive"),
}
SPECIAL = ["leak", "cursor of a closed one", "another process", "killed process", "lockless", "replaced"]
STEP = st.sampled_from([*OPERATIONS, *OPERATIONS, *SPECIAL])


@pytest.mark.parametrize("leases", [pytest.param(True, marks=LINUX), False])
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(tests=st.lists(st.lists(STEP, max_size=5), min_size=3, max_size=12), seed=st.integers(0, 1 << 20))
def test_after_every_restore_a_clone_is_the_golden(tmp_path_factory, leases, tests, seed):
    """Random tests, each of random statements, leaks and other processes."""
    rnd = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as leaks:
        if not leases:
            patch.setattr(seal, "open_elsewhere", lambda descriptor: None)
            patch.setattr(evict, "_STEPS", 4)  # each leak is waited for here: nobody may wake up meanwhile
        folder = tmp_path_factory.mktemp("agreement")
        stand = Stand(folder, blob_bytes=20_000)
        for steps in tests:
            leaky = bool(set(steps) & set(SPECIAL[:3]))
            for step in steps:
                with contextlib.suppress(sqlite3.Error):
                    one_step(stand, step, rnd, leaks)
            way = stand.slot.restore()
            stand.check()
            event(way)
            if stand.slot.leak:
                assert leaky
                assert way is Way.COPIED
        leaks.close()
        stand.end()
        shutil.rmtree(folder)


def one_step(stand, step, rnd, leaks):
    if stand.slot._seal is None:
        return  # no clone yet
    if step in OPERATIONS:
        connection = rnd.choice(stand.pool) if stand.pool and rnd.random() < 0.6 else stand.connect()
        OPERATIONS[step](connection, rnd)
        if step != "left open":
            connection.commit()
    elif step in ("leak", "cursor of a closed one"):
        connection = leaks.enter_context(contextlib.closing(sqlite3.connect(stand.path, timeout=0)))
        write_some(connection)
        cursor = connection.execute("select * from t, t")
        cursor.fetchone()
        if step != "leak":
            connection.close()
            leaks.callback(lambda: cursor)
    elif step == "lockless":
        with contextlib.closing(lockless(stand.path)) as connection:
            write_some(connection)
            connection.execute("pragma wal_checkpoint(truncate)")
    elif step == "replaced":
        shutil.copy(stand.golden, stand.folder / "other")
        with contextlib.closing(sqlite3.connect(stand.folder / "other")) as connection:
            write_some(connection)
        os.replace(stand.folder / "other", stand.path)
    else:
        statement = "try: c.execute(\"insert into t(name) values ('other')\")\nexcept sqlite3.Error: pass"
        process = another_process(stand.path, statement)
        process.__enter__()
        leaks.callback(process.__exit__, None, None, None)
        if step == "killed process":
            leaks.pop_all().close() if not leaks else process.__exit__(None, None, None)
