"""What decides a database: labelled pieces, each with a digest and a name that is the same on every machine."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from templatedb.digests import Digests, of_bytes
from templatedb.errors import READ_REMEDY, InputsError

_NOT_INPUTS = frozenset({"__pycache__", "script.py.mako", "README", "README.md", "README.rst", "README.txt"})
"""Names inside a script folder that cannot change the database: caches, the template of new revisions, prose."""


def is_noise(name: str) -> bool:
    """Whether a file or folder of that *name*, inside a script folder, cannot change the database."""
    return name in _NOT_INPUTS or name.startswith((".", "#")) or name.endswith((".pyc", "~"))


class Input(NamedTuple):
    """One thing that decides the result: what kind it is, its name, and the digest of what counts of it."""

    label: str
    """``file``, ``setting``, ``version`` or ``environment``."""
    name: str
    digest: str = ""
    """SHA-256, hexadecimal; empty for a file that was not read yet."""
    path: str | None = None
    """Where a file is on this machine: never part of the key."""
    value: str = ""
    """A version, for people: of other things only the digest is shown, for there may be a password in them."""

    @property
    def order(self) -> tuple[str, str, str]:
        """What tells it from others on every machine, for sorting."""
        return self[:3]

    def read(self, digests: Digests) -> Input:
        """Return this input with its digest. Raises InputsError when its file cannot be read."""
        if self.path is None:
            return self
        try:
            return Input(self.label, self.name, digests.of(self.path), self.path, self.value)
        except OSError as error:
            raise InputsError(
                what=f"cannot read {self.path}, which decides the database: {error.strerror}",
                remedy=READ_REMEDY,
                searched=(Path(self.path),),
            ) from error


def setting(name: str, value: object) -> Input:
    """Return the input of one setting; *value* counts by its ``repr``, so pass plain strings, numbers and tuples."""
    return Input("setting", name, of_bytes(repr(value).encode()))


def version(name: str, value: str) -> Input:
    """Return the input of the version of something."""
    return Input("version", name, of_bytes(value.encode()), value=value)


def environment_variable(name: str, value: str | None) -> Input:
    """Return the input of a variable; one that is not set (None) differs from one that is empty."""
    return Input("environment", name, of_bytes(b"unset" if value is None else b"=" + os.fsencode(value)))


def file(name: str, path: str | os.PathLike[str]) -> Input:
    """Return the input of the file at *path* under the portable *name*; it is read later."""
    if not name.isascii():
        import unicodedata

        name = unicodedata.normalize("NFC", name)
    return Input("file", name, path=os.fspath(path))


def files_below(folder: Path, seen: set[tuple[int, int]] | None = None) -> Iterator[tuple[str, str]]:
    """Yield (name relative to *folder*, path) of every file below it that can decide a database.

    Hidden files, byte code, editors' backups and prose are left out. Links to folders are followed, each real folder
    once; *seen* extends that over several calls. Yields nothing when there is no such folder.
    """
    known: set[tuple[int, int]] = set() if seen is None else seen

    def walk(directory: str, prefix: str) -> Iterator[tuple[str, str]]:
        try:
            status = os.stat(directory)
            if (status.st_dev, status.st_ino) in known:
                return
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise InputsError(
                what=f"cannot read the folder {directory}, which decides the database: {error.strerror}",
                remedy=READ_REMEDY,
                searched=(Path(directory),),
            ) from error
        known.add((status.st_dev, status.st_ino))
        for entry in entries:
            if is_noise(entry.name):
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link that leads to itself
                continue
            if is_folder:
                yield from walk(entry.path, f"{prefix}{entry.name}/")
            elif is_file:
                yield prefix + entry.name, entry.path

    yield from walk(os.fspath(folder), "")


def matching(root: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield (name relative to *root*, path) of the files that the patterns name.

    A folder stands for all files below it. Raises InputsError when a pattern matches nothing: it would be an input in
    name only.
    """
    for pattern in patterns:
        found = False
        for name, path in _match(root, pattern):
            found = True
            yield name, path
        if not found:
            raise InputsError(
                what=f"the setting 'inputs' names {pattern!r}, but nothing below {root} matches it",
                remedy="Correct the pattern or take it out.",
                searched=(root,),
            )


def _match(root: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Yield each file once; a name without wildcards means what it says, a glob passes over what cannot decide."""
    is_glob = glob.has_magic(pattern)
    names = sorted(glob.glob(pattern, root_dir=root, recursive=True)) if is_glob else [pattern]
    seen: set[str] = set()
    for name in names:
        path = root / name
        shown = os.path.relpath(path, root).replace(os.sep, "/")
        if is_glob and any(is_noise(part) for part in Path(name).parts):
            continue
        below = [(f"{shown}/{below}", one) for below, one in files_below(path)] if path.is_dir() else None
        found = [(shown, str(path))] if below is None else below
        for one_name, one in found:
            if os.path.isfile(one) and one_name not in seen:
                seen.add(one_name)
                yield one_name, one
