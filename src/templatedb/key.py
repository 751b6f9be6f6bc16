"""Inputs to key: the same stream of labelled pieces feeds the hash and whoever wants to explain it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping

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
    for name, path in matching(settings.root, settings.inputs):
        yield file(f"inputs/{name}", path)
    for name in settings.environment:
        value = environment.get(name)
        # A variable that is not set differs from one that is empty.
        yield Input("environment", name, b"unset" if value is None else b"=" + os.fsencode(value))


def key_of(inputs: Iterable[Input]) -> Key:
    """Return the key of *inputs*: names count as well as contents, and each piece is framed by its length."""
    digest = hashlib.sha256()
    for piece in inputs:
        for part in (piece.label.encode(), piece.name.encode(), piece.data):
            # Lengths keep "ab"+"c" and "a"+"bc" apart: without them two different histories could share a key.
            digest.update(b"%d:" % len(part))
            digest.update(part)
    return Key(Key.PREFIX + digest.hexdigest())
