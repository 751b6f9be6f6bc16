"""A seal on a file that is handed out: afterwards it proves that nobody has the file open and nobody wrote to it."""

from __future__ import annotations

import gc
import os
import stat
from pathlib import Path
from typing import NamedTuple

from templatedb.slots.holders import descriptors_on, locked_by_another_process, open_elsewhere

# A moment that nobody sets by chance (in 1980): a write puts the present in its place, however coarse the clock is.
MARK_NS = 315_700_000_123_456_000
_MODE_OFFSET = 18
_HEADER_BYTES = 100


class _Facts(NamedTuple):
    """What a write, a replacement, a link or a change of mode shows in."""

    identity: tuple[int, int]
    size: int
    modified_ns: int
    access: int
    links: int
    header: bytes


class Seal:
    """The proof for one SQLite file, and a descriptor of it that stays open as long as connections may live."""

    def __init__(self, descriptor: int) -> None:
        """Seal the file of *descriptor*, which this owns from now on and which nobody else may have open.

        Its time of modification becomes `MARK_NS`, as exactly as the filesystem keeps it.
        """
        self._descriptor = descriptor
        os.utime(descriptor, ns=(MARK_NS, MARK_NS))
        self._facts = _facts(os.fstat(descriptor), descriptor)
        # Asked while the answer is known: a system that is wrong now (it counts too much) is not asked again.
        self._leases = open_elsewhere(descriptor) is False

    def holder(self) -> str:
        """Return who else has the file open, as words for a message; empty when nobody has.

        What only waits for the garbage collector is collected, and is nobody.
        """
        if not self._holder():
            return ""
        gc.collect()
        return self._holder()

    def _holder(self) -> str:
        if not self._is_ours():
            return "its descriptors were closed from outside, so who has it open cannot be seen"
        known = open_elsewhere(self._descriptor) if self._leases else None
        if known is False:
            return ""
        try:
            others = descriptors_on(*self._facts.identity)
        except OSError:
            return "who has it open cannot be seen on this system"
        if others != [self._descriptor]:
            return "a connection of this process is still open"
        if (pid := locked_by_another_process(self._descriptor)) is not None:
            return f"process {pid} still has it open" if pid > 0 else "another process still has it open"
        return "another process still has it open" if known else ""

    def difference(self, path: Path) -> str:
        """Return in which way the file, standing at *path* by now, is not as it was sealed; empty when it is.

        Final only when `holder` found nobody before.
        """
        if not self._is_ours():
            return "its descriptors were closed from outside"
        try:
            now = _facts(os.lstat(path), self._descriptor)
        except FileNotFoundError:
            return "the file was removed"
        if now == self._facts:
            return ""
        if now.identity != self._facts.identity:
            return "the file was replaced"
        if _mode(now) != _mode(self._facts):
            return "the journal mode was changed"
        if (
            now.header != self._facts.header
            or now.size != self._facts.size
            or now.modified_ns != self._facts.modified_ns
        ):
            return "the main file was written"
        return "the file got another name or other permissions"

    def header(self) -> bytes:
        """Return the first 100 bytes of the file as they are now; empty when they cannot be seen."""
        return os.pread(self._descriptor, _HEADER_BYTES, 0) if self._is_ours() else b""

    def release(self) -> None:
        """Close the descriptor. Drops the POSIX locks of this process on the file: only for one that is thrown away."""
        if self._is_ours():
            os.close(self._descriptor)

    def _is_ours(self) -> bool:
        """Whether the descriptor is still the one that was given: tests close them all, and numbers come again."""
        try:
            facts = os.fstat(self._descriptor)
        except OSError:
            return False
        return (facts.st_dev, facts.st_ino) == self._facts.identity


def _facts(facts: os.stat_result, descriptor: int) -> _Facts:
    header = os.pread(descriptor, _HEADER_BYTES, 0)
    identity = (facts.st_dev, facts.st_ino)
    return _Facts(identity, facts.st_size, facts.st_mtime_ns, stat.S_IMODE(facts.st_mode), facts.st_nlink, header)


def _mode(facts: _Facts) -> bytes:
    return facts.header[_MODE_OFFSET : _MODE_OFFSET + 2]
