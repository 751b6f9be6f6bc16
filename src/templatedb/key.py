"""Inputs to key: the same stream of labelled pieces feeds the hash and whoever wants to explain it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping

from templatedb.digests import Digests, of_bytes
from templatedb.exported import original_environment
from templatedb.inputs import Input, environment_variable, file, matching, setting, version
from templatedb.migrators import Migrator
from templatedb.records import Key
from templatedb.settings import Settings

KEY_FORMAT = 2
"""Version of the stream below; a change of meaning needs a new number, else old goldens would be taken for new ones."""


def declared(
    migrator: Migrator,
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    digests: Digests | None = None,
) -> list[Input]:
    """Return everything declared that decides the database, sorted: the migrator's own inputs and the settings'.

    Reads the files, through *digests* where given; imports nothing of the project. The *environment* is that of this
    process, without what was exported, unless given. Raises InputsError when nothing is
    found to migrate, or a file cannot be read.
    """
    read_with = Digests() if digests is None else digests
    seen = original_environment() if environment is None else environment
    found = (piece.read(read_with) for piece in _stream(migrator, settings, seen))
    return sorted(found, key=lambda piece: piece.order)


def _stream(migrator: Migrator, settings: Settings, environment: Mapping[str, str]) -> Iterator[Input]:
    import _sqlite3  # the C part alone: the sqlite3 package costs twice as much to import

    yield version("templatedb key", str(KEY_FORMAT))
    yield version("python", f"{sys.version_info.major}.{sys.version_info.minor}")
    yield version("sqlite", _sqlite3.sqlite_version)
    yield from migrator.inputs(settings)
    yield setting("build_env", sorted(settings.build_env.items()))
    yield setting("url_env", settings.url_env)
    yield setting("track", str(settings.track))
    # Absolute folders differ from machine to machine; what is found in them counts by itself.
    relative = tuple(entry for entry in settings.import_entries if not os.path.isabs(entry))
    yield setting("python_path", relative)
    for target in settings.seed:
        yield _source_of(target, "seed", settings)
    yield setting("seed", settings.seed)
    if settings.models is not None:
        _source_of(settings.models, "models", settings)  # a wrong name is told now, not after the migrations
        yield setting("drift", str(settings.drift))
    # What a golden was checked for: a golden that passed less is not the one that is asked for.
    yield setting("required_tables", settings.required_tables)
    yield setting("foreign_keys", str(settings.foreign_keys))
    yield setting("models", settings.models)
    for name, path in matching(settings.root, settings.inputs):
        yield file(f"inputs/{name}", path)
    for name in settings.environment:
        yield environment_variable(name, environment.get(name))


def _source_of(target: str, name: str, settings: Settings) -> Input:
    from templatedb.migrators import objects

    return objects.input_of(target, name, settings)


def key_of(inputs: Iterable[Input]) -> Key:
    """Return the key of *inputs*, which were read: names count as well as contents.

    Each part is framed by its length: without that "ab"+"c" and "a"+"bc" could share a key.
    """
    parts = [os.fsencode(text) for piece in inputs for text in (piece.label, piece.name, piece.digest)]
    return Key(Key.PREFIX + of_bytes(b"".join(b"%d:%b" % (len(part), part) for part in parts)))
