"""Read an Alembic configuration as Alembic does, without importing it: where the scripts and the revisions are.

Follows alembic/config.py and alembic/script/base.py of 1.13 to 1.20: the ini file wins over ``[tool.alembic]`` of the
``pyproject.toml`` beside it, option by option; ``path_separator`` and TOML are known from 1.16 on.
"""

# Annotations are no texts here: typing compiles each text of a NamedTuple, which costs a warm start a millisecond.

import configparser
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from templatedb import toml
from templatedb.errors import READ_REMEDY, InputsError, SettingsError
from templatedb.search import FILE_REMEDY, FLASK_REMEDY, needs_flask

_POWERLESS = ("loggers", "handlers", "formatters", "post_write_hooks")
_POWERLESS_STARTS = ("logger_", "handler_", "formatter_")
"""Sections that cannot change the database: ``logging.config`` and the hooks that format a new revision file."""
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
_COMPILED = (".pyc", ".pyo")
_NO_REVISION_STARTS = (".#", "__init__")


class AlembicConfig(NamedTuple):
    """What an Alembic configuration says about the database it leads to."""

    ini: Path | None
    toml: Path | None
    options: tuple[tuple[str, str], ...]
    """Every option that may change the database, as ``[section] option`` and raw text, sorted."""
    script_location: str
    """As written, ``%(here)s`` replaced."""
    script_folder: Path
    version_folders: tuple[tuple[str, Path], ...]
    """As written and as found."""
    recursive: bool
    sourceless: bool
    url: str | None
    """The database that the configuration names, as written: env.py may fill in the rest."""
    home: Path
    """The folder of the configuration file."""
    prepended: tuple[str, ...]
    """``prepend_sys_path`` as written."""
    working_directory: Path
    """Where relative locations start: the root, or the configuration's own folder when they are only there."""

    @property
    def revision_files(self) -> tuple[Path, ...]:
        """The files that Alembic would load as revisions, sorted."""
        return tuple(sorted(self._revisions()))

    def has_revisions(self, found: Iterable[str]) -> bool:
        """Whether there is one of the `revision_files`; looks for them only where none is among the files *found*."""
        folders = {str(folder) for _, folder in self.version_folders}
        split = (os.path.split(path) for path in found)
        if any(folder in folders and self._is_revision(name) for folder, name in split):
            return True
        return next(self._revisions(), None) is not None

    def _is_revision(self, name: str) -> bool:
        endings = (".py", *_COMPILED) if self.sourceless else (".py",)
        return name.endswith(endings) and not name.startswith(_NO_REVISION_STARTS)

    def _revisions(self) -> Iterator[Path]:
        for _, folder in self.version_folders:
            yield from self._revisions_in(folder)

    def _revisions_in(self, folder: Path) -> Iterator[Path]:
        for directory, folders, names in os.walk(folder, followlinks=False):
            folders[:] = sorted(folders) if self.recursive else [name for name in folders if name == "__pycache__"]
            if Path(directory).name == "__pycache__" and not self.sourceless:
                continue
            sources = {name.split(".")[0] for name in os.listdir(Path(directory).parent)} if self.sourceless else set()
            for name in names:
                if not self._is_revision(name):
                    continue
                if Path(directory).name == "__pycache__" and name.split(".")[0] in sources:
                    continue  # compiled from a source that is there: the source counts
                yield Path(directory, name)


def read(path: Path, root: Path, import_folders: tuple[Path, ...], alembic_version: tuple[int, ...]) -> AlembicConfig:
    """Return what the configuration file *path* says.

    Raises SettingsError for a file that is missing or has no ``script_location``, InputsError for a location that
    cannot be found. Package locations (``package:folder``) are looked up on *import_folders* and then ``sys.path``.
    """
    reader = _Reader(path, alembic_version)
    location = reader.get("script_location")
    if location is None:
        raise SettingsError(
            what=f"{path} names no script_location",
            remedy=FLASK_REMEDY
            if needs_flask(path.parent)
            else "It needs one in [alembic] (or [tool.alembic] of pyproject.toml, from Alembic 1.16 on).",
            key="script_location",
            source=path,
        )
    prepended = tuple(reader.split("prepend_sys_path", r", *|(?: +)|\:"))
    folders = tuple(base / entry for base in (root, path.parent) for entry in prepended) + import_folders
    working_directory = _working_directory(location, root, path)
    script_folder = _find(location, working_directory, folders, path, "script_location")
    written = reader.split("version_locations", r", *|(?: +)")
    version_folders = tuple(
        (name, _find(name, working_directory, folders, path, "version_locations")) for name in written
    )
    return AlembicConfig(
        ini=reader.ini_path,
        toml=reader.toml_path,
        options=tuple(sorted(reader.raw_options())),
        script_location=location,
        script_folder=script_folder,
        version_folders=version_folders or ((f"{location}/versions", script_folder / "versions"),),
        recursive=reader.truth("recursive_version_locations"),
        sourceless=reader.truth("sourceless"),
        url=reader.raw.get("alembic", "sqlalchemy.url", fallback=None),
        home=path.parent,
        prepended=prepended,
        working_directory=working_directory,
    )


def _working_directory(location: str, root: Path, path: Path) -> Path:
    """Return where a relative *location* starts: the root, or the configuration's own folder below it.

    Raises SettingsError when both hold scripts: in a repository with several services a guess could migrate with the
    history of another one.
    """
    if _is_resource(location) or os.path.isabs(location) or path.parent.samefile(root):
        return root
    homes = [base for base in (root, path.parent) if (base / location / "env.py").is_file()]
    if len(homes) > 1:
        raise SettingsError(
            what=f"script_location {location!r} of {path} is ambiguous: there are scripts in {root / location}"
            f" and in {path.parent / location}",
            remedy=f"Write script_location = %(here)s/{location} in {path}.",
            key="script_location",
            value=location,
            source=path,
        )
    return homes[0] if homes else root


class _Reader:
    """The options of an ini file and of the ``[tool.alembic]`` table beside it."""

    def __init__(self, path: Path, alembic_version: tuple[int, ...]) -> None:
        if not path.is_file():
            raise SettingsError(
                what=f"no Alembic configuration at {path}",
                remedy="Correct the setting 'alembic', or the path given to Alembic().",
                key="alembic",
                value=str(path),
            )
        is_toml = path.suffix == ".toml"
        self.knows_separator = self.knows_toml = alembic_version >= (1, 16)
        if is_toml and not self.knows_toml:
            raise SettingsError(
                what=f"{path} holds the Alembic configuration, but Alembic {'.'.join(map(str, alembic_version))} is"
                " installed: [tool.alembic] is read from 1.16 on",
                remedy="Install alembic>=1.16, or use an alembic.ini.",
                key="alembic",
                value=str(path),
            )
        self.ini_path = None if is_toml else path
        beside = path if is_toml else path.parent / "pyproject.toml"
        self.table = self._table(beside) if self.knows_toml and beside.is_file() else {}
        self.toml_path = beside if self.table or is_toml else None
        self.ini = configparser.ConfigParser({"here": escaped_here(path)})
        self.raw = configparser.RawConfigParser()
        if self.ini_path is not None:
            try:
                text = path.read_text(encoding="utf-8")
                self.ini.read_string(text, str(path))
                self.raw.read_string(text, str(path))
            except (configparser.Error, UnicodeDecodeError) as error:
                reason = " ".join(str(error).split())
                raise SettingsError(what=f"{path} cannot be read: {reason}", remedy=FILE_REMEDY, source=path) from error
            except OSError as error:
                raise SettingsError(
                    what=f"{path} cannot be read: {error.strerror}", remedy=READ_REMEDY, source=path
                ) from error

    @staticmethod
    def _table(path: Path) -> dict[str, Any]:
        try:
            table = toml.read(path).get("tool", {}).get("alembic", {})
        except ValueError as error:
            raise SettingsError(what=f"{path} is not valid TOML: {error}", remedy=FILE_REMEDY, source=path) from error
        return table if isinstance(table, dict) else {}

    def get(self, option: str) -> str | None:
        if self.ini.has_option("alembic", option):
            try:
                return self.ini.get("alembic", option)
            except configparser.InterpolationError as error:
                raise SettingsError(
                    what=f"option {option!r} of {self.ini_path} cannot be read: {error}",
                    remedy="Write a percent sign as %%.",
                    key=option,
                    source=self.ini_path,
                ) from error
        value = self.table.get(option)
        return self._here(value) if isinstance(value, str) else None

    def split(self, option: str, legacy: str) -> list[str]:
        text = self.get(option) if self.ini.has_option("alembic", option) else None
        if not text:
            value = self.table.get(option, [])
            return [self._here(entry) for entry in ([value] if isinstance(value, str) else value)]
        names = ["path_separator"] if self.knows_separator else []
        names += ["version_path_separator"] if option == "version_locations" else []
        name, chosen = next(((name, found) for name in names if (found := self.get(name)) is not None), ("", None))
        if chosen is None:
            return re.split(legacy, text)
        if chosen not in _SEPARATORS:
            raise SettingsError(
                what=f"{name} in {self.ini_path} is {chosen!r}; allowed: " + " or ".join(_SEPARATORS),
                key=name,
                value=chosen,
                source=self.ini_path,
            )
        return [entry.strip() for entry in text.split(_SEPARATORS[chosen]) if entry.strip()]

    def truth(self, option: str) -> bool:
        return self.get(option) == "true" if self.ini.has_option("alembic", option) else self.table.get(option) is True

    def _here(self, value: str) -> str:
        here = self.toml_path.absolute().parent.as_posix() if self.toml_path else ""
        try:
            return value % {"here": here}
        except (KeyError, ValueError, TypeError) as error:
            reason = f"%({error.args[0]})s is not known" if isinstance(error, KeyError) else error
            raise SettingsError(
                what=f"{value!r} in [tool.alembic] of {self.toml_path} cannot be read: {reason}",
                remedy="Write a percent sign as %%; only %(here)s is replaced.",
                source=self.toml_path,
            ) from error

    def raw_options(self) -> Iterator[tuple[str, str]]:
        for section in self.raw.sections():
            if section not in _POWERLESS and not section.startswith(_POWERLESS_STARTS):
                yield from ((f"[{section}] {name}", value or "") for name, value in self.raw.items(section))
        for name, value in self.table.items():
            if name != "post_write_hooks":
                yield f"[tool.alembic] {name}", repr(value)


def escaped_here(path: Path) -> str:
    """Return what ``%(here)s`` stands for, so that configparser survives a percent sign in a folder's name."""
    return path.absolute().parent.as_posix().replace("%", "%%")


def _is_resource(location: str) -> bool:
    return not os.path.isabs(location) and ":" in location


def _find(location: str, base: Path, folders: tuple[Path, ...], source: Path, option: str) -> Path:
    """Return the folder that *location* names; it may be missing only where Alembic passes over a missing one."""
    if not _is_resource(location):
        found = base / location
        if option == "script_location" and not found.is_dir():
            raise InputsError(
                what=f"script_location {location!r} of {source} is not a folder: looked at {found}",
                remedy="Write it as %(here)s/..., which does not depend on the working directory.",
                searched=(found,),
            )
        return found
    from templatedb.migrators.packages import package_folders

    package, *parts = location.split(":")
    homes = package_folders(package, folders)
    candidates = tuple(home.joinpath(*parts) for home in homes)
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    if homes:
        raise InputsError(
            what=f"{option} {location!r} of {source} is not a folder: looked at {', '.join(map(str, candidates))}",
            remedy=f"Correct {option}; a path_separator that splits at ':' splits package locations too.",
            searched=candidates,
        )
    raise InputsError(
        what=f"{option} {location!r} of {source} cannot be found: there is no package {package!r}",
        remedy="Install the package, or add its folder to python_path.",
        searched=folders,
    )
