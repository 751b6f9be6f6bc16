"""What a build read beyond its declared inputs: entries in its manifest, each compared at the next look.

An entry is ``<kind> <name>`` and a value; names come from `Locations`, so that another checkout has the same:

    file models.py            digest of its content
    folder data               the names in it, as JSON
    glob data/*.csv           the names that match, as JSON
    absent local.json         "": it was looked for, and was not there
    present flag              "": it was looked for, and was there; its content does not count
    version colours           version of an installed package, see `versions.identity`
    searched src              "": it was on the import path; where to look for modules and packages, not compared
    convention app/models.py  digest of its content, digest of what decides a naming convention in it
"""

from __future__ import annotations

import enum
import fnmatch
import glob
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from templatedb.digests import Digests, of_names
from templatedb.locations import Belongs, Locations
from templatedb.migrators import versions

if TYPE_CHECKING:
    from templatedb.conventions import Recorded
    from templatedb.conventions.modules import FindModule


class Kind(enum.StrEnum):
    """What a build looked at."""

    FILE = "file"
    FOLDER = "folder"
    GLOB = "glob"
    ABSENT = "absent"
    PRESENT = "present"
    VERSION = "version"
    CONVENTION = "convention"
    SEARCHED = "searched"


class Entry(NamedTuple):
    """One thing that a build looked at, by its portable name."""

    kind: str
    """A `Kind`, or what a newer release of the same format wrote."""
    name: str
    value: str

    @property
    def label(self) -> str:
        """Kind and name as they stand in a manifest."""
        return f"{self.kind} {self.name}"


def entries(recorded: Mapping[str, str]) -> Iterator[Entry]:
    """Yield what a manifest holds."""
    for label, value in recorded.items():
        kind, _, name = label.partition(" ")
        yield Entry(kind, name, value)


class Now:
    """What entries are worth now. Reads files, imports nothing; each file is read once."""

    def __init__(self, locations: Locations, digests: Digests, import_folders: tuple[Path, ...]) -> None:
        """Look below the project's *locations* through *digests*; *import_folders* find modules that are new."""
        self._locations = locations
        self._digests = digests
        self._import_folders = import_folders

    def changed(self, recorded: Mapping[str, str]) -> Iterator[Entry]:
        """Yield every entry that is not what it was, with its value now; empty for what is gone.

        Nothing is yielded when everything still is as recorded: the golden is as good as new.
        """
        installed = versions.Installed(tuple(map(str, self._folders(recorded))))
        for entry in entries(recorded):
            if entry.kind != Kind.CONVENTION and (now := self._value(entry, installed)) != entry.value:
                yield entry._replace(value=now)
        if not (followed := self._followed(recorded)):
            return
        from templatedb import conventions

        suspects = list(conventions.changed(followed, self._finder(recorded), self._digest))
        # Who imports an edited convention has another one, too: the file that was edited is the one to name.
        edited = [path for path in suspects if path not in followed or self._digest(path) != followed[path].content]
        for path in edited or suspects:
            yield Entry(Kind.CONVENTION, self._locations.name(str(path)), "")

    def refreshed(self, recorded: Mapping[str, str]) -> dict[str, str] | None:
        """Return *recorded*, in which nothing is `changed`, as a build would record it now; None when that is the same.

        Modules that were edited beside a naming convention need not be parsed at every look from then on.
        """
        followed = self._followed(recorded)
        edited = [path for path, known in followed.items() if self._digest(path) != known.content]
        if not edited:
            return None
        from templatedb import conventions

        there = [path for path in edited if self._digest(path) is not None]
        new = dict.fromkeys(conventions.newly_imported(there, followed, self._finder(recorded)), "")
        # Nothing `changed`, so the slices are what they were, and there is none in modules that are new.
        slices = {path: known.slice for path, known in followed.items()} | new
        digests = {path: digest for path in slices if (digest := self._digest(path)) is not None}
        again = {path: conventions.Recorded(digest, slices[path]) for path, digest in digests.items()}
        others = {entry.label: entry.value for entry in entries(recorded) if entry.kind != Kind.CONVENTION}
        return others | {entry.label: entry.value for entry in of_conventions(again, self._locations)}

    def _followed(self, recorded: Mapping[str, str]) -> dict[Path, Recorded]:
        kept = [entry for entry in entries(recorded) if entry.kind == Kind.CONVENTION]
        if not kept:
            return {}  # conventions are not even imported: most looks have none
        from templatedb.conventions import Recorded

        found = {}
        for entry in kept:
            digest, _, part = entry.value.partition(" ")
            found[Path(self._locations.path(entry.name))] = Recorded(digest, part)
        return found

    def name(self, path: Path) -> str:
        """Return the portable name of *path*."""
        return self._locations.name(os.path.abspath(path))

    def is_there(self, name: str) -> bool:
        """Whether there is a file of that portable *name*."""
        return os.path.exists(self._locations.path(name))

    def _digest(self, path: str | Path) -> str | None:
        try:
            return self._digests.of(path)
        except OSError:
            return None

    def _finder(self, recorded: Mapping[str, str]) -> FindModule:
        """Return what finds the project's modules, as the build did."""
        from templatedb.conventions.modules import module_finder

        def is_projects(path: Path) -> bool:
            return self._locations.belongs(str(path), is_module=True) is Belongs.PROJECT

        return module_finder(self._folders(recorded), is_projects)

    def _folders(self, recorded: Mapping[str, str]) -> tuple[Path, ...]:
        """Return where the build found modules: the import folders of the settings, and those it had beside them."""
        searched = (entry.name for entry in entries(recorded) if entry.kind == Kind.SEARCHED)
        return (*self._import_folders, *(Path(self._locations.path(name)) for name in searched))

    def _value(self, entry: Entry, installed: versions.Installed) -> str:
        if entry.kind == Kind.VERSION:
            return installed.identity(entry.name)
        if entry.kind == Kind.SEARCHED:
            return entry.value
        path = self._locations.path(entry.name)
        if entry.kind == Kind.FILE:
            return self._digest(path) or ""
        if entry.kind == Kind.FOLDER:
            return of_folder(path, own_names(entry.value))
        if entry.kind == Kind.GLOB:
            return of_glob(path, own_names(entry.value))
        if entry.kind in (Kind.PRESENT, Kind.ABSENT):
            return "" if is_there(path) == (entry.kind == Kind.PRESENT) else "no more"
        return "of a kind that this release does not know"


def of_conventions(recorded: Mapping[Path, Recorded], locations: Locations) -> Iterator[Entry]:
    """Yield the entries of what `conventions.record` returned."""
    for path, (digest, part) in sorted(recorded.items()):
        yield Entry(Kind.CONVENTION, locations.name(str(path)), f"{digest} {part}".rstrip())


def of_folder(path: str, own: Iterable[str] = ()) -> str:
    """Return the value of the folder at *path*: the names in it; empty when it cannot be listed.

    Names that the build itself wrote (*own*) do not count, nor does what editors and Python leave behind.
    """
    try:
        return _of_names(os.listdir(path), own)
    except OSError:
        return ""


def of_glob(pattern: str, own: Iterable[str] = ()) -> str:
    """Return the value of the absolute *pattern*: the names that match it, from `glob_start`; of none as well.

    Below ``**`` every folder is looked into, but no link is followed: links that lead back would never end.
    """
    start = glob_start(pattern)
    if "**" in pattern:
        last = os.path.basename(pattern)
        below = (os.path.join(folder, name) for folder, folders, names in os.walk(start) for name in (*folders, *names))
        found = [path for path in below if last == "**" or fnmatch.fnmatch(os.path.basename(path), last)]
    else:
        found = glob.glob(pattern, include_hidden=True)
    return _of_names([os.path.relpath(path, start) for path in found], own)


def glob_start(pattern: str) -> str:
    """Return the folder from which the names of an absolute *pattern* are told: the last one without wildcards."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    return folder


_NAMES_LIMIT = 500
"""More names than these are kept as a digest: then a reason says that some changed, not which."""


def _of_names(names: Iterable[str], own: Iterable[str]) -> str:
    left_out = sorted(set(own))
    counted = sorted(name for name in names if not is_left_behind(name) and name not in left_out)
    kept = counted if len(counted) <= _NAMES_LIMIT else of_names(counted)
    return json.dumps({"names": kept, **({"own": left_out} if left_out else {})})


LOG_SUFFIX = "-wal"


def is_there(path: str) -> bool:
    """Whether something is at *path*; an empty write-ahead log is nothing: who only reads a database leaves one."""
    if not path.endswith(LOG_SUFFIX):
        return os.path.lexists(path)
    try:
        return os.lstat(path).st_size > 0
    except OSError:
        return False


def own_names(value: str) -> list[str]:
    """Return the names that the build itself wrote, as the *value* of a folder or pattern keeps them."""
    names: list[str] = _decoded(value).get("own", [])
    return names


def _decoded(value: str) -> dict[str, Any]:
    """Return what `_of_names` encoded; nothing for what another release wrote, which then differs."""
    try:
        decoded = json.loads(value or "{}")
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def differences_of_names(entry: Entry, before: str) -> list[str]:
    """Return in words which names of a folder or pattern came and went since its value was *before*."""
    old, new = (_decoded(value).get("names", []) for value in (before, entry.value))
    if not isinstance(old, list) or not isinstance(new, list):
        return [f"names in {entry.name} changed"]
    start = entry.name if entry.kind == Kind.FOLDER else glob_start(f"/{entry.name}").lstrip("/")
    shown = {name: name if start in ("", ".") else f"{start}/{name}" for name in (*old, *new)}
    if not entry.value:
        return [f"{entry.name} removed"]
    told = [f"{shown[name]} added" for name in new if name not in old]
    return told + [f"{shown[name]} removed" for name in old if name not in new]


def is_left_behind(name: str) -> bool:
    """Whether a file of that *name* is what editors, Python or a desktop leave behind: it decides nothing."""
    base = os.path.basename(name)
    return (
        base.endswith((".pyc", "~", ".swp", ".swo"))
        or base.startswith((".#", "#", ".coverage"))
        or not _TOOLS_FOLDERS.isdisjoint(name.split(os.sep))
    )


_TOOLS_FOLDERS = frozenset(
    {"__pycache__", ".DS_Store", ".git", ".hg", ".hypothesis", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache"}
    | {".tox", ".venv"}
)
