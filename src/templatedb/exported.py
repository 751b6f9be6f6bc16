"""Applications with a global engine: variables that name a slot, set before the application is imported.

Such an application takes its URL from the environment when it is imported, so the path must be known, and never
change, from before the first conftest is read to the end of the run.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

_SAVED = "TEMPLATEDB_EXPORTED"
"""Tells processes that this one starts what its variables were: to them ours would be the user's own values."""


@dataclasses.dataclass(slots=True)
class Exported:
    """What was exported to this process's environment."""

    path: Path
    """The slot's file, which need not be there yet."""
    originals: dict[str, str | None]
    """What the variables were; None where they were not set."""
    before: dict[str, str | None]
    """What they were in this process, where another one's export may have come first."""

    def undo(self) -> None:
        """Put the environment back as it was."""
        for name, value in self.before.items():
            _put(name, value)


def export(variables: Mapping[str, str], path: Path) -> Exported:
    """Set each of the *variables* to the ``url``, ``path`` or ``async_url`` of the database at *path*."""
    from templatedb.urls import sqlite_url

    values = {"path": str(path), "url": sqlite_url(path), "async_url": sqlite_url(path, "sqlite+aiosqlite")}
    known = saved()
    originals = {name: known.get(name, os.environ.get(name)) for name in variables}
    before = {name: os.environ.get(name) for name in (*variables, _SAVED)}
    for name, wanted in variables.items():
        os.environ[name] = values[wanted]
    os.environ[_SAVED] = json.dumps({**known, **originals})
    return Exported(path, originals, before)


def saved() -> dict[str, str | None]:
    """Return what exported variables were before any process exported them; empty when none did."""
    try:
        known = json.loads(os.environ.get(_SAVED, "{}"))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def original_environment() -> dict[str, str]:
    """Return this process's environment without what was exported: what the key and the build see."""
    environment = dict(os.environ)
    for name, value in saved().items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    environment.pop(_SAVED, None)
    return environment


def may_be_wanted(root: Path) -> bool:
    """Whether a settings file from *root* upwards might hold ``export``; costs every run next to nothing."""
    for folder in (root, *root.parents):
        for name in ("pyproject.toml", "templatedb.toml"):
            try:
                content = (folder / name).read_bytes()
            except OSError:
                continue
            if b"export" in content and (b"templatedb" in content or name == "templatedb.toml"):
                return True
    return False


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
