"""Where the settings are: ``[tool.templatedb]``, ``templatedb.toml``, or a bare Alembic configuration.

Reading is parsing only: nothing of the project is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from templatedb import toml
from templatedb.errors import READ_REMEDY, SettingsError
from templatedb.settings import Settings, from_table


def find(start: Path) -> Settings:
    """Read the settings nearest to the folder *start*, looking there and in every folder above.

    Raises SettingsError when there are none, when two files of one folder hold settings, or when a setting is wrong.
    """
    start = start.absolute()
    if (found := nearest(start)) is not None:
        return found
    raise SettingsError(
        what=f"no settings found from {start} upwards: no [tool.templatedb], no templatedb.toml, no alembic.ini",
        remedy="Run templatedb init, which looks at the project and proposes its settings. By hand:\n"
        + _proposal(start),
    )


_NEAR = 0.9
"""How alike a table's name is to ours when it is taken for a misspelt one."""
_PROJECT_FILES = ("pyproject.toml", "pytest.ini", "pytest.toml", "tox.ini", "setup.cfg", "setup.py", ".git")


def nearest(start: Path) -> Settings | None:
    """Read the settings nearest to the absolute folder *start*; None when there are none from there upwards.

    A bare Alembic configuration in a plain subfolder belongs to the project above it, so a settings table there wins;
    not so in a folder that is a project of its own (a ``pyproject.toml``, a ``pytest.ini`` ...): in a repository with
    several services each has its own database. Raises SettingsError when a setting is wrong.
    """
    bare: Settings | None = None
    for folder in (start, *start.parents):
        if (table := _table_in(folder)) is not None:
            return table
        if bare is None and (name := _alembic_beside(folder)) is not None:
            bare = Settings(root=folder, source=folder / name, alembic=name)
            if any((folder / marker).exists() for marker in _PROJECT_FILES):
                return bare
    return bare


def _proposal(start: Path) -> str:
    """Say what to write, naming an ``alembic.ini`` that stands one or two folders below *start*."""
    below = sorted((*start.glob("*/alembic.ini"), *start.glob("*/*/alembic.ini")))
    if below and needs_flask(below[0].parent):
        return FLASK_REMEDY
    value = below[0].relative_to(start).as_posix() if below else "path/to/alembic.ini"
    table = f'    [tool.templatedb]\n    alembic = "{value}"'
    return f"Add to pyproject.toml:\n{table}\n{_OTHERS}"


_OTHERS = """\
or, for a folder of SQL files:
    sql = "path/to/migrations"
or, for create_all or an application factory:
    function = "templatedb_build:migrate"  # def migrate(path): fill the file
    inputs = ["models.py"]"""


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
        from yourapp import create_app
        with create_app().app_context():
            upgrade()
Where the application reads its URL from a variable: url_env = ["SQLALCHEMY_DATABASE_URI"]. Where create_app takes
it: create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"})."""


FILE_REMEDY = "Correct that place of the file."


def _table_in(folder: Path) -> Settings | None:
    own, pyproject = folder / "templatedb.toml", folder / "pyproject.toml"
    tools = _read_toml(pyproject).get("tool", {}) if pyproject.is_file() else {}
    table = tools.get("templatedb") if isinstance(tools, dict) else None
    if table is None:
        _refuse_misspelt(tools, pyproject)
    if own.is_file():
        if table is not None:
            raise SettingsError(
                what=f"two settings in one folder: {own} and [tool.templatedb] in {pyproject}",
                remedy="Keep one of them.",
                source=own,
            )
        content = _read_toml(own)
        if content.keys() == {"tool"}:
            raise SettingsError(
                what=f"{own} has a table [tool.templatedb]: in that file the settings stand in none",
                remedy="Remove the line [tool.templatedb], or move the table to pyproject.toml.",
                source=own,
            )
        return _with_migrator(from_table(content, folder, own))
    return None if table is None else _with_migrator(from_table(table, folder, pyproject))


def _refuse_misspelt(tools: object, source: Path) -> None:
    """Raise SettingsError for a table that was meant to be ours: a bare alembic.ini would be taken, without a word."""
    for name in tools if isinstance(tools, dict) else ():
        if name.replace("_", "-") == "pytest-templatedb" or (name != "templatedb" and _is_near(name)):
            raise SettingsError(
                what=f"{source} has a table [tool.{name}], which nobody reads",
                remedy="Did you mean [tool.templatedb]?",
                source=source,
            )


def _is_near(name: str) -> bool:
    import difflib

    return name[:4] == "temp" and difflib.SequenceMatcher(None, name, "templatedb").ratio() > _NEAR


def _with_migrator(settings: Settings) -> Settings:
    """Return *settings* with the Alembic configuration beside them where they name no migrator."""
    if settings.has_migrator:
        return settings
    if (name := _alembic_beside(settings.root)) is None:
        raise SettingsError(
            what=f"no migrator in {settings.source}, and no alembic.ini beside it",
            remedy=_proposal(settings.root),
            source=settings.source,
        )
    return settings._replace(alembic=name)


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
        return toml.read(path)
    except ValueError as error:
        raise SettingsError(what=f"{path} is not valid TOML: {error}", remedy=FILE_REMEDY, source=path) from error
    except OSError as error:
        raise SettingsError(what=f"{path} cannot be read: {error.strerror}", remedy=READ_REMEDY, source=path) from error
