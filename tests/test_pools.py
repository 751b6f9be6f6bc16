"""Which connections of which pools are known, what is read of them, and how they are closed."""

import contextlib
import functools
import importlib
import importlib.util
import subprocess
import sys
import textwrap
import threading

import pytest
import sqlalchemy
from sqlalchemy import event, text
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, QueuePool, SingletonThreadPool, StaticPool

from places import ADD, GOLDEN_NAMES, Bench, names, run
from templatedb import after_import, connection_state, pools
from templatedb.loops import run_in_own_loop
from templatedb.slots import Restored, Way


@pytest.fixture
def bench(tmp_path):
    """A place that was restored once."""
    with contextlib.closing(Bench(tmp_path)) as bench:
        bench.restore()
        yield bench


def known(bench):
    return pools.connections(str(bench.path))


def raw_of(connection):
    return connection.connection.driver_connection


@pytest.mark.parametrize("kind", [QueuePool, StaticPool, SingletonThreadPool, NullPool])
def test_a_connection_of_any_pool_is_known_as_long_as_it_is_open(bench, kind):
    """Of engines that never heard of us."""
    engine = bench.engine(poolclass=kind)
    assert known(bench) == []
    with engine.connect() as connection:
        assert known(bench) == [raw_of(connection)]
    assert len(known(bench)) == (0 if kind is NullPool else 1)
    engine.dispose()
    assert known(bench) == []


def test_a_pool_that_was_there_before_anybody_listened(tmp_path):
    """Its next connection is known; one listener serves the whole process."""
    program = """
        import sys
        from pathlib import Path
        import sqlalchemy
        from templatedb import pools

        path = Path(sys.argv[1])
        engine = sqlalchemy.create_engine(f"sqlite:///{path}")
        made = engine.pool
        with engine.connect():
            pools.claim(str(path))
            assert pools.connections(str(path)) == []
            with engine.connect() as connection:
                assert engine.pool is made
                assert pools.connections(str(path)) == [connection.connection.driver_connection]
        engine.dispose()
        """
    path = tmp_path.resolve() / "slot.sqlite"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program), path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_connections_to_other_files_and_databases_are_none_of_ours(bench, tmp_path):
    """Nor is anything asked of another dialect: a failed statement would spoil its transaction."""
    asked = []

    class Cursor:
        def execute(self, statement, *rest):
            asked.append(statement)

        def close(self):
            pass

    class Connection:
        cursor = rollback = close = lambda self: Cursor()

    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'other.sqlite'}")
    with engine.connect():
        assert known(bench) == []
    engine.dispose()
    pool = QueuePool(Connection)
    pool.connect().close()
    assert asked == []


def test_a_file_by_another_spelling_is_known(bench):
    """SQLite resolves links and tells its own spelling."""
    link = bench.folder / "link"
    link.symlink_to(bench.folder)
    engine = sqlalchemy.create_engine(f"sqlite:///file:{link}/./slot.sqlite?uri=true")
    with engine.connect() as connection:
        assert known(bench) == [raw_of(connection)]
    engine.dispose()


def test_what_the_applications_listeners_set_is_no_change(bench):
    """Listeners on connect and on checkout, of the engine, the pool and the class, early and late."""
    engine = bench.engine("pragma foreign_keys = on")
    event.listen(engine, "connect", lambda connection, record: connection.execute("attach ':memory:' as cache"))

    @event.listens_for(engine, "checkout")
    def checked_out(connection, record, proxy):
        connection.execute("pragma recursive_triggers = on")

    with engine.connect() as connection:
        first = raw_of(connection)
    for _ in range(3):
        assert pools.settle(str(bench.path)).closed == 0
        with engine.connect() as connection:
            assert raw_of(connection) is first


def test_a_changed_connection_is_closed_and_its_pool_connects_anew(bench):
    """Only that one, only once."""
    engine = bench.engine("pragma foreign_keys = on")
    with engine.connect() as one, engine.connect() as two:
        changed, same = raw_of(one), raw_of(two)
        changed.execute("pragma foreign_keys = off")
    assert pools.settle(str(bench.path)).closed == 1
    assert pools.settle(str(bench.path)).closed == 0
    assert known(bench) == [same]
    with engine.connect() as one, engine.connect() as two:
        assert {raw.execute("pragma foreign_keys").fetchone() for raw in (raw_of(one), raw_of(two))} == {(1,)}
        assert changed not in (raw_of(one), raw_of(two))


def test_one_inside_a_transaction_is_left_to_whoever_finds_the_lock(bench):
    """Closed here, its leak would never be reported."""
    engine = bench.engine()
    with engine.connect() as leaked:
        leaked.exec_driver_sql("create temp table mine (x)")
        leaked.exec_driver_sql(ADD)
        assert pools.settle(str(bench.path)).closed == 0
        assert known(bench) == [raw_of(leaked)]


def test_closing_all_reaches_every_pool(bench):
    """Checked out or not; they connect anew afterwards."""
    engines = [bench.engine(poolclass=kind) for kind in (QueuePool, StaticPool, SingletonThreadPool, NullPool)]
    held = [engine.connect() for engine in engines]
    for connection in held:
        connection.exec_driver_sql("select 1").close()
    assert len(known(bench)) == 4
    assert pools.close_all(str(bench.path))
    assert known(bench) == []
    for connection in held:
        connection.invalidate()
        connection.close()
    for engine in engines:
        assert names(engine) == GOLDEN_NAMES


def test_an_engine_that_is_disposed_of_often_is_listened_to_once(bench):
    """Its new pool takes the listeners of the old one along."""
    engine = bench.engine()
    for _ in range(5):
        with engine.connect():
            pass
        engine.dispose()
    with engine.connect():
        assert list(engine.pool.dispatch.checkout).count(pools._checked_out) == 1


def test_a_connection_whose_state_could_not_be_read_reconnects(bench):
    """Here an authorizer refuses; nothing can be compared."""
    engine = bench.engine()
    with engine.connect() as connection:
        first = raw_of(connection)
        first.set_authorizer(lambda *action: 1)
    assert pools.settle(str(bench.path)).closed == 1
    with engine.connect() as connection:
        assert raw_of(connection) is not first


def test_a_connection_that_was_closed_without_its_pool_reconnects(bench):
    """As that of a test which had attached another database to it, and left a transaction open in that."""
    engine = bench.engine()
    with engine.connect() as connection:
        raw = raw_of(connection)
    raw.close()
    assert bench.restore() == Restored(Way.UNCHANGED)
    assert names(engine) == GOLDEN_NAMES


@pytest.mark.parametrize("kind", [QueuePool, NullPool])
def test_a_connection_that_a_living_thread_has_is_not_looked_at(bench, kind):
    """It may be closed there at any moment, and Python crashes where a closed one is read."""
    engine = bench.engine("pragma foreign_keys = on", poolclass=kind)
    has_it, may_end = threading.Event(), threading.Event()

    def work():
        with engine.connect() as connection:
            raw_of(connection).execute("pragma foreign_keys = off")
            has_it.set()
            may_end.wait()
            assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 0

    thread = threading.Thread(target=work)
    thread.start()
    has_it.wait()
    assert pools.settle(str(bench.path)).closed == 0
    may_end.set()
    thread.join()
    assert pools.settle(str(bench.path)).closed == (1 if kind is QueuePool else 0)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("pragma foreign_keys").scalar() == 1


@pytest.mark.parametrize("is_changed", [True, False])
def test_who_checks_a_connection_out_that_is_looked_at_waits_for_that(bench, monkeypatch, is_changed):
    """Two threads on one connection get each other's errors; where it is closed the pool connects anew."""
    engine = bench.engine("pragma foreign_keys = on")
    with engine.connect() as connection:
        first = raw_of(connection)
        first.execute(f"pragma foreign_keys = {'off' if is_changed else 'on'}")
    found, read = [], connection_state.read

    def work():
        with engine.connect() as connection:
            found.append(raw_of(connection))
            found.append(connection.exec_driver_sql("pragma foreign_keys").scalar())

    def read_while_somebody_comes(connection):
        if not threads:
            threads.append(threading.Thread(target=work))
            threads[0].start()
            threads[0].join(timeout=0.2)
            assert found == []
        return read(connection)

    threads = []
    monkeypatch.setattr(connection_state, "read", read_while_somebody_comes)
    assert pools.settle(str(bench.path)).closed == int(is_changed)
    threads[0].join()
    assert (found[0] is not first, found[1]) == (is_changed, 1)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="autocommit came with Python 3.12")
def test_a_connection_without_autocommit_is_looked_at_although_it_is_always_in_a_transaction(bench):
    """sqlite3 opens the next transaction as soon as one ends."""
    engine = bench.engine(connect_args={"timeout": 0.1, "autocommit": False})
    with engine.connect() as connection:
        first = raw_of(connection)
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 0
        assert first.autocommit is False
        connection.exec_driver_sql("create temp table people (x)")
        connection.commit()
    run(engine, "insert into main.people (name) values ('Eve')")
    assert bench.restore().leak == ""
    assert names(engine) == GOLDEN_NAMES
    with engine.connect() as connection:
        connection.exec_driver_sql(ADD)
        connection.commit()
        connection.exec_driver_sql(ADD)
        assert bench.restore().leak.startswith("left a transaction open on a pooled connection")
        connection.invalidate()
    assert names(engine) == GOLDEN_NAMES


@pytest.mark.parametrize("where", ["engine", "class"])
def test_on_disk_connections_do_not_wait_for_it_unless_the_application_says_so(bench, where):
    """Its own pragma wins, also that of the popular recipe, which listens to every engine there is."""
    plain = bench.engine()
    with plain.connect() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 0

    def set_pragma(connection, record):
        if not isinstance(record.driver_connection, pools.sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")

    if where == "class":
        # As if the application had been imported before the first place was made.
        event.remove(sqlalchemy.pool.Pool, "connect", pools._connected)
        event.listen(sqlalchemy.Engine, "connect", set_pragma)
        pools._listen()
    try:
        engine = bench.engine(*([] if where == "class" else ["pragma synchronous = normal"]))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("pragma synchronous").scalar() == 1
    finally:
        if where == "class":
            event.remove(sqlalchemy.Engine, "connect", set_pragma)


def threads_on(path):
    """Return the threads in which async connections run; before 0.22 an aiosqlite connection is its thread."""
    drivers = [record.driver_connection for record in pools._of(path)]
    return [getattr(driver, "_thread", driver) for driver in drivers]


def test_async_connections_are_known_looked_at_and_closed_with_their_threads(bench):
    """From outside of the loop they were used in; those in good order stay open."""
    pytest.importorskip("aiosqlite")
    from sqlalchemy.ext.asyncio import create_async_engine

    url, path = f"sqlite+aiosqlite:///{bench.path}", str(bench.path)
    engine = create_async_engine(url, poolclass=AsyncAdaptedQueuePool)  # the default since SQLAlchemy 2.0.38

    async def execute(statement=ADD):
        async with engine.connect() as connection:
            await connection.execute(text(statement))
            await connection.commit()

    run_in_own_loop(execute)
    (first,) = threads_on(path)
    assert bench.restore() == Restored(Way.IN_PLACE)
    assert (threads_on(path), first.is_alive()) == ([first], True)
    run_in_own_loop(lambda: execute("create temp table mine (x)"))
    assert bench.restore() == Restored(Way.UNCHANGED)
    assert (threads_on(path), first.is_alive()) == ([], False)
    run_in_own_loop(execute)
    (second,) = threads_on(path)
    assert pools.close_all(path)
    assert not second.is_alive()
    run_in_own_loop(execute)
    (third,) = threads_on(path)
    pools.close_async(path, engine.sync_engine.pool)
    engine.sync_engine.dispose(close=False)
    assert (threads_on(path), third.is_alive()) == ([], False)


def test_an_open_transaction_of_an_async_connection_is_ended_and_reported(bench):
    """It was never given back."""
    pytest.importorskip("aiosqlite")
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(f"sqlite+aiosqlite:///{bench.path}")
    held = []

    async def leak():
        held.append(await engine.connect())
        await held[0].execute(text(ADD))

    async def see():
        async with engine.connect() as connection:
            rows = await connection.execute(text("select name from people"))
            held.append([tuple(row) for row in rows])

    run_in_own_loop(leak)
    assert bench.restore().leak.startswith("left a transaction open on a pooled connection, which was closed")
    run_in_own_loop(see)
    assert held.pop() == GOLDEN_NAMES
    held.pop().sync_connection.invalidate()
    run_in_own_loop(engine.dispose)


# Listening from the moment on that a module is imported.


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that nobody has imported, and what became of the callback."""
    name = f"module_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")
    path = tmp_path / f"{name}.py"
    path.write_text("ready = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield name, path
    sys.modules.pop(name, None)


def test_the_callback_comes_right_after_the_import_and_once(module):
    """When the module is whole, and never again."""
    name, _ = module
    seen = []
    before = list(sys.meta_path)
    after_import.call_after_import(name, lambda: seen.append(sys.modules[name].ready))
    assert seen == []
    importlib.import_module(name)
    importlib.reload(sys.modules[name])
    assert seen == [True]
    assert sys.meta_path == before
    after_import.call_after_import(name, lambda: seen.append("now"))
    assert seen == [True, "now"]


def test_the_module_does_not_know_that_it_was_waited_for(module):
    """Loader and spec are those of any other module."""
    name, path = module
    after_import.call_after_import(name, lambda: None)
    imported = importlib.import_module(name)
    plain = importlib.util.spec_from_file_location(name, path)
    assert type(imported.__loader__) is type(imported.__spec__.loader) is type(plain.loader)
    assert (imported.__spec__.name, imported.__spec__.origin) == (name, str(path))


def test_asking_whether_the_module_is_there_is_no_import(module):
    """Many do, to see what is installed; what they find looks like what they know."""
    name, _ = module
    seen = []
    after_import.call_after_import(name, lambda: seen.append("imported"))
    for _ in range(2):
        assert importlib.util.find_spec(name).loader.get_source(name) == "ready = True\n"
    assert importlib.util.find_spec("no_such_module_at_all") is None
    assert seen == []
    importlib.import_module(name)
    assert seen == ["imported"]


def test_an_import_that_fails_may_be_tried_again(module):
    """The callback waits for the one that succeeds."""
    name, path = module
    seen = []
    after_import.call_after_import(name, lambda: seen.append("imported"))
    path.write_text("raise RuntimeError('not yet')\n")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not yet"):
            importlib.import_module(name)
    assert seen == []
    path.write_text("ready = 'at last'\n")
    importlib.invalidate_caches()
    importlib.import_module(name)
    assert seen == ["imported"]


def test_several_may_wait_for_one_module_and_each_is_called_once(module):
    """Finders that ask each other never end: a process that ran pytest twice could not import sqlite3 any more."""
    name, _ = module
    seen = []
    before = list(sys.meta_path)
    for callback in (seen.append, seen.append, seen.extend):
        after_import.call_after_import(name, functools.partial(callback, "x"))
    same = functools.partial(seen.append, "same")
    for _ in range(2):
        after_import.call_after_import(name, same)
    assert importlib.util.find_spec(name) is not None
    importlib.import_module(name)
    assert seen == ["x", "x", "x", "same"]
    assert sys.meta_path == before


def test_a_module_that_is_not_installed_stays_so(module):
    """The error is Python's own."""
    after_import.call_after_import("no_such_module_at_all", lambda: None)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module_at_all'"):
        importlib.import_module("no_such_module_at_all")


def test_an_engine_is_known_when_sqlalchemy_is_imported_after_the_claim(tmp_path):
    """As in every run: importing it for a suite that does not use it would cost a quarter of a second."""
    program = """
        import sys
        from pathlib import Path
        from templatedb import pools

        path = str(Path(sys.argv[1]))
        pools.claim(path, synchronous=False)
        assert "sqlalchemy" not in sys.modules
        import sqlalchemy

        engine = sqlalchemy.create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            assert pools.connections(path) == [connection.connection.driver_connection]
            assert connection.exec_driver_sql("pragma synchronous").scalar() == 0
        engine.dispose()
        """
    path = tmp_path.resolve() / "slot.sqlite"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program), path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
