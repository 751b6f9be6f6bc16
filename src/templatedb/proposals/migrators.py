"""Which of all that was found migrates the database: Alembic, another tool, SQL files, or the models alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from templatedb.conventions.source import imports
from templatedb.migrators import objects
from templatedb.migrators.sql_names import Dialect
from templatedb.proposals import Code, Fact, Setting, migrate_code
from templatedb.proposals.environments import Environment, Kind, environments
from templatedb.proposals.folders import SqlFiles, sql_folders
from templatedb.proposals.models import Models
from templatedb.proposals.tools import Migrating, Tool, migrating_functions, tools, version_writer
from templatedb.proposals.values import Values
from templatedb.proposals.web import Application, Takes

_TOOLS = {
    Kind.FLASK_MIGRATE: "Flask-Migrate",
    Kind.ADVANCED_ALCHEMY: "advanced-alchemy",
    Kind.UNCONFIGURED: "Alembic",
}
_RECIPES = {
    "yoyo": "yoyo",
    "peewee-migrate": "peewee_migrate",
    "sqlite-utils": "sqlite_utils",
    "Flask-Migrate": "flask_migrate",
    "Alembic": "flask_migrate_like",
    "advanced-alchemy": "litestar_advanced_alchemy",
    "Django": "django_migrate",
}
"""The folders of conftest_examples/ that show the whole of it."""
_SEVERAL = "Two databases in one run are shown in templatedb's conftest_examples/code_built_template."
_MIGRATING = frozenset({"connect", "executescript", "create_all", "upgrade", "call_command", "apply_migrations", "run"})
_SHOWN, _NAMED = 10, 3


class Choice(NamedTuple):
    """What migrates the database, and what was found beside it."""

    settings: tuple[Setting, ...]
    facts: tuple[Fact, ...]
    notes: tuple[str, ...] = ()
    module: Code | None = None
    python_path: tuple[str, ...] = ()
    """Folders that the build needs on its import path besides the usual ones."""
    environment: Environment | None = None


def choose(values: Values, found_models: list[Models], application: Application | None) -> Choice | None:
    """Return what migrates the project's database, the surest kind first; None when there is nothing."""
    project = values.project
    alembic = environments(project)
    others = tools(values)
    theirs = [one.script for one in alembic if one.script is not None]
    theirs += [project.root / one.folder for one in others if one.folder not in ("", ".")]
    sql, problems = sql_folders(project, without=tuple(theirs))
    marked = [one for one in sql if one.dialect is not Dialect.PLAIN]
    plain = [one for one in sql if one.dialect is Dialect.PLAIN]
    if alembic:
        choice = _of_alembic(values, alembic, application)
    elif others and others[0].name != "Django":
        choice = _of_tool(values, others[0])
    elif marked:
        choice = _of_sql(values, marked)
    elif others:
        choice = _of_tool(values, others[0])
    elif plain:
        choice = _of_sql(values, plain)
    elif found_models:
        choice = _of_models(values, found_models)
    elif functions := migrating_functions(values, _MIGRATING):
        choice = _of_function(functions[0])
        choice = choice._replace(notes=tuple(f"{one.fact.place}: {one.fact.what}, too." for one in functions[1:_SHOWN]))
    else:
        return None
    beside = [*(one.fact for one in others), *(one.fact for one in sql)][:_SHOWN]
    facts = tuple(dict.fromkeys([*choice.facts, *beside]))
    return choice._replace(facts=facts, notes=(*choice.notes, *problems[:_SHOWN]))


def _of_alembic(values: Values, found: list[Environment], application: Application | None) -> Choice:
    chosen, *rest = found
    facts = tuple(one.fact for one in found[:_SHOWN])
    notes = chosen.notes
    if rest:
        more = f" and {len(rest) - _NAMED} more" if len(rest) > _NAMED else ""
        named = ", ".join(one.fact.path for one in rest[:_NAMED]) + more
        near = f"{chosen.fact.path} is the nearest to this folder; there is also {named}."
        notes += (f"{near} For one of them: templatedb init --project DIR. {_SEVERAL}",)
    if chosen.kind is Kind.ALEMBIC:
        setting = Setting("alembic", chosen.config)
        return Choice((setting,), facts, notes, python_path=_missing(values, chosen), environment=chosen)
    folder = _folder(values, chosen)
    inputs = () if os.path.isabs(folder) else (Setting("inputs", (folder,)),)
    functions = migrating_functions(values, frozenset({"upgrade"}))
    tool = _TOOLS[chosen.kind]
    if functions:
        choice = _of_function(functions[0], *inputs)
        return choice._replace(facts=(*facts, *choice.facts), notes=(*notes, *_recipe(tool)), environment=chosen)
    name = migrate_code.free_module(values.project)
    if chosen.kind is Kind.UNCONFIGURED:
        module = migrate_code.with_alembic(name, folder)
        path = _missing(values, chosen)
    elif chosen.kind is Kind.ADVANCED_ALCHEMY:
        env = chosen.env
        module = migrate_code.with_advanced_alchemy(
            name, chosen.config, folder, asyncio=b"asyncio" in env.data if env else False
        )
        path = _missing(values, chosen)
    else:
        module = migrate_code.with_flask(name, application, folder)
        path = _folder_for(values, application.path if application else "")
        notes += _about_factory(module, application)
    setting = Setting("function", f"{name}:migrate", f"to be added: {module.path}")
    return Choice((setting, *inputs), facts, (*notes, *_recipe(tool)), module, path, chosen)


def _about_factory(module: Code, application: Application | None) -> tuple[str, ...]:
    if application is None:
        return (f"no Flask application was found: complete {module.path} with yours.",)
    if application.takes is Takes.SOMETHING:
        return (f"{application.fact.place}: {application.name} wants arguments: complete {module.path} with yours.",)
    return ()


def _of_tool(values: Values, tool: Tool) -> Choice:
    notes = _recipe(tool.name)
    is_folder = tool.name != "Django" and tool.folder and (values.project.root / tool.folder).is_dir()
    inputs = (Setting("inputs", (tool.folder,)),) if is_folder else ()
    if functions := migrating_functions(values, tool.calls):
        choice = _of_function(functions[0], *inputs)
        return choice._replace(facts=(tool.fact, *choice.facts), notes=notes)
    name = migrate_code.free_module(values.project)
    module = migrate_code.with_tool(name, tool)
    path = _folder_for(values, tool.fact.path) if tool.name == "sqlite-utils" else ()
    if tool.name == "Django" and tool.folder != ".":
        path = (tool.folder,)
    setting = Setting("function", f"{name}:migrate", f"to be added: {module.path}")
    return Choice((setting, *inputs), (tool.fact,), notes, module, path)


def _of_sql(values: Values, found: list[SqlFiles]) -> Choice:
    chosen, *rest = found
    notes = chosen.notes
    if rest:
        notes += (f"{chosen.fact.path} is taken; there is also {', '.join(one.fact.path for one in rest[:_SHOWN])}.",)
    if chosen.dialect is Dialect.PLAIN:
        functions = migrating_functions(values, frozenset({"executescript", "executemany", "execute"}))
        if functions:
            taken = f"{functions[0].target} is taken, for the application migrates by it"
            note = f'{taken}; the files alone would be sql = "{chosen.folder}".'
            inputs = [Setting("inputs", (chosen.folder,))] if chosen.folder != "." else []
            choice = _of_function(functions[0], *inputs)
            return choice._replace(facts=(chosen.fact, *choice.facts), notes=(*notes, note))
    notes += _about_runner(values, chosen)
    if chosen.has_strangers:
        name = migrate_code.free_module(values.project)
        module = migrate_code.with_schema(name, chosen.fact.path)
        settings = (
            Setting("function", f"{name}:migrate", f"to be added: {module.path}"),
            Setting("inputs", (chosen.fact.path,)),
        )
        return Choice(settings, (chosen.fact,), notes, module)
    return Choice((Setting("sql", chosen.folder),), (chosen.fact,), notes)


def _about_runner(values: Values, chosen: SqlFiles) -> tuple[str, ...]:
    """Return what is to be told of a project that runs its SQL files by itself, and counts them in ``user_version``."""
    writer = version_writer(values)
    folder = values.project.root / chosen.folder
    if writer is None or any(b"user_version" in (folder / name).read_bytes() for name in chosen.files):
        return ()
    functions = migrating_functions(values, _MIGRATING)
    runner = 'function = "package.module:name", a def name(path) that calls the project\'s own runner'
    if functions:
        runner = f'function = "{functions[0].target}", the project\'s own runner'
    return (f"{writer.place} {writer.what}, which SQL files alone leave at 0: use {runner}.",)


def _of_models(values: Values, found: list[Models]) -> Choice:
    chosen, *rest = found
    notes: tuple[str, ...] = ()
    if rest:
        also = ", ".join(one.fact.place for one in rest[:_SHOWN])
        notes += (f"{chosen.fact.place} has most tables; there is also {also}. {_SEVERAL}",)
    if chosen.target:
        path = (chosen.python_path,) if chosen.python_path else ()
        return Choice((Setting("metadata", chosen.target),), (chosen.fact,), notes, python_path=path)
    project = values.project
    named = {
        path: project.module_of(path) for path in dict.fromkeys([*filter(None, [chosen.base.path]), *chosen.tables])
    }
    name = migrate_code.free_module(project)
    base_module = named[chosen.base.path][0] if chosen.base.path else "sqlmodel"
    module = migrate_code.with_imports(
        name, chosen.base.name, base_module, sorted(module for module, _ in named.values())
    )
    attribute = chosen.base.name if chosen.is_metadata else f"{chosen.base.name}.metadata"
    setting = Setting("metadata", f"{name}:{attribute}", f"to be added: {module.path}")
    folders = tuple(dict.fromkeys(folder for _, folder in named.values() if folder))
    notes += ("no module imports all of the models, so that metadata would lack tables: hence one more module.",)
    return Choice((setting,), (chosen.fact,), notes, module, folders)


def _of_function(chosen: Migrating, *more: Setting) -> Choice:
    path = (chosen.python_path,) if chosen.python_path else ()
    return Choice((Setting("function", chosen.target), *more), (chosen.fact,), python_path=path)


def _recipe(tool: str) -> tuple[str, ...]:
    folder = _RECIPES.get(tool)
    note = f"A small project with {tool} and its tests is in templatedb's conftest_examples/{folder}."
    return (note,) if folder else ()


def _folder(values: Values, environment: Environment) -> str:
    script = environment.script or values.project.root
    return values.project.name_of(script) or os.fspath(script)


def _folder_for(values: Values, path: str) -> tuple[str, ...]:
    folder = values.project.module_of(path)[1] if path else ""
    return (folder,) if folder else ()


def _missing(values: Values, environment: Environment) -> tuple[str, ...]:
    """Return ``src`` where ``env.py`` imports from it and nothing else leads there."""
    env, project = environment.env, values.project
    folders = (*environment.prepended, *project.settings.import_folders)
    names = {one.module.partition(".")[0] for one in (imports(env.tree) if env and env.tree else ())}
    lost = (name for name in names if name and objects.source_of(name, folders) is None)
    sources = project.root / "src"
    return ("src",) if any(_is_module(sources / name) for name in lost) else ()


def _is_module(path: Path) -> bool:
    return path.is_dir() or path.with_name(f"{path.name}.py").is_file()
