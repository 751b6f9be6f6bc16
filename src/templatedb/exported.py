"""Variables that were set for applications with a global engine, and what they were before.

A process that exported them tells those that it starts, in one more variable: to them ours would be the user's own
values, and the key and the build are to see what a shell would see.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_SAVED = "TEMPLATEDB_EXPORTED"


class Exported(NamedTuple):
    """What was exported to this process's environment."""

    path: Path
    """The slot's file, which need not be there yet."""
    values: Mapping[str, str]
    """What each variable was set to."""
    before: Mapping[str, str | None]
    """What the environment held in this process, where another one's export may have come first."""

    def undo(self) -> None:
        """Put the environment back as it was."""
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def export(variables: Mapping[str, str], path: Path) -> Exported:
    """Set each of the *variables* to the ``url``, ``path`` or ``async_url`` of the database at *path*."""
    from templatedb.urls import sqlite_url

    known, originals = _saved(), original_environment()
    before = {name: os.environ.get(name) for name in (*variables, _SAVED)}
    values = {}
    for name, wanted in variables.items():
        drivers = {"url": "sqlite", "async_url": "sqlite+aiosqlite"}
        values[name] = str(path) if wanted == "path" else sqlite_url(path, drivers[wanted])
        known[name] = (originals.get(name), values[name])
    os.environ.update(values)
    os.environ[_SAVED] = json.dumps(known)
    return Exported(path, values, before)


def warnings(wanted: Mapping[str, str], exported: Exported | None, rootpath: Path) -> list[str]:
    """Say in a line each where the application may have another database than the tests, which is not seen otherwise.

    *wanted* is what the settings of the tests' template export; *exported* is what was.
    """
    values = {} if exported is None else exported.values
    lines = [
        f"{name} was {_now(name)} after templatedb had exported it, perhaps by a conftest.py or a .env file:"
        " the application's database may not be the one of the tests; take out what sets it, or set it only outside of"
        " pytest"
        for name, value in values.items()
        if os.environ.get(name) != value
    ]
    if missed := [name for name in wanted if name not in values]:
        lines.append(
            f"the setting 'export' does not set {', '.join(missed)}: pytest reads it in its rootdir {rootpath} and"
            " above, so write it there"
        )
    return lines


def _now(name: str) -> str:
    """Return what has become of the variable *name*; its value may hold a password, and is not shown."""
    return "set to something else" if name in os.environ else "removed"


def _saved() -> dict[str, tuple[str | None, str]]:
    """Return what exported variables were before any process exported them, and what they became."""
    try:
        known = json.loads(os.environ.get(_SAVED, "{}"))
        return {name: (original, exported) for name, (original, exported) in known.items()}
    except (ValueError, TypeError, AttributeError):  # not ours
        return {}


def original_environment() -> dict[str, str]:
    """Return this process's environment without what was exported: what the key and the build see.

    A variable that somebody has set since counts as it is: he wanted it so.
    """
    environment = dict(os.environ)
    if _SAVED not in environment:
        return environment
    for name, (original, exported) in _saved().items():
        if environment.get(name) != exported:
            continue
        del environment[name]
        if original is not None:
            environment[name] = original
    del environment[_SAVED]
    return environment


class _Original(Mapping[str, str]):
    """The environment without what was exported, as it is at each look."""

    def __getitem__(self, name: str) -> str:
        return original_environment()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(original_environment())

    def __len__(self) -> int:
        return len(original_environment())


ORIGINAL: Mapping[str, str] = _Original()
"""What callers see that name no environment of their own."""
