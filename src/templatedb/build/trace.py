"""Record what a build looks at, and whose code looked: audit events, and a wrapper around ``os.stat``.

Source: https://docs.python.org/3/library/audit_events.html; ``stat`` and ``exists`` raise none.
"""

from __future__ import annotations

import glob
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from templatedb import digests, discovered
from templatedb.build.deeds import DEEDS, Deeds
from templatedb.build.looks import Look, Looks
from templatedb.build.operating_system import Busy, Opening, absolute, opening_of, source_of, wrap_look, wrap_open
from templatedb.build.owners import OWN_PACKAGE, Owners, frames, is_calling, is_globbing, is_running
from templatedb.build.redirect import database_name
from templatedb.locations import Belongs, Locations
from templatedb.steps import Steps

_FROZEN_IMPORT = "<frozen importlib"
_ALEMBICS_OPTIONS = os.path.join("alembic", "config.py")
_IMPORTERS = (_FROZEN_IMPORT, os.path.join("importlib", "metadata"), "importlib_metadata", "pkg_resources")
_EXTENDS_PACKAGES = (os.sep + "pkgutil.py",)
_IN_METADATA = re.compile(r"\.(dist|egg)-info[/\\]")


class Trace:
    """What this process looked at so far, by absolute path. Records only; `counting` decides what of it counts."""

    def __init__(self, locations: Locations, owners: Owners, private_folder: Path, steps: Steps) -> None:
        """Record what lies outside of the *private_folder*, except for the HOME in it, which is told by itself."""
        self.sources: Looks = {}
        """Sources of modules, looked at to be imported."""
        self.files: Looks = {}
        """Files that were opened to be read."""
        self.folders: Looks = {}
        self.revision_folders: Looks = {}
        """Folders that Alembic listed for revisions."""
        self.globs: Looks = {}
        self.stats: Looks = {}
        self.absent_logs: Looks = {}
        """Write-ahead logs that were not there when their databases were opened to be read."""
        self.packages: Looks = {}
        """Files of installed packages that were opened."""
        self.loads: dict[str, set[str]] = {}
        """The sources that were loaded while the module code of each file ran."""
        self.runners: set[str] = set()
        """Files of the project whose code started Alembic."""
        self.deeds = Deeds(owners, self._is_about_to_change)
        self._before: dict[str, str] = {}
        """What files that were changed, perhaps by nothing, were worth before, if that mattered."""
        self.maybe_changed: set[str] = set()
        """What was opened to be read and written: it is this process's own if it was written."""
        self.covered: set[str] = set()
        """Configuration files of Alembic whose options are in the key: Alembic's own reading of them does not count."""
        self.system: set[str] = set()
        self.home: set[str] = set()
        self._locations = locations
        private = {
            os.path.join(folder, "") for folder in (os.path.abspath(private_folder), os.path.realpath(private_folder))
        }
        self.own = (*private, OWN_PACKAGE)
        """How paths begin that are the build's own."""
        self._homes = tuple(os.path.join(folder, "home", "") for folder in private)
        self._steps = steps
        self._busy = Busy()
        self._is_on = True
        self._owners = owners
        self._stat = os.stat

    def install(self) -> None:
        """Watch from now on. An audit hook cannot be removed: the child's life is its scope."""
        for name in ("stat", "lstat", "access"):
            wrap_look(name, self._stat_called)
        wrap_open(self._busy)
        sys.addaudithook(self._audit)

    def stop(self) -> None:
        """Record nothing more: who sorts out what was looked at looks again."""
        self._is_on = False

    def note_runners(self) -> None:
        """Note whose code is running: called when Alembic begins, it names who set the migrations up."""
        self.runners |= self._owners.all()

    def sees_source(self, path: str) -> bool:
        """Take a look at the source *path* before it is loaded, from byte code perhaps; say if it is the project's."""
        if path.startswith(self.own) or self._locations.belongs(path, is_module=True) is not Belongs.PROJECT:
            return False
        if (owners := self._owners.current()) is not None:
            self._note(self.sources, path, owners, self._worth_of_file)
            self._note_load(owners, path)
        return True

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        handler = _HANDLERS.get(event) or DEEDS.get(event)
        if handler is None or not self._is_on or self._busy.is_set:
            return
        self._busy.is_set = True  # what we look at ourselves is nobody's
        try:
            handler(self.deeds if event in DEEDS else self, *arguments)
        finally:
            self._busy.is_set = False

    def _opened(self, name: Any, mode: str | None, flags: int | None) -> None:
        if (path := absolute(name)) is None:
            return
        opening = opening_of(path, mode, flags or 0)
        if opening is Opening.MAKES:
            self.deeds.changed(path)
        elif opening is Opening.ADDS:
            if not self.is_own(path):
                self._before[path] = self._worth_of_file(path)
            self.deeds.written.add(path)
        elif opening not in (Opening.FOLDER, Opening.FAILS):
            if opening is Opening.MAY_CHANGE:
                self.maybe_changed.add(path)
            self._read(source_of(self.deeds.original(path)))

    def _is_about_to_change(self, path: str) -> None:
        """Keep what the file at *path* is, if it was read: whoever writes the same again has still read it."""
        look = self.files.get(path)
        if look is not None and not self.is_own(path) and self.is_as_first_seen(path, look):
            try:
                self._before[path] = digests.read(path)[1]
            except OSError:
                return  # it is gone: there is nothing to keep

    def _connected(self, database: Any) -> None:
        text = os.fsdecode(database)
        if text.startswith("file:"):  # others are the build's own file, or refused
            path = database_name(text, uri=True)
            log = f"{path}{discovered.LOG_SUFFIX}"  # what was committed may stand in the log only
            for name in (path, log):
                if discovered.is_there(name):
                    self._read(name)
            is_alone = os.path.exists(path) and not discovered.is_there(log)
            if is_alone and (owners := self._owners.current()) is not None:
                self._note(self.absent_logs, log, owners, lambda _path: "")

    def _read(self, path: str) -> None:
        if self._is_away(path) or (path in self.covered and is_running(_ALEMBICS_OPTIONS)):
            return
        is_module = next(frames()).f_code.co_filename.startswith(_FROZEN_IMPORT) and path.endswith((".py", ".pyc"))
        belongs = self._locations.belongs(path, is_module=is_module)
        if (
            belongs is Belongs.PYTHON
            or (is_module and belongs is Belongs.PACKAGE)
            or (owners := self._owners.current()) is None
        ):
            return
        if belongs is Belongs.SYSTEM:
            self.system.add(path)
        elif belongs is Belongs.PACKAGE and not _IN_METADATA.search(path):
            self._note(self.packages, path, owners, lambda _path: "")
        elif belongs is Belongs.PACKAGE:
            return  # who looks for plugins opens the metadata of everything that is installed
        elif is_module:
            self._note(self.sources, path, owners, self._worth_of_file)
            self._note_load(owners, path)
        else:
            self._note(self.files, path, owners, self._worth_of_file)

    def _listed(self, name: Any = ".") -> None:
        path = absolute("." if name is None else name)
        if path is None:
            return
        path = self.deeds.original(path)
        if not self._is_looked_into(path) or self._is_library_searching(path):
            return
        if is_globbing():
            return  # the pattern itself was recorded
        caller, belongs = self._owners.caller()
        is_alembics = belongs is Belongs.PACKAGE and f"{os.sep}alembic{os.sep}" in caller
        looks = self.revision_folders if is_alembics else self.folders
        if (owners := self._owners.current()) is not None:
            self._note(looks, path, owners, discovered.of_folder)

    def _is_looked_into(self, path: str) -> bool:
        """Whether a look at the folder or name *path* is one into the project, not at it as a part of the import path.

        Importing lists the folders of the import path, as do libraries that look for plugins and versions.
        """
        is_projects = not self._is_away(path) and self._locations.belongs(path) is Belongs.PROJECT
        return is_projects and not is_calling(_IMPORTERS)

    def _is_library_searching(self, folder: str) -> bool:
        return folder in sys.path and self._owners.caller()[1] is Belongs.PACKAGE

    def _globbed(self, pattern: Any, _recursive: object, root: Any = None, _folder: Any = None) -> None:
        folder = absolute(root or ".")
        if folder is not None:
            self._note_glob(os.path.join(glob.escape(folder), os.fsdecode(pattern)))

    def _globbed_by_path(self, path: Any, pattern: Any) -> None:
        if (folder := absolute(path)) is not None:
            self._note_glob(os.path.join(glob.escape(folder), os.fspath(pattern)))

    def _globbed_below_path(self, path: Any, pattern: Any) -> None:
        self._globbed_by_path(path, os.path.join("**", pattern))

    def _note_glob(self, written: str) -> None:
        pattern = self.deeds.original(os.path.normpath(written))
        if self._is_looked_into(discovered.glob_start(pattern)) and (owners := self._owners.current()) is not None:
            self._note(self.globs, pattern, owners, discovered.of_glob)

    def _linked(self, source: Any, destination: Any, *folders: int) -> None:
        if os.path.lexists(destination):
            return  # it fails
        self.deeds.changed(destination, folders[-1] if folders else -1)
        for start in (os.getcwd(), os.path.dirname(absolute(destination) or "")):
            # What is read through the link is what it leads to.
            if os.path.isfile(original := os.path.normpath(os.path.join(start, os.fsdecode(source)))):
                self._read(original)

    def _stat_called(self, name: Any) -> None:
        path = None if not self._is_on or self._busy.is_set else absolute(name)
        if path is None or not self._is_looked_into(path) or path in sys.path or is_calling(_EXTENDS_PACKAGES):
            return
        if not self._locations.is_near(path):
            return
        # realpath looks at every folder on the way, and at what need not be there, such as the application's database.
        if "realpath" not in next(frames()).f_code.co_name and (owners := self._owners.current()) is not None:
            self._note(self.stats, path, owners, lambda path: "there" if os.path.lexists(path) else "")

    def _note_load(self, owners: frozenset[str], path: str) -> None:
        for owner in owners:
            self.loads.setdefault(owner, set()).add(path)

    def _note(self, looks: Looks, path: str, owners: frozenset[str], worth: Callable[[str], str]) -> None:
        look = looks.get(path)
        if look is None:
            was_busy = self._busy.is_set
            self._busy.is_set = True
            try:
                look = looks[path] = Look(worth(path))
            finally:
                self._busy.is_set = was_busy
        look.owners |= owners
        look.in_step = look.in_step or self._steps.is_inside

    def _worth_of_file(self, path: str) -> str:
        """Return the stamp of the file at *path*, its digest where that proves nothing; empty when there is none."""
        try:
            stamp = digests.Stamp.of(self._stat(path))
            return str(stamp) if stamp.is_settled(time.time_ns()) else digests.read(path)[1]
        except OSError:
            return ""

    def is_own(self, path: str) -> bool:
        """Whether this process made or changed *path*, or a folder that it is in."""
        if path in self.maybe_changed and path in self.files and not self.is_as_first_seen(path, self.files[path]):
            return True
        if path in self._before and self._still_is(path, self._before[path]):
            return False
        return path in self.deeds.written or any(str(above) in self.deeds.written for above in Path(path).parents)

    def is_as_first_seen(self, path: str, look: Look) -> bool:
        """Whether the file at *path* is still what it was when it was first looked at."""
        before = self._before.get(path)
        return self._still_is(path, look.first) or (before is not None and self._still_is(path, before))

    def _still_is(self, path: str, worth: str) -> bool:
        return worth == self._worth_of_file(path) or self._still_has_digest(path, worth)

    def _still_has_digest(self, path: str, first: str) -> bool:
        try:
            return digests.read(path)[1] == first
        except OSError:
            return False

    def _is_away(self, path: str) -> bool:
        """Whether *path* is the build's own; what is looked for in its empty HOME is remembered."""
        home = next((home for home in self._homes if path.startswith(home)), None)
        if home is not None and path not in self.deeds.written:
            self.home.add(path.removeprefix(home))
        return path.startswith(self.own)


_HANDLERS: dict[str, Callable[..., None]] = {
    "open": Trace._opened,
    "sqlite3.connect": Trace._connected,
    "os.listdir": Trace._listed,
    "os.scandir": Trace._listed,
    "glob.glob/2": Trace._globbed,
    "pathlib.Path.glob": Trace._globbed_by_path,
    "pathlib.Path.rglob": Trace._globbed_below_path,
    "os.link": Trace._linked,
    "os.symlink": Trace._linked,
}
