"""The parts of pages that are written by the code itself: ``<!-- filled in: NAME -->`` in a page.

A code host shows such a page without them; what stands around the comment says where the same can be read there.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sitebuild import origins, recipes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_NOT_MADE_BY_CALLERS = (
    *("templatedb.Clone", "templatedb.CloneFactory", "templatedb.Golden"),
    *("templatedb.records.CloneKind", "templatedb.records.Manifest", "templatedb.records.Outcome"),
)


def fill(text: str) -> str:
    """Return *text* with each ``<!-- filled in: NAME -->`` replaced; an unknown name is a KeyError."""
    return re.sub(r"^<!-- filled in: (\w+) -->$", lambda found: _PARTS[found[1]](), text, flags=re.MULTILINE)


def _recipes() -> str:
    parts = []
    for title, rows in recipes.groups(origins.ROOT):
        heading = [f"### {title}"] if title else []
        table = [f"| [{name}](recipes/{name}.md) | {what} |" for name, what in rows]
        parts += [*heading, "\n".join(["| recipe | for a project that has |", "|---|---|", *table])]
        parts.append("\n".join(["```{toctree}", ":hidden:", "", *(f"recipes/{name}" for name, _ in rows), "```"]))
    return "\n\n".join(parts)


def _guides() -> str:
    """The other pages of the folder, by their titles: one that is added needs no entry."""
    folder = origins.DOCS / "how-to"
    pages = sorted(path.stem for path in folder.glob("*.md") if path.stem != "index")
    entries = "\n".join(["../migrating/index", *pages])
    links = [f"- [{_title(folder / f'{page}.md')}]({page}.md)" for page in pages]
    return "\n".join([f"```{{toctree}}\n:hidden:\n\n{entries}\n```", "", *links])


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def _verbs() -> str:
    from templatedb.cli import _VERBS

    return "\n\n".join(f"## `templatedb {verb}`\n\n```text\n{_help(verb)}```" for verb in _VERBS)


def _help(*words: str) -> str:
    """Return what ``templatedb WORDS --help`` prints, without colours and 100 columns wide."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "templatedb", *words, "--help"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _fixtures() -> str:
    """One heading for each public fixture: what it is, at which scope, and what its own docstring says."""
    from templatedb import fixtures

    parts = []
    for node in ast.parse(inspect.getsource(fixtures)).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or node.returns is None:
            continue
        scopes = [_scope(decorator) for decorator in node.decorator_list]
        if scopes and scopes[0]:
            value = re.sub(r"^Iterator\[(.*)\]$", r"\1", ast.unparse(node.returns))
            told = (ast.get_docstring(node) or "").replace("``", "`")
            parts.append(f"### `{node.name}`\n\n{told}\n\n`{value}`, {scopes[0]} scope.")
    return "\n\n".join(parts)


def _scope(decorator: ast.expr) -> str:
    """Return the scope of ``@pytest.fixture``; empty for another decorator."""
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    if ast.unparse(call) != "pytest.fixture":
        return ""
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return next((ast.literal_eval(word.value) for word in keywords if word.arg == "scope"), "function")


def _options() -> str:
    from templatedb import options

    parser = _Options()
    options.pytest_addoption(parser)  # type: ignore[arg-type]  # it takes notes instead
    return "\n\n".join(parser.notes)


class _Options:
    """Stands for pytest's parser and takes notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def getgroup(self, *_names: str) -> _Options:
        """All options go into one group."""
        return self

    def addoption(self, name: str, **about: Any) -> None:
        """Note one option."""
        value = "|".join(about.get("choices", ())) or about.get("metavar", "")
        self.notes.append(f"### `{name}{f'={value}' if value else ''}`\n\n{about['help']}")


def _library() -> str:
    import templatedb
    from templatedb.records import Manifest

    names = [name for name in templatedb.__all__ if not _is_error(name)]
    functions = [name for name in names if not inspect.isclass(getattr(templatedb, name))]
    classes = sorted(set(names) - set(functions), key=list(_MEMBERS).index)
    lines = [f".. autofunction:: templatedb.{name}\n" for name in functions]
    lines += [_autoclass(f"templatedb.{name}", _MEMBERS[name]) for name in classes]
    values = {"Key": "short", "Manifest": ", ".join(Manifest._fields), "Outcome": "", "CloneKind": ""}
    shown = [_autoclass(f"templatedb.records.{name}", members) for name, members in values.items()]
    return "\n".join(["```{eval-rst}", *lines, "```", "", "## Values", "", "```{eval-rst}", *shown, "```"])


def _autoclass(name: str, members: str) -> str:
    """Return the directive for a class with these *members*; an empty text is all of them, a dash is none."""
    options = [f"   :members: {members}".rstrip(), "   :undoc-members:"] if members != "-" else []
    if "__call__" in members:
        options = ["   :special-members: __call__"]
    if name in _NOT_MADE_BY_CALLERS:
        options.append("   :class-doc-from: class")
    return "\n".join([f".. autoclass:: {name}", *options, ""])


_MEMBERS = {
    "Template": "golden, key, at, with_settings, based",
    "Golden": "clone, close, key, path, manifest, outcome, reason",
    "Clone": "path, url, async_url, connect, dump, kind, closed, close",
    "CloneFactory": "__call__",
    "Alembic": "-",
    "SqlFolder": "-",
    "Metadata": "folder",
    "Function": "folder",
    "Command": "-",
}
"""What callers use of each public class, in the order in which a reader meets them; one without entry is an error."""


def _errors() -> str:
    import templatedb
    from templatedb import errors

    tree = inspect.getdoc(errors) or ""
    drawn = re.search(r"^TemplateDBError\n(?:[│├└ ].*\n)+", tree, re.MULTILINE)
    names = [f"templatedb.{name}" for name in templatedb.__all__ if _is_error(name)]
    names.append("templatedb.errors.GoldenChangedError")
    names.sort(key=lambda name: tree.index(name.rpartition(".")[2]))
    members = {"templatedb.TemplateDBError": "line", "templatedb.BuildError": "report"}
    lines = [
        f".. autoexception:: {name}\n   :show-inheritance:\n   :members: {members.get(name, '')}\n"
        if name in members
        else f".. autoexception:: {name}\n   :show-inheritance:\n"
        for name in names
    ]
    return "\n".join(["```text", drawn[0].rstrip() if drawn else "", "```", "", "```{eval-rst}", *lines, "```"])


def _is_error(name: str) -> bool:
    import templatedb

    found = getattr(templatedb, name)
    return inspect.isclass(found) and issubclass(found, Exception)


def before_napoleon(_app: Sphinx, what: str, _name: str, _found: object, _options: object, lines: list[str]) -> None:
    """Hide colons in the docstring of a property: napoleon takes what stands before one for a type."""
    if what in ("property", "attribute"):
        lines[:] = [line.replace(":", "\0") for line in lines if not line.startswith("Alias for field number ")]


def after_napoleon(_app: Sphinx, _what: str, _name: str, _found: object, _options: object, lines: list[str]) -> None:
    """Show them again."""
    lines[:] = [line.replace("\0", ":") for line in lines]


def signature(_app: Sphinx, what: str, name: str, *_rest: object) -> tuple[str, str] | None:
    """Leave the arguments of classes away that callers do not make themselves."""
    return ("", "") if what == "class" and name in _NOT_MADE_BY_CALLERS else None


_PARTS = {
    "errors": _errors,
    "fixtures": _fixtures,
    "guides": _guides,
    "library": _library,
    "options": _options,
    "recipes": _recipes,
    "verbs": _verbs,
}
