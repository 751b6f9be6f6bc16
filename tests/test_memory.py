"""Clones in memory whose names are lent again, filled under the engines and connections that are open on them."""

import contextlib
import sqlite3
import threading

import pytest
import sqlalchemy
import sqlalchemy.orm
from sqlalchemy.pool import NullPool

from places import ADD, PEOPLE, Bench, dump, dump_of, run
from templatedb.slots import Filled, Way
from templatedb.slots.memory import MemorySlots
from templatedb.urls import memory_uri, memory_url


class Memory:
    """Slots in memory, and what a test opens on them."""

    def __init__(self, folder, stack):
        self.stack = stack
        bench = Bench(folder)
        stack.callback(bench.close)
        self.image = bench.golden()
        self.other_image = bench.golden(("pragma page_size = 512", *PEOPLE))
        self.slots = MemorySlots(self.image, reuse=True)
        stack.callback(self.close)

    def close(self):
        for name in list(self.slots._lent):
            self.slots.empty(Filled(way=Way.MEMORY, name=name))
        self.slots.close()

    def connect(self, filled, **options):
        options = {"timeout": 0, "uri": True, "check_same_thread": False, **options}
        connection = sqlite3.connect(memory_uri(filled.name), **options)
        self.stack.callback(connection.close)
        return connection

    def engine(self, filled, **options):
        engine = sqlalchemy.create_engine(memory_url(filled.name), connect_args={"timeout": 0}, **options)
        self.stack.callback(engine.dispose)
        return engine

    def again(self, filled, holder="the next"):
        self.slots.empty(filled)
        return self.slots.fill(holder)


@pytest.fixture
def memory(tmp_path):
    with contextlib.ExitStack() as stack:
        yield Memory(tmp_path, stack)


def seen(engine):
    with engine.connect() as connection:
        return dump(connection)


@pytest.mark.parametrize(
    "change",
    [ADD, "drop table pets", "create table more (x)", "alter table people add column age integer", "pragma user_version = 7"],
)  # fmt: skip
def test_a_name_is_filled_again_under_its_engine_and_connections(memory, change):
    """They stay open and see the golden, whatever was committed: rows, schema, header."""
    filled = memory.slots.fill()
    engine, did, idle = memory.engine(filled), memory.connect(filled), memory.connect(filled)
    connected = []
    sqlalchemy.event.listen(engine, "connect", lambda connection, record: connected.append(connection))
    expected = dump_of(memory.image)
    for number in range(3):
        assert seen(engine) == dump(idle) == dump(did) == expected
        run(did, change)
        seen(engine)
        again = memory.again(filled, f"test {number}")
        assert again == Filled(way=Way.MEMORY, name=filled.name, last_holder=again.last_holder)
        assert seen(engine) == dump(idle) == dump(did) == expected
        assert idle.execute("pragma user_version").fetchone() == (0,)
        assert idle.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert len(connected) == 1


@pytest.mark.parametrize("kind", ["pooled", "sqlite3"])
@pytest.mark.parametrize("what", ["write", "read", "half read"])
def test_what_a_test_left_open_keeps_its_name_and_is_reported(memory, kind, what):
    """The next test gets another one; whoever still holds the old one disturbs nobody."""
    filled = memory.slots.fill("test_leaking")
    engine = memory.engine(filled)
    leaked = engine.connect()
    raw = leaked.connection.driver_connection if kind == "pooled" else memory.connect(filled)
    if what == "half read":
        cursor = raw.execute("select name from people")
        cursor.fetchone()
    else:
        raw.execute("begin")
        raw.execute(ADD if what == "write" else "select name from people").fetchall()
    again = memory.again(filled)
    assert again.name != filled.name
    assert again.last_holder == "test_leaking"
    assert again.leak.startswith("left a transaction open, or a result half read")
    assert dump(memory.connect(again)) == dump_of(memory.image)
    leaked.invalidate()
    leaked.close()
    third = memory.again(again)
    assert (third.name, third.leak) == (again.name, "")


def test_a_session_that_was_abandoned_is_no_leak(memory):
    """The garbage collector gives its connection back."""
    filled = memory.slots.fill("test_one")
    session = sqlalchemy.orm.Session(memory.engine(filled))
    session.execute(sqlalchemy.text(ADD))
    session.itself = session
    del session
    again = memory.again(filled)
    assert (again.name, again.leak) == (filled.name, "")


def test_a_page_size_cannot_be_changed_in_memory(memory):
    """SQLite refuses silently, so a name stays fit to be filled again."""
    filled = memory.slots.fill("test_one")
    did = memory.connect(filled, isolation_level=None)
    for pragma in ("page_size = 8192", "auto_vacuum = 1"):
        did.execute(f"pragma {pragma}")
        did.execute("vacuum")
    run(did, ADD)
    again = memory.again(filled)
    assert (again.name, again.way, again.leak) == (filled.name, Way.MEMORY, "")
    for connection in (did, memory.connect(again)):
        assert dump(connection) == dump_of(memory.image)
        assert connection.execute("pragma page_size").fetchone() == (4096,)
        assert connection.execute("pragma auto_vacuum").fetchone() == (0,)
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_a_pooled_connection_loses_its_temporary_tables(memory):
    """It reconnects, like one on a file."""
    filled = memory.slots.fill()
    engine = memory.engine(filled)
    run(engine, "create temp table people (x)", "attach ':memory:' as other", "pragma foreign_keys = on")
    again = memory.again(filled)
    assert again.name == filled.name
    with engine.connect() as connection:
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 0
        assert len(connection.exec_driver_sql("pragma database_list").all()) == 1
        assert dump(connection) == dump_of(memory.image)


def test_an_open_transaction_that_locks_nothing_is_ended_where_its_connection_was_changed(memory):
    """Else the temporary table would stand before the golden's in the next test."""
    filled = memory.slots.fill("a test")
    engine = memory.engine(filled)
    leaked = engine.connect()
    leaked.exec_driver_sql("create temp table people (x)")
    leaked.exec_driver_sql("begin")
    again = memory.again(filled)
    assert (again.name, again.last_holder) == (filled.name, "a test")
    assert again.leak.startswith("left a transaction open on a pooled connection, which was closed")
    leaked.invalidate()
    leaked.close()
    with engine.connect() as connection:
        assert dump(connection) == dump_of(memory.image)


def test_rows_stay_until_the_name_is_lent_again(memory):
    """They are evidence."""
    filled = memory.slots.fill()
    run(memory.connect(filled), ADD)
    memory.slots.empty(filled)
    assert len(memory.connect(filled).execute("select * from people").fetchall()) == 3


def test_two_that_are_lent_at_once_have_two_names(memory):
    """As many as are wanted; threads too."""
    filled = []
    threads = [threading.Thread(target=lambda: filled.append(memory.slots.fill())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.name for one in filled}) == 8
    run(memory.connect(filled[0]), ADD)
    assert {dump(memory.connect(one)) for one in filled[1:]} == {dump_of(memory.image)}
    for one in filled:
        memory.slots.empty(one)


def test_without_reuse_a_name_is_never_lent_again(memory):
    """And its memory is given back at once."""
    slots = MemorySlots(memory.image)
    first = slots.fill()
    slots.empty(first)
    second = slots.fill()
    assert second.name != first.name
    assert memory.connect(first).execute("select count(*) from sqlite_master").fetchone() == (0,)
    slots.empty(second)


def test_closing_gives_the_memory_back(memory):
    """Where nobody else holds it."""
    filled = memory.slots.fill()
    engine = memory.engine(filled, poolclass=NullPool)
    assert seen(engine) == dump_of(memory.image)
    memory.slots.empty(filled)
    memory.slots.close()
    assert seen(engine) == "BEGIN TRANSACTION;\nCOMMIT;"
