"""The tree of errors: each says what failed, where, and what to do.

TemplateDBError
├── SettingsError (ValueError)          a setting is wrong, unknown or missing
├── InputsError (LookupError)           what decides the database cannot be found
├── BuildError (RuntimeError)           the migrations failed, or left no usable database
├── CacheError (OSError)                the cache directory cannot be used
├── LockTimeoutError (TimeoutError)     another process holds the lock for too long
├── MissError (LookupError)             a golden was required and there is none
└── CloneError (RuntimeError)           a clone cannot do what was asked of it
    └── GoldenChangedError              somebody wrote into the golden itself

All carry their facts as attributes and survive pickling (xdist and multiprocessing send them between processes).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

READ_REMEDY = "Let this user read it."


def words_of(error: OSError) -> str:
    """Return what the system says of *error*, without its number, and of which file."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename}" if error.filename and str(error.filename) not in reason else reason


def _rebuild(kind: type[TemplateDBError], facts: dict[str, Any]) -> TemplateDBError:
    return kind(**facts)


class TemplateDBError(Exception):
    """Base of every error that templatedb raises on purpose."""

    def __init__(self, *, what: str, remedy: str = "", **facts: Any) -> None:
        """Join *what* failed and the *remedy* into the message; keep all facts as attributes."""
        super().__init__(f"{what}\n{remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy
        self._facts = facts

    def __reduce__(self) -> tuple[Callable[..., TemplateDBError], tuple[Any, ...]]:
        """Rebuild from the facts: the default would pass the message as a positional argument."""
        return _rebuild, (type(self), {"what": self.what, "remedy": self.remedy, **self._facts})

    @property
    def line(self) -> str:
        """The error as one line: for places that repeat it, such as each test that needed the database."""
        what = self.what if self.what.endswith((".", "?", "!")) else f"{self.what}."
        return " ".join(part.strip() for part in f"{what}\n{self.remedy}".splitlines() if part.strip())


class SettingsError(TemplateDBError, ValueError):
    """A setting is wrong, unknown or missing."""

    def __init__(
        self, *, what: str, remedy: str = "", key: str | None = None, value: object = None, source: Path | None = None
    ) -> None:
        """Keep the setting's *key*, its refused *value*, and the file it stands in (None: given in code)."""
        super().__init__(what=what, remedy=remedy, key=key, value=value, source=source)
        self.key = key
        self.value = value
        self.source = source


class InputsError(TemplateDBError, LookupError):
    """What decides the database cannot be found: a key without it would never change."""

    def __init__(self, *, what: str, remedy: str = "", searched: tuple[Path, ...] = ()) -> None:
        """Keep the folders and files that were *searched*."""
        super().__init__(what=what, remedy=remedy, searched=searched)
        self.searched = searched


class BuildError(TemplateDBError, RuntimeError):
    """The migrations failed, or what they left is not usable: nothing was published."""

    def __init__(
        self,
        *,
        what: str,
        remedy: str = "",
        revision: str | None = None,
        traceback: str = "",
        output: str = "",
    ) -> None:
        """Keep the failing *revision* (None: outside any), the user's *traceback* and the captured *output*."""
        super().__init__(what=what, remedy=remedy, revision=revision, traceback=traceback, output=output)
        self.revision = revision
        self.traceback = traceback
        self.output = output

    def at(self, place: str, remedy: str) -> BuildError:
        """Return the same error with the *place* that is to blame, and the *remedy* for that."""
        return BuildError(
            what=f"{self.what} ({place})",
            remedy=remedy,
            revision=self.revision,
            traceback=self.traceback,
            output=self.output,
        )

    @property
    def report(self) -> str:
        """The whole story, for a place that is shown once: message, traceback, captured output."""
        parts = [str(self)]
        if self.traceback:
            parts.append(self.traceback.rstrip())
        if self.output:
            parts.append("--- output of the build ---\n" + self.output.rstrip())
        return "\n\n".join(parts)


class CacheError(TemplateDBError, OSError):
    """The cache directory cannot be used; the caller builds privately instead."""

    def __init__(self, *, what: str, remedy: str = "", path: Path | None = None) -> None:
        """Keep the *path* that was refused or failed."""
        super().__init__(what=what, remedy=remedy, path=path)
        self.path = path


class LockTimeoutError(TemplateDBError, TimeoutError):
    """Another process holds the lock of a key for longer than the settings allow."""

    def __init__(self, *, what: str, remedy: str = "", path: Path | None = None, waited_s: float = 0.0) -> None:
        """Keep the lock's *path* and how long was waited."""
        super().__init__(what=what, remedy=remedy, path=path, waited_s=waited_s)
        self.path = path
        self.waited_s = waited_s


class MissError(TemplateDBError, LookupError):
    """A golden was required to be there (``--require-hit``) and is not."""

    def __init__(self, *, what: str, remedy: str = "", key: str = "", reasons: tuple[str, ...] = ()) -> None:
        """Keep the *key* that has no golden, and the *reasons*: what differs from the last one; often one line."""
        super().__init__(what=what, remedy=remedy, key=key, reasons=reasons)
        self.key = key
        self.reasons = reasons


class CloneError(TemplateDBError, RuntimeError):
    """A clone cannot do what was asked of it."""


class GoldenChangedError(CloneError):
    """Somebody wrote into the golden that clones are made from."""

    def __init__(self, *, what: str, remedy: str = "", path: Path) -> None:
        """Keep the *path* of the golden."""
        TemplateDBError.__init__(self, what=what, remedy=remedy, path=path)
        self.path = path


def unforeseen(error: Exception) -> BuildError:
    """Return *error*, which is being handled and is none of ours, as one that can be reported."""
    import traceback

    return BuildError(
        what=f"an error that templatedb does not know: {type(error).__name__}: {error}",
        remedy="Unless a file cannot be read, this is a bug in templatedb: please report the lines below.",
        traceback=traceback.format_exc(),
    )
