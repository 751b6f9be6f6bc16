"""The slice of a file: everything in the project's source that decides the naming conventions it gives.

What is not seen: a name put together (``"naming_" + "convention"``), values from data files and the environment, a
function that changes an argument on its way to another result, and in which order two modules change one convention.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from templatedb.conventions.modules import FindModule, joined
from templatedb.conventions.roots import NAME, NO_NAMES, Names, Root, may_have_roots, roots
from templatedb.conventions.scopes import aliased, index, references
from templatedb.conventions.source import Chain, Imported, Source, chain_of, imports

Bodies = tuple[list[ast.stmt], ...]
"""The scopes in which a name is looked up, the innermost first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slice:
    """What decides the naming conventions that one file gives."""

    digest: str
    """Empty when the file has nothing to do with naming conventions."""
    files: frozenset[Path] = frozenset()
    """The files it has pieces of, the sliced one included."""
    names: Names = NO_NAMES
    """By what other files reach into them."""


def slice_of(
    path: Path,
    find_module: FindModule,
    names: Names = NO_NAMES,
    read: Callable[[Path], Source] = Source,
) -> Slice:
    """Return the slice of the file at *path*, following names into the files that *find_module* knows.

    What reaches by *names* into another file's convention counts too. Reads files by *read*, imports nothing. A file
    without the words "naming_convention", "metadata", "%(" and the names is not parsed and has an empty slice, like a
    file that is gone; of one that has them and cannot be parsed, the whole content counts.
    """
    slicer = _Slicer(find_module, read)
    source = slicer.source(path)
    if not may_have_roots(source.data, names):
        return Slice("")
    try:
        slicer.start(source, names)
        return Slice(slicer.digest(), frozenset(slicer.pieces), slicer.names)
    except RecursionError:  # an expression too deep to walk: the file counts as one that cannot be parsed
        return Slice(hashlib.sha256(source.data).hexdigest(), frozenset({path}))


class _Slicer:
    """Follows names from one file to all that defines them. A queue, so that cycles end and depth does not matter."""

    def __init__(self, find_module: FindModule, read: Callable[[Path], Source]) -> None:
        self.find_module, self.source = functools.cache(find_module), functools.cache(read)
        self.pieces: dict[Path, dict[tuple[int, int, str], None]] = {}
        """Of each file, in the order of discovery: position and text of what belongs to the slice."""
        self.names = NO_NAMES
        self._indexes: dict[int, dict[str, list[ast.stmt]]] = {}
        self._done: set[object] = set()
        self._wanted: list[tuple[Source, Chain, Bodies]] = []

    def start(self, source: Source, names: Names) -> None:
        """Take every root of *source* and all it needs."""
        if source.tree is None:
            self._take_whole(source)
            return
        found = sorted(roots(source.tree, names), key=lambda root: _position(root.node))
        for root in found:
            self._take_root(source, root)
            self.names |= Names(takers=root.takers)
        while self._wanted:
            self._look_up(*self._wanted.pop())

    def digest(self) -> str:
        """Return the digest of the pieces, in each file in the order of its statements; empty when there are none."""
        texts = ["\n".join(text for _, _, text in sorted(pieces)) for pieces in self.pieces.values() if pieces]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest() if texts else ""

    def _note(self, source: Source, line: tuple[int, int], text: str) -> None:
        self.pieces.setdefault(source.path, {})[*line, text] = None

    def _take_whole(self, source: Source) -> None:
        self._note(source, (0, 0), ast.dump(source.tree) if source.tree else hashlib.sha256(source.data).hexdigest())

    def _take_root(self, source: Source, root: Root) -> None:
        bodies = (*(one.body for one in root.classes), source.body)
        if not root.is_followed:
            self._note(source, _position(root.node), ast.dump(root.node))
            self._note_imports(source, chain_of(root.node)[0], bodies)
        elif isinstance(root.node, ast.alias):
            self._want(source, (root.node.asname or root.node.name,), bodies)
        else:
            self._take(source, root.node, bodies)
            self._want_others(source, root.node, NAME, bodies)

    def _take(self, source: Source, node: ast.AST, bodies: Bodies) -> None:
        """Take *node* in whole, and want what it names, also by imports of its own."""
        if not self._is_new((source.path, node)):
            return
        self._note(source, _position(node), ast.dump(node))
        own = list(imports(node))
        for clause in own:
            if clause.bound == "*":
                self._follow(source, clause, ("*",))
        for chain in references(node):
            for clause in own:
                if clause.bound == chain[0]:
                    self._follow(source, clause, chain)
            self._want_unless_target(source, chain, bodies)
        if any(isinstance(part, ast.Name) and part.id == NAME for part in ast.walk(node)):
            self._want(source, (NAME,), bodies)

    def _want_unless_target(self, source: Source, chain: Chain, bodies: Bodies) -> None:
        """Want *chain*, unless it only says whose metadata gets the convention: models' classes are not wanted."""
        if "metadata" in chain[1:]:
            self._note_imports(source, chain[0], bodies)
        else:
            self._want(source, chain, bodies)

    def _want(self, source: Source, chain: Chain, bodies: Bodies) -> None:
        if self._is_new((source.path, chain, *map(id, bodies))):
            self._wanted.append((source, chain, bodies))

    def _look_up(self, source: Source, chain: Chain, bodies: Bodies) -> None:
        """Take every statement that binds or changes the first name of *chain*."""
        for statement in self._statements(chain[0], bodies):
            if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                self._take(source, statement, bodies)
                self._want_others(source, statement, chain[0], bodies)
                if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name != chain[0]:
                    self.names |= Names(holders=frozenset({statement.name}))  # whoever calls it changes the convention
                elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    self.names |= Names(holders=frozenset({chain[0]}))
            for clause in imports(statement):
                if clause.bound == chain[0]:
                    self._follow(source, clause, chain)
        for clause in source.stars:
            if any(
                self._defines(file, rest[0], set()) for file, rest in self._meant(source, clause.module, chain) if rest
            ):
                self._follow(source, clause, chain)

    def _want_others(self, source: Source, statement: ast.AST, name: str, bodies: Bodies) -> None:
        """Want the other names by which *statement* lets *name* be changed: an alias, a function that changes it."""
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._want(source, (statement.name,), bodies)
        for node in ast.walk(statement):
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
                is_alias = node.value and (name in aliased(node.value) or chain_of(node.value)[-1:] == (name,))
                for target in _targets(node) if is_alias else ():
                    self._want(source, (target,), bodies)

    def _statements(self, name: str, bodies: Bodies) -> Iterable[ast.stmt]:
        for body in bodies:
            if id(body) not in self._indexes:
                self._indexes[id(body)] = index(body)
            yield from self._indexes[id(body)].get(name, ())

    def _note_imports(self, source: Source, name: str, bodies: Bodies) -> None:
        for statement in self._statements(name, bodies):
            for clause in imports(statement):
                if clause.bound == name:
                    self._note(source, clause.line, str(clause))

    def _follow(self, source: Source, clause: Imported, chain: Chain) -> None:
        """Want in the module of *clause* what *chain* means there; of another package only the clause counts."""
        self._note(source, clause.line, str(clause))
        own = (clause.name,) if clause.name and clause.bound != "*" else ()
        rest = chain if clause.bound == "*" else (*own, *chain[1:])
        for place, (file, names) in enumerate(self._meant(source, clause.module, rest)):
            if names and self._defines(file, names[0], set()):
                self._want(file, names, (file.body,))
            elif place == 0:  # nothing says where the name comes from, or the module itself is handed about
                self._take_whole(file)

    def _meant(self, source: Source, module: str, chain: Chain) -> list[tuple[Source, Chain]]:
        """Return the files that *chain* in *module* may lead to, the deepest first, each with what is left of it."""
        found = []
        for cut in range(len(chain), -1, -1):
            name = module
            for part in chain[:cut]:
                name = joined(name, part)
            path = self.find_module(name, source.path) if "*" not in name else None
            if path is not None:
                found.append((self.source(path), chain[cut:]))
        return found

    def _defines(self, source: Source, name: str, seen: set[Path]) -> bool:
        """Whether *source* binds *name* at module level, directly or by a star import."""
        if source.path in seen:
            return False
        seen.add(source.path)
        if any(True for _ in self._statements(name, (source.body,))):
            return True
        return any(
            self._defines(file, rest[0], seen)
            for clause in source.stars
            for file, rest in self._meant(source, clause.module, (name,))
            if rest
        )

    def _is_new(self, mark: object) -> bool:
        is_new = mark not in self._done
        self._done.add(mark)
        return is_new


def _targets(node: ast.Assign | ast.AnnAssign | ast.NamedExpr) -> list[str]:
    """Return the plain names that *node* binds to its value itself."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
