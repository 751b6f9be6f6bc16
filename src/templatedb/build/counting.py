"""Which of what a build looked at decides its result: the discovered inputs.

With ``track = "migrations"`` those are what revisions and seeds imported or opened, and what env.py itself opened; not
what env.py imported, mostly models for ``target_metadata``. Code that wrote to the database by itself, beside any
revision or seed, counts with everything it imported: then nothing can be told apart, as with ``track = "all"``.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from templatedb import conventions, discovered
from templatedb.build.imports import Imports
from templatedb.build.looks import Look, Looks
from templatedb.build.owners import OWN_PACKAGE
from templatedb.build.reach import DECLARED_PACKAGES, files_of_modules, in_packages, reach
from templatedb.build.trace import Trace
from templatedb.conventions.modules import module_finder
from templatedb.digests import Digests
from templatedb.discovered import Entry, Kind
from templatedb.inputs import is_noise
from templatedb.locations import Belongs, Locations
from templatedb.migrators import versions


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a build looked at, sorted out."""

    discovered: dict[str, str]
    """The entries of the manifest."""
    untracked: tuple[str, ...]
    """Names of files that were read or imported and do not count."""
    home: tuple[str, ...]
    """What was looked for in HOME, which is empty in a build."""
    edited: tuple[str, ...]
    """Names of what was edited while the build ran: its result is of two states at once."""
    written: tuple[str, ...]
    """Names of files and folders that the build left outside of its database."""
    programs: tuple[str, ...]
    """Programs that the project's code started."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Where the search for what counts begins."""

    modules: frozenset[str]
    """Files of revisions, seeds and the like: they count with all they import."""
    readers: frozenset[str]
    """Files whose own reads count, but not what they import: env.py."""
    helpers: frozenset[str]
    """Files that env.py uses for more than ``target_metadata``: they and what they read count, not what they import."""
    everything: bool
    """Whether all that the project's code looked at counts."""
    follow_conventions: bool
    """Whether env.py passed ``target_metadata`` on, whose naming convention decides names of constraints."""


class Counting:
    """Sorts out what one build looked at, once it is over."""

    def __init__(
        self,
        trace: Trace,
        imports: Imports,
        locations: Locations,
        *,
        roots: Roots,
        declared: Iterable[str],
        databases: Iterable[str],
        import_folders: tuple[Path, ...],
    ) -> None:
        """Leave out the *declared* files, which are in the key, and the *databases* that the build stands in for."""
        self._trace, self._imports, self._locations, self._roots = trace, imports, locations, roots
        self._declared = {os.path.realpath(path) for path in declared}
        self._databases = set(databases)
        self._import_folders = import_folders
        self._digests = Digests()
        self._files_of_modules = files_of_modules()
        begin = set(roots.modules)
        if roots.everything:
            begin |= {path for name, path in self._files_of_modules.items() if name not in imports.before}
            begin |= {path for loaded in trace.loads.values() for path in loaded}
        self._closure = reach(begin, self._files_of_modules, trace, imports, locations)
        self._readers = self._closure | roots.readers | roots.helpers | trace.runners

    def findings(self) -> Findings:
        """Return what counts and what does not. Reads each file that counts."""
        found = {entry.label: entry.value for entry in sorted(self._entries())}
        return Findings(
            discovered=found,
            untracked=tuple(sorted(self._untracked(found))),
            home=tuple(sorted(self._trace.home)),
            edited=tuple(sorted(self._edited(found))),
            written=tuple(sorted(self._written())),
            programs=tuple(sorted(self._trace.deeds.programs)),
        )

    def _counts(self, look: Look) -> bool:
        is_projects = self._roots.everything and bool(look.owners)
        return is_projects or look.in_step or not self._readers.isdisjoint(look.owners)

    def _entries(self) -> Iterator[Entry]:
        modules = self._closure | self._trace.runners | self._roots.helpers
        modules = {path for path in modules if self._is_projects_module(path)}
        counted = modules | {path for path in self._of(self._trace.files) if not self._is_own(path)}
        for path in sorted(counted):
            if os.path.realpath(path) in self._declared:
                continue
            if (digest := self._digest(path)) is not None:
                yield Entry(Kind.FILE, self._locations.name(path), digest)
            elif os.path.exists(path):  # a folder, a socket, a file that cannot be read
                yield Entry(Kind.PRESENT, self._locations.name(path), "")
            elif path not in self._databases and self._locations.is_near(path):
                yield Entry(Kind.ABSENT, self._locations.name(path), "")
        for path in self._of(self._trace.absent_logs):
            is_own = self._trace.is_own(path.removesuffix(discovered.LOG_SUFFIX))
            if path not in counted and self._locations.is_near(path) and not is_own:
                yield Entry(Kind.ABSENT, self._locations.name(path), "")
        for folder in self._searched():
            yield Entry(Kind.SEARCHED, self._locations.name(folder), "")
        yield from self._names()
        yield from self._existences(counted)
        yield from self._missing_modules()
        yield from self._packages()
        if self._roots.follow_conventions and not self._roots.everything:
            yield from self._conventions()

    def _digest(self, path: str | Path) -> str | None:
        """Return the digest of the file at *path*; None when it is gone, is no file, or cannot be read."""
        try:
            return self._digests.of(path) if os.path.isfile(path) else None
        except OSError:
            return None

    def _is_own(self, path: str) -> bool:
        return self._trace.is_own(path) and not self._trace.deeds.is_missing_in_made(path)

    def _of(self, looks: Looks) -> Iterator[str]:
        return (path for path, look in tuple(looks.items()) if self._counts(look))

    def _is_projects_module(self, path: str) -> bool:
        is_ours = path.startswith(OWN_PACKAGE)  # in a checkout of ours, under work
        return not is_ours and self._locations.belongs(path, is_module=True) is Belongs.PROJECT

    def _names(self) -> Iterator[Entry]:
        folders = {folder for folder in self._of(self._trace.revision_folders) if not self._is_declared_whole(folder)}
        for folder in folders | set(self._of(self._trace.folders)):
            if self._trace.is_own(folder):
                continue
            if not os.path.isdir(folder):
                if self._locations.is_near(folder):
                    yield Entry(Kind.ABSENT, self._locations.name(folder), "")
            else:
                own = [os.path.basename(path) for path in self._trace.deeds.written if os.path.dirname(path) == folder]
                yield Entry(Kind.FOLDER, self._locations.name(folder), discovered.of_folder(folder, own))
        for pattern in self._of(self._trace.globs):
            start = discovered.glob_start(pattern)
            if self._trace.is_own(start):
                continue
            own = [
                os.path.relpath(path, start) for path in self._trace.deeds.written if path.startswith(start + os.sep)
            ]
            yield Entry(Kind.GLOB, self._locations.name(pattern), discovered.of_glob(pattern, own))

    def _is_declared_whole(self, folder: str) -> bool:
        if not os.path.isdir(folder):
            return False
        entries = [entry for entry in os.scandir(folder) if not is_noise(entry.name) and entry.is_file()]
        return bool(entries) and all(os.path.realpath(entry.path) in self._declared for entry in entries)

    def _existences(self, counted: set[str]) -> Iterator[Entry]:
        files = {*self._declared, *counted}
        around = {os.path.dirname(path) for path in files} | set(self._trace.folders)
        around |= {discovered.glob_start(pattern) for pattern in self._trace.globs}
        around |= {above for path in tuple(around) for above in map(str, Path(path).parents)}
        for path, look in tuple(self._trace.stats.items()):
            was_touched = self._is_own(path) or path in self._databases
            if (
                was_touched
                or not self._counts(look)
                or path in files
                or path in around
                or discovered.is_left_behind(self._locations.name(path))
            ):
                continue
            # As it is now: what a program that the build started made in between is there from now on.
            is_there = os.path.lexists(path)
            if is_there and not os.path.exists(path):  # a link to what is not there
                yield Entry(Kind.ABSENT, self._locations.name(os.path.realpath(path)), "")
            yield Entry(Kind.PRESENT if is_there else Kind.ABSENT, self._locations.name(path), "")

    def _missing_modules(self) -> Iterator[Entry]:
        """Yield the files in which a module would be, had it been there: an optional ``local_settings``."""
        for module, importers in self._imports.missing.items():
            if not any(path in self._readers and self._is_projects_module(path) for path in importers):
                continue
            parent, _, last = module.rpartition(".")
            folders = getattr(sys.modules.get(parent), "__path__", ()) if parent else sys.path
            for folder in map(os.path.abspath, folders):
                for path in (os.path.join(folder, f"{last}.py"), os.path.join(folder, last, "__init__.py")):
                    name = self._locations.name(path)
                    # Elsewhere a new module is installed, not written: installing changes versions.
                    if self._is_projects_module(path) and not os.path.isabs(name) and not os.path.exists(path):
                        yield Entry(Kind.ABSENT, name, "")

    def _packages(self) -> Iterator[Entry]:
        """Yield the versions of installed packages; a module that no distribution installed counts by its content."""
        paths = {path for path in self._closure if not self._is_projects_module(path)}
        paths |= set(self._of(self._trace.packages))
        tops = {path: top for path in paths if (top := in_packages(path)) is not None and path not in self._declared}
        installed = versions.Installed()
        owners = installed.owners_of(set(tops.values()))
        for name in set().union(*owners.values()) if owners else ():
            if name not in DECLARED_PACKAGES:
                yield Entry(Kind.VERSION, name, installed.identity(name))
        for path, top in tops.items():
            if top not in owners and (digest := self._digest(path)) is not None:
                yield Entry(Kind.FILE, self._locations.name(path), digest)

    def _searched(self) -> Iterator[str]:
        """Yield the folders of the import path that move with the project and that no setting names."""
        for folder in dict.fromkeys(map(os.path.abspath, sys.path)):
            if self._locations.is_near(folder) and Path(folder) not in self._import_folders and os.path.isdir(folder):
                yield folder

    def _conventions(self) -> Iterator[Entry]:
        """Yield what may decide a naming convention."""
        modules = {path for name, path in self._files_of_modules.items() if name not in self._imports.before}
        followed = {Path(path) for path in modules if self._is_projects_module(path) and path.endswith(".py")}
        folders = dict.fromkeys((*self._import_folders, *map(Path, self._searched())))
        find = module_finder(tuple(folders), lambda path: self._is_projects_module(str(path)))
        recorded = conventions.record(followed, find, self._digest)
        # Also what counts as a whole: else it would be new, and suspect, when an edited module imports it.
        yield from discovered.of_conventions(recorded, self._locations)

    def _untracked(self, found: dict[str, str]) -> Iterator[str]:
        modules = {path for name, path in self._files_of_modules.items() if name not in self._imports.before}
        read = {path for path, look in self._trace.files.items() if look.owners}  # else by a library for itself
        for path in modules | read:
            name = self._locations.name(path)
            if not self._is_projects_module(path) or path in self._trace.deeds.written or not os.path.exists(path):
                continue
            if f"{Kind.FILE} {name}" not in found and os.path.realpath(path) not in self._declared:
                yield name
        yield from (path for path in self._trace.system if os.path.isfile(path))

    def _written(self) -> Iterator[str]:
        """Yield what the build made and left, a folder without what is in it; not the byte code of modules."""
        for path in self._trace.deeds.written:
            is_inside = os.path.dirname(path) in self._trace.deeds.written
            is_own = path.startswith((*self._trace.own, f"{os.sep}dev{os.sep}"))
            if not is_inside and not is_own and os.path.lexists(path) and not is_noise(os.path.basename(path)):
                yield self._locations.name(path)

    def _edited(self, found: dict[str, str]) -> Iterator[str]:
        for path, look in (*self._trace.files.items(), *self._trace.sources.items()):
            name = self._locations.name(path)
            is_gone = bool(look.first) and f"{Kind.ABSENT} {name}" in found
            if path in self._trace.sources and not os.path.exists(path):
                is_gone = not self._trace.is_own(path)  # its naming convention, if it gave one, is not recorded
            counts = f"{Kind.FILE} {name}" in found or f"{Kind.CONVENTION} {name}" in found
            if is_gone or (counts and not self._trace.is_as_first_seen(path, look)):
                yield name
        for kind, looks, worth in (
            (Kind.FOLDER, self._trace.revision_folders, discovered.of_folder),
            (Kind.FOLDER, self._trace.folders, discovered.of_folder),
            (Kind.GLOB, self._trace.globs, discovered.of_glob),
        ):
            for path, look in looks.items():
                name = self._locations.name(path)
                if look.first and f"{Kind.ABSENT} {name}" in found:
                    yield name
                value = found.get(f"{kind} {name}")
                if value is not None and not discovered.own_names(value) and worth(path) != look.first:
                    yield name
