"""The list of what a build reached for and was refused."""

from __future__ import annotations

import dataclasses
import threading


class RefusedError(Exception):
    """Raised into the project's code at the moment it reaches for another database."""


@dataclasses.dataclass(slots=True)
class Refusals:
    """Everything that was refused so far. Thread-safe: async drivers connect in threads of their own."""

    databases: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """What was reached for, and the remedy: these fail the build even when the code swallowed the error."""
    warnings: list[str] = dataclasses.field(default_factory=list)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def database(self, what: str, remedy: str) -> RefusedError:
        """Record a refused database and return the error to raise."""
        with self._lock:
            if (what, remedy) not in self.databases:
                self.databases.append((what, remedy))
        return RefusedError(f"templatedb: {what}. {remedy}")

    def warn(self, text: str) -> None:
        """Record something that does not fail the build."""
        with self._lock:
            if text not in self.warnings:
                self.warnings.append(text)
