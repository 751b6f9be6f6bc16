"""The digest of a file's content, remembered by the file's stamp only where that cannot be wrong."""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import Any, NamedTuple

SETTLED_NS = 2_000_000_000
"""A younger stamp proves nothing: a second edit may fall into the same tick of the filesystem's clock (git calls such
files racily clean). Two seconds are the coarsest clock in use, that of FAT."""
_RECORD_FORMAT = 1
_PIECE_BYTES = 1 << 20
_BINARY_WITHIN_BYTES = 8000


class Stamp(NamedTuple):
    """What tells two states of a file apart without reading it. The change time cannot be put back by a user."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a file with that *status*."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_settled(self, now_ns: int) -> bool:
        """Whether any edit after the moment *now_ns* (of the epoch) must change this stamp."""
        return max(self.modified_ns, self.changed_ns) < now_ns - SETTLED_NS


class Digests:
    """Digests of files, each read at most once by this object; not for use after files may have changed.

    With a *record* of an earlier run, files that still have their stamp are not read at all. Not thread-safe.
    """

    def __init__(self, record: bytes | None = None) -> None:
        """Start with what an earlier object's `to_record` returned; a damaged record is as good as none."""
        self._remembered = _read_record(record)
        self._known: dict[str, str] = {}
        self._stamps: dict[str, Stamp] = {}
        self._settled: dict[str, tuple[Stamp, str]] = {}
        self.has_news = False
        """Whether `to_record` would say more than the record this was made from."""

    def of(self, path: str | os.PathLike[str]) -> str:
        """Return the SHA-256 of the file at *path*, hexadecimal; raises OSError when it cannot be read.

        Text counts with Unix line ends, so that a Windows checkout has the same; like git, a file with a NUL byte in
        its first 8,000 is taken for binary.
        """
        name = os.fspath(path)
        if (known := self._known.get(name)) is None:
            known = self._known[name] = self._look_up(name)
        return known

    def _look_up(self, name: str) -> str:
        if name in self._remembered:
            stamp = Stamp.of(os.stat(name))
            if (digest := self.remembered(name, stamp)) is not None:
                self._stamps[name] = stamp
                return digest
        now_ns = time.time_ns()
        stamp, digest = read(name)
        self._stamps[name] = stamp
        self.remember(name, stamp, digest, now_ns)
        return digest

    def remembered(self, name: str, stamp: Stamp) -> str | None:
        """Return the digest that the record has of the file *name* with the *stamp* of now; None: it must be read."""
        known = self._remembered.get(name)
        if known is None or known[0] != stamp:
            return None
        self._settled[name] = known
        return known[1]

    def remember(self, name: str, stamp: Stamp, digest: str, now_ns: int) -> None:
        """Put the *digest* of *name* into the record, unless its *stamp*, taken after *now_ns*, proves nothing yet.

        The stamp must be from before the file was read.
        """
        if stamp.is_settled(now_ns):
            self._settled[name] = (stamp, digest)
            self.has_news = True

    def restamped(self, later: Digests) -> list[str]:
        """Return the paths that this object and a *later* one read, and that were written to in between."""
        return [path for path, stamp in self._stamps.items() if later._stamps.get(path, stamp) != stamp]

    def to_record(self) -> bytes:
        """Return the stamps and digests of the files that were asked for, those with a settled stamp only."""
        files = {name: [*stamp, digest] for name, (stamp, digest) in self._settled.items()}
        return json.dumps({"format": _RECORD_FORMAT, "files": files}).encode()


def read(path: str | os.PathLike[str]) -> tuple[Stamp, str]:
    """Read the file at *path* and return its stamp from before and its digest; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not keep us waiting
    try:
        stamp = Stamp.of(os.fstat(descriptor))
        return stamp, _digest(descriptor)
    finally:
        os.close(descriptor)


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    piece = os.read(descriptor, _PIECE_BYTES)
    is_text = b"\0" not in piece[:_BINARY_WITHIN_BYTES]
    while piece:
        following = os.read(descriptor, _PIECE_BYTES)
        if is_text:
            if piece.endswith(b"\r") and following.startswith(b"\n"):
                piece = piece[:-1]  # this line end lies across two pieces
            piece = piece.replace(b"\r\n", b"\n")
        digest.update(piece)
        piece = following
    return digest.hexdigest()


def _read_record(record: bytes | None) -> dict[str, tuple[Stamp, str]]:
    try:
        facts: dict[str, Any] = json.loads(record or b"{}")
        files = facts["files"] if facts.get("format") == _RECORD_FORMAT else {}
        return {name: (Stamp(*entry[:5]), str(entry[5])) for name, entry in files.items()}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        return {}


def of_bytes(data: bytes) -> str:
    """Return the SHA-256 of *data*, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def of_names(names: list[str]) -> str:
    """Return a digest of *names*, which are sorted here; no name can run into the next."""
    return of_bytes("\0".join(sorted(names)).encode(errors="surrogateescape"))
