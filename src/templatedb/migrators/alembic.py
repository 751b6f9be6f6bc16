"""Alembic environments: every ``env.py`` unchanged, run by Alembic's own upgrade command."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from templatedb.errors import BuildError, InputsError
from templatedb.inputs import Input, file, files_below, setting
from templatedb.migrators import alembic_config, libraries, versions
from templatedb.migrators.alembic_config import AlembicConfig
from templatedb.settings import DEFAULT_REVISION, Settings

if TYPE_CHECKING:
    import configparser

    from sqlalchemy import Connection

    from templatedb.migrators.bench import Bench, Ledger, Target
    from templatedb.migrators.revisions import Revisions


_SHOWN_HEADS = 3


class UnfinishedError(BuildError):
    """Alembic came back without an error, but not with all migrations run."""


@dataclasses.dataclass(frozen=True, slots=True)
class Alembic:
    """An Alembic environment, named by its configuration file: an ``alembic.ini`` or a ``pyproject.toml``."""

    kind: ClassVar[str] = "alembic"
    config: str | os.PathLike[str] = "alembic.ini"
    revision: str = dataclasses.field(default=DEFAULT_REVISION, kw_only=True)

    def __post_init__(self) -> None:
        """Take any path-like: the fields travel to the build as text."""
        object.__setattr__(self, "config", os.fspath(self.config))

    def __str__(self) -> str:
        """Name the configuration by its last two parts, and an earlier revision: enough to tell two templates apart."""
        target = "" if self.revision == DEFAULT_REVISION else f" at {self.revision}"
        return "/".join(Path(self.config).parts[-2:]) + target

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield the options, every file of the script and version locations, and the library versions.

        Raises InputsError when there is not one revision and no setting ``inputs`` either: such a key would never
        change.
        """
        config = self._read(settings.root, settings.import_folders)
        files = list(self._files(config, settings.root))
        if not settings.inputs and not config.has_revisions(path for _, path in files):
            raise InputsError(
                what="no migrations found in " + ", ".join(str(folder) for _, folder in config.version_folders),
                remedy=f"Correct script_location or version_locations in {config.ini or config.toml}, or, where env.py"
                " chooses the locations itself, name them in the setting 'inputs'.",
                searched=tuple(folder for _, folder in config.version_folders),
            )
        yield setting("alembic", True)
        yield setting("revision", self.revision)
        for name, value in config.options:
            yield setting(name, value)
        yield from libraries()
        for name, path in files:
            yield file(name, path)

    def _files(self, config: AlembicConfig, root: Path) -> Iterator[tuple[str, str]]:
        """Yield name and path of each file once; the name starts at the location: no absolute path ever counts.

        A script folder that holds the whole project counts with its env.py only, else every edit would rebuild.
        """
        seen: set[tuple[int, int]] = set()
        holds_project = root.absolute().is_relative_to(config.script_folder.absolute())
        script = (
            [("env.py", str(config.script_folder / "env.py"))]
            if holds_project
            else files_below(config.script_folder, seen)
        )
        located = [("script", script)]
        located += [
            (f"versions {n}", files_below(folder, seen)) for n, (_, folder) in enumerate(config.version_folders)
        ]
        if config.sourceless:
            compiled = ((path.name, str(path)) for path in config.revision_files if path.suffix == ".pyc")
            located.append(("compiled", compiled))
        for label, files in located:
            for name, path in files:
                yield f"{label}/{name}", path

    def migrate(self, target: Target, bench: Bench) -> Ledger | None:
        """Run ``alembic upgrade`` as its command line does, with the URL in every place an env.py may look.

        Raises UnfinishedError when env.py ended before the migrations did.
        """
        from alembic import command
        from alembic.config import CommandLine, Config

        from templatedb.migrators.bench import Way, exits_only_in_failure
        from templatedb.urls import sqlite_url

        config = self._read(target.root, target.import_folders)
        if config.url is not None:
            bench.replaces(config.url)
        for path in filter(None, (config.ini, config.toml)):
            bench.covers(path)
        os.chdir(config.working_directory)
        # The options of a real command line: env.py files read config.cmd_opts (x arguments, autogenerate).
        options = CommandLine(prog="alembic").parser.parse_args(["upgrade", self.revision])
        where: dict[str, Path] = {"toml_file": config.toml} if config.toml else {}
        # Who has the ini in a subfolder runs Alembic there, so "." means that folder too.
        sys.path += [str(config.home / entry) for entry in config.prepended]
        alembic = Config(config.ini and str(config.ini), cmd_opts=options, **where)  # type: ignore[arg-type]  # Path is fine
        if config.ini and "%" in str(config.ini.absolute().parent):
            vars(alembic)["file_config"] = _parser(config.ini)
        asked = alembic.file_config.get("alembic", "sqlalchemy.url", raw=True, fallback=None)
        url = sqlite_url(target.path, target.way.driver(asked))
        alembic.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        with exits_only_in_failure():
            if target.way is not Way.CONNECTION:
                command.upgrade(alembic, self.revision)
            else:
                with _shared_connection(sqlite_url(target.path)) as connection:
                    alembic.attributes["connection"] = connection
                    command.upgrade(alembic, self.revision)
        ledger = self._ledger(bench.revisions)
        if self.revision == DEFAULT_REVISION and (heads := bench.revisions.heads_by_accident()):
            bench.notice(
                f"the history of {self} has {len(heads)} heads, {_listed(heads)}: all were applied"
                " (alembic merge heads makes them one; give each a branch label if they are to stay apart)"
            )
        return ledger

    def _ledger(self, revisions: Revisions) -> Ledger | None:
        from templatedb.migrators.bench import Ledger

        if revisions.version_table is None:
            raise UnfinishedError(
                what="env.py ended without running the migrations",
                remedy="It must call context.run_migrations() before it returns, also where an event loop is running"
                " already.",
            )
        if missing := revisions.missing(self.revision):
            raise UnfinishedError(
                what=f"the migrations ended before {self.revision!r}: {len(missing)} not run, first {missing[0]}",
                remedy="Look at what env.py passes to context.configure().",
            )
        if not revisions.heads and self.revision != "base":
            return None  # no revision was found: that no table was made is for `verify` to say
        return Ledger(
            table=revisions.version_table, columns=("version_num",), rows=tuple((head,) for head in revisions.heads)
        )

    def _read(self, root: Path, import_folders: tuple[Path, ...]) -> AlembicConfig:
        version = versions.as_numbers(versions.installed("alembic"))
        return alembic_config.read(root / self.config, root, import_folders, version)


def _listed(heads: tuple[str, ...]) -> str:
    """Return the first three of several *heads*, and the number of the others."""
    *first, last = heads if len(heads) <= _SHOWN_HEADS else (*heads[:_SHOWN_HEADS], f"{len(heads) - _SHOWN_HEADS} more")
    return f"{', '.join(first)} and {last}"


def _parser(ini: Path) -> configparser.ConfigParser:
    """Parse *ini* as Alembic does, but for a percent sign in its folder's name, which ends Alembic itself."""
    import configparser

    parser = configparser.ConfigParser({"here": alembic_config.escaped_here(ini)})
    parser.read(ini, encoding="utf-8")
    return parser


@contextlib.contextmanager
def _shared_connection(url: str) -> Iterator[Connection]:
    """Open the connection that goes into Alembic's ``config.attributes["connection"]``, outside any transaction.

    Some env.py files expect an Engine under that name and call ``connect()`` on it; this connection answers that call
    with itself. What is left uncommitted is committed at the end, as the caller of the cookbook's recipe does.
    """
    from sqlalchemy import create_engine, pool

    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:

        def connect(_self: Connection = connection) -> contextlib.AbstractContextManager[Connection]:
            return contextlib.nullcontext(_self)

        connection.connect = connect  # type: ignore[attr-defined]
        yield connection
        connection.commit()
    engine.dispose()
