"""From ``[tool.templatedb]``, ``templatedb.toml`` or a bare Alembic configuration to Settings.

Reading is parsing only: nothing of the project is imported.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from templatedb import pythonpath
from templatedb.errors import SettingsError
from templatedb.records import CloneKind, Keep, Severity

DEFAULT_REVISION = "heads"
CACHE_DIR_VARIABLE = "TEMPLATEDB_CACHE_DIR"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a project says about its template database; the defaults are those of an empty table."""

    root: Path
    """Folder of the settings: the build's working directory; relative paths and names in the key start here."""
    source: Path | None = None
    """The file the settings were read from; None when given in code."""
    alembic: str | None = None
    function: str | None = None
    revision: str = DEFAULT_REVISION
    url_env: tuple[str, ...] = ("DATABASE_URL",)
    build_env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    python_path: tuple[str, ...] | None = None
    inputs: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    required_tables: tuple[str, ...] = ()
    foreign_keys: Severity = Severity.WARN
    clone: CloneKind = CloneKind.FILE
    cache_dir: str | None = None
    lock_timeout_s: float = 300.0
    keep: Keep = Keep.FAILED
    strict: bool = False

    @property
    def import_folders(self) -> tuple[Path, ...]:
        """The folders that the build puts first on its import path, absolute."""
        entries = self.python_path
        if entries is None:
            entries = (*pythonpath.of_pytest(self.root), ".")
        return tuple(dict.fromkeys(self.root / entry for entry in entries))


def find(start: Path) -> Settings:
    """Read the settings nearest to the folder *start*, looking there and in every folder above.

    The nearest wins. A bare Alembic configuration in a plain subfolder belongs to the project above it, so a settings
    table there wins; not so in a folder that is a project of its own (a ``pyproject.toml``, a ``pytest.ini`` ...).
    Raises SettingsError when there is neither, when two files of one folder hold settings, or when a setting is wrong.
    """
    start = start.absolute()
    bare: Settings | None = None
    for folder in (start, *start.parents):
        if (table := _table_in(folder)) is not None:
            return table
        if bare is None and (name := _alembic_beside(folder)) is not None:
            bare = Settings(root=folder, source=folder / name, alembic=name)
            if any((folder / marker).exists() for marker in _PROJECT_FILES):
                return bare
    if bare is not None:
        return bare
    raise SettingsError(
        what=f"no settings found from {start} upwards: no [tool.templatedb], no templatedb.toml, no alembic.ini",
        remedy=_proposal(start),
    )


_PROJECT_FILES = ("pyproject.toml", "pytest.ini", "pytest.toml", "tox.ini", "setup.cfg", "setup.py", ".git")


def find_table(start: Path) -> Settings | None:
    """Read the nearest settings table, from the folder *start* upwards; None when there is none.

    Raises SettingsError when a setting in it is wrong.
    """
    for folder in (start, *start.parents):
        if (found := _table_in(folder)) is not None:
            return found
    return None


def _proposal(start: Path) -> str:
    """Say what to write, naming an ``alembic.ini`` that stands one or two folders below *start*."""
    below = sorted((*start.glob("*/alembic.ini"), *start.glob("*/*/alembic.ini")))
    if below and needs_flask(below[0].parent):
        return FLASK_REMEDY
    value = below[0].relative_to(start).as_posix() if below else "path/to/alembic.ini"
    table = f'    [tool.templatedb]\n    alembic = "{value}"'
    return f'Add to pyproject.toml:\n{table}\nor: function = "package.module:function"'


def needs_flask(folder: Path) -> bool:
    """Whether the env.py in *folder* is Flask-Migrate's, which works only inside an application."""
    env = folder / "env.py"
    return env.is_file() and "current_app" in env.read_text(encoding="utf-8", errors="replace")


FLASK_REMEDY = """\
The migrations are Flask-Migrate's, which need the application. Add to pyproject.toml:
    [tool.templatedb]
    function = "templatedb_build:migrate"
    inputs = ["migrations"]
and a module templatedb_build.py:
    def migrate(path):
        from flask_migrate import upgrade
        from yourapp import create_app  # configured with the URL f"sqlite:///{path}"
        with create_app(...).app_context():
            upgrade()"""


def _table_in(folder: Path) -> Settings | None:
    own, pyproject = folder / "templatedb.toml", folder / "pyproject.toml"
    table = _read_toml(pyproject).get("tool", {}).get("templatedb") if pyproject.is_file() else None
    if own.is_file():
        if table is not None:
            raise SettingsError(
                what=f"two settings in one folder: {own} and [tool.templatedb] in {pyproject}",
                remedy="Keep one of them.",
                source=own,
            )
        return from_table(_read_toml(own), folder, own)
    return None if table is None else from_table(table, folder, pyproject)


def _alembic_beside(folder: Path) -> str | None:
    """Return the name of the Alembic configuration in *folder*: ``alembic.ini``, else ``pyproject.toml``, else None."""
    if (folder / "alembic.ini").is_file():
        return "alembic.ini"
    pyproject = folder / "pyproject.toml"
    if pyproject.is_file() and "alembic" in _read_toml(pyproject).get("tool", {}):
        return "pyproject.toml"
    return None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(what=f"{path} is not valid TOML: {error}", source=path) from error
    except OSError as error:
        raise SettingsError(what=f"{path} cannot be read: {error.strerror}", source=path) from error


def from_table(table: Mapping[str, Any], root: Path, source: Path | None) -> Settings:
    """Return the Settings of a parsed *table*, or raise SettingsError naming the first key that is wrong."""
    where = f"in {source}" if source else "in the settings"
    if not isinstance(table, Mapping):
        raise SettingsError(
            what=f"tool.templatedb {where} is {_toml_type(table)}; expected a table", value=table, source=source
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
    if "alembic" in values and "function" in values:
        raise SettingsError(
            what=f"two migrators {where}: 'alembic' and 'function'",
            remedy="Keep the one that leads to the finished database.",
            key="function",
            value=values["function"],
            source=source,
        )
    if "alembic" not in values and "function" not in values:
        values["alembic"] = _alembic_beside(root)
        if values["alembic"] is None:
            raise SettingsError(
                what=f"no migrator {where}, and no alembic.ini beside it", remedy=_proposal(root), source=source
            )
    return Settings(root=root, source=source, **values)


def _nearest(key: str) -> str:
    if key in _LATER:
        return f"{key!r} belongs to the planned settings; this release does not have it yet."
    near = difflib.get_close_matches(key, _READERS, n=1)
    return f"Did you mean {near[0]!r}?" if near else "Known settings: " + ", ".join(sorted(_READERS))


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


def _seconds(value: object) -> float:
    """Return the seconds of ``"90s"``, ``"5m"``, ``"12h"`` or ``"30d"``; a bare number is refused, it has no unit."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('Write a number and a unit, such as "90s".')
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def _folder(value: object) -> str:
    return os.path.expanduser(_text(value))


def _choice(values: type[CloneKind | Keep | Severity]) -> tuple[str, Callable[[object], Any]]:
    def read(value: object) -> Any:
        near = difflib.get_close_matches(str(value), [str(member) for member in values], n=1)
        try:
            return values(_text(value))
        except ValueError:
            raise ValueError(f"Did you mean {near[0]!r}?" if near else "") from None

    return " or ".join(f'"{member}"' for member in values), read


_READERS: dict[str, tuple[str, str, Callable[[object], Any]]] = {
    "alembic": ("alembic", 'a path such as "alembic.ini"', _text),
    "function": ("function", 'a name such as "package.module:function"', _text),
    "revision": ("revision", 'a revision such as "heads"', _text),
    "url_env": ("url_env", "a list of variable names", _texts),
    "build_env": ("build_env", 'a table of strings such as {APP_ENV = "test"}', _variables),
    "python_path": ("python_path", "a list of folders", _texts),
    "inputs": ("inputs", "a list of files or globs", _texts),
    "environment": ("environment", "a list of variable names", _texts),
    "required_tables": ("required_tables", "a list of table names", _texts),
    "foreign_keys": ("foreign_keys", *_choice(Severity)),
    "clone": ("clone", *_choice(CloneKind)),
    "cache_dir": ("cache_dir", "a folder", _folder),
    "lock_timeout": ("lock_timeout_s", 'a time such as "5m"', _seconds),
    "keep": ("keep", *_choice(Keep)),
    "strict": ("strict", "true or false", _truth),
}
"""Setting in the table: (name in Settings, what is allowed, how to read it)."""

_LATER = frozenset(
    {"sql", "metadata", "command", "seed", "track", "models", "drift", "max_age", "export"}
    | {"cache_size", "cache_max_age", "large_golden"}
)
"""Settings that are agreed but not built yet: refused, because passing over them could give a wrong database."""


def with_overrides(settings: Settings, **table: object) -> Settings:
    """Return *settings* with some keys of the table replaced, checked like those of a file."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        name, allowed, read = _READERS.get(key, ("", "", _text))
        if not name or key in {"alembic", "function"}:
            raise SettingsError(what=f"unknown setting {key!r}", remedy=_nearest(key), key=key, value=value)
        try:
            values[name] = read(value)
        except ValueError as error:
            raise SettingsError(
                what=f"setting {key!r} is {value!r}; allowed: {allowed}", remedy=str(error), key=key, value=value
            ) from None
    return dataclasses.replace(settings, **values)
