"""SQLAlchemy metadata of the application, and the module through which all of its tables are imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from templatedb.conventions.source import chain_of, imported_modules
from templatedb.proposals import Fact
from templatedb.proposals.names import at_import
from templatedb.proposals.project import folder_of
from templatedb.proposals.values import Place, Values
from templatedb.summary import count

_MENTIONS = r"__tablename__|__table__\b|table\s*=\s*True|\bModel\b|\bTable\(|mapped_column\(|\bColumn\("
_BASES = {"DeclarativeBase", "DeclarativeBaseNoMeta"}
_MAKERS = {"declarative_base", "generate_base", "SQLAlchemy", "MetaData"}
"""Functions that make metadata or what holds some."""
_SQLMODEL = Place("", "SQLModel")
"""The base that all models of SQLModel share; it stands in no module of the project."""


class Models(NamedTuple):
    """Metadata and its tables."""

    fact: Fact
    target: str
    """As the settings ``metadata`` and ``models`` name it; empty where no module imports all of the tables."""
    python_path: str
    """The folder that the target's module needs on the import path; empty for none."""
    tables: tuple[str, ...]
    """The modules that define tables."""
    base: Place
    is_metadata: bool
    """Whether the base is the metadata itself, not what holds it."""


def models(values: Values) -> list[Models]:
    """Return the metadata of the project that has tables, the one with most first."""
    tables: dict[Place, list[tuple[str, str]]] = {}
    for path in values.project.mentioning(_MENTIONS):
        if not path.endswith("env.py"):
            for name, base in _tables_in(path, values):
                tables.setdefault(base, []).append((path, name))
    found = [_found(base, named, values) for base, named in tables.items()]
    return sorted(found, key=lambda one: (-len(tables[one.base]), one.fact.path))


def _found(base: Place, named: list[tuple[str, str]], values: Values) -> Models:
    paths = tuple(dict.fromkeys(path for path, _ in named))
    first = values.definition_at(Place(*named[0]))
    line = first.lineno if first else 1
    if base.path:
        line = values.project.line_of(base.path, rf"\s*(class\s+)?{base.name}\b")
    fact = Fact(base.path or paths[0], line, f"SQLAlchemy models of {base.name}, {count(len(named), 'table')}")
    value = values.value_of(base) if base.path else None
    is_metadata = isinstance(value, ast.Call) and chain_of(value.func)[-1:] == ("MetaData",)
    module = _module_with_all(base, named, values)
    if module is None:
        return Models(fact, "", "", paths, base, is_metadata)
    path, attribute = module
    name, folder = values.project.module_of(path)
    return Models(fact, f"{name}:{attribute}", folder, paths, base, is_metadata)


def _tables_in(path: str, values: Values) -> Iterator[tuple[str, Place]]:
    """Yield the name of each table's class or variable in the module *path*, and the base that it belongs to."""
    for node in at_import(values.project.source(path).body):
        if isinstance(node, ast.ClassDef) and _is_table(node) and (base := _base_of(node, path, values)) is not None:
            yield node.name, base
        elif isinstance(node, ast.Assign | ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            if chain_of(call.func)[-1:] == ("Table",) and len(call.args) > 1:
                place = _metadata_at(call.args[1], path, values)
                if place is not None:
                    target = node.targets[0] if isinstance(node, ast.Assign) else None
                    yield target.id if isinstance(target, ast.Name) else "", place


def _is_table(node: ast.ClassDef) -> bool:
    """Whether a class is mapped: neither the base itself nor an abstract one between."""
    words = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    names = {
        target.id: getattr(part.value, "value", None)
        for part in node.body
        if isinstance(part, ast.Assign)
        for target in part.targets
        if isinstance(target, ast.Name)
    }
    if "__tablename__" in names or "__table__" in names or words.get("table") is True:
        return True
    is_flask = any(chain_of(base)[-1:] == ("Model",) for base in node.bases)
    has_columns = any(
        isinstance(part, ast.Assign | ast.AnnAssign)
        and isinstance(part.value, ast.Call)
        and chain_of(part.value.func)[-1:] in (("mapped_column",), ("Column",))
        for part in node.body
    )
    return (is_flask or has_columns) and names.get("__abstract__") is not True


def _base_of(node: ast.ClassDef, path: str, values: Values, hops: int = 8) -> Place | None:
    """Return the declarative base above the class *node* of the module *path*, which may be in other modules."""
    for parent in node.bases:
        chain = chain_of(parent)
        if chain[-1:] == ("SQLModel",):
            return _SQLMODEL
        place = values.place_of(path, chain[:-1] if chain[-1:] == ("Model",) and len(chain) > 1 else chain)
        if place is None or not hops:
            continue
        if _makes_metadata(values.value_of(place)):
            return place
        value = values.value_of(place)
        if value is not None and chain_of(value)[-1:] == ("Model",):  # Base = db.Model
            holder = values.place_of(place.path, chain_of(value)[:-1])
            if holder is not None:
                return holder
        above = values.definition_at(place)
        if isinstance(above, ast.ClassDef):
            if _is_base(above):
                return place
            if (found := _base_of(above, place.path, values, hops - 1)) is not None:
                return found
    return None


def _is_base(node: ast.ClassDef) -> bool:
    decorators = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    is_declared = any(chain_of(one)[-1:] == ("as_declarative",) for one in decorators)
    return is_declared or any(chain_of(base)[-1:] and chain_of(base)[-1] in _BASES for base in node.bases)


def _makes_metadata(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and chain_of(value.func)[-1:] != () and chain_of(value.func)[-1] in _MAKERS


def _metadata_at(node: ast.expr, path: str, values: Values) -> Place | None:
    """Return where the metadata of a ``Table`` is bound: ``metadata``, or the base of ``Base.metadata``."""
    chain = chain_of(node)
    place = values.place_of(path, chain)
    if place is not None and _makes_metadata(values.value_of(place)):
        return place
    if chain[-1:] != ("metadata",):
        return None
    holder = values.place_of(path, chain[:-1])
    above = None if holder is None else values.definition_at(holder)
    is_base = isinstance(above, ast.ClassDef) and _is_base(above)
    return holder if holder is not None and (is_base or _makes_metadata(values.value_of(holder))) else None


def _module_with_all(base: Place, named: list[tuple[str, str]], values: Values) -> tuple[str, str] | None:
    """Return a module that imports every table of *base*, and the name of the metadata in it; None when there is none.

    The base's own module comes first, then those of the tables, then packages around and what imports any of them.
    """
    project = values.project
    paths = {path for path, _ in named}
    around = {f"{folder}/__init__.py" for path in (*paths, base.path) for folder in _folders_above(path)}
    stems = {PurePosixPath(path).stem if not path.endswith("__init__.py") else folder_of(path) for path in paths}
    importers = project.mentioning("|".join(rf"import.*\b{PurePosixPath(stem).name}\b" for stem in sorted(stems)))
    order = dict.fromkeys([*filter(None, [base.path]), *sorted(paths), *sorted(around), *importers])
    for path in order:
        is_module = path in project.python and not path.endswith("env.py")
        attribute = _attribute(path, base, named, values) if is_module else None
        if attribute is not None and paths <= _reach(path, values):
            return path, attribute
    return None


def _folders_above(path: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")


def _reach(path: str, values: Values) -> set[str]:
    """Return the modules of the project that importing the module *path* imports, itself included."""
    project, reached, waiting = values.project, {path}, [path]
    while waiting:
        for found in imported_modules(project.root / waiting.pop(), project.find_module):
            name = project.name_of(found)
            if name is not None and name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


def _attribute(path: str, base: Place, named: list[tuple[str, str]], values: Values) -> str | None:
    """Return the name under which the module *path* holds the metadata of *base*: of the base, or of any table."""
    names = values.names(path)
    value = values.value_of(base) if base.path else None
    is_metadata = isinstance(value, ast.Call) and chain_of(value.func)[-1:] == ("MetaData",)
    suffix = "" if is_metadata else ".metadata"
    tables = {Place(*one) for one in named if one[1]}
    bound = [*names.values, *names.definitions, *names.imported]
    for name in sorted(bound, key=lambda one: one != base.name):
        if base == _SQLMODEL and name == "SQLModel":
            return "SQLModel.metadata"
        place = values.place_of(path, (name,))
        if place is not None and (place == base or place in tables):
            return f"{name}{suffix if place == base else '.metadata'}"
    return None
