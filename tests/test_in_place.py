"""A place is restored under the connections that are open on it, whatever a test did to it."""

import contextlib
import errno
import gc
import os
import re
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest
import sqlalchemy
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, StaticPool

from places import ADD, GOLDEN_NAMES, NAMES, PEOPLE, Bench, dump, dump_of, names, run, sound
from projects import alembic_project
from templatedb import CloneError
from templatedb.slots import Restored, StuckError, Way
from templatedb.slots.reused import Place, ReusedSlots

IN_PLACE, UNCHANGED, BACKUP = Restored(Way.IN_PLACE), Restored(Way.UNCHANGED), Restored(Way.BACKUP)
IN_WAL = (BACKUP, IN_PLACE)
"""SQLite does it where it has not been done before, or cannot be done otherwise (test_in_wal.py tells when)."""
COPIED, REPLACED = Restored(Way.COPIED), Restored(Way.REPLACED)
EVE = [*GOLDEN_NAMES, ("Eve",)]


@pytest.fixture
def bench(tmp_path):
    """A place that was restored once, and what is open on it."""
    bench = Bench(tmp_path)
    assert bench.restore() == COPIED
    yield bench
    bench.close()


def facts(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def check(bench, *connections, image=None):
    """The file and every connection show what a fresh copy of the golden shows, and SQLite finds the file sound."""
    expected = dump_of(image or bench.image)
    with contextlib.closing(sqlite3.connect(bench.path)) as fresh:
        assert dump(fresh) == expected
    for connection in connections:
        assert dump(connection) == expected
    assert sound(bench.path)


# What a test leaves behind in good order.


def test_a_place_nobody_changed_is_left_alone(bench):
    """Not a byte is written: inode, size and time stay."""
    engine, raw = bench.engine(), bench.connect()
    before = facts(bench.path)
    assert (names(engine), names(raw)) == (GOLDEN_NAMES, GOLDEN_NAMES)
    assert bench.restore() == UNCHANGED
    assert facts(bench.path) == before
    check(bench, raw)


def test_a_rolled_back_change_is_no_change(bench):
    """The change counter and the time stay as they were."""
    raw = bench.connect()
    raw.execute(ADD)
    raw.rollback()
    assert bench.restore() == UNCHANGED
    check(bench, raw)


def test_committed_rows_are_gone_for_every_connection(bench):
    """Pooled, raw, and one that cached the changed pages; all stay open."""
    engine, writer, reader = bench.engine(), bench.connect(), bench.connect()
    for _ in range(3):
        run(writer, ADD)
        assert names(engine) == names(reader) == EVE
        assert bench.restore() == IN_PLACE
        assert names(engine) == names(reader) == names(writer) == GOLDEN_NAMES
    check(bench, writer, reader)


def test_a_pooled_connection_survives_a_restore(bench):
    """Its pool does not connect again: that is what makes it cheap."""
    engine = bench.engine()
    connected = []
    sqlalchemy.event.listen(engine, "connect", lambda connection, record: connected.append(connection))
    for _ in range(5):
        run(engine, ADD)
        assert bench.restore() == IN_PLACE
        assert names(engine) == GOLDEN_NAMES
    assert len(connected) == 1


@pytest.mark.parametrize(
    "change",
    [
        "pragma user_version = 7",
        "pragma application_id = 7",
        "create table more (x)",
        "drop table pets",
        "alter table people add column age integer",
        "drop index people_by_note",
        "create view v as select 1",
        "delete from people",
        "insert into people (name) select hex(randomblob(4000)) from people, people a, people b",
        "vacuum",
        "analyze",
        "reindex",
    ],
)
def test_whatever_is_stored_in_the_file_comes_back(bench, change):
    """Header fields, schema, growth and shrinking, for connections that saw it and for those that did not."""
    saw, idle, did = (bench.connect(isolation_level=None) for _ in range(3))
    before = dump(idle), dump(saw)
    did.execute(change)
    dump(saw)
    assert bench.restore() == IN_PLACE
    assert (dump(idle), dump(saw)) == before
    for connection in (saw, idle, did):
        assert connection.execute("pragma user_version").fetchone() == (0,)
        assert connection.execute("pragma application_id").fetchone() == (0,)
    check(bench, did)


@pytest.mark.parametrize("page_size", [512, 1024, 65536])
@pytest.mark.parametrize("auto_vacuum", [0, 1, 2])
def test_another_page_size_comes_back(bench, page_size, auto_vacuum):
    """VACUUM builds the file anew; idle connections had the old size."""
    did, idle, saw = (bench.connect(isolation_level=None) for _ in range(3))
    assert names(idle) == GOLDEN_NAMES
    did.execute(f"pragma page_size = {page_size}")
    did.execute(f"pragma auto_vacuum = {auto_vacuum}")
    did.execute("vacuum")
    assert names(saw) == GOLDEN_NAMES
    run(did, ADD)
    assert bench.restore() == IN_PLACE
    check(bench, idle, saw, did)
    for connection in (idle, saw):
        assert connection.execute("pragma page_size").fetchone() == (4096,)
    run(idle, "insert into people (name) select hex(randomblob(900)) from people, people a, people b, people c")
    assert sound(bench.path)
    assert bench.restore() == IN_PLACE
    check(bench, idle, saw, did)


@pytest.mark.parametrize("statement", ["select * from people", "select name, note from people where note = 'first'"])
def test_a_prepared_statement_is_right_after_its_table_was_changed_and_restored(bench, statement):
    """sqlite3 keeps it compiled: it must be compiled again where the schema was another one, and be right elsewhere."""
    did, idle = bench.connect(), bench.connect()
    expected = did.execute(statement).fetchall(), idle.execute(statement).fetchall()
    run(did, "drop table people", "create table people (note text, name text, extra text)")
    run(did, "insert into people values ('first', 'Zoe', 'x')")
    changed = did.execute(statement).fetchall()
    assert bench.restore() == IN_PLACE
    assert (did.execute(statement).fetchall(), idle.execute(statement).fetchall()) == expected
    run(did, "drop table people", "create table people (note text, name text, extra text)")
    run(did, "insert into people values ('first', 'Zoe', 'x')")
    assert did.execute(statement).fetchall() == idle.execute(statement).fetchall() == changed
    assert bench.restore() == IN_PLACE
    check(bench, did, idle)


@pytest.mark.parametrize("mode", ["persist", "truncate", "memory", "off"])
def test_another_rollback_journal_is_no_obstacle(bench, mode):
    """Its journal may lie beside the file."""
    did, idle = bench.connect(isolation_level=None), bench.connect()
    assert names(idle) == GOLDEN_NAMES
    assert did.execute(f"pragma journal_mode = {mode}").fetchone() == (mode,)
    run(did, ADD)
    assert names(idle) == EVE
    assert bench.restore() == IN_PLACE
    check(bench, did, idle)
    assert bench.restore() == UNCHANGED


def test_a_rollback_without_a_journal_leaves_garbage_that_is_noticed(bench):
    """The change counter stays: only the file's time tells."""
    many = "with recursive a(n) as (select 1 union all select n + 1 from a limit 3000)"
    image = bench.golden((*PEOPLE, f"{many} insert into people (name, note) select n, n from a"))
    assert bench.restore(image) == IN_PLACE
    did = bench.connect(isolation_level=None)
    did.execute("pragma journal_mode = off")
    did.execute("pragma cache_size = 1")
    did.execute("begin")
    did.execute("update people set note = hex(randomblob(8))")
    did.execute("rollback")
    assert not sound(bench.path)
    assert bench.restore(image) == IN_PLACE
    check(bench, did, image=image)


def test_a_connection_with_mapped_memory_sees_the_golden(bench):
    """Also where the file grew, and shrinks under the map."""
    mapped, did = bench.connect(isolation_level=None), bench.connect()
    assert mapped.execute("pragma mmap_size = 268435456").fetchone() == (268435456,)
    for _ in range(3):
        run(did, "insert into people (name) select hex(randomblob(4000)) from people, people a, people b, people c")
        assert len(names(mapped)) > 10
        assert bench.restore() == IN_PLACE
        check(bench, mapped, did)


def put_back_by_copying(bench, saved):
    """Do as a test of an application's own backup does. Closing the file drops SQLite's locks: nobody holds one."""
    with open(bench.path, "r+b") as opened:
        opened.write(saved)
        opened.truncate()


def test_after_a_copy_was_put_back_no_connection_takes_its_old_rows_for_new_ones(bench):
    """The change counter went back by one: one more, and it would be what the connection remembers."""
    idle, saved = bench.connect(), bench.path.read_bytes()
    run(idle, ADD)
    assert names(idle) == EVE
    put_back_by_copying(bench, saved)
    assert bench.restore() == IN_PLACE
    assert names(idle) == GOLDEN_NAMES
    check(bench, idle)


def test_after_a_copy_was_put_back_no_connection_takes_its_old_schema_for_a_new_one(bench):
    """The same for the schema cookie, when the next test changes the schema once."""
    idle, other, saved = bench.connect(), bench.connect(), bench.path.read_bytes()
    idle.execute("create table more (x)")
    put_back_by_copying(bench, saved)
    assert bench.restore() == IN_PLACE
    other.execute("create table another (y)")
    assert idle.execute("select * from another").fetchall() == []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        idle.execute("select * from more")
    assert bench.restore() == IN_PLACE
    check(bench, idle, other)


@pytest.mark.parametrize("kind", [None, "page_size = 512", "page_size = 65536", "encoding = 'UTF-16le'"])
def test_goldens_take_turns_in_one_place(bench, kind):
    """The place that an application was told is restored from whichever golden a test wants."""
    pragmas = () if kind is None else (f"pragma {kind}",)
    cities = bench.golden((*pragmas, "create table cities (name)", "insert into cities values ('Zürich')"))
    empty = bench.golden((*pragmas, "pragma user_version = 3"))
    engine = bench.engine()
    for number, image in enumerate((bench.image, cities, empty, cities, bench.image, empty) * 2):
        assert bench.restore(image) == (IN_PLACE if number else UNCHANGED)
        with engine.connect() as connection:
            check(bench, connection, image=image)
        run(engine, "create table more (x)", "insert into more values ('ö')")


@pytest.mark.parametrize("page_size", [512, 65536])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_goldens_of_any_page_size_and_encoding(bench, page_size, encoding):
    """As whoever made them wished."""
    pragmas = (f"pragma page_size = {page_size}", f"pragma encoding = '{encoding}'")
    image = bench.golden((*pragmas, *PEOPLE))
    bench.restore(image)
    did, idle = bench.connect(), bench.connect()
    assert names(idle) == GOLDEN_NAMES
    run(did, "insert into people (name) values ('Zoë')", "create table more (x)")
    assert len(names(idle)) == 3
    assert bench.restore(image) == IN_PLACE
    check(bench, did, idle, image=image)


def test_a_golden_without_tables(bench):
    """It has a header, and one empty page."""
    for statements in (("pragma user_version = 1",), ("create table gone (x)", "drop table gone")):
        image = bench.golden(statements)
        bench.restore(image)
        did, idle = bench.connect(), bench.connect()
        assert dump(idle) == dump_of(image)
        run(did, "create table more (x)")
        assert bench.restore(image) == IN_PLACE
        check(bench, did, idle, image=image)
        assert bench.restore(image) == UNCHANGED


def test_an_application_that_connected_before_the_first_restore(tmp_path):
    """It has an empty database open, perhaps read, and gets the golden under it."""
    with contextlib.closing(Bench(tmp_path)) as bench:
        assert bench.slot.path == bench.path
        engine, raw, fresh = bench.engine(), bench.connect(), bench.connect()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select count(*) from sqlite_master").scalar() == 0
        assert dump(raw) == "BEGIN TRANSACTION;\nCOMMIT;"
        assert bench.restore() == COPIED
        assert names(engine) == names(raw) == names(fresh) == GOLDEN_NAMES
        check(bench, raw, fresh)


# WAL.


def test_wal_set_on_connect_is_normal(bench):
    """The application's pool stays open, nothing is reported, and every connection sees the golden."""
    engine, raw = bench.engine("pragma journal_mode = wal"), bench.connect()
    connected = []
    sqlalchemy.event.listen(engine, "connect", lambda connection, record: connected.append(connection))
    for _ in range(4):
        run(engine, ADD, "create table more (x)")
        assert names(engine) == names(raw) == EVE
        assert bench.restore() in IN_WAL
        assert names(engine) == names(raw) == GOLDEN_NAMES
        assert raw.execute("pragma journal_mode").fetchone() == ("wal",)
        check(bench, raw)
    assert len(connected) == 1


def test_wal_that_only_a_test_set_goes_with_the_test(bench):
    """The file is in DELETE mode again, and the connection that set it has reconnected."""
    engine, raw = bench.engine(), bench.connect()
    assert names(engine) == GOLDEN_NAMES
    run(engine, "pragma journal_mode = wal", ADD)
    assert bench.restore() == IN_PLACE
    assert not os.path.exists(f"{bench.path}-wal")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "delete"
    assert raw.execute("pragma journal_mode").fetchone() == ("delete",)
    check(bench, raw)


def test_wal_of_an_application_without_a_pool_goes_with_its_connection(bench):
    """NullPool: nobody is left, so the file goes back to DELETE mode."""
    engine = bench.engine("pragma journal_mode = wal", poolclass=NullPool)
    for _ in range(3):
        run(engine, ADD)
        assert bench.restore() == IN_PLACE
        assert names(engine) == GOLDEN_NAMES
    check(bench)


def test_a_raw_idle_connection_may_stay_in_wal_mode(bench):
    """As normal as a pooled one."""
    raw, idle = bench.connect(isolation_level=None), bench.connect()
    raw.execute("pragma journal_mode = wal")
    for _ in range(3):
        run(raw, ADD)
        assert names(idle) == EVE
        assert bench.restore() in IN_WAL
        check(bench, raw, idle)


def test_a_file_that_was_put_back_by_copying_under_wal_is_no_trap(bench):
    """SQLite's backup takes the next schema cookie, which a connection may remember."""
    engine, other = bench.engine("pragma journal_mode = wal"), bench.other_process()
    assert names(engine) == GOLDEN_NAMES
    other.execute("pragma wal_checkpoint(truncate)")
    saved = bench.folder / "saved"
    subprocess.run(["cp", bench.path, saved], check=True)
    run(engine, "drop table pets")
    other.execute("pragma wal_checkpoint(truncate)")
    subprocess.run(["cp", saved, bench.path], check=True)
    assert bench.restore() == BACKUP
    with engine.connect() as connection:
        check(bench, connection)
    assert other.execute("dump") == dump_of(bench.image)


def test_a_golden_of_another_page_size_under_wal_gets_a_new_file(bench):
    """SQLite cannot change the page size of a database in WAL mode: the pooled connections reconnect."""
    engine = bench.engine("pragma journal_mode = wal")
    other = bench.golden(("pragma page_size = 512", *PEOPLE))
    for image in (other, bench.image):
        run(engine, ADD)
        assert bench.restore(image) == REPLACED
        assert names(engine) == GOLDEN_NAMES
        check(bench, image=image)


def test_the_wal_of_a_killed_process_is_no_trap(bench):
    """It lies beside the file, with rows that nobody wants."""
    raw = bench.connect(isolation_level=None)
    raw.execute("pragma journal_mode = wal")
    run(raw, ADD)
    copies = [(f"{bench.path}{suffix}", bench.folder / f"left{suffix}") for suffix in ("", "-wal")]
    for path, copy in copies:
        shutil.copyfile(path, copy)
    raw.close()
    for path, copy in copies:
        shutil.copyfile(copy, path)
    assert bench.restore() == IN_PLACE
    assert not os.path.exists(f"{bench.path}-wal")
    check(bench)


def test_a_wal_beside_a_file_that_is_not_in_wal_mode(bench):
    """SQLite would read it nevertheless."""
    raw = bench.connect(isolation_level=None)
    raw.execute("pragma journal_mode = wal")
    run(raw, ADD)
    shutil.copyfile(f"{bench.path}-wal", bench.folder / "left-wal")
    raw.close()
    assert bench.restore() == IN_PLACE
    shutil.copyfile(bench.folder / "left-wal", f"{bench.path}-wal")
    bench.restore()
    assert not os.path.exists(f"{bench.path}-wal")
    check(bench)


def test_the_journal_of_a_killed_process_is_rolled_back_and_gone(bench):
    """A hot journal would undo the next test's bytes."""
    raw = bench.connect(isolation_level=None)
    raw.execute("pragma cache_size = 1")
    raw.execute("begin")
    raw.execute("insert into people (name) select hex(randomblob(4000)) from people, people a, people b, people c")
    for suffix in ("", "-journal"):
        shutil.copyfile(f"{bench.path}{suffix}", bench.folder / f"left{suffix}")
    raw.close()
    for suffix in ("", "-journal"):
        shutil.copyfile(bench.folder / f"left{suffix}", f"{bench.path}{suffix}")
    assert bench.restore() == IN_PLACE
    assert not os.path.exists(f"{bench.path}-journal")
    check(bench)


# What a test leaks.


def leak_of(restored):
    """The place was restored, and this is what was reported."""
    assert restored.way in (Way.IN_PLACE, Way.UNCHANGED, Way.BACKUP)
    return restored.leak.partition(", ")[0]


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize(
    ("statements", "left"),
    [
        ([ADD], "left a transaction open"),
        (["begin", NAMES], "left a transaction open"),
        (["begin exclusive"], "left a transaction open"),
        (["pragma cache_size = 1", "begin", "insert into people (name) select hex(randomblob(4000)) from people, people a, people b, people c"], "left a transaction open"),
    ],
    ids=["insert", "read", "exclusive", "spilled"],
)  # fmt: skip
def test_an_open_transaction_is_ended_and_reported(bench, wal, statements, left):
    """On a pooled connection that was never given back, and on a raw one; whoever goes on using it gets an error."""
    engine = bench.engine(*(["pragma journal_mode = wal"] if wal else []))
    assert names(engine) == GOLDEN_NAMES
    leaked = engine.connect()
    raw = leaked.connection.driver_connection
    for statement in statements:
        raw.execute(statement).fetchall()
    assert leak_of(bench.restore()) == f"{left} on a pooled connection"
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("select 1")
    assert names(engine) == GOLDEN_NAMES
    leaked.invalidate()
    leaked.close()

    leaked = bench.connect()
    if wal:
        leaked.execute("pragma journal_mode = wal")
    for statement in statements:
        leaked.execute(statement).fetchall()
    assert leak_of(bench.restore()) == f"{left} on a sqlite3 connection"
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        leaked.execute("select 1")
    assert names(engine) == GOLDEN_NAMES
    check(bench)


@pytest.mark.parametrize("wal", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_a_half_read_result_is_ended_and_reported(bench, wal, big):
    """It would go on giving old rows: in WAL mode also one that reads a file whose WAL was wholly written back."""
    engine = bench.engine(*(["pragma journal_mode = wal"] if wal else []))
    rows = "select a.name from people a, people b, people c, people d"
    for kind in ("pooled", "sqlite3"):
        grow = "insert into people (name) select hex(randomblob(4000)) from a limit 600"
        many = "with recursive a(n) as (select 1 union all select n + 1 from a)"
        run(engine, *([f"{many} {grow}"] if big else []), ADD)
        pooled = engine.connect()
        connection = pooled.connection.driver_connection if kind == "pooled" else bench.connect()
        if kind == "sqlite3":
            pooled.close()
        if wal and big:
            with contextlib.closing(sqlite3.connect(bench.path)) as writer:
                assert writer.execute("pragma wal_checkpoint(truncate)").fetchone() == (0, 0, 0)
        cursor = connection.execute(rows)
        assert cursor.fetchone() is not None
        assert leak_of(bench.restore()) == f"left a result half read on a {kind} connection"
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            cursor.fetchone()
        if kind == "pooled":
            pooled.invalidate()
            pooled.close()
        assert names(engine) == GOLDEN_NAMES
        check(bench)
    assert bench.restore().leak == ""


def test_a_cursor_on_a_wal_that_is_empty_is_ended_and_reported(bench):
    """Its lock is one that no checkpoint of an empty WAL meets."""
    engine = bench.engine("pragma journal_mode = wal")
    leaked = bench.connect()
    assert names(engine) == GOLDEN_NAMES
    cursor = leaked.execute(NAMES)
    assert cursor.fetchone() == ("Ada",)
    assert leak_of(bench.restore()) == "left a result half read on a sqlite3 connection"
    check(bench)


def test_a_half_read_result_of_a_connection_that_is_closed_already(bench):
    """Its lock outlives the connection: closed by the application, or because its state was changed."""
    engine, raw = bench.engine(), bench.connect()
    cursor = raw.execute(NAMES)
    cursor.fetchone()
    raw.close()
    assert leak_of(bench.restore()) == "left a result half read on a closed connection"
    with engine.connect() as connection:
        connection.exec_driver_sql("create temp table mine (x)")
        other = connection.connection.driver_connection.execute("select name from people")
        other.fetchone()
    assert leak_of(bench.restore()) == "left a result half read on a closed connection"
    for left in (cursor, other):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            left.fetchone()
    check(bench)


def test_a_blob_left_open_is_ended_and_reported(bench):
    """It holds a lock like a result that is half read."""
    leaked = bench.connect()
    blob = leaked.blobopen("people", "name", 1, readonly=True)
    assert leak_of(bench.restore()) == "left a result half read on a sqlite3 connection"
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        blob.read()
    check(bench)


def test_exclusive_locking_mode_is_ended_and_reported(bench):
    """It keeps its lock while it is idle."""
    engine, raw = bench.engine(), bench.connect(isolation_level=None)
    run(engine, "pragma locking_mode = exclusive", ADD)
    assert bench.restore() == IN_PLACE  # its state gave it away, and its pool has closed it
    assert names(engine) == names(raw) == GOLDEN_NAMES
    raw.execute("pragma locking_mode = exclusive")
    raw.execute(ADD)
    assert leak_of(bench.restore()) == "left a sqlite3 connection in EXCLUSIVE locking mode"
    assert names(engine) == GOLDEN_NAMES
    check(bench)


def test_exclusive_locking_mode_without_a_lock_yet_goes_with_the_test(bench):
    """The next test's first statement would lock everybody else out."""
    engine, raw = bench.engine(), bench.connect()
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma locking_mode = exclusive")
    assert bench.restore() == UNCHANGED
    run(engine, ADD)
    assert names(raw) == EVE


@pytest.mark.parametrize("wal", [False, True])
def test_a_session_that_was_abandoned_is_no_leak(bench, wal):
    """Its connection goes back to the pool when the garbage collector finds it."""
    engine = bench.engine(*(["pragma journal_mode = wal"] if wal else []))
    session = Session(engine)
    session.execute(sqlalchemy.text(ADD))
    session.itself = session
    del session
    assert bench.restore().leak == ""
    assert names(engine) == GOLDEN_NAMES
    check(bench)


def test_a_thread_that_just_finishes_is_no_leak(bench):
    """It is waited for, for a moment."""
    raw, began = bench.connect(check_same_thread=False), threading.Event()

    def work():
        raw.execute(ADD)
        began.set()
        time.sleep(0.02)
        raw.commit()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    assert bench.restore() == IN_PLACE
    thread.join()
    check(bench, raw)


def test_a_connection_of_another_thread_out_of_reach_is_named(bench):
    """sqlite3 refuses to close it from here; it is never seen to read old rows, for the place is not lent."""
    opened, done = threading.Event(), threading.Event()

    def work():
        with contextlib.closing(sqlite3.connect(bench.path)) as raw:
            raw.execute(ADD)
            opened.set()
            done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    opened.wait()
    try:
        with pytest.raises(
            StuckError, match="left the database locked by a connection out of reach, perhaps another thread's"
        ):
            bench.restore()
    finally:
        done.set()
        thread.join()
    bench.restore()
    check(bench)


# The file itself.


def break_by_replacing(path):
    other = path.with_name("other.sqlite")
    with contextlib.closing(sqlite3.connect(other)) as connection:
        run(connection, "create table elsewhere (x)")
    os.replace(other, path)


def break_by_a_folder(path):
    path.unlink()
    path.mkdir()
    (path / "file").touch()


BREAKS = {
    "replaced": break_by_replacing,
    "unlinked": os.unlink,
    "folder": break_by_a_folder,
    "link": lambda path: (path.rename(path.with_name("moved")), path.symlink_to(path.with_name("moved"))),
    "garbage": lambda path: path.write_bytes(b"garbage " * 5000),
    "cut": lambda path: os.truncate(path, 1000),
    "parent": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("guard", ["connected", "not connected"])
@pytest.mark.parametrize("how", list(BREAKS))
def test_another_file_at_the_path_is_replaced_by_a_new_one(bench, how, guard, tmp_path_factory):
    """The pooled connections reconnect: no test sees the old file."""
    inner = Bench(tmp_path_factory.mktemp("inner"))
    try:
        inner.restore()
        engine = inner.engine()
        assert names(engine) == GOLDEN_NAMES
        if guard == "not connected":
            inner.slot._close_guard()
        BREAKS[how](inner.path)
        assert inner.restore() == REPLACED
        assert names(engine) == GOLDEN_NAMES
        check(inner)
        run(engine, ADD)
        assert inner.restore() == IN_PLACE
        check(inner)
    finally:
        inner.close()


@pytest.mark.parametrize("damage", [b"", b"garbage " * 1000], ids=["emptied", "pages"])
def test_damaged_pages_are_mended_in_place(bench, damage):
    """Where the header is sound, or there is nothing at all."""
    engine, idle = bench.engine(), bench.connect()
    assert names(engine) == names(idle) == GOLDEN_NAMES
    with open(bench.path, "r+b") as opened:
        opened.seek(100 if damage else 0)
        opened.write(damage)
        if not damage:
            opened.truncate()
    assert bench.restore() == IN_PLACE
    assert names(engine) == GOLDEN_NAMES
    check(bench, idle)


@pytest.mark.parametrize("how", ["replaced", "unlinked", "garbage"])
def test_a_raw_connection_on_a_replaced_file_is_closed_and_reported(bench, how):
    """It would read old rows; its next use is a loud error, and the report says why."""
    raw = bench.connect()
    assert names(raw) == GOLDEN_NAMES
    BREAKS[how](bench.path)
    restored = bench.restore()
    assert restored.way is Way.REPLACED
    assert restored.leak.startswith("replaced the database file under a sqlite3 connection, which was closed")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("select 1")
    check(bench)


def test_an_applications_own_pool_on_a_replaced_file_reconnects(bench):
    """Through its own listeners, whether the test or another engine opened it, checked out or idle."""
    engines = [bench.engine("pragma foreign_keys = on"), bench.engine("pragma journal_mode = wal")]
    for engine in engines:
        run(engine, ADD)
    held = engines[0].connect()
    old = held.connection.driver_connection
    break_by_replacing(bench.path)
    restored = bench.restore()
    assert restored.way is Way.REPLACED
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        old.execute("select 1")
    held.invalidate()
    held.close()
    for engine in engines:
        assert names(engine) == GOLDEN_NAMES
    with engines[0].connect() as connection:
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1
    check(bench)


def test_a_file_replaced_under_a_connection_out_of_reach_is_not_lent_again(bench):
    """Another process has it open too, or another thread: the old file would be read silently."""
    opened, done = threading.Event(), threading.Event()

    def work():
        with contextlib.closing(sqlite3.connect(bench.path)) as raw:
            raw.execute(NAMES).fetchall()
            opened.set()
            done.wait()

    thread = threading.Thread(target=work)
    thread.start()
    opened.wait()
    break_by_replacing(bench.path)
    try:
        for _ in range(2):
            with pytest.raises(StuckError, match="replaced the database file under a connection that is still open"):
                bench.restore()
    finally:
        done.set()
        thread.join()
    assert bench.restore() == REPLACED
    check(bench)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_file_replaced_under_another_process_is_not_lent_again(bench, when):
    """Whether it has the file open that is gone, or the one in its place."""
    other = bench.other_process() if when == "before" else None
    break_by_replacing(bench.path)
    other = other or bench.other_process()
    for _ in range(2):
        with pytest.raises(StuckError, match="replaced the database file under a connection of another process"):
            bench.restore()
    other.execute("close")
    assert bench.restore() == REPLACED
    check(bench)


# The state of connections.


@pytest.mark.parametrize(
    "change",
    [
        "create temp table people (id integer primary key, name text)",
        "create temp table mine (x)",
        "create temp view people as select 'shadow' as name, 1 as id",
        "attach ':memory:' as other",
        "pragma foreign_keys = on",
        "pragma ignore_check_constraints = on",
        "pragma recursive_triggers = on",
        "pragma query_only = on",
        "pragma writable_schema = on",
        "pragma legacy_alter_table = on",
        "pragma journal_mode = memory",
        "pragma locking_mode = exclusive",
        "pragma case_sensitive_like = on",
        "pragma reverse_unordered_selects = on",
        "pragma trusted_schema = off",
        "pragma full_column_names = on",
        "pragma short_column_names = off",
        "pragma count_changes = on",
    ],
)
def test_a_connection_whose_state_a_test_changed_reconnects(bench, change):
    """The next test meets what the listeners on connect set, nothing else."""
    engine = bench.engine("pragma user_version")
    with engine.connect() as connection:
        before = connection.connection.driver_connection
    with engine.connect() as connection:
        assert connection.connection.driver_connection is before
        connection.exec_driver_sql(change)
    assert bench.restore().leak == ""
    with engine.connect() as connection:
        assert connection.connection.driver_connection is not before
        assert len(connection.exec_driver_sql("pragma database_list").all()) == 1
    assert names(engine) == GOLDEN_NAMES


@pytest.mark.parametrize("attribute", ["isolation_level", "row_factory", "text_factory"])
def test_a_connection_whose_attributes_a_test_changed_reconnects(bench, attribute):
    """Python's side of a connection is state as well."""
    value = {"isolation_level": "EXCLUSIVE", "row_factory": sqlite3.Row, "text_factory": bytes}[attribute]
    engine = bench.engine()
    with engine.connect() as connection:
        before = connection.connection.driver_connection
        setattr(before, attribute, value)
    assert bench.restore() == UNCHANGED
    with engine.connect() as connection:
        assert connection.connection.driver_connection is not before
        assert getattr(connection.connection.driver_connection, attribute) != value


def test_a_connection_whose_limits_a_test_changed_reconnects(bench):
    """A test of what happens to statements that are too long, say."""
    engine = bench.engine()
    with engine.connect() as connection:
        connection.connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, 1)
    assert bench.restore() == UNCHANGED
    assert names(engine) == GOLDEN_NAMES
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select 1, 2").all() == [(1, 2)]


@pytest.mark.parametrize(
    ("on_connect", "write", "read"),
    [
        ("create temp table mine as select 1 as x", "insert into temp.mine values (2)", "select x from temp.mine"),
        ("attach ':memory:' as other", "create table other.mine (x)", "select name from other.sqlite_master"),
    ],
)
def test_what_a_test_writes_into_a_connections_own_schema_is_gone(bench, on_connect, write, read):
    """The application made it on connect, so that it is there is no change; what is in it is."""
    engine = bench.engine(on_connect)
    for _ in range(2):
        with engine.begin() as connection:
            kept = connection.connection.driver_connection
            before = connection.exec_driver_sql(read).all()
        bench.restore()
    with engine.begin() as connection:
        assert connection.connection.driver_connection is kept
        connection.exec_driver_sql(write)
    bench.restore()
    with engine.begin() as connection:
        assert connection.exec_driver_sql(read).all() == before


def test_temporary_tables_that_a_test_has_dropped_are_no_change(bench):
    """Their schema stays, empty, and nobody needs a new connection for that."""
    engine = bench.engine()
    with engine.connect() as connection:
        before = connection.connection.driver_connection
        connection.exec_driver_sql("create temp table mine (x)")
        connection.exec_driver_sql("drop table mine")
    assert bench.restore() == UNCHANGED
    with engine.connect() as connection:
        assert connection.connection.driver_connection is before


@pytest.mark.parametrize("statements", [["create temp table people (x)", "begin"], ["pragma query_only = on", "begin"]])
def test_an_open_transaction_that_locks_nothing_is_ended_where_its_connection_was_changed(bench, statements):
    """The pool of one connection gives it to the next test, as would any pool that gets it back meanwhile."""
    engine = bench.engine(poolclass=StaticPool)
    leaked = engine.connect()
    for statement in statements:
        leaked.exec_driver_sql(statement)
    assert bench.restore() == Restored(
        Way.UNCHANGED,
        "left a transaction open on a pooled connection, which was closed: commit or roll back before the test ends",
    )
    leaked.invalidate()
    leaked.close()
    assert names(engine) == GOLDEN_NAMES


def test_an_open_transaction_that_locks_nothing_and_changed_nothing_stays(bench):
    """An application may hold one over tests, and its connection is like a new one."""
    engine = bench.engine()
    held = engine.connect()
    held.exec_driver_sql("begin")
    for _ in range(2):
        with engine.begin() as connection:
            connection.exec_driver_sql(ADD)
        assert bench.restore() == IN_PLACE
        assert held.exec_driver_sql(NAMES).all() == GOLDEN_NAMES
        held.rollback()
        held.exec_driver_sql("begin")
    held.close()


def test_permissions_that_a_test_took_away_come_back(bench):
    """Connections that were opened meanwhile may be for reading only, so they reconnect."""
    mode = bench.path.stat().st_mode
    engine = bench.engine()
    bench.path.chmod(0o400)
    with engine.connect() as connection:
        before = connection.connection.driver_connection
    assert bench.restore().leak == ""
    assert bench.path.stat().st_mode == mode
    with engine.begin() as connection:
        assert connection.connection.driver_connection is not before
        connection.exec_driver_sql(ADD)


def test_a_text_factory_that_raises_is_no_obstacle(bench):
    """The connection cannot be read: it reconnects."""

    def refuse(text):
        raise ValueError(text)

    engine, raw = bench.engine(), bench.connect()
    with engine.connect() as connection:
        connection.connection.driver_connection.text_factory = refuse
    raw.text_factory = refuse
    bench.connect().execute(ADD)
    assert leak_of(bench.restore()) == "left a transaction open on a sqlite3 connection"
    assert names(engine) == GOLDEN_NAMES


def test_a_connection_held_over_tests_is_looked_at_after_each(bench):
    """It was checked out once, long ago."""
    engine = bench.engine()
    with engine.connect() as held:
        raw = held.connection.driver_connection
        assert bench.restore() == UNCHANGED
        raw.execute("pragma foreign_keys = on")
        assert bench.restore() == UNCHANGED
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            raw.execute("select 1")
        held.invalidate()
    assert names(engine) == GOLDEN_NAMES


def test_an_attached_place_is_seen_too(bench):
    """A raw connection that has the place attached holds it like any other."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    bench.stack.callback(raw.close)
    raw.execute("attach ? as place", (str(bench.path),))
    raw.execute("begin")
    raw.execute("insert into place.people (name) values ('Eve')")
    assert leak_of(bench.restore()) == "left a transaction open on a sqlite3 connection"
    check(bench)


# Other processes.


@pytest.mark.parametrize("pragmas", [(), ("pragma journal_mode = wal",)], ids=["rollback", "wal"])
def test_an_idle_connection_of_another_process_sees_each_golden(bench, pragmas):
    """It stays open over restores, reads right rows each time, and its commits are taken back."""
    other, here = bench.other_process(*pragmas), bench.connect()
    for _ in range(3):
        assert other.execute("dump") == dump(here) == dump_of(bench.image)
        other.execute(ADD)
        other.execute("create table more (x)")
        assert names(here) == other.execute(NAMES) == EVE
        assert bench.restore() in (IN_WAL if pragmas else (IN_PLACE,))
    assert other.execute("dump") == dump_of(bench.image)
    check(bench, here)


@pytest.mark.parametrize("pragmas", [(), ("pragma journal_mode = wal",)], ids=["rollback", "wal"])
@pytest.mark.parametrize("statement", [ADD, NAMES], ids=["write", "read"])
def test_a_transaction_of_another_process_keeps_its_place(bench, pragmas, statement):
    """The next test gets another place, and the one that the application was told is an error that names the holder."""
    free = ReusedSlots(bench.image, lambda: bench.make(f"place-{len(free._places)}.sqlite"))
    fixed = ReusedSlots(bench.image, lambda: bench.slot, first=Place(bench.slot, is_fixed=True))
    for slots in (free, fixed):
        filled = slots.fill("test_one")
        bench.path = filled.path
        other = bench.other_process(*pragmas)
        other.execute("begin")
        other.execute(statement)
        slots.empty(filled)
        reported = f"left a transaction open in process {other.pid}"
        if slots is free:
            again = slots.fill("test_two")
            assert again.path != filled.path
            assert (again.way, again.last_holder) == (Way.COPIED, "test_one")
            assert again.leak.startswith(reported)
            slots.empty(again)
            assert slots.fill("test_three").path == again.path
        else:
            for _ in range(2):
                with pytest.raises(CloneError) as caught:
                    slots.fill("test_two")
                assert caught.value.what.startswith(
                    f"the database {bench.path} cannot be restored: test_one {reported}"
                )
            other.execute("rollback")
            assert slots.fill("test_two").leak == ""
            check(bench)


# Places that are lent.


def test_places_are_lent_again_lowest_first(bench):
    """So that their engines are used again."""
    slots = ReusedSlots(bench.image, lambda: bench.make(f"place-{len(slots._places)}.sqlite"))
    first, second = slots.fill(), slots.fill()
    assert [first.path.name, second.path.name] == ["place-0.sqlite", "place-1.sqlite"]
    for filled in (second, first):
        slots.empty(filled)
    again = slots.fill()
    assert (again.path, again.way) == (first.path, Way.UNCHANGED)
    assert (slots.fill().path, slots.fill().path.name) == (second.path, "place-2.sqlite")
    slots.close()
    assert list(bench.folder.glob("place-*")) == []


def test_a_new_place_that_cannot_be_had_is_an_error_not_a_search_for_another(bench):
    """A second one would fare no better than the first."""

    class Stuck:
        path = bench.path

        def restore(self, image):
            raise StuckError("left it locked: close it")

        def close(self):
            pass

    made = []
    slots = ReusedSlots(bench.image, lambda: made.append(Stuck()) or made[-1])
    with pytest.raises(CloneError, match="cannot be restored: an earlier test left it locked: close it"):
        slots.fill("test_one")
    assert len(made) == 1


def test_the_rows_of_a_test_stay_until_its_place_is_lent_again(bench):
    """What a failed test left is evidence."""
    slots = ReusedSlots(bench.image, lambda: bench.make("place.sqlite"))
    filled = slots.fill("test_one")
    with contextlib.closing(sqlite3.connect(filled.path)) as connection:
        run(connection, ADD)
    slots.empty(filled)
    assert names(filled) == EVE
    assert names(slots.fill("test_two")) == GOLDEN_NAMES


def test_with_reconnect_every_pooled_connection_is_new(bench):
    """The remedy for state that cannot be read back, such as functions."""
    for reconnect in (False, True):
        slots = ReusedSlots(bench.image, lambda: bench.slot, first=Place(bench.slot), reconnect=reconnect)
        slots.empty(slots.fill())
        engine = bench.engine()
        with engine.connect() as connection:
            connection.connection.driver_connection.create_function("mine", 0, lambda: 1)
        slots.empty(slots.fill())
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            found = raw.execute("select count(*) from pragma_function_list where name = 'mine'").fetchone()
            assert found == (0 if reconnect else 1,)


def test_one_place_for_several_goldens_is_lent_to_one_at_a_time(bench):
    """Two threads that want it, each for its own golden, never both get it."""
    place = Place(bench.slot, is_fixed=True)
    cities = bench.golden(("create table cities (name)",))
    made = iter(range(10_000))
    several = [
        ReusedSlots(image, lambda: bench.make(f"place-{next(made)}.sqlite"), first=place)
        for image in (bench.image, cities)
    ]
    held, clashes = threading.Lock(), []

    def work(slots):
        for _ in range(100):
            filled = slots.fill()
            if filled.path == bench.path:
                clashes.extend([] if held.acquire(blocking=False) else ["both"])
                time.sleep(0)
                held.release()
            slots.empty(filled)

    threads = [threading.Thread(target=work, args=(slots,)) for slots in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []


def test_a_forked_child_gets_a_place_of_its_own(bench):
    """The parent's stays sound, and its connections keep their locks."""
    slots = ReusedSlots(bench.image, lambda: bench.make(f"place-{os.getpid()}-{len(slots._places)}.sqlite"))
    mine = slots.fill("parent")
    connection = sqlite3.connect(mine.path)
    run(connection, ADD)
    connection.execute(ADD)
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            filled = slots.fill("child")
            with contextlib.closing(sqlite3.connect(filled.path)) as own:
                run(own, ADD)
            slots.empty(filled)
            again = slots.fill("child")
            good = filled.path != mine.path and again.path == filled.path and names(again) == GOLDEN_NAMES
            slots.close()
            status = 0 if good and not filled.path.exists() and mine.path.exists() else 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    other = sqlite3.connect(mine.path, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("delete from people")
    other.close()
    connection.rollback()
    assert names(connection) == EVE
    connection.close()
    slots.empty(mine)
    again = slots.fill()
    assert (again.path, again.way, again.leak) == (mine.path, Way.IN_PLACE, "")
    assert sound(again.path)


def test_descriptors_stay_constant_over_many_restores(bench):
    """In every way of restoring."""
    engine, wal = bench.engine(), bench.engine("pragma journal_mode = wal", poolclass=NullPool)
    counts = []
    for number in range(6):
        run(engine, ADD)
        run(wal, ADD)
        with engine.connect() as leaked:
            leaked.exec_driver_sql(ADD)
            bench.restore()
            leaked.invalidate()
        if number % 3 == 0:
            bench.path.unlink()
        bench.restore()
        gc.collect()
        counts.append(len(os.listdir("/proc/self/fd")))
    assert counts[2] == counts[-1]


# What the person sees whose tests leak.

LEAKS = """
    import sqlite3
    import subprocess
    import sys
    import pytest
    import sqlalchemy
    from sqlalchemy import text

    KEPT = []
    INSERT = "insert into t1 (name) values ('mine')"

    def test_session(clone_session):
        clone_session.execute(text(INSERT))
        KEPT.append(clone_session)
        clone_session.close = lambda: None

    def test_result(clone_engine):
        KEPT.append(clone_engine.connect())
        KEPT.append(KEPT[-1].execute(text("select a.name from t1 a, sqlite_master")))
        KEPT[-1].fetchone()

    def test_connection(clone_path):
        KEPT.append(sqlite3.connect(clone_path))
        KEPT[-1].execute(INSERT)

    def test_replaced(clone_path):
        KEPT.append(sqlite3.connect(clone_path))
        KEPT[-1].execute("select name from t1").fetchall()
        new = clone_path.with_name("new")
        sqlite3.connect(new).close()
        new.replace(clone_path)

    def test_process(clone_path):
        program = '''
    import sqlite3, sys
    connection = sqlite3.connect(sys.argv[1])
    connection.execute("insert into t1 (name) values ('mine')")
    print("ready", flush=True)
    sys.stdin.read()
    '''
        process = subprocess.Popen(
            [sys.executable, "-c", program, clone_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        process.stdout.readline()
        KEPT.append(process)

    def test_in_memory(memory_clone):
        KEPT.append(sqlite3.connect(memory_clone, uri=True))
        KEPT[-1].execute(INSERT)

    @pytest.fixture
    def memory_clone(clone_factory):
        with clone_factory("memory") as clone:
            yield clone.url.removeprefix("sqlite:///")

    def test_all_is_well(clone, clone_session, memory_clone):
        assert clone_session.scalar(text("select count(*) from t1")) == 1
        with sqlite3.connect(memory_clone, uri=True) as connection:
            assert connection.execute("select count(*) from t1").fetchone() == (1,)
        connection.close()
        process = next(kept for kept in KEPT if isinstance(kept, subprocess.Popen))
        process.communicate()
        for kept in KEPT:
            if isinstance(kept, sqlite3.Connection):
                kept.close()
    """


def test_each_leak_is_one_line_that_names_the_test_and_what_to_do(suite):
    """In the run when it is found, and again in the summary; the tests after it pass."""
    alembic_project(suite.path)
    suite.makepyfile(test_app=LEAKS)
    result = suite.runpytest_subprocess()
    result.assert_outcomes(passed=7)
    told = [line for line in result.outlines if "test_app.py::" in line]
    ends = "before the test ends"
    expected = [
        rf"test_session left a transaction open on a pooled connection, which was closed: commit or roll back {ends}",
        rf"test_result left a result half read on a pooled connection, which was closed: read it to its end, or close it, {ends}",
        rf"test_connection left a transaction open on a sqlite3 connection, which was closed: commit or roll back {ends}",
        r"test_replaced replaced the database file under a sqlite3 connection, which was closed: close it in the test",
        rf"test_process left a transaction open in process \d+: end it, or the process, {ends}",
        rf"test_in_memory left a transaction open, or a result half read, on its database in memory: commit, roll back or close it {ends}",
    ]
    for found in (told[:6], told[6:]):
        assert len(found) == 6
        for line, pattern in zip(found, expected, strict=True):
            assert re.fullmatch(rf"(templatedb: )?test_app.py::{pattern}", line), line


def test_no_room_for_a_place_that_cannot_be_elsewhere_names_the_folder(bench, monkeypatch):
    """One line with what to do, not an OSError out of a fixture; and the place can be asked for again."""

    def full(image):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    slots = ReusedSlots(bench.image, lambda: bench.slot, first=Place(bench.slot, is_fixed=True))
    with monkeypatch.context() as patch:
        patch.setattr(bench.slot, "restore", full)
        with pytest.raises(CloneError) as caught:
            slots.fill("test_one")
    assert str(caught.value) == (
        f"no database could be written to {bench.path}: No space left on device\n"
        f"Make sure that {bench.path.parent} is there and has room."
    )
    assert slots.fill("test_two").path == bench.path
