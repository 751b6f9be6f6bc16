"""Who asks ``aiosqlite`` for a database, which is opened in a thread of its own: no line of the project leads there."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

Asked = Callable[[object, Iterator[FrameType]], None]
"""Is told the database and the frames that led to it, the innermost first."""


def watch(asked: Asked) -> None:
    """Call *asked* whenever ``aiosqlite.connect``, which is imported, is called from here on, until `end`."""
    for module in _modules():
        if not isinstance(module.connect, _Connect):
            module.connect = _Connect(module.connect, asked)


def end() -> None:
    """Put ``aiosqlite.connect`` back where nobody else has replaced it meanwhile."""
    for module in _modules():
        if isinstance(module.connect, _Connect):
            module.connect = module.connect.original


def _modules() -> list[Any]:
    return [module for name in ("aiosqlite", "aiosqlite.core") if (module := sys.modules.get(name)) is not None]


class _Connect:
    """``aiosqlite.connect``, but it tells who calls it."""

    def __init__(self, original: Callable[..., Any], asked: Asked) -> None:
        functools.update_wrapper(self, original)
        self.original = original
        self.asked = asked

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Connect as the original does."""
        __tracebackhide__ = True
        self.asked(arguments[0] if arguments else options.get("database"), _frames(sys._getframe(1)))  # noqa: SLF001  # as in `opened`
        return self.original(*arguments, **options)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield *frame* and those that led to it: SQLAlchemy calls from a greenlet, whose parent has the coroutines."""
    while frame is not None:
        yield frame
        frame = frame.f_back
    greenlet = sys.modules.get("greenlet")
    above = None if greenlet is None else greenlet.getcurrent().parent
    while above is not None:
        frame = above.gr_frame
        while frame is not None:
            yield frame
            frame = frame.f_back
        above = above.parent
