"""Which names a piece of source reads, and which statements may bind a name or change what it holds."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator

from templatedb.conventions.source import FUNCTIONS, Chain, chain_of, imports, is_for_type_checkers

_MUTATORS = frozenset({"update", "setdefault", "pop", "popitem", "clear", "__setitem__", "__delitem__", "__ior__"})
_INNER = (*FUNCTIONS, ast.Lambda)
_NO_NAMES: frozenset[str] = frozenset()


class _Scope(enum.Enum):
    """What a node stands in, seen from the statement that is looked at."""

    SAME = enum.auto()
    CLASS = enum.auto()
    FUNCTION = enum.auto()


def index(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """Return, for each name, the statements of *body* that may bind it or change what it holds, in their order."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in body:
        for name in sorted(_touched(statement)):
            found.setdefault(name, []).append(statement)
    return found


def references(node: ast.AST) -> Iterator[Chain]:
    """Yield the longest dotted names that *node* reads from around it, in no stated order.

    Annotations say nothing about values, and names of a function's own nothing about those outside.
    """
    stack = [(node, _NO_NAMES)]
    while stack:
        part, hidden = stack.pop()
        chain = chain_of(part)
        if chain:
            is_read = not isinstance(part, ast.Name) or isinstance(part.ctx, ast.Load)
            if is_read and chain[0] not in hidden:
                yield chain
        else:
            stack.extend((child, hidden | own) for child, own in _children(part))


def aliased(value: ast.AST | None) -> Iterator[str]:
    """Yield the names whose very object *value* may be: by another name it can be changed as well."""
    if isinstance(value, ast.Name):
        yield value.id
    elif isinstance(value, (ast.IfExp, ast.BoolOp, ast.NamedExpr)):
        parts = value.values if isinstance(value, ast.BoolOp) else ast.iter_child_nodes(value)
        for part in parts:
            yield from aliased(part)


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Yield the parts of *node* that decide values, each with the names that *node* hides from it."""
    own = _own_names(node) if isinstance(node, _INNER) else _NO_NAMES
    passed_over = {"annotation", "returns", "type_params", *(("body",) if is_for_type_checkers(node) else ())}
    for field, value in ast.iter_fields(node):
        if field in passed_over:
            continue
        hidden = own if field == "body" else _NO_NAMES  # defaults and decorators are read outside
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST):
                yield child, hidden


def _own_names(function: ast.AST) -> frozenset[str]:
    """Return names that are certainly local in *function*: parameters and what its own statements bind."""
    found, not_own, stack = set[str](), set[str](), list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            not_own.update(node.names)
        if not isinstance(node, (*_INNER, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            stack.extend(ast.iter_child_nodes(node))
    return frozenset(found - not_own)


def _touched(statement: ast.stmt) -> set[str]:
    """Return the names that *statement* may bind or change; a function changes what it assigns into."""
    found: set[str] = set()
    stack: list[tuple[ast.AST, _Scope, frozenset[str]]] = [(statement, _Scope.SAME, _NO_NAMES)]
    while stack:
        node, scope, hidden = stack.pop()
        found.update(name for name in _changed(node) if name not in hidden)
        if scope is _Scope.SAME:
            found.update(_bound(node))
        if scope is not _Scope.CLASS and isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            found.update(name for name in aliased(node.value) if name not in hidden)
        stack.extend((child, _inner(node, scope), hidden | own) for child, own in _children(node))
    return found


def _inner(node: ast.AST, scope: _Scope) -> _Scope:
    if isinstance(node, _INNER):
        return _Scope.FUNCTION
    return _Scope.CLASS if isinstance(node, ast.ClassDef) else scope


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that *node* itself binds in its scope, or that a call of it for its own sake may change."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
        for decorator in node.decorator_list:
            # Only what a decorator is given: the routes of an application do not make the application.
            arguments = decorator.args if isinstance(decorator, ast.Call) else []
            yield from (chain[0] for argument in arguments for chain in references(argument))
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (clause.bound for clause in imports(node))
    elif isinstance(node, ast.Expr):
        yield from (chain[0] for chain in references(node))
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _changed(node: ast.AST) -> Iterator[str]:
    """Yield the names whose object *node* changes, in whatever scope it stands."""
    if isinstance(node, ast.Global):
        yield from node.names
        return
    target: ast.AST | None = None
    if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        target = node
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
        target = node.func
    while isinstance(target, (ast.Attribute, ast.Subscript)):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id
