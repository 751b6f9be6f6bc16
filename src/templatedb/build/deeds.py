"""What a build does itself: files that it makes, changes or removes, and programs that it starts.

Source of the events: https://docs.python.org/3/library/audit_events.html.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from templatedb.build.operating_system import absolute
from templatedb.build.owners import Owners


class Deeds:
    """What this process did so far, by absolute path. Records only."""

    def __init__(self, owners: Owners) -> None:
        """Tell by *owners* whether the project's code runs."""
        self.written: set[str] = set()
        """What was made, changed or removed."""
        self.programs: set[str] = set()
        """What the project's code started, as it named them."""
        self._owners = owners

    def changed(self, name: Any, folder: int = -1) -> None:
        """Note that *name* was made, moved or removed; a name below an open *folder* is not known by its path."""
        if folder == -1 and (path := absolute(name)) is not None:
            self.written.add(path)

    def moved(self, source: Any, destination: Any, source_folder: int = -1, folder: int = -1) -> None:
        """Note that *source* went to *destination*."""
        self.changed(source, source_folder)
        self.changed(destination, folder)

    def made_folder(self, name: Any, _mode: int = 0, folder: int = -1) -> None:
        """Note that the folder *name* was made, if it was."""
        if not os.path.lexists(name):  # makedirs(exist_ok=True) tries to make what is there
            self.changed(name, folder)

    def started(self, program: Any, arguments: Any = (), *_rest: Any) -> None:
        """Note the *program*, or the first of its *arguments*, if code of the project starts it."""
        if self._owners.current():
            named = (
                program if program is not None else arguments if isinstance(arguments, str) else next(iter(arguments))
            )
            self.programs.add(os.fsdecode(named))


DEEDS: dict[str, Callable[..., None]] = {
    "os.rename": Deeds.moved,
    "os.remove": Deeds.changed,
    "os.rmdir": Deeds.changed,
    "os.mkdir": Deeds.made_folder,
    "subprocess.Popen": Deeds.started,
    "os.system": Deeds.started,
    "os.exec": Deeds.started,
    "os.posix_spawn": Deeds.started,
}
"""The events that `Deeds` takes, each with its method."""
