"""Results of the project's functions, which may be coroutines."""

from __future__ import annotations

import inspect


def wait_for(result: object) -> None:
    """Run *result* to its end in a loop of its own if it is awaitable; anything else is dropped."""
    if not inspect.isawaitable(result):
        return
    import asyncio

    async def wait() -> None:
        await result

    asyncio.run(wait())
