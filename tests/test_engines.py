"""Engines outlive their clones: what they have compiled is kept, what a test did to them is not, and no thread stays."""

import re

import pytest
import pytest_asyncio

from projects import write

SQL = "create table t1 (id integer primary key, name text); insert into t1 (name) values ('row 1');\n"
ASYNC = """
    import asyncio, gc, threading
    import pytest
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, StaticPool

    async def add(engine, name="mine"):
        async with engine.begin() as connection:
            await connection.execute(text("insert into t1 (name) values (:name)"), {"name": name})

    async def names(engine):
        async with engine.connect() as connection:
            return list(await connection.scalars(text("select name from t1 order by id")))

    async def crowd(engine, number=20):
        together = 0

        async def one(name):
            nonlocal together
            async with engine.connect() as connection:
                together += 1
                await connection.execute(text("select 1"))
                await asyncio.sleep(0.001)
                together -= 1

        await asyncio.gather(*(one(str(number)) for number in range(number)))
        assert together == 0
    """
NO_THREADS = """
    import threading
    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if report.when == "teardown":
            for thread in threading.enumerate():
                if thread is not threading.current_thread():
                    thread.join(1)  # one that is just ending
            left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
            if left:
                report.outcome, report.longrepr = "failed", f"threads left: {left}"
        return report
    """


@pytest.fixture
def sql_suite(suite, monkeypatch):
    """A project of one SQL file, and a pytest to run in it; a thread left after a test fails it."""
    monkeypatch.setenv("PYTHONPATH", str(suite.path))
    write(suite.path / "templatedb.toml", 'sql = "sql"\n')
    write(suite.path / "sql/0001_t1.sql", SQL)
    write(suite.path / "helpers.py", ASYNC)
    write(suite.path / "conftest.py", NO_THREADS)
    return suite


OWN_FACTORY = """
    from sqlalchemy import create_engine, event

    made = []

    @pytest.fixture(scope="session")
    def templatedb_engine_factory():
        def make(url):
            engine = create_engine(url, pool_size=2)
            made.append(engine)

            @event.listens_for(engine, "connect")
            def with_foreign_keys(connection, record):
                connection.execute("pragma foreign_keys = on")

            return engine
        return make
    """


@pytest.mark.parametrize("factory", ["", OWN_FACTORY], ids=["default", "own"])
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_an_engine_its_statements_and_its_connection_are_used_again(sql_suite, factory, kind):
    """The second test compiles nothing and connects nowhere; the user's own factory is called once."""
    sql_suite.makepyfile(
        f"""
    import pytest
    {factory or "made = [None]"}
    """
        """
    from sqlalchemy import column, insert, select, table

    t1 = table("t1", column("id"), column("name"))
    seen = {}

    @pytest.mark.parametrize("number", range(4))
    def test_it(clone_engine, clone_session, number):
        clone_session.execute(insert(t1).values(name="mine"))
        clone_session.commit()
        assert clone_session.scalars(select(t1.c.name)).all() == ["row 1", "mine"]
        seen.setdefault("engine", clone_engine)
        seen.setdefault("driver", clone_session.connection().connection.driver_connection)
        seen.setdefault("statements", len(clone_engine._compiled_cache))
        assert seen["engine"] is clone_engine
        assert seen["driver"] is clone_session.connection().connection.driver_connection
        assert seen["statements"] == len(clone_engine._compiled_cache) == 2
        assert len(made) == 1
    """
    )
    sql_suite.runpytest_subprocess("-W", "error", f"--templatedb-clone={kind}").assert_outcomes(passed=4)


def test_a_factory_made_anew_for_each_test_leaves_no_engines_behind(sql_suite):
    """Its engines cannot be used again, so they are let go of."""
    sql_suite.makepyfile(
        """
        import gc, weakref
        import pytest
        from sqlalchemy import create_engine, text
        from sqlalchemy.ext.asyncio import create_async_engine

        engines = weakref.WeakSet()

        @pytest.fixture
        def templatedb_engine_factory():
            def make(url):
                engine = create_engine(url)
                engines.add(engine)
                return engine
            return make

        @pytest.fixture
        def templatedb_async_engine_factory():
            def make(url):
                engine = create_async_engine(url)
                engines.add(engine.sync_engine)
                return engine
            return make

        @pytest.mark.parametrize("number", range(12))
        def test_it(clone_session, number):
            clone_session.execute(text("delete from t1"))

        @pytest.mark.parametrize("number", range(12))
        def test_async(clone_async_engine, number):
            pass

        def test_few_are_left():
            gc.collect()
            assert len(engines) <= 8
        """
    )
    sql_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=25)


CHANGES = {
    "connect listener": "event.listen(clone_engine, 'connect', lambda it, record: it.execute('pragma foreign_keys = on'))",
    "checkout listener": "event.listen(clone_engine, 'checkout', lambda *_: seen.append('checkout'))",
    "pool's listener": "event.listen(clone_engine.pool, 'checkin', lambda *_: seen.append('checkin'))",
    "statement listener": "event.listen(clone_engine, 'before_cursor_execute', lambda *_: seen.append('statement'))",
    "dialect's listener": "event.listen(clone_engine, 'handle_error', lambda *_: seen.append('error'))",
    "execution options": "clone_engine.update_execution_options(mine=1)",
    "isolation level": "clone_engine.update_execution_options(isolation_level='AUTOCOMMIT')",
    "echo": "clone_engine.echo = True",
    "schema map": "clone_engine.update_execution_options(schema_translate_map={None: 'nowhere'})",
    "pool disposed": "clone_engine.dispose()",
    "pool disposed, left open": "clone_engine.connect().close(); clone_engine.dispose(close=False)",
    "listener, pool disposed": "event.listen(clone_engine, 'checkout', lambda *_: seen.append('checkout'));"
    " clone_engine.dispose()",
}


def test_connections_that_tests_keep_are_not_missing_in_the_pool_of_a_later_one(sql_suite):
    """A pool of two; without a transaction nobody notices that they are still out."""
    write(
        sql_suite.path / "conftest.py",
        """
        import pytest
        from sqlalchemy import create_engine

        @pytest.fixture(scope="session")
        def templatedb_engine_factory():
            return lambda url: create_engine(url, pool_size=2, max_overflow=0, pool_timeout=0.1)
        """,
    )
    write(
        sql_suite.path / "test_it.py",
        """
        import pytest
        from sqlalchemy import text

        kept, engines = [], set()

        @pytest.mark.parametrize("number", range(4))
        def test_one(clone_engine, number):
            kept.append(clone_engine.connect())
            assert kept[-1].scalars(text("select name from t1")).all() == ["row 1"]
            engines.add(clone_engine)
            assert len(engines) == 1

        def test_end():
            for connection in kept:
                connection.close()
        """,
    )
    sql_suite.runpytest_subprocess("-W", "error", "-p", "no:randomly").assert_outcomes(passed=5)


def test_what_a_test_does_to_an_engine_does_not_reach_the_next(sql_suite):
    """Listeners of any kind, options, echo: the engine is given up. A disposed pool is no change."""
    changes = "".join(f"        lambda clone_engine: [{change.replace('; ', ', ')}],\n" for change in CHANGES.values())
    changes = changes.replace("clone_engine.echo = True", "setattr(clone_engine, 'echo', True)")
    sql_suite.makepyfile(
        f"""
    import pytest
    from sqlalchemy import event, text

    seen = []
    CHANGES = [
{changes}    ]
    """
        """
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("part", ["change", "look"])
    def test_it(clone_engine, change, part):
        if part == "change":
            change(clone_engine)
            with clone_engine.connect() as connection:
                connection.execute(text("select 1"))
            return
        seen.clear()
        assert not clone_engine.get_execution_options() and not clone_engine.echo
        with clone_engine.connect() as connection:
            connection.execute(text("delete from t1"))
            assert connection.scalar(text("pragma foreign_keys")) == 0
        with clone_engine.connect() as connection:
            assert connection.scalars(text("select name from t1")).all() == ["row 1"]
        assert seen == []
    """
    )
    sql_suite.makeconftest(
        NO_THREADS
        + """
    def pytest_collection_modifyitems(items):
        items.sort(key=lambda item: str(item.callspec.params["change"]))
    """
    )
    result = sql_suite.runpytest_subprocess("-W", "error", "-v")
    result.assert_outcomes(passed=2 * len(CHANGES))


ASYNC_TESTS = """
    import pytest
    from helpers import *

    {mark}
    class TestIt:
        @pytest.mark.parametrize("number", range(3))
        async def test_rows(self, clone_async_engine, clone_async_session, number):
            await clone_async_session.execute(text("insert into t1 (name) values ('mine')"))
            await clone_async_session.commit()
            await add(clone_async_engine)
            assert await names(clone_async_engine) == ["row 1", "mine", "mine"]

        @pytest.mark.parametrize("number", range(2))
        async def test_more_connections_than_the_pool_holds(self, clone_async_engine, number):
            await crowd(clone_async_engine)
            assert await names(clone_async_engine) == ["row 1"]

        @pytest.mark.parametrize("number", range(2))
        async def test_left_open(self, clone_async_engine, number):
            session = AsyncSession(clone_async_engine)
            await session.execute(text("insert into t1 (name) values ('left')"))
            connection = await clone_async_engine.connect()
            assert await names(clone_async_engine) == ["row 1"]
            held.append((session, connection))

    held = []

    def test_without_a_loop(clone_engine, clone_async_engine):
        with clone_engine.connect() as connection:
            assert connection.scalar(text("select count(*) from t1")) == 1

    def test_two_loops_after_each_other(clone_async_engine):
        for number in range(3):
            asyncio.run(crowd(clone_async_engine))
            asyncio.run(add(clone_async_engine, str(number)))
        assert asyncio.run(names(clone_async_engine)) == ["row 1", "0", "1", "2"]

    def test_with_a_loop_of_ones_own(clone_async_engine):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(crowd(clone_async_engine))
        loop.close()

    def test_at_the_end(clone_session):
        gc.collect()
        assert clone_session.scalar(text("select count(*) from t1")) == 1
    """
OWN_ASYNC_FACTORY = """
    @pytest.fixture(scope="session")
    def templatedb_async_engine_factory():
        return lambda url: create_async_engine(url, {options})
    """


QUEUE = "poolclass=AsyncAdaptedQueuePool, pool_size=5, max_overflow=0"


@pytest.mark.parametrize("scope", ["function", "class", "module", "session"])
def test_async_engines_work_under_pytest_asyncio(sql_suite, scope):
    """Every scope of its loop; twenty connections at once on five; loops after each other; what is left open."""
    sql_suite.makepyfile(
        ASYNC_TESTS.format(mark=f'@pytest.mark.asyncio(loop_scope="{scope}")') + OWN_ASYNC_FACTORY.format(options=QUEUE)
    )
    words = ["-W", "error"]
    if pytest_asyncio.__version__ < "1":  # it does not close a loop of its own where a test has asyncio.run
        words += ["-W", "ignore:unclosed:ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    result = sql_suite.runpytest_subprocess(*words)
    result.assert_outcomes(passed=11)


def test_async_engines_work_under_anyio(sql_suite):
    """Its plugin runs a loop of its own, in the main thread."""
    sql_suite.makepyfile(
        ASYNC_TESTS.format(mark="@pytest.mark.anyio")
        + """
    @pytest.fixture(scope="session")
    def anyio_backend():
        return "asyncio"
    """
    )
    sql_suite.makepyprojecttoml("[tool.pytest.ini_options]\naddopts = '-p no:randomly'")
    result = sql_suite.runpytest_subprocess("-W", "error", "-p", "no:asyncio")
    result.assert_outcomes(passed=11)


@pytest.mark.parametrize(
    "options",
    ["poolclass=NullPool", f"{QUEUE}, pool_use_lifo=True", f"{QUEUE}, pool_pre_ping=True", "poolclass=StaticPool"],
    ids=["null", "last in first out", "with a ping", "static"],
)
def test_async_engines_of_ones_own_factory_with_other_pools(sql_suite, options):
    """Two loops after each other, and no thread, whatever the pool."""
    factory = OWN_ASYNC_FACTORY.format(options=options)
    sql_suite.makepyfile(
        """
    from helpers import *
    """
        # SQLAlchemy's StaticPool makes a connection too many when it is asked twice at once.
        f"at_once = {1 if 'StaticPool' in options else 20}\n{factory}"
        """
    @pytest.mark.parametrize("number", range(3))
    def test_two_loops(clone_async_engine, number):
        for _ in range(2):
            asyncio.run(crowd(clone_async_engine, at_once))
            asyncio.run(add(clone_async_engine))
        assert asyncio.run(names(clone_async_engine)) == ["row 1", "mine", "mine"]
    """
    )
    sql_suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_sessions_left_open_and_connections_of_all_kinds_at_once(sql_suite, kind):
    """What one commits the others see; what is left open is reported or closed, and the next test is right."""
    sql_suite.makepyfile(
        """
        from helpers import *
        from sqlalchemy.orm import Session

        left = []

        @pytest.mark.parametrize("number", range(4))
        def test_it(clone, clone_engine, clone_session, clone_connection, clone_async_engine, number):
            clone_connection.execute("insert into t1 (name) values ('raw')")
            clone_connection.commit()
            clone_session.execute(text("insert into t1 (name) values ('session')"))
            clone_session.commit()
            asyncio.run(add(clone_async_engine, "awaited"))
            assert asyncio.run(names(clone_async_engine)) == ["row 1", "raw", "session", "awaited"]
            thread = threading.Thread(target=work, args=(clone_engine,))
            thread.start()
            thread.join()
            assert clone_connection.execute("select count(*) from t1").fetchone() == (5,)
            for session in left:
                session.close()
            left.append(Session(clone_engine))
            left[-1].execute(text("insert into t1 (name) values ('left')"))

        def work(engine):
            with engine.begin() as connection:
                connection.execute(text("insert into t1 (name) values ('threaded')"))
        """
    )
    result = sql_suite.runpytest_subprocess("-W", "error", f"--templatedb-clone={kind}")
    result.assert_outcomes(passed=4)
    said = "\n".join(result.outlines)
    assert len(re.findall(r"test_it\[\d\] left a transaction open", said)) >= 3
