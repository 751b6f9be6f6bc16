"""A file that an application keeps in WAL mode is put back under its connections, and SQLite agrees with each of them."""

import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
import threading

import pytest
import sqlalchemy

from places import ADD, GOLDEN_NAMES, NAMES, PEOPLE, Bench, dump, dump_of, names, run, sound
from templatedb.slots import LockedError, Restored, StuckError, Way, locks, wal_index
from templatedb.slots.image import MTIME_NS, Image
from templatedb.slots.in_wal import InWal

IN_PLACE, UNCHANGED, BACKUP = Restored(Way.IN_PLACE), Restored(Way.UNCHANGED), Restored(Way.BACKUP)
EVE = [*GOLDEN_NAMES, ("Eve",)]
WAL = "pragma journal_mode = wal"
COOKIE = "pragma schema_version"
GROW = "insert into people (name) select hex(randomblob(4000)) from people, people a, people b, people c"

pytestmark = pytest.mark.skipif(not locks.ARE_SUPPORTED, reason="the locks that this needs are Linux's")


@pytest.fixture
def bench(tmp_path):
    """A place that an application has open in WAL mode, restored as it always is from the second time on."""
    bench = Bench(tmp_path)
    bench.restore()
    bench.application = bench.engine(WAL)
    run(bench.application, ADD)
    assert bench.restore() == BACKUP  # it still had a connection from before the switch
    assert bench.restore() == IN_PLACE
    yield bench
    bench.close()


def check(bench, *connections, image=None):
    """The file, the application and every connection show what a fresh copy of the golden shows; the file is sound."""
    expected = dump_of(image or bench.image)
    with contextlib.closing(sqlite3.connect(bench.path)) as fresh, bench.application.connect() as pooled:
        for connection in (fresh, pooled, *connections):
            assert dump(connection) == expected
            assert connection_mode(connection) == "wal"
    assert sound(bench.path)


def connection_mode(connection):
    raw = connection if isinstance(connection, sqlite3.Connection) else connection.connection.driver_connection
    return raw.execute("pragma journal_mode").fetchone()[0]


def size_of_log(bench):
    return os.stat(f"{bench.path}-wal").st_size


def content(bench):
    """The bytes of the file and of the head of its wal-index. To open and close them would drop SQLite's locks."""
    return os.pread(bench.slot._descriptor, 10**6, 0), os.pread(bench.slot._in_wal._index, 96, 0)


def cookie(connection):
    return connection.execute(COOKIE).fetchone()


# What idle connections see.


def test_every_idle_connection_sees_the_golden(bench):
    """Of the pool, of a thread, raw, of another process: all had cached the changed pages, and all stay open."""
    raw, other, connected = bench.connect(), bench.other_process(), []
    threads = bench.connect(check_same_thread=False)
    sqlalchemy.event.listen(bench.application, "connect", lambda connection, record: connected.append(connection))
    seen = []
    for _ in range(3):
        run(bench.application, ADD)
        thread = threading.Thread(target=lambda: seen.append(names(threads)))
        thread.start()
        thread.join()
        assert names(raw) == other.execute(NAMES) == names(bench.application) == seen[-1] == EVE
        assert bench.restore() == IN_PLACE
        assert names(raw) == names(threads) == other.execute(NAMES) == names(bench.application) == GOLDEN_NAMES
    assert other.execute("dump") == dump_of(bench.image)
    assert connected == []
    check(bench, raw, threads)


def test_as_many_commits_again_are_not_taken_for_those_before(bench):
    """A connection that was idle over a restore would have the rows of an earlier test."""
    did, idle = bench.connect(), bench.connect()
    for name in ("Joe", "Eve", "Zoe"):
        did.execute("insert into people (name) values (?)", (name,))
        did.commit()
        if name != "Eve":
            assert idle.execute("select name from people where id = 3").fetchall() == [(name,)]
        assert bench.restore() == IN_PLACE
    check(bench, did, idle)


def test_nobody_parses_the_schema_again_that_no_test_changed(bench):
    """The schema cookie stays: that is most of what a restore costs the test after it."""
    raw = bench.connect()
    before = cookie(raw)
    for statement in (ADD, "update people set note = 'x'", "delete from people", GROW):
        run(raw, statement)
        assert bench.restore() == IN_PLACE
        assert cookie(raw) == before
    check(bench, raw)


@pytest.mark.parametrize("checkpoint", ["", "pragma wal_checkpoint", "pragma wal_checkpoint(truncate)"])
@pytest.mark.parametrize(
    "change",
    [
        "create table more (x)",
        "drop table pets",
        "alter table people add column age integer",
        "drop index people_by_note",
        "vacuum",
        "pragma user_version = 7",
        GROW,
    ],
)
def test_whatever_is_stored_comes_back_from_the_log_or_from_the_file(bench, change, checkpoint):
    """For connections that saw it, for those that did not, and for the one that did it; the next test's DDL too."""
    saw, idle, did = (bench.connect(isolation_level=None) for _ in range(3))
    for connection in (saw, idle):
        dump(connection)
    for _ in range(2):
        did.execute(change)
        did.execute(checkpoint).fetchall()
        dump(saw)
        assert bench.restore() == IN_PLACE
        assert saw.execute("pragma user_version").fetchone() == (0,)
        assert dump(saw) == dump_of(bench.image)
    did.execute("create table another (y)")
    assert idle.execute("select * from another").fetchall() == []
    assert saw.execute("select * from another").fetchall() == []
    assert bench.restore() == IN_PLACE
    check(bench, saw, idle, did)


def test_a_log_of_many_frames_is_taken_for_a_changed_schema(bench):
    """To look at all of them would take longer than to parse it."""
    raw = bench.connect()
    before = cookie(raw)
    for _ in range(150):
        run(raw, ADD)
    assert bench.restore() == IN_PLACE
    assert cookie(raw) != before
    check(bench, raw)


def test_a_checkpoint_of_the_applications_own_is_taken_for_a_changed_schema(bench):
    """What was in the log is in the file, and may be by somebody who copied it there."""
    raw = bench.connect(isolation_level=None)
    before = cookie(raw)
    run(raw, ADD, "pragma wal_checkpoint(truncate)")
    assert bench.restore() == IN_PLACE
    assert cookie(raw) != before
    check(bench, raw)


def test_a_connection_from_before_the_switch_to_wal_sees_the_golden(tmp_path):
    """It has pages in memory, and no log open."""
    with contextlib.closing(Bench(tmp_path)) as bench:
        bench.restore()
        idle, other = bench.connect(), bench.other_process()
        run(idle, ADD)
        assert names(idle) == other.execute(NAMES) == EVE
        bench.application = bench.engine(WAL)
        run(bench.application, ADD)
        assert bench.restore() == BACKUP
        run(bench.application, ADD)
        assert bench.restore() == IN_PLACE
        assert other.execute("dump") == dump_of(bench.image)
        check(bench, idle)


def test_a_connection_that_slept_through_wal_mode_sees_the_golden(tmp_path):
    """What it remembers is the change counter of an earlier test, which must not come again."""
    with contextlib.closing(Bench(tmp_path)) as bench:
        bench.restore()
        idle = bench.connect()
        run(idle, ADD)
        assert names(idle) == EVE
        application = bench.engine(WAL)
        run(application, ADD)
        assert bench.restore() == BACKUP
        run(application, ADD)
        assert bench.restore() == IN_PLACE
        application.dispose()
        assert bench.connect().execute("pragma journal_mode = delete").fetchone() == ("delete",)
        assert names(idle) == GOLDEN_NAMES


def test_a_connection_with_mapped_memory_sees_the_golden_of_a_file_in_wal_mode(bench):
    """Also where a checkpoint let the file grow, and it shrinks under the map."""
    mapped, did = bench.connect(isolation_level=None), bench.connect(isolation_level=None)
    assert mapped.execute("pragma mmap_size = 268435456").fetchone() == (268435456,)
    for _ in range(3):
        run(did, GROW, "pragma wal_checkpoint(truncate)")
        assert len(names(mapped)) > 10
        assert bench.restore() == IN_PLACE
        check(bench, mapped, did)


def test_goldens_take_turns_under_an_application_in_wal_mode(bench):
    """Each with a schema and a number of pages of its own."""
    many = bench.golden((*PEOPLE, GROW))
    cities = bench.golden(("create table cities (name)", "insert into cities values ('Zürich')"))
    raw = bench.connect()
    for image in (many, cities, bench.image) * 2:
        run(bench.application, "create table more (x)")
        assert bench.restore(image) == IN_PLACE
        check(bench, raw, image=image)
        assert bench.restore(image) == UNCHANGED
    for image in (many, cities):  # with nothing changed in between
        assert bench.restore(image) == IN_PLACE
        check(bench, raw, image=image)


# What is written, and what is not.


def test_a_file_in_wal_mode_that_nobody_changed_is_left_alone(bench):
    """Readers and transactions that were rolled back write nothing; not a byte is written for them."""
    raw = bench.connect()
    assert names(raw) == GOLDEN_NAMES
    raw.execute(ADD)
    raw.rollback()
    before = content(bench)
    assert bench.restore() == bench.restore() == UNCHANGED
    assert content(bench) == before
    check(bench, raw)


def test_a_transaction_that_spilled_into_the_log_and_was_rolled_back_leaves_nothing(bench):
    """Its frames are in the log, and count for nothing."""
    raw = bench.connect(isolation_level=None)
    raw.execute("pragma cache_size = 1")
    raw.execute("begin")
    raw.execute(GROW)
    raw.execute("rollback")
    assert size_of_log(bench) > 0
    assert bench.restore() == IN_PLACE
    assert size_of_log(bench) == 0
    check(bench, raw)


def test_the_file_alone_is_the_golden_after_a_restore(bench):
    """In WAL mode, without a log: whoever copies the file has everything."""
    run(bench.application, ADD)
    assert bench.restore() == IN_PLACE
    assert size_of_log(bench) == 0
    assert os.stat(bench.path).st_mtime_ns == MTIME_NS
    copy = bench.folder / "copy"
    subprocess.run(["cp", bench.path, copy], check=True)
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert dump(connection) == dump_of(bench.image)
        assert connection_mode(connection) == "wal"


def test_a_test_may_take_the_file_out_of_wal_mode(bench):
    """Nothing of ours is open on it: only the application's own connections would be in its way."""
    bench.application.dispose()
    raw = bench.connect()
    assert raw.execute("pragma journal_mode = delete").fetchone() == ("delete",)
    run(raw, ADD, "create table more (x)")
    assert bench.restore() == IN_PLACE
    assert names(raw) == names(bench.application) == GOLDEN_NAMES
    run(bench.application, ADD)
    bench.restore()
    check(bench, raw)


# Who is in the way.


def hold(bench, who, statements):
    """Do these *statements* in an open transaction, or leave the last one half read; return how to end that."""
    if who == "other process":
        other = bench.other_process()
        for statement in statements:
            assert isinstance(other.execute(statement), list)
        return lambda: other.execute("rollback")
    raw = bench.connect(isolation_level=None)
    for statement in statements[:-1]:
        raw.execute(statement).fetchall()
    cursor = raw.execute(statements[-1])
    cursor.fetchone()

    def end():
        cursor.close()
        raw.rollback()

    return end


@pytest.mark.parametrize("changed", [False, True], ids=["log empty", "log full"])
@pytest.mark.parametrize("who", ["this process", "other process"])
@pytest.mark.parametrize(
    "statements",
    [["begin", NAMES], ["begin immediate"], ["begin exclusive"], ["begin", ADD]],
    ids=["read", "immediate", "exclusive", "write"],
)
def test_an_open_transaction_keeps_the_file_from_being_put_back(bench, changed, who, statements):
    """Whether it reads the log or the file; nothing is written then, and nothing stays locked."""
    if changed:
        run(bench.application, ADD)
    in_wal = bench.slot._in_wal
    end = hold(bench, who, statements)
    before = content(bench)
    with pytest.raises(LockedError):
        in_wal.restore(bench.image)
    assert content(bench) == before
    end()
    assert in_wal.restore(bench.image) == (Way.IN_PLACE if changed else Way.UNCHANGED)
    check(bench)


def test_a_half_read_result_keeps_the_file_from_being_put_back(bench):
    """Without a transaction of its own."""
    run(bench.application, ADD)
    end = hold(bench, "this process", [NAMES])
    with pytest.raises(LockedError):
        bench.slot._in_wal.restore(bench.image)
    end()
    assert bench.restore() == IN_PLACE
    check(bench)


@pytest.mark.parametrize("byte", range(120, 128))
def test_each_lock_of_sqlites_keeps_the_file_from_being_put_back(bench, byte):
    """A writer, a checkpoint, a recovery, five marks of readers."""
    run(bench.application, ADD)
    somebody = os.open(f"{bench.path}-shm", os.O_RDWR)
    bench.stack.callback(os.close, somebody)  # not before: it would drop SQLite's locks
    before = content(bench)
    with locks.held(somebody, locks.Lock(locks.Kind.EXCLUSIVE, byte, 1)), pytest.raises(LockedError):
        bench.slot._in_wal.restore(bench.image)
    assert content(bench) == before
    assert bench.restore() == IN_PLACE
    check(bench)


def test_an_exclusive_connection_is_ended_and_reported(bench):
    """It keeps the locks, and the wal-index in its own memory."""
    bench.application.dispose()
    raw = bench.connect(isolation_level=None)
    raw.execute("pragma locking_mode = exclusive")
    run(raw, ADD)
    assert bench.restore().leak.startswith("left a sqlite3 connection in EXCLUSIVE locking mode, which was closed")
    assert names(bench.application) == GOLDEN_NAMES
    bench.restore()
    check(bench)


def test_a_half_read_result_of_a_closed_connection_is_ended_and_reported(bench):
    """It keeps its lock, and can only be reached by its cursor."""
    raw = bench.connect()
    cursor = raw.execute(NAMES)
    cursor.fetchone()
    raw.close()
    assert bench.restore().leak.startswith("left a result half read on a closed connection")
    check(bench)


def test_a_transaction_of_another_process_is_told_with_its_number(bench):
    """Nothing of this process is to blame."""
    other = bench.other_process()
    other.execute("begin immediate")
    with pytest.raises(StuckError, match=f"left a transaction open in process {other.pid}: "):
        bench.restore()
    other.execute("rollback")
    bench.restore()
    check(bench)


def test_who_goes_on_reading_meanwhile_never_sees_a_mix(bench):
    """Another process reads all the time: the golden's rows or the test's, and never some of each."""
    reader = bench.other_process()
    counts = "select (select count(*) from people), (select count(*) from pets)"
    seen, ended = set(), threading.Event()

    def read():
        while not ended.is_set():
            answer = reader.execute(counts)
            if not str(answer).endswith("database is locked"):
                seen.update(answer)

    thread = threading.Thread(target=read)
    thread.start()
    raw = bench.connect(timeout=5)
    for _ in range(100):
        run(raw, GROW, "insert into pets (name) values ('Rex')")
        while True:
            with contextlib.suppress(LockedError):
                assert bench.slot._in_wal.restore(bench.image) is Way.IN_PLACE
                break
    ended.set()
    thread.join()
    assert seen <= {(2, 0), (18, 1)}
    check(bench, raw)


def test_the_last_connection_that_is_closed_meanwhile_takes_nothing_away(bench, monkeypatch):
    """It would write the log into the file, without a lock of the wal-index, and remove both."""
    raw = bench.connect()
    run(raw, ADD)
    bench.application.dispose()
    write = InWal._write

    def write_when_it_is_closed(*arguments):
        raw.close()
        return write(*arguments)

    monkeypatch.setattr(InWal, "_write", write_when_it_is_closed)
    assert bench.slot._in_wal.restore(bench.image) is Way.IN_PLACE
    monkeypatch.undo()
    assert os.path.exists(f"{bench.path}-wal")
    check(bench)


# What is left to SQLite.


def test_without_the_locks_sqlite_does_it(bench, monkeypatch):
    """Another system, an old kernel, a file system without them."""
    monkeypatch.setattr(locks, "ARE_SUPPORTED", False)
    for _ in range(2):
        run(bench.application, ADD)
        assert bench.restore() == BACKUP
        check(bench)


@pytest.mark.parametrize("where", [0, 12, 20, 40, 48, 90])
def test_a_wal_index_that_is_not_in_order_is_left_to_sqlite(bench, where):
    """Its first reader recovers it from the log."""
    run(bench.application, ADD)
    index = os.open(f"{bench.path}-shm", os.O_RDWR)
    (byte,) = os.pread(index, 1, where)
    os.pwrite(index, bytes((byte ^ 0x55,)), where)
    assert bench.restore() == BACKUP
    check(bench)
    run(bench.application, ADD)
    assert bench.restore() == IN_PLACE
    check(bench)
    bench.stack.callback(os.close, index)  # only now: it would drop SQLite's locks


def test_what_a_killed_process_left_beside_the_file_is_not_taken_for_its_state(bench):
    """Nobody has it open: the wal-index in the file system says what was once true."""
    run(bench.application, ADD)
    files = [(f"{bench.path}{end}", bench.folder / f"left{end}") for end in ("", "-wal", "-shm")]
    for path, copy in files:
        subprocess.run(["cp", path, copy], check=True)
    bench.application.dispose()
    for path, copy in files:
        shutil.copyfile(copy, path)
    assert bench.slot._in_wal.restore(bench.image) is None
    assert bench.restore() == IN_PLACE
    assert not os.path.exists(f"{bench.path}-wal")
    assert names(bench.connect()) == GOLDEN_NAMES


def test_a_journal_that_somebody_put_beside_a_file_in_wal_mode_is_gone_with_the_test(tmp_path, bench):
    """The next connection would roll it back, over the golden's rows."""
    twin = tmp_path / "twin"
    subprocess.run(["cp", bench.path, twin], check=True)
    with contextlib.closing(sqlite3.connect(twin, isolation_level=None)) as raw:
        raw.execute("pragma journal_mode = delete")
        raw.execute("update people set note = 'of the journal'")
        raw.execute("pragma cache_size = 1")
        raw.execute("begin")
        raw.execute(GROW)
        raw.execute("update people set note = 'of the other'")
        shutil.copyfile(f"{twin}-journal", f"{bench.path}-journal")
        raw.execute("rollback")
    assert bench.restore().way in (Way.BACKUP, Way.IN_PLACE)
    assert not os.path.exists(f"{bench.path}-journal")
    check(bench)


@pytest.mark.parametrize("pragma", ["encoding = 'UTF-16le'", "encoding = 'UTF-16be'", "page_size = 512"])
def test_a_golden_of_another_kind_gets_a_new_file(bench, pragma):
    """A connection has one text encoding for its life; SQLite does not change the page size of a file in WAL mode."""
    other = bench.golden((f"pragma {pragma}", *PEOPLE, "insert into people (name) values ('Zoë')"))
    counts = []
    for image in (other, bench.image) * 2:
        run(bench.application, ADD)
        if bench.slot._in_wal is not None:  # of the file that is there now
            assert bench.slot._in_wal.restore(image) is None
        assert bench.restore(image) == Restored(Way.REPLACED)
        check(bench, image=image)
        for way in (BACKUP, IN_PLACE):
            run(bench.application, ADD)
            assert bench.restore(image) == way
            check(bench, image=image)
        counts.append(len(os.listdir("/proc/self/fd")))
    assert len(set(counts)) == 1


@pytest.mark.parametrize("put", ["nothing", "an empty file", "a copy", "a folder"])
def test_a_log_that_a_test_removed_or_replaced_costs_the_connections_that_have_it(bench, put):
    """They would go on with the old one, and see nothing of what those write who open the new one."""
    raw, log, copy = bench.connect(), f"{bench.path}-wal", f"{bench.path}-copy"
    run(raw, ADD)
    assert names(bench.application) == EVE
    subprocess.run(["cp", log, copy], check=True)
    os.unlink(log)
    if put == "an empty file":
        open(log, "xb").close()
    elif put == "a copy":
        os.replace(copy, log)
    elif put == "a folder":
        os.mkdir(log)
    with pytest.raises(FileNotFoundError):
        bench.slot._in_wal.restore(bench.image)
    restored = bench.restore()
    assert restored.way is Way.REPLACED
    assert restored.leak.startswith("replaced the database file under a sqlite3 connection, which was closed")
    run(bench.application, ADD)
    assert names(bench.connect()) == bench.other_process().execute(NAMES) == names(bench.application) == EVE
    bench.restore()
    check(bench)


def test_a_wal_index_that_a_test_removed_is_not_let_go_while_connections_live_on_it(bench):
    """To close it would drop their locks, and its successor is not what they look at."""
    here, other = bench.connect(), None
    run(here, ADD)
    os.unlink(f"{bench.path}-shm")
    with pytest.raises(FileNotFoundError):
        bench.slot._in_wal.restore(bench.image)
    other = bench.other_process()
    other.execute("select count(*) from people")
    assert os.path.exists(f"{bench.path}-shm")
    with pytest.raises(FileNotFoundError):
        bench.slot._in_wal.restore(bench.image)
    assert locks.is_taken(bench.slot._in_wal._index, locks.Lock(locks.Kind.EXCLUSIVE, 128, 1))
    other.close()
    assert bench.restore().way is Way.REPLACED
    run(bench.application, ADD)
    assert bench.other_process().execute(NAMES) == names(bench.application) == EVE
    bench.restore()
    check(bench)


def test_a_file_that_a_test_copied_is_restored_by_sqlite_which_locks_it_again(bench):
    """To read it in the test process drops the locks on it: a process that came later would remove the log."""
    run(bench.application, ADD)
    shutil.copyfile(bench.path, bench.folder / "copy")
    assert bench.restore() == BACKUP
    other = bench.other_process()
    other.execute(ADD)
    other.execute("close")
    run(bench.application, ADD)
    assert bench.other_process().execute(NAMES) == names(bench.application) == [*EVE, ("Eve",)]
    assert bench.restore() == IN_PLACE
    check(bench)


def test_a_wal_index_made_anew_is_used_and_the_old_one_is_closed(bench):
    """Each time that an application's last connection is closed SQLite removes it."""
    counts = []
    for _ in range(4):
        bench.application.dispose()
        with bench.application.connect() as first, bench.application.connect() as second:
            for connection in (first, second):
                connection.exec_driver_sql("select 1")
        run(bench.application, ADD)
        assert bench.slot._in_wal.restore(bench.image) is Way.IN_PLACE
        counts.append(len(os.listdir("/proc/self/fd")))
        check(bench)
    assert len(set(counts)) == 1


# What fails half-way.


@pytest.mark.parametrize("step", ["write_to", "ftruncate", "index", "utime"])
def test_after_an_error_half_way_the_next_restore_begins_anew(bench, monkeypatch, step):
    """Nothing is taken for done, and nothing stays locked."""
    raw = bench.connect()
    run(raw, ADD, "create table more (x)")

    def fail(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    owner, name = {
        "write_to": (Image, "write_to"),
        "ftruncate": (os, "ftruncate"),
        "index": (wal_index, "write"),
        "utime": (os, "utime"),
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        with pytest.raises(OSError, match="No space left"):
            bench.restore()
    assert bench.restore() == IN_PLACE
    check(bench, raw)


# That the tests above would notice.


def test_without_a_new_head_cached_rows_are_wrong(bench, monkeypatch):
    """An idle connection takes its pages for those of the file."""
    raw = bench.connect()

    def restored():
        run(raw, ADD)
        assert names(raw) == EVE
        assert bench.restore() == IN_PLACE
        return names(raw)

    assert restored() == GOLDEN_NAMES
    monkeypatch.setattr(wal_index, "write", lambda descriptor, head: None)
    with contextlib.suppress(sqlite3.DatabaseError):
        assert restored() != GOLDEN_NAMES


def test_without_a_new_cookie_the_schema_is_wrong(bench, monkeypatch):
    """An idle connection takes what it has parsed for what is stored."""
    raw = bench.connect()

    def restored():
        run(raw, "alter table people add column age integer")
        assert raw.execute("select age from people").fetchall() == [(None,), (None,)]
        assert bench.restore() == IN_PLACE
        return dump(raw)

    assert restored() == dump_of(bench.image)
    monkeypatch.setattr(InWal, "_has_another_cookie", lambda *_: False)
    run(raw, "alter table people add column age integer")
    assert raw.execute("select age from people").fetchall() == [(None,), (None,)]
    assert bench.restore() == IN_PLACE
    run(bench.application, "create table more (x)")  # takes the very number that the first one's change had
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        raw.execute("select * from more")
