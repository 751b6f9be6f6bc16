"""Coroutines that synchronous code has to see through to their end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any


def run_in_own_loop(work: Callable[[], Awaitable[Any]]) -> None:
    """Await ``work()`` to its end from synchronous code, in a thread with a loop of its own.

    The test's loop is gone or not ours by now, and ``asyncio.run`` in this thread would take its loop from plugins.
    """

    async def wait() -> None:
        await work()

    run_without_loop(lambda: asyncio.run(wait()))


def run_without_loop(work: Callable[[], object]) -> None:
    """Call *work* where asyncio finds no loop: in this thread a test may have left a closed one."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # passed on to the caller's thread below
            failure.append(error)

    thread = threading.Thread(target=run, name="templatedb-close")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
