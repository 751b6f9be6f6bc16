"""What the settings table means: each key, what is allowed, and the Settings it becomes."""

# Annotations are no texts here: typing compiles each text of a NamedTuple, which costs a warm start a millisecond.

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from templatedb import pytest_configuration
from templatedb.errors import SettingsError
from templatedb.records import CloneKind, Keep, Severity, Track

DEFAULT_REVISION = "heads"
CACHE_DIR_VARIABLE = "TEMPLATEDB_CACHE_DIR"
BUILDING_VARIABLE = "TEMPLATEDB_BUILDING"
"""Holds the key in a build's process, so that a migration that asks for a golden gets an error, not a deadlock."""
MIGRATORS = ("alembic", "sql", "metadata", "function", "command")
"""The settings that name a migrator; at most one of them is given."""

OF_THE_FINISHED_DATABASE = ("seed", "required_tables", "models")
"""The settings that cannot hold before the last migration."""


class Settings(NamedTuple):
    """Everything a project says about its template database; the defaults are those of an empty table."""

    root: Path
    """Folder of the settings: the build's working directory; relative paths and names in the key start here."""
    source: Path | None = None
    """The file the settings were read from; None when given in code."""
    alembic: str | None = None
    sql: str | None = None
    metadata: str | None = None
    function: str | None = None
    command: tuple[str, ...] | None = None
    revision: str = DEFAULT_REVISION
    url_env: tuple[str, ...] = ("DATABASE_URL",)
    build_env: Mapping[str, str] = MappingProxyType({})
    python_path: tuple[str, ...] | None = None
    seed: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    track: Track = Track.MIGRATIONS
    required_tables: tuple[str, ...] = ()
    models: str | None = None
    drift: Severity = Severity.WARN
    foreign_keys: Severity = Severity.WARN
    max_age_s: float | None = None
    """Seconds after which a golden is built again; None: never for its age."""
    clone: CloneKind = CloneKind.FILE
    export: Mapping[str, str] = MappingProxyType({})
    """Variables that pytest sets, before the application is imported, to the ``url``, ``path`` or ``async_url``."""
    large_golden_bytes: int = 8_000_000
    """From this size on clones share extents with the golden or are rewound, instead of being written."""
    cache_dir: str | None = None
    cache_size_bytes: int = 2_000_000_000
    """What the goldens of a cache may take; those used least recently go first."""
    cache_max_age_s: float = 30 * 86400.0
    """Seconds after its last use at which a golden goes."""
    lock_timeout_s: float = 300.0
    keep: Keep = Keep.FAILED
    strict: bool = False

    @property
    def has_migrator(self) -> bool:
        """Whether one of the settings names what migrates."""
        return any(getattr(self, key) is not None for key in MIGRATORS)

    def without_migrator(self) -> Self:
        """Return these settings for a migrator that is given in code."""
        return self._replace(**dict.fromkeys(MIGRATORS))  # type: ignore[arg-type]  # each may be None

    def of_earlier_revision(self) -> Self:
        """Return these settings for a database that is not finished."""
        return self._replace(**{name: self._field_defaults[name] for name in OF_THE_FINISHED_DATABASE})

    @property
    def import_folders(self) -> tuple[Path, ...]:
        """The folders that the build puts first on its import path, absolute."""
        return tuple(dict.fromkeys(self.root / entry for entry in self.import_entries))

    @property
    def import_entries(self) -> tuple[str, ...]:
        """The same as written: the setting, else pytest's ``pythonpath`` and the root."""
        if self.python_path is not None:
            return self.python_path
        return tuple(dict.fromkeys((*pytest_configuration.import_path(self.root), ".")))


def from_table(table: Mapping[str, Any], root: Path, source: Path | None) -> Settings:
    """Return the Settings of a parsed *table*, or raise SettingsError naming the first key that is wrong.

    Without a migrator in the table the Settings have none either: `search` looks for one beside it.
    """
    where = f"in {source}" if source else "in the settings"
    if not isinstance(table, Mapping):
        raise SettingsError(
            what=f"tool.templatedb {where} is {_toml_type(table)}, not a table",
            remedy="Write [tool.templatedb] in a line of its own, and the settings below it.",
            value=table,
            source=source,
        )
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _READERS:
            raise SettingsError(
                what=f"unknown setting {key!r} {where}", remedy=_nearest(key), key=key, value=value, source=source
            )
        name, allowed, read = _READERS[key]
        try:
            values[name] = read(value)
        except ValueError as error:
            raise SettingsError(
                what=f"setting {key!r} {where} is {value!r}; allowed: {allowed}",
                remedy=str(error),
                key=key,
                value=value,
                source=source,
            ) from None
    named = [key for key in MIGRATORS if key in values]
    if len(named) > 1:
        raise SettingsError(
            what=f"{'two' if len(named) == 2 else len(named)} migrators {where}: {' and '.join(map(repr, named))}",
            remedy="Keep the one that leads to the finished database.",
            key=named[1],
            value=values[named[1]],
            source=source,
        )
    if values.get("export") and values.get("clone") is CloneKind.MEMORY:
        raise SettingsError(
            what=f"settings 'export' and clone = \"memory\" {where} contradict each other",
            remedy="The application opens the file that is exported: leave 'clone' out.",
            key="clone",
            value="memory",
            source=source,
        )
    return Settings(root=root, source=source, **values)


def _nearest(key: str) -> str:
    near = _near(key, _READERS)
    return f"Did you mean {near!r}?" if near else "Known settings: " + ", ".join(sorted(_READERS))


def _near(word: str, known: Iterable[str]) -> str:
    """Return the one of the *known* words that *word* may be a slip of; empty when there is none."""
    import difflib

    return next(iter(difflib.get_close_matches(word, known, n=1)), "")


def _toml_type(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    return names.get(type(value), type(value).__name__)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"It is {_toml_type(value)}." if not isinstance(value, str) else "It is empty.")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"It is {_toml_type(value)}.")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"It is {_toml_type(value)}.")
    return tuple(_text(entry) for entry in value)


def _variables(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(f"It is {_toml_type(value)}.")
    if wrong := [name for name, entry in value.items() if not name or set("=\0") & set(name) or "\0" in str(entry)]:
        raise ValueError(f"{wrong[0]!r} cannot be a variable of a process.")
    return {str(name): _text(entry) if entry != "" else "" for name, entry in value.items()}


def seconds(value: object) -> float:
    """Return the seconds of ``"90s"``, ``"5m"``, ``"12h"`` or ``"30d"``; raises ValueError: a bare number has none."""
    import re

    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('Write a number and a unit, such as "90s".')
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


EXPORTS = ("url", "path", "async_url")
"""What a variable of the setting ``export`` can be set to."""


def _exports(value: object) -> dict[str, str]:
    exports = _variables(value)
    for name, wanted in exports.items():
        if wanted not in EXPORTS:
            near = _near(wanted, EXPORTS)
            raise ValueError(f"{name} is {wanted!r}." + (f" Did you mean {near!r}?" if near else ""))
    return exports


def size_in_bytes(value: object) -> int:
    """Return the bytes of ``"500kB"``, ``"8MB"`` or ``"2GB"``; raises ValueError: a bare number has none."""
    import re

    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('Write a number and a unit, such as "8MB".')
    return round(float(match[1]) * {"B": 1, "kB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}[match[2]])


def _folder(value: object) -> str:
    return os.path.expanduser(_text(value))


def _choice(values: type[CloneKind | Keep | Severity | Track]) -> tuple[str, Callable[[object], Any]]:
    members = [str(member) for member in values]

    def read(value: object) -> Any:
        try:
            return values(_text(value))
        except ValueError:
            near = _near(str(value), members)
            raise ValueError(f"Did you mean {near!r}?" if near else "") from None

    return " or ".join(f'"{member}"' for member in members), read


_READERS: dict[str, tuple[str, str, Callable[[object], Any]]] = {
    "alembic": ("alembic", 'a path such as "alembic.ini"', _text),
    "sql": ("sql", 'a folder of .sql files such as "db/migrations"', _text),
    "metadata": ("metadata", 'a name such as "package.module:Base.metadata"', _text),
    "function": ("function", 'a name such as "package.module:function"', _text),
    "command": ("command", 'a list such as ["dbmate", "--url", "sqlite:{path}", "--no-dump-schema", "up"]', _texts),
    "revision": ("revision", 'a revision such as "heads"', _text),
    "url_env": ("url_env", "a list of variable names", _texts),
    "build_env": ("build_env", 'a table of strings such as {APP_ENV = "test"}', _variables),
    "python_path": ("python_path", "a list of folders", _texts),
    "seed": ("seed", 'a list of names such as ["package.module:function"]', _texts),
    "inputs": ("inputs", "a list of files or globs", _texts),
    "environment": ("environment", "a list of variable names", _texts),
    "track": ("track", *_choice(Track)),
    "required_tables": ("required_tables", "a list of table names", _texts),
    "models": ("models", 'a name such as "package.module:Base.metadata"', _text),
    "drift": ("drift", *_choice(Severity)),
    "foreign_keys": ("foreign_keys", *_choice(Severity)),
    "max_age": ("max_age_s", 'a time such as "12h"', seconds),
    "clone": ("clone", *_choice(CloneKind)),
    "export": ("export", 'a table such as {DATABASE_URL = "url"}, of "url", "path" or "async_url"', _exports),
    "large_golden": ("large_golden_bytes", 'a size such as "8MB"', size_in_bytes),
    "cache_dir": ("cache_dir", "a folder", _folder),
    "cache_size": ("cache_size_bytes", 'a size such as "2GB"', size_in_bytes),
    "cache_max_age": ("cache_max_age_s", 'a time such as "30d"', seconds),
    "lock_timeout": ("lock_timeout_s", 'a time such as "5m"', seconds),
    "keep": ("keep", *_choice(Keep)),
    "strict": ("strict", "true or false", _truth),
}
"""Setting in the table: (name in Settings, what is allowed, how to read it)."""


def with_overrides(settings: Settings, **table: object) -> Settings:
    """Return *settings* with some keys of the table replaced, checked like those of a file."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        name, allowed, read = _READERS.get(key, ("", "", _text))
        if not name or key in MIGRATORS:
            raise SettingsError(
                what=f"unknown setting {key!r} given in code", remedy=_nearest(key), key=key, value=value
            )
        try:
            values[name] = read(value)
        except ValueError as error:
            raise SettingsError(
                what=f"setting {key!r} given in code is {value!r}; allowed: {allowed}",
                remedy=str(error),
                key=key,
                value=value,
            ) from None
    return settings._replace(**values)
