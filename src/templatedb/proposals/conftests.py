"""What the project's conftests do about databases already."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from templatedb.conventions.source import FUNCTIONS, chain_of
from templatedb.proposals import Code, Fact
from templatedb.proposals.names import at_import
from templatedb.proposals.project import Project, is_test

_MAKING = {"create_all", "drop_all", "upgrade", "downgrade", "executescript", "apply_migrations"}
_CLONES = {
    "clone", "clone_path", "clone_url", "clone_async_url", "clone_connection", "clone_engine", "clone_session",
    "clone_async_engine", "clone_async_session", "clone_factory",
}  # fmt: skip


_CLIENT = re.compile(rb"\b(TestClient|AsyncClient|AsyncTestClient)\b")
IS_TEST = re.compile(r"test_.*\.py|.*_test\.py")
"""The names of files of tests."""


class Conftests(NamedTuple):
    """The conftests as a whole."""

    path: str
    """Where fixtures for the whole suite belong, be it there or not."""
    names: frozenset[str]
    """What they define."""
    facts: tuple[Fact, ...]
    """Fixtures that make a database, which clones replace."""
    uses_clones: Fact | None
    """Where a clone is asked for already."""
    has_sync_client: bool = False
    """Whether tests reach the application through FastAPI's synchronous client, and none awaits it."""


def conftests(project: Project) -> Conftests:
    """Return what the conftests of *project* do."""
    names, facts, uses = set[str](), list[Fact](), list[Fact]()
    for path in project.conftests:
        for node in at_import(project.source(path).body):
            if not isinstance(node, FUNCTIONS):
                continue
            names.add(node.name)
            if asked := _CLONES & {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}:
                uses.append(Fact(path, node.lineno, f"{node.name} asks for {min(asked)} already"))
            called = [chain_of(call.func)[-1:] for call in ast.walk(node) if isinstance(call, ast.Call)]
            if making := next((end[0] for end in called if end and end[0] in _MAKING), None):
                what = f"fixture {node.name} calls {making}: a clone may replace it"
                facts.append(Fact(path, node.lineno, what))
    return Conftests(
        _place(project),
        frozenset(names),
        tuple(facts),
        next(iter(uses), None),
        has_sync_client=_has_sync_client(project),
    )


def _has_sync_client(project: Project) -> bool:
    tests = [name for name in project.files if name.endswith(".py") and is_test(name) and not project.home_of(name)]
    clients = set[bytes]().union(*(_CLIENT.findall(project.source(name).data) for name in tests))
    return clients == {b"TestClient"}


def hidden(project: Project, conftest: Code | None) -> Iterator[Fact]:
    """Yield the fixtures of test modules that hide those of the same name in a proposed *conftest*."""
    names = set(re.findall(r"(?m)^(?:async )?def (\w+)\(", conftest.text)) if conftest is not None else set()
    for path in project.files if names else ():
        if not IS_TEST.fullmatch(PurePosixPath(path).name):
            continue
        for node in at_import(project.source(path).body):
            if isinstance(node, FUNCTIONS) and node.name in names and any(map(_makes_fixture, node.decorator_list)):
                yield Fact(path, node.lineno, f"a fixture {node.name} of its own hides the one of conftest.py")


def _makes_fixture(decorator: ast.expr) -> bool:
    return chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)[-1:] == ("fixture",)


def _place(project: Project) -> str:
    """Return the conftest nearest to the project's folder, or where one belongs."""
    if project.conftests:
        return project.conftests[0]
    folder = next((name for name in ("tests", "test") if (project.root / name).is_dir()), "")
    return f"{folder}/conftest.py" if folder else "conftest.py"
