"""Where a file gives a naming convention: the smallest pieces that hold a value and all that decides about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from templatedb.conventions.scopes import index, references
from templatedb.conventions.source import FUNCTIONS, chain_of, imports

NAME = "naming_convention"

_PLACEHOLDER = re.compile(r"%\((?:\w*table_name|column_\d\w*|referred_\w+|constraint_name)\)")
"""What the strings of a convention are made of: they give it away wherever they are built, under whatever name."""

_OPEN = (ast.Module, ast.Call, ast.keyword, ast.Assign, ast.AnnAssign, ast.Expr, ast.Import, ast.ImportFrom)
_DISPLAYS = (ast.Tuple, ast.List, ast.Dict, ast.Starred)
"""Nodes whose other parts say nothing about one part; others count in whole: conditions, loops, functions."""


class Names(NamedTuple):
    """Names by which one file reaches into the convention that another gives."""

    takers: frozenset[str] = frozenset()
    """Functions and classes that pass a convention in when they are called."""
    holders: frozenset[str] = frozenset()
    """What conventions are made of: whoever imports it may change it."""

    def __or__(self, other: Names) -> Names:
        """Return the names of both."""
        return Names(self.takers | other.takers, self.holders | other.holders)


NO_NAMES = Names()
"""What is known before the first file was looked at."""


class Root(NamedTuple):
    """One piece of a file that belongs to its slice."""

    node: ast.AST
    classes: tuple[ast.ClassDef, ...] = ()
    """The classes in whose bodies it stands, the innermost first: where its names are looked up before the module."""
    is_followed: bool = True
    """Whether what defines its names belongs to the slice too."""
    takers: frozenset[str] = frozenset()
    """The functions and classes around the piece that take what it is made of from their callers."""


def may_have_roots(text: bytes, names: Names) -> bool:
    """Whether it is worth parsing *text*: without one of these words it has no roots."""
    if re.search(rb"naming_convention|metadata|%\(", text, re.IGNORECASE):
        return True
    return any(name.encode() in text for name in names.takers | names.holders)


def roots(tree: ast.Module, names: Names) -> Iterator[Root]:
    """Yield the pieces of *tree* that give a naming convention, or change by one of *names* what another file gives."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    makers = {"MetaData"} | {clause.bound for clause in imports(tree) if clause.name == "MetaData"}
    for node in ast.walk(tree):
        for piece in _pieces(node, parents, makers):
            yield _grown(piece, parents)
        if isinstance(node, ast.Call) and chain_of(node.func)[-1:] and chain_of(node.func)[-1] in names.takers:
            yield _grown(node, parents)
        if (handed := _handed_on(node)) and not _is_in_function(node, parents):
            yield _grown(handed, parents)._replace(is_followed=False)
    yield from (Root(statement) for statement in _reaching_out(tree, names.holders))


def _reaching_out(tree: ast.Module, holders: Collection[str]) -> Iterator[ast.stmt]:
    """Yield the statements that may change one of *holders* that the module imports, from wherever."""
    clauses = list(imports(tree))
    imported = {clause.bound for clause in clauses if clause.name not in holders}
    held = {clause.bound for clause in clauses if clause.name in holders}
    if any(clause.bound == "*" for clause in clauses):
        held |= set(holders)
    for name, statements in index(tree.body).items():
        for statement in statements:
            parts = {part for chain in references(statement) if chain[0] == name for part in chain[1:]}
            is_held = name in held or (name in imported and not parts.isdisjoint(holders))
            if is_held and not isinstance(statement, (ast.Import, ast.ImportFrom)):
                yield statement


def _pieces(node: ast.AST, parents: dict[ast.AST, ast.AST], makers: set[str]) -> Iterator[ast.AST]:
    """Yield what *node* itself says about a convention."""
    if isinstance(node, ast.keyword) and node.arg == NAME:
        yield node.value
    elif isinstance(node, ast.Dict):
        yield from (value for key, value in zip(node.keys, node.values, strict=True) if _is_its_name(key))
    elif isinstance(node, ast.Call) and _may_pass_it(node, makers):
        yield node
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if _is_its_name(node) and not isinstance(parents[node], ast.Dict):
            yield parents[node]  # setattr(metadata, "naming_convention", ...), options["naming_convention"] = ...
        elif _PLACEHOLDER.search(node.value):
            yield _widened(node, parents)
    elif NAME in _own_names(node):
        # names = Base.metadata.naming_convention: what is done to it by the other name counts too.
        yield parents[node] if isinstance(parents[node], (ast.Assign, ast.AnnAssign)) else node


def _own_names(node: ast.AST) -> tuple[object, ...]:
    """Return the identifiers that *node* itself is made of."""
    return tuple(getattr(node, field, None) for field in ("id", "attr", "name", "asname")) + (
        (node.arg,) if isinstance(node, ast.arg) else ()
    )


def _is_its_name(node: ast.AST | None) -> bool:
    """Whether *node* is the string "naming_convention", or a dotted path to it as monkeypatch takes."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.split(".")[-1] == NAME


def _may_pass_it(call: ast.Call, makers: set[str]) -> bool:
    """Whether *call* makes a MetaData with a third positional argument, or with arguments not spelled out."""
    callee = chain_of(call.func)[-1:]
    if not callee or not (callee[0] in makers or callee[0].lower().endswith("metadata")):
        return False
    is_open = any(isinstance(argument, ast.Starred) for argument in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )
    return is_open or len(call.args) > 2


def _handed_on(node: ast.AST) -> ast.AST | None:
    """Return the dotted name by which *node* says whose metadata, and so whose convention, is meant."""
    if isinstance(node, ast.keyword):
        is_metadata = node.arg == "metadata"
    elif isinstance(node, ast.Assign):
        is_metadata = any(chain_of(target)[-1:] in (("metadata",), ("target_metadata",)) for target in node.targets)
    elif isinstance(node, ast.AnnAssign):
        is_metadata = chain_of(node.target)[-1:] in (("metadata",), ("target_metadata",))
    else:
        return None
    return node.value if is_metadata and node.value is not None and chain_of(node.value) else None


def _widened(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST:
    """Return the whole value that the string *node* is part of, up to the call or the statement that gets it."""
    chosen, parent = node, parents[node]
    while isinstance(parent, (ast.expr, ast.keyword)):
        if isinstance(parent, ast.Call) and chain_of(parent.func)[-1:] not in _BUILDERS:
            return chosen
        chosen, parent = parent, parents[parent]
    return parent if isinstance(parent, (ast.Assign, ast.AnnAssign)) and chosen is parent.value else chosen


_BUILDERS = (("dict",), ("update",), ("setdefault",), ("__setitem__",))


def _grown(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Root:
    """Return the root around *node*: with conditions and loops, in whole where it is in a function or a method."""
    chosen, classes, ancestor = node, list[ast.ClassDef](), parents.get(node)
    outer: set[str] = set()
    while ancestor is not None:
        if isinstance(ancestor, ast.ClassDef) and not isinstance(chosen, FUNCTIONS):
            classes.append(ancestor)
        elif isinstance(ancestor, ast.ClassDef) or not _is_open(ancestor, chosen):
            chosen, classes = ancestor, []
        if isinstance(chosen, (*FUNCTIONS, ast.ClassDef)):
            outer |= _takers(chosen, node)
        ancestor = parents.get(ancestor)
    return Root(chosen, tuple(classes), takers=frozenset(outer))


def _is_open(ancestor: ast.AST, chosen: ast.AST) -> bool:
    """Whether the parts of *ancestor* beside *chosen* say nothing about its value."""
    is_target = not isinstance(getattr(chosen, "ctx", None), (ast.Load, type(None)))
    is_callee = isinstance(ancestor, ast.Call) and ancestor.func is chosen
    return isinstance(ancestor, (*_OPEN, *_DISPLAYS)) and not is_target and not is_callee


def _takers(definition: ast.AST, piece: ast.AST) -> set[str]:
    """Return the name of *definition* if it takes what *piece* is made of from its caller.

    A class counts for its methods: what it was made with comes to them by ``self``.
    """
    inner = {node.arg for node in ast.walk(definition) if isinstance(node, ast.arg)}
    inner |= {
        node.id for node in ast.walk(definition) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    names = {chain[0] for chain in references(piece)} | {getattr(piece, "arg", ""), getattr(piece, "id", "")}
    if isinstance(definition, FUNCTIONS):
        names -= {"self", "cls"}
    name = str(getattr(definition, "name", ""))
    return {name} if names & inner and not name.startswith("__") else set()


def _is_in_function(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    ancestor: ast.AST | None = node
    while ancestor is not None and not isinstance(ancestor, FUNCTIONS):
        ancestor = parents.get(ancestor)
    return ancestor is not None
