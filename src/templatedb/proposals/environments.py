"""Alembic's environments, as ``alembic init`` or ``flask db init`` made them, or with no configuration at all."""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from templatedb import toml
from templatedb.conventions.source import Source
from templatedb.errors import TemplateDBError
from templatedb.migrators import alembic_config, versions
from templatedb.proposals import Fact
from templatedb.proposals.project import Project, folder_of, is_test
from templatedb.proposals.variables import Variable, read_of
from templatedb.search import needs_flask
from templatedb.summary import count

_IS_SQLITE = re.compile(r"sqlite|driver://")
"""URLs that are SQLite's, and the one that ``alembic init`` writes to be replaced."""


class Kind(enum.Enum):
    """What an environment needs to be run."""

    ALEMBIC = enum.auto()
    """Its configuration file."""
    FLASK_MIGRATE = enum.auto()
    """The application."""
    ADVANCED_ALCHEMY = enum.auto()
    """The configuration in code whose attributes its ``env.py`` reads."""
    UNCONFIGURED = enum.auto()
    """The script folder: the application configures Alembic in code."""


class Environment(NamedTuple):
    """One Alembic environment."""

    kind: Kind
    config: str
    """The configuration file; empty where there is none."""
    fact: Fact
    script: Path | None = None
    """The folder of ``env.py``; None where the configuration does not lead to it."""
    prepended: tuple[Path, ...] = ()
    """Folders that the configuration puts on the import path."""
    notes: tuple[str, ...] = ()
    """What does not work as it is."""

    @property
    def is_found_without_settings(self) -> bool:
        """Whether it stands where `search` finds it by itself."""
        return self.kind is Kind.ALEMBIC and self.config in ("alembic.ini", "pyproject.toml")

    @property
    def env(self) -> Source | None:
        """The ``env.py``."""
        path = None if self.script is None else self.script / "env.py"
        return Source(path) if path is not None and path.is_file() else None


def environments(project: Project) -> list[Environment]:
    """Return the environments of *project*, nested projects included, those nearest to its folder first."""
    configured = [_configured(project, name) for name in _configurations(project)]
    claimed = {one.script.resolve() for one in configured if one.script is not None}
    scripts = [name for name in project.files if PurePosixPath(name).name == "env.py" and not is_test(name)]
    histories = {folder_of(name) for name in project.files if name.endswith(".py")}
    bare = [
        _unconfigured(project, name)
        for name in scripts
        if f"{folder_of(name)}/versions".removeprefix("./") in histories
        and (project.root / name).parent.resolve() not in claimed
        and re.search(r"\balembic\b", project.text(name))
    ]
    return sorted(configured + bare, key=lambda one: (one.fact.path.count("/"), not one.config, one.fact.path))


def _configurations(project: Project) -> Iterator[str]:
    """Yield the files that configure Alembic; of two in one folder the ini, with which Alembic reads the other one."""
    found = [name for name in project.files if not is_test(name) and _has_section(project, name)]
    folders = {folder_of(name) for name in found if name.endswith(".ini")}
    return (name for name in found if name.endswith(".ini") or folder_of(name) not in folders)


def _has_section(project: Project, name: str) -> bool:
    if name.endswith(".ini"):
        return bool(project.line_of(name, r"\[alembic\]"))
    if PurePosixPath(name).name != "pyproject.toml" or "alembic" not in project.text(name):
        return False
    try:
        return "alembic" in toml.read(project.root / name).get("tool", {})
    except (ValueError, OSError):
        return False  # another project's: ours is refused before anything is looked for


def _configured(project: Project, name: str) -> Environment:
    path = project.root / name
    if needs_flask(path.parent):
        return _flask(name, path.parent)
    line = project.line_of(name, r"\s*script_location\s*[=:]") or project.line_of(name, r"\[(tool\.)?alembic")
    try:
        found = alembic_config.read(
            path, project.root, project.settings.import_folders, versions.as_numbers(versions.installed("alembic"))
        )
    except TemplateDBError:  # told when the settings are checked
        return Environment(Kind.ALEMBIC, name, Fact(name, line, "Alembic"))
    if needs_flask(found.script_folder):
        return _flask(name, found.script_folder)
    if _needs_advanced_alchemy(found.script_folder):
        what = "Alembic of advanced-alchemy: env.py needs the configuration in code"
        return Environment(Kind.ADVANCED_ALCHEMY, name, Fact(name, line, what), found.script_folder)
    what = f"Alembic, scripts in {project.name_of(found.script_folder) or found.script_folder}"
    number = len(found.revision_files)
    notes: tuple[str, ...] = ()
    if found.url is not None and not _IS_SQLITE.match(found.url) and "%(" not in found.url:
        url_line = project.line_of(name, r"\s*sqlalchemy\.url\s*[=:]")
        kind = found.url.partition(":")[0]
        note = f"{name}:{url_line}: sqlalchemy.url is of {kind}; templatedb has env.py migrate an SQLite file instead."
        notes += (note,)
    return Environment(
        Kind.ALEMBIC,
        name,
        Fact(name, line, f"{what}, {count(number, 'revision')}"),
        script=found.script_folder,
        prepended=tuple(base / entry for base in (project.root, found.home) for entry in found.prepended),
        notes=notes,
    )


def _needs_advanced_alchemy(script: Path) -> bool:
    """Whether the ``env.py`` in the folder *script* reads attributes that no Alembic configuration has."""
    env = Source(script / "env.py").data
    return b"advanced_alchemy" in env and b"config.db_url" in env


def _flask(name: str, script: Path) -> Environment:
    return Environment(Kind.FLASK_MIGRATE, name, Fact(name, 0, "Flask-Migrate: env.py needs the application"), script)


def _unconfigured(project: Project, name: str) -> Environment:
    script = (project.root / name).parent
    if needs_flask(script):
        return _flask(name, script)._replace(config="")
    return Environment(
        Kind.UNCONFIGURED, "", Fact(name, 0, "an Alembic environment without a configuration file"), script
    )


def variables_of(env: Source, path: str) -> list[Variable]:
    """Return the variables of the environment that an ``env.py`` reads itself, each once."""
    reads = (read_of(node, path) for node in (ast.walk(env.tree) if env.tree else ()))
    return list({read.name: read for read in reads if read is not None}.values())
