"""The head of a wal-index, the file beside a database in WAL mode that tells its connections where the log ends.

A connection that begins to read compares the head with the one it saw last. Where they differ it forgets its pages.
Source: https://www.sqlite.org/walformat.html section 2; the numbers are in the machine's own order of bytes.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

INDEX_BYTES = 136
"""Two copies of the head, then what checkpoints have done and where readers stand."""
_HEAD_BYTES = 48
_VERSION = 3_007_000
_HEAD = struct.Struct("=IIIBBHIIII4s4sII")
_SUMMED = struct.Struct("=10I")
_SUMS = struct.Struct("=II")
_NO_READER = 0xFFFF_FFFF
# Frames written back, marks of readers, bytes that are only locked, frames that a checkpoint was about to write.
_REST = struct.Struct("=I5I8xI4x")
_REST_OF_AN_EMPTY_LOG = _REST.pack(0, 0, 0, _NO_READER, _NO_READER, _NO_READER, 0)


class WalIndex(NamedTuple):
    """What counts in a head that is in order."""

    head: bytes
    page_size: int
    """As a database's header has it: 1 stands for 65,536."""
    frames: int
    """How many frames of the log are valid."""

    def restarted(self, pages: int) -> bytes:
        """Return a whole head, of one copy, that says: the log is empty, and the file has so many *pages*.

        It differs from every head that any connection has seen, as after a checkpoint that truncates the log.
        """
        version, unused, change, is_made, order, size, _, _, *sums, salt, _, _, _ = _HEAD.unpack(self.head)
        next_salt = ((int.from_bytes(salt, "big") + 1) % 2**32).to_bytes(4, "big")
        numbers = (version, unused, (change + 1) % 2**32, is_made, order, size, 0, pages, *sums)
        head = _HEAD.pack(*numbers, next_salt, os.urandom(4), 0, 0)
        return head[:40] + _sums_of(head)


def parse(index: bytes) -> WalIndex | None:
    """Return what an *index* of `INDEX_BYTES` says, None where it is none that every connection would trust."""
    head = index[:_HEAD_BYTES]
    if len(index) < INDEX_BYTES or index[_HEAD_BYTES : 2 * _HEAD_BYTES] != head or head[40:] != _sums_of(head):
        return None
    version, _, _, is_made, _, page_size, frames, *_ = _HEAD.unpack(head)
    return WalIndex(head, page_size, frames) if version == _VERSION and is_made else None


def write(descriptor: int, head: bytes) -> None:
    """Write *head* as that of an empty log. The caller holds every lock of the wal-index.

    The second copy comes first, as SQLite reads them the other way round: who reads meanwhile sees two that differ.
    """
    os.pwrite(descriptor, head, _HEAD_BYTES)
    os.pwrite(descriptor, head, 0)
    os.pwrite(descriptor, _REST_OF_AN_EMPTY_LOG, 2 * _HEAD_BYTES)


def _sums_of(head: bytes) -> bytes:
    first = second = 0
    numbers = iter(_SUMMED.unpack_from(head))
    for number in numbers:
        first = (first + number + second) & 0xFFFF_FFFF
        second = (second + next(numbers) + first) & 0xFFFF_FFFF
    return _SUMS.pack(first, second)
