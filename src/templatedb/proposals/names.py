"""What a module, or a class, binds when it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from templatedb.conventions.source import FUNCTIONS, imports


class Names(NamedTuple):
    """Names at the top level."""

    values: dict[str, ast.expr]
    imported: dict[str, tuple[str, str]]
    """Module and name in it; the name is empty where the module itself is meant."""
    definitions: dict[str, ast.stmt]
    """Classes and functions."""


def names_of(tree: ast.Module | ast.ClassDef | None) -> Names:
    """Return what *tree* binds; nothing where it could not be parsed."""
    names = Names({}, {}, {})
    for node in at_import(tree.body if tree else []):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for name in targets(node) if node.value is not None else ():
                names.values[name] = node.value  # type: ignore[assignment]  # not None here
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.imported.update({one.bound: (one.module, one.name) for one in imports(node)})
        elif isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            names.definitions[node.name] = node
    return names


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, those under conditions and in ``try`` included."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(node, field, [])
            if not isinstance(node, (ast.ClassDef, *FUNCTIONS)) and isinstance(block, list):
                for part in block:
                    yield from at_import(part.body if isinstance(part, ast.ExceptHandler) else [part])


def targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    """Return the plain names that an assignment binds."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]
