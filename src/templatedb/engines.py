"""SQLAlchemy engines and sessions on clones: how they are made, and that they outlive their clones.

A new engine has no compiled statements and sets its dialect up again, which costs a test more than its database does.
So an engine is kept for each place and used again when the place is. Imported only by tests that ask for an engine:
SQLAlchemy costs a quarter of a second.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.util.queue import AsyncAdaptedQueue

from templatedb import pools
from templatedb.errors import TemplateDBError
from templatedb.loops import run_in_own_loop

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

_KEPT_PER_URL = 4
"""A factory that is made anew for each test must not leave an engine behind each time."""


def make_engine(url: str) -> Engine:
    """Return a plain engine; the default of ``templatedb_engine_factory``."""
    return create_engine(url)


def make_async_engine(url: str) -> AsyncEngine:
    """Return a plain async engine; the default of ``templatedb_async_engine_factory``.

    Raises TemplateDBError when ``aiosqlite`` or ``greenlet`` is not installed.
    """
    try:
        import aiosqlite  # noqa: F401
        import greenlet  # noqa: F401
        from sqlalchemy.ext.asyncio import create_async_engine
    except ImportError as error:
        raise TemplateDBError(
            what=f"clone_async_engine and clone_async_session need {error.name}, which is not installed",
            remedy=f"Run: pip install {error.name}",
        ) from error
    return create_async_engine(url)


@dataclasses.dataclass(slots=True)
class _Kept:
    engine: Any
    sync: Engine
    """The same, or what an async one is made of."""
    factory: Callable[[str], Any]
    """Held, so that its identity is not given to another one."""
    marks: list[Any]


class Engines:
    """The engines of one process, by URL and factory. Not thread-safe."""

    def __init__(self) -> None:
        """Have none yet."""
        self._kept: dict[str, list[_Kept]] = {}

    def take(self, factory: Callable[[str], Any], url: str) -> Any:
        """Return the engine that *factory* made for *url*, made now if it is not there."""
        for kept in self._kept.get(url, ()):
            if kept.factory is factory:
                break
        else:
            kept = self._make(factory, url)
        if kept.engine is not kept.sync:
            _prepare_for_loops(kept.sync.pool)
        return kept.engine

    def _make(self, factory: Callable[[str], Any], url: str) -> _Kept:
        engine = factory(url)
        sync = _sync(engine)
        kept = _Kept(engine, sync, factory, _marks(sync))
        known = self._kept.setdefault(url, [])
        known.append(kept)
        if len(known) > _KEPT_PER_URL:
            _dispose(known.pop(0).engine)
        return kept

    def give_back(self, engine: Any, url: str, *, path: str, reconnect: bool = False) -> None:
        """Keep *engine* for the next test on *url*, whose pools know the database as *path*.

        Not one that the test has changed: its listeners and options would reach into other tests. One whose
        connections the test still has gets a new pool, or each test would find fewer of them. An async engine's
        connections are closed, each of which is a thread, and its pool is bound to the loop it was used in.
        """
        sync = _sync(engine)
        if engine is not sync:
            pools.close_async(path, sync.pool)
            sync.dispose(close=False)
        known = self._kept.get(url, [])
        for kept in known:
            if kept.engine is engine:
                break
        else:
            _dispose(engine)
            return
        if kept.marks != _marks(sync):
            known.remove(kept)
            _dispose(engine)
        elif reconnect or _has_connections_out(sync):
            sync.dispose()  # what it has compiled stays

    def close(self) -> None:
        """Dispose of all engines."""
        for known in self._kept.values():
            for kept in known:
                _dispose(kept.engine)
        self._kept.clear()


def _sync(engine: Any) -> Engine:
    found: Engine = getattr(engine, "sync_engine", engine)
    return found


def _has_connections_out(engine: Engine) -> bool:
    count = getattr(engine.pool, "checkedout", None)  # pools without a limit have none
    return count is not None and count() > 0


def _marks(engine: Engine) -> list[Any]:
    """Return what a test may change of an engine: its own listeners, those of its pool and dialect, and its options.

    Listeners of whole classes are not the engine's: another one made in its place would have them, too.
    """
    marks: list[Any] = [engine.get_execution_options(), engine.echo]
    dispatches: tuple[Any, ...] = (engine.dispatch, engine.pool.dispatch, engine.dialect.dispatch)
    for dispatch in dispatches:
        for name in dispatch._event_names:
            listeners = getattr(dispatch, name).listeners  # an iteration of each takes longer than all the rest
            if listeners and (theirs := [one for one in listeners if not pools.is_own(one)]):
                marks.append((name, theirs))
    return marks


class _QueueOfEachLoop(AsyncAdaptedQueue[Any]):
    """The idle connections of an async pool, in a queue that is renewed with the loop.

    One in which somebody has waited is bound to its loop for good, and a test may run several loops after each other.
    The connections themselves are bound to none: aiosqlite's are threads.
    """

    _now: asyncio.Queue[Any] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def _queue(self) -> asyncio.Queue[Any]:  # memoized there
        loop: asyncio.AbstractEventLoop | None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = self._loop
        if self._now is None or loop is not self._loop:
            queue: asyncio.Queue[Any] = (asyncio.LifoQueue if self.use_lifo else asyncio.Queue)(self.maxsize)
            while self._now is not None and not self._now.empty():
                queue.put_nowait(self._now.get_nowait())
            self._now, self._loop = queue, loop
        return self._now


def _prepare_for_loops(pool: Any) -> None:
    """Let an async *pool*, which may have been made anew after a test, be used in any number of loops."""
    queue = getattr(pool, "_pool", None)
    if type(queue) is AsyncAdaptedQueue and queue.empty():
        pool._pool = _QueueOfEachLoop(queue.maxsize, queue.use_lifo)
    # Before SQLAlchemy 2.0.30 a pool that was made anew calls its connect listeners under a lock of threads: where one
    # awaits, a second connection stops the whole thread.
    pool.dispatch.connect.for_modify(pool.dispatch)._set_asyncio()


def _dispose(engine: Any) -> None:
    if engine is not _sync(engine):
        run_in_own_loop(engine.dispose)
    else:
        engine.dispose()


def make_async_session(engine: AsyncEngine) -> AsyncSession:
    """Return an async session; its objects keep their attributes after a commit, for awaiting would reload them."""
    from sqlalchemy.ext.asyncio import AsyncSession

    return AsyncSession(engine, expire_on_commit=False)
