"""One lock per key: it saves work, and nothing is wrong without it.

``flock`` on a file that is never unlinked (unlinking would split waiters over two inodes). filelock was weighed: it
falls back to a soft lock that outlives a crash where ``flock`` is missing, and releases differ on unlinking the file.
POSIX record locks are no choice: closing any other descriptor of the file drops them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import errno
import functools
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from templatedb.errors import LockTimeoutError

FIRST_MESSAGE_S = 1.0
_POLL_FIRST_S = 0.005
_POLL_LAST_S = 0.1
_POLL_SHARE = 0.02
"""Of the time waited so far, the pause before the next try: eight processes that wait for a build of a second get the
lock one after the other, and none of them sleeps much longer than needed."""
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, as the holder wrote it down: for messages only."""

    pid: int
    host: str
    since: float
    run: str

    def __str__(self) -> str:
        """Name the holder for a person who waits."""
        return f"process {self.pid} on {self.host}, since {max(0.0, time.time() - self.since):.0f} s"


@contextlib.contextmanager
def hold(
    path: Path, *, timeout_s: float, run: str = "", on_wait: Callable[[Holder | None], None] = lambda holder: None
) -> Iterator[bool]:
    """Hold the lock file *path* for the block; yield whether this had to wait for another holder.

    Excludes threads as well as processes; not re-entrant. Calls *on_wait* once, after one second of waiting, with the
    holder as far as it can be read. Raises LockTimeoutError after *timeout_s*. Where the filesystem cannot lock, the
    block runs unlocked: publishing is right without.
    """
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    _forget_in_child(descriptor)
    try:
        waited = _acquire(descriptor, path, timeout_s, on_wait)
        facts = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "run": run}
        with contextlib.suppress(OSError):  # the text is a courtesy: a full disk must not cost the lock
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(facts).encode(), 0)
        try:
            yield waited
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                # Unlock by name: closing alone would leave the lock with a forked child that still has the descriptor.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        _open_descriptors.discard(descriptor)
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, timeout_s: float, on_wait: Callable[[Holder | None], None]) -> bool:
    import fcntl

    started = time.monotonic()
    has_waited = told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return False
            raise
        else:
            return has_waited
        waited_s = time.monotonic() - started
        if waited_s >= timeout_s:
            holder = read_holder(path)
            raise LockTimeoutError(
                what=f"the lock {path} is still held after {waited_s:.0f} s by {holder or 'an unknown process'}",
                remedy="Wait for that process or end it; the time is the setting 'lock_timeout'.",
                path=path,
                waited_s=waited_s,
            )
        if waited_s >= FIRST_MESSAGE_S and not told:
            told = True
            on_wait(read_holder(path))
        has_waited = True
        time.sleep(min(_pause_s(waited_s), timeout_s - waited_s))


def _pause_s(waited_s: float) -> float:
    """Return the seconds until the next try of somebody who has waited for *waited_s*."""
    return min(max(waited_s * _POLL_SHARE, _POLL_FIRST_S), _POLL_LAST_S)


class Taken(enum.Enum):
    """What came of asking for an exclusive lock without waiting for it."""

    YES = enum.auto()
    """Nobody had the file."""
    BUSY = enum.auto()
    """Somebody has it, shared or alone."""
    UNKNOWN = enum.auto()
    """This filesystem cannot tell."""


@contextlib.contextmanager
def taken(descriptor: int) -> Iterator[Taken]:
    """Hold the open file *descriptor* alone for the block, if nobody has it; yield what came of that. Never waits.

    Owns the descriptor, and closes it.
    """
    import fcntl

    _forget_in_child(descriptor)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            result = Taken.YES
        except BlockingIOError:
            result = Taken.BUSY
        except OSError:  # also EBADF: NFS makes record locks of these, which a descriptor for reading cannot hold
            result = Taken.UNKNOWN
        yield result
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        _open_descriptors.discard(descriptor)
        os.close(descriptor)


def is_abandoned(path: Path, *, if_unknown: bool = False) -> bool:
    """Whether the lock file *path* was held by a process of this machine that is dead by now.

    *if_unknown* is returned where that cannot be known: the filesystem does not lock, or the holder was on another
    machine.
    """
    import fcntl

    holder = read_holder(path)
    if holder is not None and holder.host != socket.gethostname():
        return if_unknown
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return if_unknown
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return if_unknown
    finally:
        os.close(descriptor)
    return True


def read_holder(path: Path) -> Holder | None:
    """Return who wrote itself into the lock file, or None when nobody did or the text is damaged."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


_open_descriptors: set[int] = set()


def _forget_in_child(descriptor: int) -> None:
    """Have forked children close *descriptor*: a child that lives on would hold the lock after the parent's end."""
    _open_descriptors.add(descriptor)
    _register_once()


@functools.cache
def _register_once() -> None:
    os.register_at_fork(after_in_child=_close_all)


def _close_all() -> None:
    for descriptor in _open_descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _open_descriptors.clear()
