"""Other migration tools, and functions of the project itself that migrate the file they are given."""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from templatedb.conventions.source import FUNCTIONS, chain_of
from templatedb.proposals import Fact
from templatedb.proposals.names import at_import
from templatedb.proposals.project import Project, folder_of
from templatedb.proposals.values import Values

_NAME = re.compile(
    r"migrate|upgrade|build_|create_(?:tables|schema|db|database|all)|(?:init|setup|prepare)_(?:db|database|schema)"
)
_WRITES_VERSION = re.compile(r"pragma\s+(?:\w+\.)?user_version\s*[=(]", re.IGNORECASE)
_PARAMETER = re.compile(r"(?:.*_)?(?:path|file|filename)")


_OF_DJANGO = frozenset({"call_command"})


class Tool(NamedTuple):
    """A migration tool that the project uses."""

    name: str
    fact: Fact
    folder: str = ""
    """Where its migrations are, if they are files of a folder."""
    module: str = ""
    """What is to be imported: the module of the migrations, or of the settings."""
    attribute: str = ""
    calls: frozenset[str] = frozenset()
    """What a function that migrates with it calls."""


class Migrating(NamedTuple):
    """A function of the project that takes the path of a file and migrates it."""

    fact: Fact
    target: str
    python_path: str


def tools(values: Values) -> list[Tool]:
    """Return the migration tools, besides Alembic and SQL files, that the project uses."""
    project = values.project
    return [*_yoyo(project), *_peewee(project), *_sqlite_utils(project), *_django(project)]


def migrating_functions(values: Values, calls: frozenset[str]) -> list[Migrating]:
    """Return the functions that take the path of a file and call one of *calls*, by themselves or through another."""
    found = []
    for path in values.project.mentioning(r"def\s+\w*(?:migrate|upgrade|build_|create_|init_|setup_|prepare_)"):
        for node in at_import(values.project.source(path).body):
            if not isinstance(node, FUNCTIONS) or not _NAME.search(node.name) or not _takes_a_path(node):
                continue
            if calls & set(_called(node, path, values)):
                module, folder = values.project.module_of(path)
                what = f"{node.name}({node.args.args[0].arg}) migrates the file it is given"
                found.append(Migrating(Fact(path, node.lineno, what), f"{module}:{node.name}", folder))
    return sorted(found, key=lambda one: (one.fact.path.count("/"), one.fact))


def _takes_a_path(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if any(isinstance(node, ast.Yield) for node in ast.walk(function)):
        return False  # a context manager, or a fixture
    required = len(function.args.args) - len(function.args.defaults)
    lacks = any(default is None for default in function.args.kw_defaults)
    return required <= 1 and not lacks and any(_PARAMETER.fullmatch(one.arg) for one in function.args.args[:1])


def _called(function: ast.AST, path: str, values: Values, hops: int = 2) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and (chain := chain_of(node.func)):
            yield chain[-1]
            place = values.place_of(path, chain)
            definition = None if place is None else values.definition_at(place)
            if place is not None and isinstance(definition, FUNCTIONS) and hops:
                yield from _called(definition, place.path, values, hops - 1)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr  # Router(...).run()


def version_writer(values: Values) -> Fact | None:
    """Return where the project's Python writes ``pragma user_version``, as a migration runner of its own does."""
    project = values.project
    for path in project.mentioning(r"(?i)user_version"):
        tree = project.source(path).tree
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = _WRITES_VERSION.search(node.value)
                if found is not None:
                    return Fact(path, node.lineno + node.value.count("\n", 0, found.start()), "writes user_version")
    return None


def _yoyo(project: Project) -> Iterator[Tool]:
    calls = frozenset({"apply_migrations", "apply_one"})
    for name in project.files:
        if name.rpartition("/")[2] == "yoyo.ini" and not project.home_of(name):
            sources = _sources_of(project.text(name)).replace("%(here)s", folder_of(name)) or "migrations"
            folder = posixpath.normpath(sources)
            fact = Fact(name, project.line_of(name, "sources"), f"yoyo, migrations in {folder}")
            yield Tool("yoyo", fact, folder, calls=calls)
            return
    steps = list(project.mentioning(r"(?m)^from yoyo import .*\bstep|^__depends__\s*="))
    users = list(project.mentioning(r"(?m)^\s*(?:from|import) yoyo\b"))
    marked = [
        name
        for name in project.files
        if name.endswith(".sql") and not project.home_of(name) and project.line_of(name, r"--\s*depends:")
    ]
    if users and (places := steps + marked):
        folder = folder_of(places[0])
        line = project.line_of(users[0], r"\s*(?:from|import) yoyo\b")
        yield Tool("yoyo", Fact(users[0], line, f"yoyo, migrations in {folder}"), folder, calls=calls)


def _sources_of(text: str) -> str:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return ""  # yoyo reports its own file better than we could
    return parser.get("DEFAULT", "sources", fallback="").split(" ")[0].strip()


def _peewee(project: Project) -> Iterator[Tool]:
    for name in project.mentioning(r"(?m)^def migrate\(migrator\b"):
        folder, line = folder_of(name), project.line_of(name, r"def migrate\(migrator")
        fact = Fact(name, line, f"peewee-migrate, migrations in {folder}")
        yield Tool("peewee-migrate", fact, folder, calls=frozenset({"Router"}))
        return


def _sqlite_utils(project: Project) -> Iterator[Tool]:
    for name in project.mentioning(r"(?:sqlite_utils|sqlite_migrate)\b.*\bMigrations\b"):
        for node in at_import(project.source(name).body):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                target = node.targets[0]
                if chain_of(node.value.func)[-1:] == ("Migrations",) and isinstance(target, ast.Name):
                    fact = Fact(name, node.lineno, "migrations of sqlite-utils")
                    module, _ = project.module_of(name)
                    yield Tool("sqlite-utils", fact, "", module, target.id, frozenset({"apply"}))
                    return


def _django(project: Project) -> Iterator[Tool]:
    for name in project.files:
        if name.rpartition("/")[2] == "manage.py" and not project.home_of(name):
            settings = re.search(r"DJANGO_SETTINGS_MODULE\W+([\w.]+)", project.text(name))
            if settings is not None:
                line = project.line_of(name, ".*DJANGO_SETTINGS_MODULE")
                fact = Fact(name, line, f"Django, settings in {settings[1]}")
                yield Tool("Django", fact, folder_of(name), settings[1], calls=_OF_DJANGO)
                return
    for name in project.mentioning(r"(?m)^INSTALLED_APPS\s*[=:]"):
        module, folder = project.module_of(name)
        fact = Fact(name, project.line_of(name, "INSTALLED_APPS"), f"Django, settings in {module}")
        yield Tool("Django", fact, folder or ".", module, calls=_OF_DJANGO)
        return
