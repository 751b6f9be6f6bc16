"""Inputs to key: the same stream of labelled pieces feeds the hash and whoever wants to explain it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from templatedb.inputs import Input, file, matching, setting
from templatedb.migrators import Migrator
from templatedb.records import Key
from templatedb.settings import Settings

KEY_FORMAT = 1
"""Version of the stream below; a change of meaning needs a new number, else old goldens would be taken for new ones."""


def declared(migrator: Migrator, settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Input]:
    """Return everything declared that decides the database, sorted: the migrator's own inputs and the settings'.

    Reads files, imports nothing of the project. Raises InputsError when nothing is found to migrate.
    """
    return sorted(_stream(migrator, settings, environment))


def _stream(migrator: Migrator, settings: Settings, environment: Mapping[str, str]) -> Iterator[Input]:
    import _sqlite3  # the C part alone: the sqlite3 package costs twice as much to import

    yield Input("version", "templatedb key", str(KEY_FORMAT).encode())
    yield Input("version", "python", f"{sys.version_info.major}.{sys.version_info.minor}".encode())
    yield Input("version", "sqlite", _sqlite3.sqlite_version.encode())
    yield from migrator.inputs(settings)
    yield setting("build_env", sorted(settings.build_env.items()))
    yield setting("url_env", settings.url_env)
    # Absolute folders differ from machine to machine; what is found in them counts by itself.
    relative = tuple(entry for entry in settings.import_entries if not os.path.isabs(entry))
    yield setting("python_path", relative)
    # What a golden was checked for: a golden that passed less is not the one that is asked for.
    yield setting("required_tables", settings.required_tables)
    yield setting("foreign_keys", str(settings.foreign_keys))
    for name, path in matching(settings.root, settings.inputs):
        yield file(f"inputs/{name}", path)
    for name in settings.environment:
        value = environment.get(name)
        # A variable that is not set differs from one that is empty.
        yield Input("environment", name, b"unset" if value is None else b"=" + os.fsencode(value))


def summary_of(inputs: Iterable[Input], root: Path) -> dict[str, str]:
    """Return a short digest of each of *inputs* by a name for people: the path below *root* for a file."""
    named = {}
    for piece in inputs:
        name = f"{piece.label} {piece.name}"
        if piece.path is not None:
            below = os.path.relpath(piece.path, root).replace(os.sep, "/")
            name = piece.name if below.startswith("../") else below
        named[name] = hashlib.sha256(piece.data).hexdigest()[:16]
    return named


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Say in a few words how two summaries differ; empty when they do not."""
    told = [f"{name} {'changed' if name in before else 'added'}" for name in after if after[name] != before.get(name)]
    told += [f"{name} removed" for name in before if name not in after]
    return told[0] + (f" and {len(told) - 1} more" if len(told) > 1 else "") if told else ""


def key_of(inputs: Iterable[Input]) -> Key:
    """Return the key of *inputs*: names count as well as contents, and each piece is framed by its length."""
    digest = hashlib.sha256()
    for piece in inputs:
        for part in (piece.label.encode(), piece.name.encode(), piece.data):
            # Lengths keep "ab"+"c" and "a"+"bc" apart: without them two different histories could share a key.
            digest.update(b"%d:" % len(part))
            digest.update(part)
    return Key(Key.PREFIX + digest.hexdigest())
