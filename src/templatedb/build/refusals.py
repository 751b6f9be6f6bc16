"""What a build reached for and was refused, and what its user is to be warned of."""

from __future__ import annotations

import dataclasses
import os
import threading
import warnings
from typing import Any

from templatedb.build import tracebacks


class RefusedError(Exception):
    """Raised into the project's code at the moment it reaches for another database."""


@dataclasses.dataclass(slots=True)
class Refusals:
    """Everything that was refused so far. Thread-safe: async drivers connect in threads of their own."""

    databases: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """What was reached for, and the remedy: these fail the build even when the code swallowed the error."""
    told: list[str] = dataclasses.field(default_factory=list)
    """Warnings: they do not fail the build."""
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def database(self, what: str, remedy: str) -> RefusedError:
        """Record a refused database and the line of the project that reached for it; return the error to raise."""
        if (place := tracebacks.users_line()) and place not in what:
            what = f"{what} (at {place})"
        with self._lock:
            if (what, remedy) not in self.databases:
                self.databases.append((what, remedy))
        return RefusedError(f"templatedb: {what}. {remedy}")

    def connection(self, where: str) -> None:
        """Record a refused connection to *where*, and the line of the project that opened it."""
        path, _, line = tracebacks.users_line().rpartition(":")
        # Relative, for the warning is told wherever the golden is: a build works in the folder of the settings.
        place = f" at {os.path.relpath(path)}:{line}" if path else ""
        self.warn(f"the build tried to connect to {where}{place} and was refused: a golden depends on files only")

    def note_warnings_of(self, package: str) -> None:
        """Record the warnings that *package* gives about the history, such as a revision that is there twice."""
        show = warnings.showwarning

        def record(message: Any, category: type[Warning], filename: str, *rest: Any, **named: Any) -> None:
            if category is UserWarning and f"{os.sep}{package}{os.sep}" in filename:
                self.warn(str(message).strip())
            show(message, category, filename, *rest, **named)

        warnings.showwarning = record

    def warn(self, text: str) -> None:
        """Record something that does not fail the build."""
        with self._lock:
            if text not in self.told:
                self.told.append(text)
