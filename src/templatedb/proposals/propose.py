"""The story: look at a project, choose what migrates its database, and say what goes beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from templatedb.errors import InputsError, TemplateDBError
from templatedb.migrators import from_settings
from templatedb.proposals import NOT_YET, Code, Fact, Proposal, Setting, Written
from templatedb.proposals.beside import settings_beside
from templatedb.proposals.conftest_code import Sessions, fixtures
from templatedb.proposals.conftests import Conftests, conftests, hidden
from templatedb.proposals.engines import Engine, asynchronous, engines, overrides_environment
from templatedb.proposals.fixed import file_of, fixed, notes_on_fixed, overridden
from templatedb.proposals.github import github_steps
from templatedb.proposals.migrators import Choice, choose
from templatedb.proposals.models import Models, models
from templatedb.proposals.project import Project
from templatedb.proposals.pytest_lines import asyncio_is_missing, pytest_lines
from templatedb.proposals.values import Values
from templatedb.proposals.web import Application, Takes, application, dependencies
from templatedb.pytest_configuration import import_path
from templatedb.settings import from_table

_SHOWN = 10
_OTHER_CONFIGURATIONS = ("pytest.toml", ".pytest.toml", ".pytest.ini", "tox.ini", "setup.cfg")

LOOKED_FOR = """\
an alembic.ini, or [tool.alembic] in a pyproject.toml
an env.py of Alembic or Flask-Migrate
a folder of .sql files: numbered ones, golang-migrate's, dbmate's, goose's; a schema.sql
migrations of yoyo, peewee-migrate, sqlite-utils or Django
SQLAlchemy models: a DeclarativeBase, SQLModel, Flask-SQLAlchemy's db, a MetaData with tables
a function such as migrate(path)"""


def propose(root: Path) -> Proposal:
    """Return what is proposed for the project in the folder *root*; reads files, imports and runs none of them.

    Raises InputsError when nothing is found that makes a database.
    """
    project = Project(root)
    values = Values(project)
    found_models, app = models(values), application(values)
    choice = choose(values, found_models, app)
    if choice is None:
        raise _nothing(project)
    found_engines, sessions, suite = engines(values), dependencies(values), conftests(project)
    exported = _exported(found_engines, app)
    settings = _needed((*choice.settings, *settings_beside(values, choice, exported, found_models)), choice)
    waits = asynchronous(values)
    code = fixtures(
        suite,
        exported[0] if exported else None,
        app,
        sessions[0] if sessions else None,
        _holder(values, found_models),
        _kind(found_models, found_engines),
    )
    conftest = None if suite.uses_clones else code
    override = None if exported else overridden(project, suite, sessions)
    unled = [] if exported else fixed(values, found_engines, choice.settings)
    imported = [one.path for one in (app, *sessions, *exported) if one is not None]
    imported = imported or [one.path for one in found_engines[:1]] or [one.fact.path for one in found_models[:1]]
    beside: list[Fact | None] = [*(one.fact for one in found_models), *(one.fact for one in found_engines)]
    beside += [app and app.fact, *(one.fact for one in sessions), waits, *suite.facts]
    return Proposal(
        facts=tuple(dict.fromkeys([*choice.facts, *filter(None, beside)])),
        settings=settings,
        notes=(
            *choice.notes,
            *_notes(project, choice, settings, conftest),
            *notes_on_fixed(unled, override),
            *_notes_on_exported(values, exported),
        ),
        module=choice.module,
        pytest=pytest_lines(project, suite, conftest, imported),
        conftest=conftest,
        advice=_advice(suite, choice, [] if override else unled, is_async=waits is not None),
        ci=github_steps(_place_in_repository(project.root), xdist=_has_xdist(project)),
    )


def _nothing(project: Project) -> InputsError:
    inside = sorted(project.nested)[:_SHOWN]
    above = next((folder for folder in project.root.parents if (folder / "pyproject.toml").is_file()), None)
    where = f"\nThis folder is inside of {above}: templatedb init --project {above}" if above else ""
    where = f"\nProjects of their own, to be named by --project: {', '.join(inside)}." if inside else where
    listed = "".join(f"    {line}\n" for line in LOOKED_FOR.splitlines())
    return InputsError(
        what=f"nothing in {project.root} makes a database",
        remedy=f"Looked for:\n{listed}For anything else, write a function that fills the file it is given, and name it:"
        f' function = "package.module:function".{where}',
        searched=(project.root,),
    )


def _exported(found: list[Engine], app: Application | None) -> list[Engine]:
    """Return the engines that only a variable leads to a clone.

    An application factory that takes its settings gets them from a fixture, unless an engine is made at import.
    """
    exported = [one for one in found if one.variable is not None]
    is_given = app is not None and app.takes in (Takes.MAPPING, Takes.OBJECT)
    return [] if is_given and not any(one.is_at_import for one in exported) else exported


def _kind(found_models: list[Models], found_engines: list[Engine]) -> Sessions:
    """Return what the application's sessions are."""
    if any(one.base.name == "SQLModel" for one in found_models):
        return Sessions.SQLMODEL
    is_plain = bool(found_engines) and all(one.maker == "sqlite3.connect" for one in found_engines)
    return Sessions.SQLITE3 if is_plain and not found_models else Sessions.SQLALCHEMY


def _needed(settings: tuple[Setting, ...], choice: Choice) -> tuple[Setting, ...]:
    """Return *settings* without an Alembic configuration that is found anyhow, if it were the only one to be set."""
    is_set = [one.key for one in settings if one.written is Written.SET]
    found_anyhow = choice.environment is not None and choice.environment.is_found_without_settings
    return settings[1:] if found_anyhow and is_set == ["alembic"] else settings


def _holder(values: Values, found: list[Models]) -> tuple[str, str] | None:
    """Return the module and the name of Flask-SQLAlchemy's ``db``."""
    for one in found:
        path, name = one.base
        if path and re.search(rf"(?m)^{re.escape(name)}\b.*=\s*SQLAlchemy\(", values.project.text(path)):
            return values.project.module_of(path)[0], name
    return None


def _notes(project: Project, choice: Choice, settings: tuple[Setting, ...], conftest: Code | None) -> Iterator[str]:
    table = {one.key: one.value for one in settings if one.written is Written.SET}
    table = table or {one.key: one.value for one in choice.settings}
    if choice.module is None and (problem := _problem_of(table, project.root)):
        yield f"as it is, templatedb key fails: {problem}"
    if project.lost_in_src and (line := _line_for_src(project.root)):
        yield f"pytest does not find what is in src, such as {project.lost_in_src}: install the project, or {line}."
    if asyncio_is_missing(project, conftest):
        yield "the fixture needs pytest-asyncio, which is not installed here, nor named by the project."
    for fact in hidden(project, conftest):
        yield f"{fact.place}: {fact.what}: take it out."
    for folder in project.unread:
        yield f"{folder or project.root} could not be read."
    if project.is_cut:
        yield "Not all files were looked at: there are too many."


def _line_for_src(root: Path) -> str:
    """Return what leads pytest to the folder ``src``; empty where its configuration may be in yet another file."""
    entries = [*import_path(root), "src"]
    if (root / "pytest.ini").is_file():
        return f"write pythonpath = {' '.join(entries)} in pytest.ini"
    if any((root / name).is_file() for name in _OTHER_CONFIGURATIONS):
        return ""
    return f"write pythonpath = {json.dumps(entries)} under [tool.pytest.ini_options] in pyproject.toml"


def _problem_of(table: Mapping[str, object], root: Path) -> str:
    """Return why the settings *table* does not lead to a key, in a line; empty when it does."""
    try:
        settings = from_table(table, root, None)
        for _ in from_settings(settings).inputs(settings):
            pass
    except TemplateDBError as error:
        return error.line
    return ""


def _notes_on_exported(values: Values, exported: list[Engine]) -> Iterator[str]:
    if len({one.variable.name for one in exported if one.variable}) > 1:
        yield "All variables of export lead to the same database: leave out what belongs to another one."
    if exported and (fact := overrides_environment(values)) is not None:
        yield f"{fact.place}: {fact.what}."


def _advice(suite: Conftests, choice: Choice, unled: list[Engine], *, is_async: bool) -> str:
    """Return what to do where nothing is proposed for the conftest; nothing leads the engines *unled* to a clone."""
    if suite.uses_clones is not None:
        return f"{suite.uses_clones.place}: {suite.uses_clones.what}."
    asked = "clone_connection, or clone_path"
    if choice.environment is not None or any(one.key == "metadata" for one in choice.settings):
        asked = "clone_async_session, or clone_async_engine" if is_async else "clone_session, or clone_engine"
    if unled:
        opens = f"{unled[0].fact.place} opens {file_of(unled[0])}, not a clone (see its Note)"
        return f"{NOT_YET}: {opens}. A test of code that is given its database asks for {asked}."
    return f"No conftest.py is needed: a test asks for {asked}."


def _has_xdist(project: Project) -> bool:
    names = (name for name in project.files if "/" not in name and name.endswith((".toml", ".txt", ".ini", ".cfg")))
    return any("xdist" in project.text(name) for name in names)


def _place_in_repository(root: Path) -> str:
    """Return the folder of a project below its git repository; empty at the top, or outside of one."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    return "" if top == root else root.relative_to(top).as_posix()
