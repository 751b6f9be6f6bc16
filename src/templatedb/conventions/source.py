"""One file of Python source as a tree, and what it imports.

This module and those after it need `ast`: they are imported when a file has to be parsed, not before.
"""

from __future__ import annotations

import ast
import functools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from templatedb.conventions.modules import FindModule, joined

Chain = tuple[str, ...]
"""A dotted name in its parts: ``app.naming.NAMING``."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Imported(NamedTuple):
    """What one clause of an import statement binds."""

    bound: str
    """The name it binds here; ``*`` for all of them."""
    module: str
    """As written, dots in front included."""
    name: str
    """What it takes from the module; empty when the name means the module itself."""
    line: tuple[int, int]

    def __str__(self) -> str:
        """Spell it the same whatever stands beside it in its statement."""
        return f"from {self.module} import {self.name or '(itself)'} as {self.bound}"


class Source:
    """A file's text and, from the first need on, its tree without docstrings."""

    def __init__(self, path: Path) -> None:
        """Read the file at *path*; one that cannot be read is empty."""
        self.path = path
        try:
            self.data = path.read_bytes().replace(b"\r\n", b"\n")
        except OSError:
            self.data = b""

    @functools.cached_property
    def tree(self) -> ast.Module | None:
        """The tree; None when it cannot be parsed."""
        try:
            with warnings.catch_warnings():
                # With -W error a doubtful escape would be a syntax error in one process and none in another.
                warnings.simplefilter("ignore")
                return _without_prose(ast.parse(self.data))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @functools.cached_property
    def body(self) -> list[ast.stmt]:
        """The statements at module level; none when it cannot be parsed."""
        return self.tree.body if self.tree else []

    @functools.cached_property
    def stars(self) -> list[Imported]:
        """The star imports, wherever they are."""
        return [clause for clause in imports(self.tree) if clause.bound == "*"] if self.tree else []


def imported_modules(path: Path, find_module: FindModule) -> set[Path]:
    """Return the project's files that the file at *path* imports, with the packages above them.

    Statements anywhere count, and ``import_module("literal")``; what stands under ``if TYPE_CHECKING`` does not. A
    file that cannot be read or parsed imports nothing.
    """
    source = Source(path)
    names = {name for clause in (_clauses(source.tree) if source.tree else ()) for name in _modules_of(clause)}
    return {found for name in names if (found := find_module(name, path)) is not None}


def imports(node: ast.AST) -> Iterator[Imported]:
    """Yield what the import statements inside *node* bind."""
    for part in ast.walk(node):
        line = (getattr(part, "lineno", 0), getattr(part, "col_offset", 0))
        if isinstance(part, ast.Import):
            for alias in part.names:
                # "import a.b" binds a; "import a.b as c" binds the submodule.
                top = alias.name.partition(".")[0]
                yield Imported(alias.asname or top, alias.name if alias.asname else top, "", line)
        elif isinstance(part, ast.ImportFrom):
            for alias in part.names:
                yield Imported(alias.asname or alias.name, "." * part.level + (part.module or ""), alias.name, line)


def chain_of(node: ast.AST) -> Chain:
    """Return the parts of the dotted name that *node* is; empty when it is something else."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (start := chain_of(node.value)):
        return (*start, node.attr)
    return ()


def is_for_type_checkers(node: ast.AST) -> bool:
    """Whether *node* is an ``if TYPE_CHECKING``, whose body never runs."""
    return isinstance(node, ast.If) and chain_of(node.test)[-1:] == ("TYPE_CHECKING",)


def _clauses(tree: ast.Module) -> Iterator[Imported]:
    """Yield what *tree* imports, also by literal name, without what only type checkers import."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if is_for_type_checkers(node):
            stack.extend(getattr(node, "orelse", []))
            continue
        if isinstance(node, ast.ImportFrom):
            yield from imports(node)
        elif isinstance(node, ast.Import):
            yield from (Imported("", alias.name, "", (0, 0)) for alias in node.names)
        elif isinstance(node, ast.Call) and chain_of(node.func)[-1:] in (("import_module",), ("__import__",)):
            names = (one.value for one in node.args[:1] if isinstance(one, ast.Constant))
            yield from (Imported("", name, "", (0, 0)) for name in names if isinstance(name, str))
        stack.extend(ast.iter_child_nodes(node))


def _modules_of(clause: Imported) -> Iterator[str]:
    """Yield the names of the modules that *clause* may import: the packages above, the module, a submodule."""
    name = clause.module.lstrip(".")
    above = clause.module[: len(clause.module) - len(name)]
    if above:
        yield above
    for part in name.split(".") if name else ():
        above = joined(above, part)
        yield above
    if clause.name and clause.name != "*":
        yield joined(above, clause.name)


def _without_prose(tree: ast.Module) -> ast.Module:
    """Return *tree* without strings that stand for themselves, and without the mark of ``u"..."``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.kind = None
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [one for one in block if not _is_prose(one)])
    return tree


def _is_prose(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
