"""The user's part of a traceback: their env.py and revision, without the libraries' frames in between."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_MACHINERY = ("templatedb", "alembic", "sqlalchemy", "aiosqlite", "greenlet", "mako")


def of(error: BaseException) -> str:
    """Return the traceback of *error* and its causes, reduced to frames of the user's code.

    Where no frame is the user's, the libraries' frames stay (ours never): a traceback without frames helps nobody.
    """
    told = traceback.TracebackException.from_exception(error)
    seen: set[int] = set()
    chain: list[traceback.TracebackException | None] = [told]
    while chain:
        part = chain.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        part.stack = _reduced(part.stack)
        chain += [part.__cause__, part.__context__]
    return "".join(told.format())


def _reduced(stack: traceback.StackSummary) -> traceback.StackSummary:
    own = str(Path(__file__).parents[1])
    theirs = [frame for frame in stack if not frame.filename.startswith(own)]
    users = [frame for frame in theirs if not _is_machinery(frame.filename)]
    return traceback.StackSummary.from_list(users or theirs)


def _is_machinery(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return True
    parts = Path(filename).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            return parts[parts.index(folder) + 1].removesuffix(".py") in _MACHINERY
    return filename.startswith(sysconfig.get_path("stdlib"))
