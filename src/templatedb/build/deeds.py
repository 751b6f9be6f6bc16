"""What a build does itself: files that it makes, changes or removes, and programs that it starts.

Source of the events: https://docs.python.org/3/library/audit_events.html.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from templatedb.build.operating_system import absolute
from templatedb.build.owners import Owners


class Deeds:
    """What this process did so far, by absolute path. Records only."""

    def __init__(self, owners: Owners, before: Callable[[str], None]) -> None:
        """Tell by *owners* whether the project's code runs; call *before* with the path of what is about to change."""
        self.written: set[str] = set()
        """What was made, changed or removed."""
        self.programs: set[str] = set()
        """What the project's code started, as it named them."""
        self._owners = owners
        self._before = before

    def changed(self, name: Any, folder: int = -1) -> None:
        """Note that *name* was made, moved or removed; a name below an open *folder* is not known by its path."""
        if folder == -1 and (path := absolute(name)) is not None:
            self._before(path)
            self.written.add(path)

    def removed(self, name: Any, folder: int = -1) -> None:
        """Note that the file *name* was removed, if it can be: the event comes before the attempt."""
        if not _is_folder(name):
            self.changed(name, folder)

    def removed_folder(self, name: Any, folder: int = -1) -> None:
        """Note that the folder *name* was removed, if it was empty: removedirs tries all above, too."""
        if _is_empty(name):
            self.changed(name, folder)

    def moved(self, source: Any, destination: Any, source_folder: int = -1, folder: int = -1) -> None:
        """Note that *source* went to *destination*, if it can go there."""
        if source_folder == folder == -1 and (
            not os.path.lexists(source) or (_is_folder(destination) and not _is_empty(destination))
        ):
            return
        self.changed(source, source_folder)
        self.changed(destination, folder)

    def made_folder(self, name: Any, _mode: int = 0, folder: int = -1) -> None:
        """Note that the folder *name* was made, if it was."""
        if not os.path.lexists(name):  # makedirs(exist_ok=True) tries to make what is there
            self.changed(name, folder)

    def original(self, path: str) -> str:
        """Return where *path* leads through a link that the build itself made."""
        for above in (path, *map(str, Path(path).parents)):
            if above in self.written and os.path.islink(above):
                target = os.path.join(os.path.dirname(above), os.readlink(above))
                return os.path.normpath(target + path.removeprefix(above))
        return path

    def is_missing_in_made(self, path: str) -> bool:
        """Whether *path* was looked for in a folder that this process made and left, and is not there."""
        return path not in self.written and os.path.isdir(os.path.dirname(path)) and not os.path.lexists(path)

    def started(self, program: Any, arguments: Any = (), *_rest: Any) -> None:
        """Note the *program*, or the first of its *arguments*, if code of the project starts it."""
        if self._owners.current():
            named = (
                program if program is not None else arguments if isinstance(arguments, str) else next(iter(arguments))
            )
            self.programs.add(os.fsdecode(named))


def _is_folder(name: Any) -> bool:
    return os.path.isdir(name) and not os.path.islink(name)


def _is_empty(name: Any) -> bool:
    """Whether the folder *name* has nothing in it."""
    try:
        return not os.listdir(name)
    except OSError:
        return False


DEEDS: dict[str, Callable[..., None]] = {
    "os.rename": Deeds.moved,
    "os.remove": Deeds.removed,
    "os.rmdir": Deeds.removed_folder,
    "os.mkdir": Deeds.made_folder,
    "subprocess.Popen": Deeds.started,
    "os.system": Deeds.started,
    "os.exec": Deeds.started,
    "os.posix_spawn": Deeds.started,
}
"""The events that `Deeds` takes, each with its method."""
