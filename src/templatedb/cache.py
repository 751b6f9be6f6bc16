"""The cache directory: names, format, history. The one module that knows what stands where.

    <cache>/CACHEDIR.TAG  README.txt
    <cache>/v1/manifests/<key>/<n>.json   newest n first; written to a temporary name, fsync, os.replace; its time of
                                          modification is the last use
    <cache>/v1/goldens/<sha256>.sqlite    content-addressed, 0400, never rewritten; flock: shared by whoever uses it
    <cache>/v1/locks/<key>.lock           flock; the text is for messages only; never unlinked
    <cache>/v1/builds/<random>/           private to one build; ``alive`` in it is locked by the builder
    <cache>/v1/failures/<key>.<run>.json  a failed build, remembered for one test run
    <cache>/v1/damaged/<name>.<n>.<kind>  what was not what it should be, set aside to be looked at; pruned in time
    <cache>/v1/slots/<random>/            clones of goldens too big to be copied; ``alive`` in it is locked while in use
    <cache>/v1/stamps/<sha256>.json       stamps and digests of a project's inputs and of its golden, named by folder
                                          and migrator

History: v1 is the first. Another layout gets another bucket beside it, so any two releases can share the directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from templatedb.digests import Digests, Stamp
from templatedb.errors import BuildError, CacheError
from templatedb.files import (
    digest_of,
    mark_in_use,
    open_trusted,
    read_dated,
    read_trusted,
    too_long_for_sqlite,
    write_atomically,
)
from templatedb.records import Key, Manifest
from templatedb.settings import CACHE_DIR_VARIABLE

BUCKET = "v1"
_DATED_EVERY_S = 3600.0
_LONGEST_BUILD = "connection/build.sqlite"
"""Where a build puts its file in its folder, at the longest."""


class Stored(NamedTuple):
    """A manifest as it stands in the cache."""

    manifest: Manifest
    path: Path
    used_at: float
    """When it was used last, to the hour (seconds since the epoch)."""


class Cache(NamedTuple):
    """An opened cache directory that this user may trust."""

    root: Path

    @property
    def _bucket(self) -> Path:
        return self.root / BUCKET

    def folder(self, name: str) -> Path:
        """Return the folder of that *name* beside the goldens."""
        return self._bucket / name

    def golden_path(self, digest: str) -> Path:
        """Return where the golden with that SHA-256 stands or would stand."""
        return self._bucket / "goldens" / f"{digest}.sqlite"

    def manifest_folder(self, key: Key) -> Path:
        """Return the folder of the manifests of *key*."""
        return self._bucket / "manifests" / key

    def lock_path(self, key: Key) -> Path:
        """Return the lock file of *key*."""
        return self._bucket / "locks" / f"{key}.lock"

    def manifests(self, key: Key) -> Iterator[Manifest]:
        """Yield the manifests of *key*, newest first; what is damaged, foreign or of another format is passed over."""
        return (stored.manifest for stored in self.stored(key))

    def stored(self, key: Key) -> Iterator[Stored]:
        """Yield the manifests of *key* as `manifests` does, each with its place and last use."""
        for number in sorted(self._numbers(key), reverse=True):
            path = self.manifest_folder(key) / f"{number}.json"
            dated = read_dated(path)
            manifest = None if dated is None else Manifest.from_json(dated[0])
            if dated is not None and manifest is not None and manifest.key == key:
                yield Stored(manifest, path, used_at=dated[1])

    def note_use(self, stored: Stored) -> None:
        """Date the last use of *stored* to now, once an hour at most; a cache that cannot be written keeps the old one.

        A last use in the future stays: the clock may be wrong now, and what it dates too early would be pruned later.
        """
        if time.time() - stored.used_at >= _DATED_EVERY_S and os.access(stored.path.parent, os.W_OK):
            with contextlib.suppress(OSError):  # pruned too early it costs a build, nothing more
                os.utime(stored.path)

    def replace_manifest(self, old: Manifest, new: Manifest) -> None:
        """Write *new* in the place of *old*; a cache that cannot be written keeps the old one."""
        for number in self._numbers(old.key):
            path = self.manifest_folder(old.key) / f"{number}.json"
            if read_trusted(path) == old.to_json() and os.access(path.parent, os.W_OK):
                with contextlib.suppress(OSError):  # it saves milliseconds, nothing more
                    write_atomically(path, new.to_json())

    def known_keys(self) -> Iterator[Key]:
        """Yield every key that has a folder of manifests."""
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(self._bucket / "manifests")):
                if name.startswith(Key.PREFIX):
                    yield Key(name)

    def is_sound(self, manifest: Manifest) -> bool:
        """Whether the file of *manifest* is there, trusted, and has its size and digest."""
        if (opened := self.open_sound(manifest)) is None:
            return False
        os.close(opened[0])
        return True

    def open_sound(self, manifest: Manifest, digests: Digests | None = None) -> tuple[int, Stamp] | None:
        """Return a descriptor of the golden of *manifest*, owned by the caller, and its stamp; None if it is not sound.

        The digest is the proof: an empty file and a truncated one pass SQLite's own checks. Where *digests* have it
        with the stamp that the open file has now, the file is not read. The stamp is older than the reading.
        """
        path, now_ns = self.golden_path(manifest.digest), time.time_ns()
        if (descriptor := open_trusted(path)) is None:
            return None
        mark_in_use(descriptor)
        status = os.fstat(descriptor)
        if status.st_size == manifest.size_bytes:
            stamp = Stamp.of(status)
            if digests is not None and digests.remembered(str(path), stamp) == manifest.digest:
                return descriptor, stamp
            if (digest := digest_of(descriptor)) == manifest.digest:
                if digests is not None:
                    digests.remember(str(path), stamp, digest, now_ns)
                return descriptor, stamp
        os.close(descriptor)
        return None

    def digests_of(self, project: str) -> bytes | None:
        """Return what `remember_digests` kept for *project*; None when there is nothing to trust."""
        return read_trusted(self._stamps_path(project))

    def remember_digests(self, project: str, record: bytes) -> None:
        """Keep the *record* of a project's digests; a cache that cannot be written keeps none."""
        if os.access(self._bucket / "stamps", os.W_OK):
            with contextlib.suppress(OSError):  # it saves milliseconds, nothing more
                write_atomically(self._stamps_path(project), record)

    def _stamps_path(self, project: str) -> Path:
        name = hashlib.sha256(os.fsencode(project)).hexdigest()
        return self._bucket / "stamps" / f"{name}.json"

    def next_number(self, key: Key) -> int:
        """Return the number of the next manifest of *key*."""
        return max(self._numbers(key), default=0) + 1

    def _numbers(self, key: Key) -> list[int]:
        try:
            names = os.listdir(self.manifest_folder(key))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdecimal()]

    @contextlib.contextmanager
    def build_folder(self) -> Iterator[Path]:
        """Make a private folder for one build and remove it after the block, whatever happened in it."""
        import shutil
        import tempfile

        from templatedb import lock

        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._bucket / "builds"))
        try:
            if too_long := too_long_for_sqlite(folder / _LONGEST_BUILD):
                raise CacheError(what=too_long, remedy=f"Set {CACHE_DIR_VARIABLE} to a shorter path.", path=self.root)
            # A builder that was killed leaves its folder; the free lock tells that nobody uses it any more.
            with lock.hold(folder / "alive", timeout_s=0):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remember_failure(self, key: Key, run: str, error: BuildError) -> None:
        """Keep *error* for the others of this test *run*, so that a broken migration is tried once."""
        facts = {
            "what": error.what,
            "remedy": error.remedy,
            "revision": error.revision,
            "traceback": error.traceback,
            "output": error.output,
        }
        with contextlib.suppress(OSError):
            write_atomically(self._failure_path(key, run), json.dumps(facts).encode())

    def failure(self, key: Key, run: str, *, since: float | None = None) -> BuildError | None:
        """Return the failure that *run* recorded for *key* (after the moment *since*, if given), or None."""
        path = self._failure_path(key, run)
        try:
            if since is not None and path.stat().st_mtime < since:
                return None
        except OSError:
            return None
        data = read_trusted(path)
        try:
            return None if data is None else BuildError(**json.loads(data))
        except (ValueError, TypeError):
            return None

    def _failure_path(self, key: Key, run: str) -> Path:
        return self._bucket / "failures" / f"{key}.{run}.json"
