"""Coroutines that synchronous code has to see through to their end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


def run_in_own_loop(work: Callable[[], Awaitable[Any]]) -> None:
    """Await ``work()`` to its end from synchronous code, in a thread with a loop of its own.

    The test's loop is gone or not ours by now, and ``asyncio.run`` in this thread would take its loop from plugins.
    """
    failure: list[BaseException] = []

    async def wait() -> None:
        await work()

    def run(waiting: Coroutine[Any, Any, None]) -> None:
        try:
            asyncio.run(waiting)
        except BaseException as error:  # passed on to the caller's thread below
            failure.append(error)

    thread = threading.Thread(target=run, args=(wait(),), name="templatedb-close")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
