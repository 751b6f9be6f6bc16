"""Applications of Flask and FastAPI, and how tests come to one with a database of their own."""

from __future__ import annotations

import ast
import enum
import re
from typing import NamedTuple

from templatedb.conventions.source import FUNCTIONS, chain_of
from templatedb.proposals import Fact
from templatedb.proposals.names import at_import
from templatedb.proposals.values import Place, Values

_FACTORY = re.compile(r"(?:create|make|build|get)_(?:app|application)|app_factory")
_SESSIONS = re.compile(r"session|db|database|conn|uow", re.IGNORECASE)


class Takes(enum.Enum):
    """What an application factory wants to be called with, so that the application is on a given database."""

    NOTHING = enum.auto()
    MAPPING = enum.auto()
    """Settings by name."""
    OBJECT = enum.auto()
    """A class with settings."""
    SOMETHING = enum.auto()
    """What only the project knows."""


class Application(NamedTuple):
    """An application, or the function that makes one."""

    path: str
    module: str
    name: str
    line: int
    framework: str
    takes: Takes | None = None
    """None for an application that is there when its module is imported."""

    @property
    def fact(self) -> Fact:
        """What is to be told of it."""
        what = "application" if self.takes is None else "application factory"
        return Fact(self.path, self.line, f"{self.framework} {what} {self.name}")


class Dependency(NamedTuple):
    """A function by which FastAPI gives sessions to endpoints."""

    path: str
    module: str
    name: str
    line: int
    is_async: bool

    @property
    def fact(self) -> Fact:
        """What is to be told of it."""
        return Fact(self.path, self.line, f"FastAPI gets its sessions from {self.name}")


def application(values: Values) -> Application | None:
    """Return the project's application; one that is made at import is taken before a factory."""
    project = values.project
    found = []
    for path in project.mentioning(r"\bFlask\(|\bFastAPI\("):
        framework = "FastAPI" if re.search(rb"\bFastAPI\(", project.source(path).data) else "Flask"
        module, _ = project.module_of(path)
        for node in at_import(project.source(path).body):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                made = chain_of(node.value.func)[-1:]
                target = node.targets[0]
                if made and (made[0] == framework or _FACTORY.fullmatch(made[0])) and isinstance(target, ast.Name):
                    found.append(Application(path, module, target.id, node.lineno, framework))
            elif isinstance(node, FUNCTIONS) and _FACTORY.fullmatch(node.name):
                found.append(Application(path, module, node.name, node.lineno, framework, _taken_by(node)))
    return next(iter(sorted(found, key=lambda one: one.takes is not None)), None)


def _taken_by(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Takes:
    """Return what *function* does with its first argument."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return Takes.NOTHING
    first = arguments[0].arg
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and any(first in _names(part) for part in [*node.args, *node.keywords]):
            match chain_of(node.func)[-1:]:
                case ("from_mapping",) | ("update",):
                    return Takes.MAPPING
                case ("from_object",):
                    plain = node.args and isinstance(node.args[0], ast.Name)
                    return Takes.OBJECT if plain else Takes.SOMETHING
                case _:
                    continue
    is_optional = len(function.args.defaults) >= len(arguments)
    return Takes.NOTHING if is_optional else Takes.SOMETHING


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def dependencies(values: Values) -> list[Dependency]:
    """Return the functions behind ``Depends(...)`` that give sessions or connections, each once."""
    project = values.project
    found: dict[Place, Dependency] = {}
    for path in project.mentioning(r"\bDepends\("):
        tree = project.source(path).tree
        for node in ast.walk(tree) if tree else ():
            if not isinstance(node, ast.Call) or chain_of(node.func)[-1:] != ("Depends",) or not node.args:
                continue
            place = values.place_of(path, chain_of(node.args[0]))
            function = None if place is None else values.definition_at(place)
            if place is None or not isinstance(function, FUNCTIONS) or not _SESSIONS.search(place.name):
                continue
            if any(isinstance(part, ast.Yield | ast.Return) for part in ast.walk(function)):
                module, _ = project.module_of(place.path)
                is_async = isinstance(function, ast.AsyncFunctionDef)
                found[place] = Dependency(place.path, module, place.name, function.lineno, is_async)
    return sorted(found.values())
