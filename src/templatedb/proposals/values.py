"""Where the value of an expression comes from: a variable of the environment, or a literal in the source."""

from __future__ import annotations

import ast
import functools
from pathlib import PurePosixPath
from typing import NamedTuple

from templatedb.conventions.modules import module_finder
from templatedb.conventions.source import FUNCTIONS, Chain, chain_of
from templatedb.proposals.names import Names, names_of, targets
from templatedb.proposals.project import Project
from templatedb.proposals.variables import (
    Form,
    Variable,
    defaults_of,
    field_variable,
    holding_all,
    is_settings_class,
    path_in_url,
    read_of,
)

_HOLDS_SETTINGS = r"class\s+\w+\(.*Settings\b|(?m:^)[ \t]+[A-Z][A-Z0-9_]*\b.*=.*(?:environ|getenv|config\(|env\()"
"""Classes of pydantic, and those whose attributes read the environment, as Flask's configurations do."""
_SAME_PATH = {("Path",), ("pathlib", "Path"), ("str",), ("fspath",), ("os", "fspath")}
_HOPS = 8
"""From name to name at most: cycles end here."""


class Place(NamedTuple):
    """A name at the top level of a module."""

    path: str
    name: str


class Values:
    """Follows names through the modules of a project, as far as assignments and imports tell."""

    def __init__(self, project: Project) -> None:
        """Follow them in *project*."""
        self.project = project
        self._modules: dict[str, Names] = {}

    def names(self, path: str) -> Names:
        """Return what the module *path* binds at its top level."""
        if path not in self._modules:
            self._modules[path] = names_of(self.project.source(path).tree)
        return self._modules[path]

    def place_of(self, path: str, chain: Chain, hops: int = _HOPS) -> Place | None:
        """Return where the dotted name *chain*, used in the module *path*, is bound; None outside of the project."""
        names = self.names(path)
        if len(chain) == 1 and (chain[0] in names.values or chain[0] in names.definitions):
            return Place(path, chain[0])
        if not chain or not hops or (imported := names.imported.get(chain[0])) is None:
            return None
        module, name = imported
        rest = chain[1:]
        if not name and module == chain[0]:
            module, rest = self._longest_module(path, chain)  # import a.b, then a.b.name
        if name and (below := self._module(f"{module}{'' if module.endswith('.') else '.'}{name}", path)) is not None:
            return self.place_of(below, rest, hops - 1)
        if (found := self._module(module, path)) is None:
            return None
        return self.place_of(found, (name, *rest) if name else rest, hops - 1)

    def _longest_module(self, path: str, chain: Chain) -> tuple[str, Chain]:
        for length in range(len(chain) - 1, 1, -1):
            if self._module(".".join(chain[:length]), path) is not None:
                return ".".join(chain[:length]), chain[length:]
        return chain[0], chain[1:]

    def _module(self, name: str, importer: str) -> str | None:
        found = self.project.find_module(name, self.project.root / importer)
        # Code in backend/app imports app.db where the project is run from backend. What is in a package is no such
        # folder: its logging.py is not what an import of logging means.
        for folder in () if name.startswith(".") else reversed(PurePosixPath(importer).parents[:-1]):
            if found is None and not self.project.has(f"{folder}/__init__.py"):
                found = module_finder((self.project.root / folder,))(name, self.project.root / importer)
        return None if found is None else self.project.name_of(found)

    def value_of(self, place: Place) -> ast.expr | None:
        """Return the expression that is assigned at *place*."""
        return self.names(place.path).values.get(place.name)

    def definition_at(self, place: Place) -> ast.stmt | None:
        """Return the class or the function that is defined at *place*."""
        return self.names(place.path).definitions.get(place.name)

    def variable(self, node: ast.AST, path: str) -> Variable | None:
        """Return the first variable of the environment that decides the expression *node* of the module *path*."""
        return self._variable(node, path, _HOPS)

    def _variable(self, node: ast.AST, path: str, hops: int) -> Variable | None:
        if not hops:
            return None
        if (read := read_of(node, path)) is not None:
            if read.default is None and isinstance(node, ast.Call):
                defaults = (self.literal(default, path) for default in defaults_of(node))
                read = read._replace(default=next((one for one in defaults if one is not None), None))
            return read
        if (chain := chain_of(node)) and (place := self.place_of(path, chain)) is not None:
            value = self.value_of(place)
            return None if value is None else self._variable(value, place.path, hops - 1)
        if isinstance(node, ast.Attribute) and node.attr in self._fields:
            found = (self._field(node.attr, place, hops - 1) for place in self._fields[node.attr])
            return next((one for one in found if one is not None), None)
        if isinstance(node, ast.Call) and (place := self.place_of(path, chain_of(node.func))) is not None:
            parts = (self._variable(value, place.path, hops - 1) for value in _returned(self.definition_at(place)))
        elif (whole := path_in_url(node)) is not None:
            variable = self._variable(whole, path, hops - 1)
            return None if variable is None else variable._replace(form=Form.PATH)
        else:
            parts = (self._variable(part, path, hops - 1) for part in holding_all(node))
        return next((one for one in parts if one is not None), None)

    def literal(self, node: ast.AST, path: str) -> str | None:
        """Return the text that the expression *node* of the module *path* is; None when it has to be computed.

        Of a path beside the module, such as ``Path(__file__).parent / "app.db"``, it is what stands last.
        """
        return self._literal(node, path, _HOPS)

    def _literal(self, node: ast.AST, path: str, hops: int) -> str | None:
        if not hops:
            return None
        node = unwrapped(node)
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr | ast.FormattedValue):
            inside = node.values if isinstance(node, ast.JoinedStr) else [node.value]
            parts = [self._literal(part, path, hops - 1) for part in inside]
            return None if None in parts else "".join(filter(None, parts))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._literal(node.right, path, hops - 1)
        place = self.place_of(path, chain_of(node))
        value = None if place is None else self.value_of(place)
        return None if place is None or value is None else self._literal(value, place.path, hops - 1)

    @functools.cached_property
    def _fields(self) -> dict[str, list[tuple[str, ast.ClassDef]]]:
        """The classes that hold settings, by the names in their bodies."""
        found: dict[str, list[tuple[str, ast.ClassDef]]] = {}
        for path in self.project.mentioning(_HOLDS_SETTINGS):
            for node in self.project.source(path).body:
                if isinstance(node, ast.ClassDef):
                    annotated = (targets(part) for part in node.body if isinstance(part, ast.AnnAssign))
                    names = names_of(node)
                    for name in {*names.values, *names.definitions, *(one for some in annotated for one in some)}:
                        found.setdefault(name, []).append((path, node))
        return found

    def required_fields(self) -> list[Variable]:
        """Return the variables without which a class of settings of the project cannot be made."""
        classes = {id(definition): (path, definition) for found in self._fields.values() for path, definition in found}
        fields = [
            field_variable(definition, node, node.target.id, path)
            for path, definition in classes.values()
            if is_settings_class(definition)
            for node in definition.body
            if isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id != "model_config"
        ]
        return [field for field in fields if field.is_required]

    def _field(self, name: str, place: tuple[str, ast.ClassDef], hops: int) -> Variable | None:
        """Return the variable that decides the attribute *name* of a class of settings."""
        path, definition = place
        for node in definition.body:
            if isinstance(node, FUNCTIONS) and node.name == name:  # a property
                found = (self._variable(value, path, hops) for value in _returned(node))
                return next((one for one in found if one is not None), None)
            if isinstance(node, ast.AnnAssign | ast.Assign) and name in targets(node):
                if node.value is not None and (variable := self._variable(node.value, path, hops)) is not None:
                    return variable
                if is_settings_class(definition):
                    return field_variable(definition, node, name, path)
        return None


def unwrapped(node: ast.AST) -> ast.AST:
    """Return what stands in ``Path(...)``, ``str(...)`` and ``os.fspath(...)``, where that is one path."""
    while isinstance(node, ast.Call) and chain_of(node.func) in _SAME_PATH and len(node.args) == 1:
        node = node.args[0]
    return node


def _returned(function: ast.stmt | None) -> list[ast.expr]:
    """Return what *function* may return."""
    parts = ast.walk(function) if function is not None else ()
    return [part.value for part in parts if isinstance(part, ast.Return) and part.value is not None]
