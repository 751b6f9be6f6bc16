"""What code that drives migrations uses of the modules that it imports, other than for ``target_metadata``.

An env.py that imports its models for ``target_metadata`` does not depend on them; one that passes a schema name from
its settings to Alembic depends on the settings.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from types import ModuleType


def files_used(path: str, function: str = "") -> set[str]:
    """Return the files of the modules whose names the file at *path*, or one *function* in it, really uses.

    What stands for metadata (a declarative base, Flask-SQLAlchemy's object), whatever is passed or assigned as
    ``target_metadata``, and imports that are never used do not count. Only modules that were imported are found; a file
    that cannot be parsed uses none.
    """
    try:
        with open(path, "rb") as opened:
            tree: ast.AST = ast.parse(opened.read())
    except (OSError, SyntaxError, ValueError):
        return set()
    bound = dict(_bound(tree, _package_of(path)))
    scope = next((node for node in ast.walk(tree) if getattr(node, "name", "") == function), tree) if function else tree
    used = {chain for chain in _chains(scope) if chain[0] in bound}
    return {file for chain in used for file in _files(bound[chain[0]], chain[1:])}


def _package_of(path: str) -> str:
    """Return the package that the module loaded from *path* is in, for its relative imports."""
    for module in tuple(sys.modules.values()):
        if getattr(module, "__file__", None) == path:
            return getattr(module, "__package__", None) or ""
    return ""


def _bound(tree: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """Yield each name that an import statement binds, and the dotted name of what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            yield from ((alias.asname or alias.name, f"{base}.{alias.name}") for alias in node.names)


def _chains(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the names with their attributes that *node* uses, such as ``("settings", "SCHEMA")``."""
    if isinstance(node, ast.Import | ast.ImportFrom) or _is_for_target_metadata(node):
        return
    chain: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        chain.insert(0, inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        if "metadata" not in chain:
            yield (inner.id, *chain)
        return
    for child in ast.iter_child_nodes(node):
        yield from _chains(child)


def _is_for_target_metadata(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "target_metadata"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == "target_metadata" for target in targets)


def _files(name: str, attributes: tuple[str, ...]) -> Iterator[str]:
    """Yield the file of the module that *name* is or is in, and the one that made the object which is used of it."""
    parts = [*name.split("."), *attributes]
    count = next((count for count in range(len(parts), 0, -1) if ".".join(parts[:count]) in sys.modules), 0)
    if not count:
        return
    module = sys.modules[".".join(parts[:count])]
    found = getattr(module, parts[count], None) if count < len(parts) else None
    if _is_metadatas(found):
        return
    maker = sys.modules.get(str(getattr(found, "__module__", "")))
    for one in (module, maker):
        if isinstance(one, ModuleType) and isinstance(path := getattr(one, "__file__", None), str):
            yield path


def _is_metadatas(found: object) -> bool:
    from sqlalchemy import MetaData

    try:
        return isinstance(found, MetaData) or isinstance(getattr(found, "metadata", None), MetaData)
    except Exception:  # a proxy of Flask's raises outside of a request
        return False
