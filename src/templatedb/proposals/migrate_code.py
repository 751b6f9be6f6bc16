"""A module with the function that migrates, for projects that have none: a draft for the user to complete."""

from __future__ import annotations

import json
import textwrap
from string import Template

from templatedb.migrators.objects import DRAFTS
from templatedb.proposals import Code
from templatedb.proposals.project import Project
from templatedb.proposals.tools import Tool
from templatedb.proposals.web import Application, Takes

_FLASK = Template("""\
from flask_migrate import upgrade

from $module import $name


def migrate(path):
$before    with $application.app_context():
        upgrade($directory)
""")

_ALEMBIC = Template("""\
from alembic import command
from alembic.config import Config


def migrate(path):
    config = Config()
    config.set_main_option("script_location", $folder)
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    command.upgrade(config, "heads")
""")

_ADVANCED_ALCHEMY = Template("""\
from advanced_alchemy.alembic.commands import AlembicCommands
from advanced_alchemy.config import Alembic${kind}Config, SQLAlchemy${kind}Config


def migrate(path):
    scripts = Alembic${kind}Config(script_config=$config, script_location=$folder)
    database = SQLAlchemy${kind}Config(connection_string=f"$driver:///{path}", alembic_config=scripts)
    AlembicCommands(database).upgrade()
""")

_TOOLS = {
    "yoyo": Template("""\
from urllib.parse import quote

from yoyo import get_backend, read_migrations


def migrate(path):
    migrations = read_migrations($folder)
    with get_backend(f"sqlite:///{quote(path)}") as backend, backend.lock():
        backend.apply_migrations(backend.to_apply(migrations))
"""),
    "peewee-migrate": Template("""\
from peewee import SqliteDatabase
from peewee_migrate import Router


def migrate(path):
    database = SqliteDatabase(path)
    with database.connection_context():
        Router(database, migrate_dir=$folder).run()
"""),
    "sqlite-utils": Template("""\
from sqlite_utils import Database

from $module import $name


def migrate(path):
    with Database(path) as database:
        $name.apply(database)
"""),
    "Django": Template("""\
import os

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections


def migrate(path):
    os.environ["DJANGO_SETTINGS_MODULE"] = $quoted
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path}}
    django.setup()
    call_command("migrate", verbosity=0)
    connections.close_all()
"""),
}

_SCHEMA = Template("""\
import contextlib
import sqlite3
from pathlib import Path


def migrate(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(Path($file).read_text(encoding="utf-8"))
""")


def free_module(project: Project) -> str:
    """Return a name for a module in the project's folder that none there has."""
    return next((name for name in DRAFTS if f"{name}.py" not in project.files), DRAFTS[0])


def with_flask(name: str, application: Application | None, folder: str) -> Code:
    """Return the module *name* for Flask-Migrate, whose ``env.py`` works only inside an application."""
    before, made = application_on('f"sqlite:///{path}"', application)
    text = _FLASK.substitute(
        module=application.module if application else "yourapp",
        name=application.name if application else "create_app",
        before=textwrap.indent(before, "    "),
        application=made,
        directory="" if folder == "migrations" else f"directory={_quoted(folder)}",
    )
    return Code(f"{name}.py", text)


def application_on(url: str, application: Application | None, *options: str) -> tuple[str, str]:
    """Return the lines before, and the expression, that make Flask's *application* on the database *url*.

    *options* are names of settings to be true, where the application takes settings at all.
    """
    takes = Takes.NOTHING if application is None else application.takes
    name = "create_app" if application is None else application.name
    match takes:
        case None:
            return "", name
        case Takes.MAPPING:
            entries = [f'"SQLALCHEMY_DATABASE_URI": {url}', *(f'"{option}": True' for option in options)]
            return "", f"{name}({{{', '.join(entries)}}})"
        case Takes.OBJECT:
            lines = ["class Settings:", f"    SQLALCHEMY_DATABASE_URI = {url}"]
            lines += [f"    {option} = True" for option in options]
            return "\n".join([*lines, "", ""]), f"{name}(Settings)"
        case Takes.NOTHING | Takes.SOMETHING:
            return "", f"{name}()"


def with_alembic(name: str, folder: str) -> Code:
    """Return the module *name* for an Alembic environment that has no configuration file."""
    return Code(f"{name}.py", _ALEMBIC.substitute(folder=_quoted(folder)))


def with_advanced_alchemy(name: str, config: str, folder: str, *, asyncio: bool) -> Code:
    """Return the module *name* for advanced-alchemy, whose ``env.py`` awaits or does not."""
    kind, driver = ("Async", "sqlite+aiosqlite") if asyncio else ("Sync", "sqlite")
    text = _ADVANCED_ALCHEMY.substitute(kind=kind, config=_quoted(config), folder=_quoted(folder), driver=driver)
    return Code(f"{name}.py", text)


def with_tool(name: str, tool: Tool) -> Code:
    """Return the module *name* for *tool*."""
    text = _TOOLS[tool.name].substitute(
        folder=_quoted(tool.folder), module=tool.module, quoted=_quoted(tool.module), name=tool.attribute
    )
    return Code(f"{name}.py", text)


def with_schema(name: str, file: str) -> Code:
    """Return the module *name* for a schema that stands in one SQL file beside others."""
    return Code(f"{name}.py", _SCHEMA.substitute(file=_quoted(file)))


def with_imports(name: str, base: str, base_module: str, modules: list[str]) -> Code:
    """Return a module that imports the *modules* of all models, for no module of the project does."""
    lines = [f"import {module}  # noqa: F401" for module in modules]
    return Code(f"{name}.py", "\n".join([*lines, f"from {base_module} import {base}  # noqa: F401", ""]))


def _quoted(text: str) -> str:
    """Return *text* as a string in Python source, whatever stands in it."""
    return json.dumps(text, ensure_ascii=False)
