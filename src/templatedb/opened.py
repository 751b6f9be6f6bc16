"""Which SQLite databases this process opens: slots in memory, and what an application opens beside its slots.

``sqlite3.connect`` is replaced while tests run, by an object that notes the file and calls the original. An audit hook
would see connections of every spelling, but costs each ``id()`` and each look at a function's code 0.1 us for good: it
cannot be removed. Not seen are what ``from sqlite3 import connect`` took before, and other processes.

A connection cannot be asked for the name of its database in memory: since some release between 3.40 and 3.51 SQLite
answers with an empty one (``pragma database_list``). So that is noted here as well.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple

from templatedb.after_import import call_after_import

_MAGIC = b"SQLite format 3\0"
_DESCRIPTORS = "/proc/self/fd"
_MEMORY = "/dev/shm"  # noqa: S108  # nothing is made there
_MOST = 50
"""Files that are remembered."""


class Opened(NamedTuple):
    """A file that somebody opened, and what it was before."""

    path: str
    opener: str
    """The innermost line of the project that led to it, such as ``shop/db.py, line 7``; empty where none did."""
    stamp: tuple[int, ...]

    @property
    def is_changed(self) -> bool:
        """Whether it was written, made or removed since."""
        return _stamp(self.path) != self.stamp

    @property
    def is_new(self) -> bool:
        """Whether it was not there before."""
        return not self.stamp


class _Seen:
    """What was seen since `watch`. Any thread adds to it."""

    def __init__(self, root: str, temporary: Callable[[], object]) -> None:
        self.root = root
        self.temporary = temporary
        self.others: dict[str, Opened] = {}
        self.in_this_test: set[str] = set()
        self.askers: dict[str, str] = {}
        """By the name of a database that aiosqlite was asked for: the line of the project that did."""
        self.a_slot_was_opened = False

    def note(self, path: str, opener: Callable[[], str]) -> None:
        if self._may_be_the_applications(path):
            self.in_this_test.add(path)
            if path not in self.others and len(self.others) < _MOST:
                self.others[path] = Opened(path, opener(), _stamp(path))

    def _may_be_the_applications(self, path: str) -> bool:
        """Whether it is no file of a tool (``.coverage``, ``.mypy_cache``), nor one that a test made for itself."""
        inside = path.startswith(self.root + os.sep)
        shown = path[len(self.root) :] if inside else os.sep + os.path.basename(path)
        if os.sep + "." in shown:
            return False
        made = self.temporary()
        places = [] if made is None else [str(made)]
        if not inside:
            import tempfile

            places += [tempfile.gettempdir(), _MEMORY]
        return not path.startswith(tuple(os.path.realpath(place) + os.sep for place in places))

    def note_asker(self, database: object, frames: Iterator[FrameType]) -> None:
        with contextlib.suppress(TypeError, ValueError):  # SQLite says it better
            name = os.fsdecode(database)  # type: ignore[arg-type]  # a TypeError is wanted
            if name not in self.askers and len(self.askers) < _MOST:
                self.askers[name] = self.opener(frames)

    def opener(self, frames: Iterator[FrameType]) -> str:
        for frame in frames:
            name = frame.f_code.co_filename
            if name.startswith(self.root + os.sep) and "site-packages" not in name:
                return f"{name[len(self.root) + 1 :]}, line {frame.f_lineno}"
        return ""


_slots: set[str] = set()
_IN_MEMORY = "vfs=memdb"
_names_in_memory: dict[int, str] = {}
"""By the identity of a connection; each is asked for once, when its pool has it."""
_seen: _Seen | None = None
_ended = False
"""Whether `end` was the last that was asked for: sqlite3 may be imported only then."""
_lock = threading.Lock()


def claim(path: str) -> None:
    """Know *path*, as SQLite spells it, for a slot."""
    _slots.add(path)


def disclaim(path: str) -> None:
    """Forget *path*."""
    _slots.discard(path)


def watch(root: os.PathLike[str], temporary: Callable[[], object]) -> None:
    """Note from here on what is opened, with lines of code below *root*; go on where that is done already.

    Left out are files whose name or folder begins with a dot, and those in temporary folders: that of the system, where
    *root* is not in it, and the one that *temporary* returns unless it is None. What is open already is noted where the
    system tells it, which is on Linux.
    """
    global _seen, _ended  # noqa: PLW0603  # sqlite3 is one per process
    with _lock:
        _ended = False
        if _seen is not None and _seen.root == os.path.realpath(root):
            return
        _seen = seen = _Seen(os.path.realpath(root), temporary)
    for path in _held_open():
        if path in _slots:
            seen.a_slot_was_opened = True
        else:
            seen.note(path, str)
    seen.in_this_test.clear()
    call_after_import("sqlite3", _replace)
    call_after_import("aiosqlite", _replace_async)


def end() -> None:
    """Stop watching, and put ``sqlite3.connect`` back where nobody else has replaced it meanwhile."""
    global _seen, _ended  # as in `watch`
    _seen, _ended = None, True
    for module in _modules():
        if isinstance(module.connect, _Connect):
            module.connect = module.connect.original
    if (opened_async := sys.modules.get("templatedb.opened_async")) is not None:
        opened_async.end()


def begin_test() -> None:
    """Note that another test begins."""
    if _seen is not None and _seen.in_this_test:
        _seen.in_this_test.clear()


def a_slot_was_opened() -> bool:
    """Whether anybody but templatedb has opened a slot."""
    return _seen is not None and _seen.a_slot_was_opened


def note_names_in_memory() -> None:
    """Have `name_in_memory` know the connections that are opened from here to `end`, whether anybody watches or not."""
    global _ended  # noqa: PLW0603  # as in `watch`
    _ended = False
    call_after_import("sqlite3", _replace)


def name_in_memory(connection: object) -> str:
    """Return the name of the database in memory that *connection* was just opened on; empty for another one."""
    return _names_in_memory.pop(id(connection), "")


def others() -> list[Opened]:
    """Return the files that were opened and are no slots, in their order."""
    return [] if _seen is None else list(_seen.others.values())


def others_of_this_test() -> list[Opened]:
    """Return those of them that were opened since `begin_test`, or are open still: pools keep their connections."""
    if not (found := others()) or _seen is None:
        return []
    current = _seen.in_this_test | set(_held_open())
    return [opened for opened in found if opened.path in current]


def _modules() -> list[Any]:
    return [module for name in ("sqlite3", "sqlite3.dbapi2") if (module := sys.modules.get(name)) is not None]


def _replace() -> None:
    for module in () if _ended else _modules():
        if not isinstance(module.connect, _Connect):
            module.connect = _Connect(module.connect)


def _replace_async() -> None:
    if _seen is not None:
        from templatedb import opened_async  # most applications await no database

        opened_async.watch(_note_asker)


def _note_asker(database: object, frames: Iterator[FrameType]) -> None:
    if _seen is not None:
        _seen.note_asker(database, frames)


class _Connect:
    """``sqlite3.connect``, but it tells who opens what. An object, for a function in a class would become a method."""

    def __init__(self, original: Callable[..., Any]) -> None:
        functools.update_wrapper(self, original)  # its name, text and signature are the original's
        self.original = original

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Connect as the original does."""
        __tracebackhide__ = True
        database = arguments[0] if arguments else options.get("database")
        if _seen is not None:
            _note(_seen, database)
        connection = self.original(*arguments, **options)
        if isinstance(database, str) and _IN_MEMORY in database:
            _names_in_memory[id(connection)] = _path_of(database)
        elif _names_in_memory:
            _names_in_memory.pop(id(connection), None)  # of one that is gone
        return connection


def _note(seen: _Seen, database: object) -> None:
    caller = sys._getframe(2)  # noqa: SLF001  # who called sqlite3.connect; inspect would say the same, slower
    if caller.f_globals.get("__name__", "").startswith("templatedb."):
        return
    # Whatever is wrong with the name, SQLite says it better.
    with contextlib.suppress(TypeError, ValueError, OSError):
        name = os.fsdecode(database)  # type: ignore[arg-type]  # a TypeError is wanted
        if (path := _path_of(name)) in _slots:
            seen.a_slot_was_opened = True
        elif path and _IN_MEMORY not in name:
            seen.note(path, lambda: seen.opener(_above(caller)) or seen.askers.get(name, ""))


def _above(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _path_of(database: str) -> str:
    """Return the file that SQLite opens by that name; empty for a database that has none."""
    if not database.startswith("file:"):
        return "" if database in ("", ":memory:") else os.path.realpath(database)
    from urllib.parse import parse_qs, unquote, urlsplit

    parts = urlsplit(database)
    options = parse_qs(parts.query)
    path = unquote(parts.path)
    if options.get("vfs") == ["memdb"]:
        return path
    is_file = path not in ("", ":memory:") and options.get("mode") != ["memory"]
    return os.path.realpath(path) if is_file else ""


def _stamp(path: str) -> tuple[int, ...]:
    """Return what changes with each write, to the file or to a log that is not empty; empty where there is none.

    Whoever only reads a database in WAL mode may make an empty log.
    """
    found: list[int] = []
    for name in (path, f"{path}-wal"):
        with contextlib.suppress(OSError):
            status = os.stat(name)
            if status.st_size or name is path:
                found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(found)


def _held_open() -> list[str]:
    """Return the SQLite files that this process holds open; empty where the system does not tell.

    Read through the descriptors that are there: to close one of our own would drop SQLite's locks on the file
    (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(_DESCRIPTORS):
            with contextlib.suppress(OSError):
                path = os.readlink(f"{_DESCRIPTORS}/{name}")
                if path in _slots or (path.startswith("/") and os.pread(int(name), len(_MAGIC), 0) == _MAGIC):
                    found.append(path)
    return found
