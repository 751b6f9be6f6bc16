"""Naming conventions: which edits of the application's modules change what revisions create.

Alembic gives the constraints of revisions their names by the convention of ``env.py``'s ``target_metadata``, which
comes from the application. Its value decides the database, the models beside it do not. So with a golden goes, of each
module that ``env.py`` imported, the digest of its content and the digest of its slice (`slices`): a file whose content
changed is sliced again, and only another slice makes the golden stale.
"""

from __future__ import annotations

import functools
import hashlib
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from templatedb.conventions.modules import FindModule

if TYPE_CHECKING:
    from templatedb.conventions.slices import Slice


class Recorded(NamedTuple):
    """What is kept of one file with a golden."""

    content: str
    """What `content_digest` said of it."""
    slice: str
    """Digest of its slice; empty when it has nothing to do with naming conventions."""


def content_digest(path: Path) -> str | None:
    """Return the digest of the file at *path*, with Unix line ends; None when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    except OSError:
        return None


def record(
    paths: Iterable[Path],
    find_module: FindModule,
    digest_of: Callable[[Path], str | None] = content_digest,
) -> dict[Path, Recorded]:
    """Return what to keep of the files at *paths*, and of those that their conventions are followed into.

    Reads files, imports none of them. Files that cannot be read are left out.
    """
    known = set(paths)
    while True:
        slices = _slices(known, find_module)
        followed = {file for one in slices.values() for file in one.files}
        if followed <= known:
            break
        known |= followed
    digests = {path: digest_of(path) for path in sorted(known)}
    return {path: Recorded(digest, slices[path].digest) for path, digest in digests.items() if digest is not None}


def changed(
    recorded: Mapping[Path, Recorded],
    find_module: FindModule,
    digest_of: Callable[[Path], str | None] = content_digest,
) -> Iterator[Path]:
    """Yield the files whose edit may have changed a naming convention since *recorded*, sorted.

    A file that is gone counts if it had a slice; a file that is new, if a changed one imports it, also by way of other
    new ones, and it has a slice. Yields nothing, and parses nothing, when every content is as recorded.
    """
    now = {path: digest_of(path) for path in recorded}
    edited = {path for path in recorded if now[path] not in (None, recorded[path].content)}
    if all(now[path] == recorded[path].content for path in recorded):
        return
    gone = {path for path in recorded if now[path] is None}
    # A convention may come from an edited file that gives none itself: all that had a slice are sliced again.
    suspects = (
        edited | {path for path in recorded if recorded[path].slice} | newly_imported(edited, recorded, find_module)
    )
    slices = _slices(suspects - gone, find_module)
    before = {path: recorded[path].slice if path in recorded else "" for path in suspects}
    yield from sorted(path for path in suspects if (slices[path].digest if path in slices else "") != before[path])


def newly_imported(edited: Iterable[Path], recorded: Iterable[Path], find_module: FindModule) -> set[Path]:
    """Return the files without a record that the *edited* ones import, also by way of each other."""
    from templatedb.conventions.source import imported_modules

    # Links: the same file may be known by another path.
    known = {path.resolve() for path in recorded}
    found, waiting = set[Path](), list(edited)
    while waiting:
        for path in imported_modules(waiting.pop(), find_module):
            if path.resolve() not in known:
                known.add(path.resolve())
                found.add(path)
                waiting.append(path)
    return found


def _slices(paths: set[Path], find_module: FindModule) -> dict[Path, Slice]:
    """Return the slice of each file; again, until none shows another name to reach into a convention by."""
    from templatedb.conventions.roots import NO_NAMES
    from templatedb.conventions.slices import slice_of
    from templatedb.conventions.source import Source

    read = functools.cache(Source)
    names = NO_NAMES
    while True:
        slices = {path: slice_of(path, find_module, names, read) for path in paths}
        found = functools.reduce(operator.or_, (one.names for one in slices.values()), names)
        if found == names:
            return slices
        names = found
