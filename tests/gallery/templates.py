"""Every template of a message that stands in the source, found by reading it: what the gallery has to show."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import templatedb

SOURCE = Path(templatedb.__file__).parent

_SAYING = frozenset({"notice", "_notice", "warn", "_say", "UsageError", "fail", "Exception", "StuckError"})
"""Calls whose first argument people read."""
_REFUSING = frozenset({"RefusedError", "database"})
"""Calls whose first two arguments people read: what, and what to do."""
_COLLECTING = frozenset({"warnings", "faults", "notices"})
"""Lists of lines that people read."""
_SPEAKERS = frozenset(
    {
        *("damaged.set_aside", "damaged.set_golden_aside", "damaged.set_manifests_aside", "exported.warnings"),
        *("slots.evict._report", "slots.evict._SAID", "slots.memory._LEAK", "slots.large.RewoundSlot.restore"),
        *("slots.in_place.InPlaceSlot._start_over", "slots.seal.Seal._holder", "kept.report", "kept._changed"),
        *("kept.not_committed", "running.after_phase", "testrun.Run.keep", "cli.status._project", "wrong_url.hint"),
    }
)
"""Functions and constants, all of whose sentences people read."""
_LEAST_LETTERS = 6
"""Of its own that a template has, our name not counted: with fewer it only passes on what somebody else said."""
_MOST_VARIANTS = 24

Pieces = tuple[str | None, ...]
"""Texts, and None for what is filled in."""


class Template(NamedTuple):
    """One text with holes, and where it stands."""

    module: str
    line: int
    pieces: Pieces

    @property
    def text(self) -> str:
        """The template with ``{}`` for each hole."""
        return "".join("{}" if piece is None else piece for piece in self.pieces)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the finished message looks like, in one line or in several."""
        own = list(self.pieces)
        while own[0] is None or not own[0].strip():  # whatever comes before
            own.pop(0)
        while own[-1] is None or not own[-1].strip():
            own.pop()
        return re.compile("".join(r"[\s\S]*?" if piece is None else _spaced(piece) for piece in own))


def _spaced(text: str) -> str:
    words = re.split(r"\s+", text)
    return r"\s+".join(map(re.escape, words))


def found() -> list[Template]:
    """Return the templates of the whole package, each once."""
    modules = {_name(path): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
    templates: dict[tuple[str, str], Template] = {}
    for name, tree in modules.items():
        for line, pieces in _Reader(name, tree, modules).read():
            one = Template(name, line, pieces)
            if sum(letter.isalpha() for letter in one.text.replace("templatedb: ", "")) >= _LEAST_LETTERS:
                templates.setdefault((name, one.text), one)
    return list(templates.values())


def _name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


class _Reader:
    """Reads one module."""

    def __init__(self, name: str, tree: ast.Module, modules: dict[str, ast.Module]) -> None:
        self._name = name
        self._tree = tree
        self._modules = modules
        self._scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self._paths = dict(_paths(tree, name))

    def read(self) -> Iterator[tuple[int, Pieces]]:
        for node in ast.walk(self._tree):
            for told in self._told(node):
                yield from ((told.lineno, pieces) for pieces in self._pieces(told, node))
        for node, path in self._paths.items():
            if path in _SPEAKERS:
                for text in _sentences(node):
                    yield from ((text.lineno, pieces) for pieces in self._pieces(text, text))

    def _told(self, node: ast.AST) -> list[ast.expr]:
        if not isinstance(node, ast.Call):
            return []
        told = [one.value for one in node.keywords if one.arg in ("what", "remedy")]
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        if last in _SAYING or (last == "append" and name.split(".")[-2] in _COLLECTING):
            told += node.args[:1]
        elif last in _REFUSING:
            told += [one for one in node.args[:2] if not isinstance(one, ast.Name)]
        elif (last == "print" and any("stderr" in ast.unparse(one.value) for one in node.keywords)) or (
            last == "ValueError" and self._name == "settings"
        ):
            told += node.args[:1]
        return told

    def _pieces(self, node: ast.expr, at: ast.AST) -> list[Pieces]:
        """Return what *node*, in the function that *at* is in, may be."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            first, *others = node.value.split("{}")  # for str.format
            return [(first, *(piece for text in others for piece in (None, text)))]
        if isinstance(node, ast.JoinedStr):
            return [tuple(str(one.value) if isinstance(one, ast.Constant) else None for one in node.values)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            pairs = itertools.product(self._pieces(node.left, at), self._pieces(node.right, at))
            return [left + right for left, right in pairs][:_MOST_VARIANTS]
        if isinstance(node, ast.IfExp):
            return self._pieces(node.body, at) + self._pieces(node.orelse, at)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._returned(node.func.id) or [(None,)]
        if isinstance(node, ast.Name):
            return self._named(node.id, at) or [(None,)]
        return [(None,)]

    def _named(self, name: str, at: ast.AST) -> list[Pieces]:
        around = [scope for scope in self._scopes if any(node is at for node in ast.walk(scope))]
        for scope in (*reversed(around), self._tree):
            values = [value for bound, value in _bindings(scope) if bound == name]
            if values:
                return [pieces for value in values for pieces in self._pieces(value, value)]
        home = _imported_from(self._tree, name)
        return _Reader(home, self._modules[home], self._modules)._named(name, at) if home in self._modules else []

    def _returned(self, name: str) -> list[Pieces]:
        for scope in self._scopes:
            if scope.name == name:
                values = [node.value for node in ast.walk(scope) if isinstance(node, ast.Return) and node.value]
                return [pieces for value in values for pieces in self._pieces(value, value)]
        home = _imported_from(self._tree, name)
        return _Reader(home, self._modules[home], self._modules)._returned(name) if home in self._modules else []


def _bindings(scope: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AugAssign | ast.NamedExpr) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def _imported_from(tree: ast.AST, name: str) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return (node.module or "").removeprefix("templatedb").removeprefix(".")
    return ""


def _paths(tree: ast.AST, above: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield each function and constant with its dotted name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node, f"{above}.{node.name}"
            yield from _paths(node, f"{above}.{node.name}")
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node, f"{above}.{node.targets[0].id}"


def _sentences(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the texts of several words in *node*, its docstring left out, each with all that it is made of."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str) and child.value.count(" ") > 1
        ):
            yield child
        else:
            yield from _sentences(child)
