"""Engines of the application, and the variables that their URLs come from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from templatedb.conventions.source import FUNCTIONS, chain_of
from templatedb.proposals import Fact
from templatedb.proposals.names import at_import
from templatedb.proposals.values import Values, unwrapped
from templatedb.proposals.variables import Form, Variable

_MAKERS = {"create_engine": Form.URL, "create_async_engine": Form.ASYNC_URL}
_FLASK = "SQLALCHEMY_DATABASE_URI"
_MENTIONS = rf"create_engine|create_async_engine|{_FLASK}|sqlite3\.connect|aiosqlite\.connect"
_ASYNC = r"create_async_engine|AsyncSession|\baiosqlite\b|async_sessionmaker"
_IN_MEMORY = re.compile(r"(?:sqlite(?:\+\w+)?://)?/?(?::memory:)?|file:.*mode=memory.*")
_IS_ASYNC_URL = re.compile(r"\w+\+(?:aiosqlite|asyncpg|aiomysql|asyncmy|psycopg_async)\b")


class Engine(NamedTuple):
    """One place where the application says which database it opens."""

    maker: str
    """What is called, or set."""
    path: str
    line: int
    is_at_import: bool
    variable: Variable | None
    """Where the URL comes from; None when it is no variable of the environment."""
    url: str | None = None
    """The URL that stands in the source."""
    function: str = ""
    """The function whose argument has the URL as its default; empty where it is no default."""

    @property
    def fact(self) -> Fact:
        """What is to be told of it."""
        when = " at import" if self.is_at_import else ""
        source = (
            f"from the variable {self.variable.name}" if self.variable else f"fixed, {without_password(self.url or '')}"
        )
        return Fact(self.path, self.line, f"{self.maker}{when}, {self.holds} {source}")

    @property
    def is_connection(self) -> bool:
        """Whether it is no engine of SQLAlchemy but a connection, of ``sqlite3`` or ``aiosqlite``."""
        return self.maker.endswith(".connect")

    @property
    def holds(self) -> str:
        """What it is given: ``URL`` or ``path``."""
        is_path = self.is_connection or (self.variable and self.variable.form is Form.PATH)
        return "path" if is_path else "URL"


def without_password(url: str) -> str:
    """Return *url* in one line and without who it lets in."""
    shown = re.sub(r"//[^/@]*@", "//", url)
    return shown if shown.isprintable() else ascii(shown)


def engines(values: Values) -> list[Engine]:
    """Return the engines whose URL is known, those made at import first."""
    project = values.project
    found = [one for path in project.mentioning(_MENTIONS) if not path.endswith("env.py") for one in _in(path, values)]
    return sorted(found, key=lambda one: (not one.is_at_import, one.variable is None))


def asynchronous(values: Values) -> Fact | None:
    """Return the first place where the application awaits its database."""
    for path in values.project.mentioning(_ASYNC):
        line = values.project.line_of(path, rf".*({_ASYNC})")
        return Fact(path, line, "awaits its database: the async fixtures need aiosqlite and greenlet")
    return None


def overrides_environment(values: Values) -> Fact | None:
    """Return where a ``.env`` file is let win over the environment, and so over what is exported."""
    for path in values.project.mentioning(r"load_dotenv\([^)]*override\s*=\s*True"):
        line = values.project.line_of(path, r".*\bload_dotenv\(")
        return Fact(path, line, "load_dotenv(override=True) replaces what is exported to the tests")
    return None


def _in(path: str, values: Values) -> Iterator[Engine]:
    tree = values.project.source(path).tree
    if tree is None:
        return
    inside = {
        part: function
        for function in ast.walk(tree)
        if isinstance(function, (*FUNCTIONS, ast.Lambda))
        for part in ast.walk(function)
        if part is not function
    }
    runs_now = set(at_import(tree.body))
    for node in ast.walk(tree):
        for maker, value in _urls(node):
            function = inside.get(node)
            default = _default_of(value, function)
            source = value if default is None else default
            variable = values.variable(source, path) or _local(value, function, path, values)
            literal = values.literal(source, path)
            if variable is None and (literal is None or _IN_MEMORY.fullmatch(literal)):
                continue
            line = getattr(node, "lineno", value.lineno)
            is_now = node in runs_now if maker == _FLASK else function is None
            formed = variable and _formed(variable, maker, value)
            yield Engine(maker, path, line, is_now, formed, literal, getattr(function, "name", "") if default else "")


def _urls(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield what makes an engine, and the expression of its URL or path."""
    if isinstance(node, ast.Call):
        chain = chain_of(node.func)
        words = {word.arg: word.value for word in node.keywords}
        first = words.get("url") or (node.args[0] if node.args else None)
        if chain[-1:] and chain[-1] in _MAKERS and first is not None:
            yield chain[-1], first
        elif chain in (("sqlite3", "connect"), ("aiosqlite", "connect")) and node.args:
            yield ".".join(chain), node.args[0]
        elif _FLASK in words:
            yield _FLASK, words[_FLASK]
    elif isinstance(node, ast.Assign):
        target = node.targets[0]
        key = target.slice if isinstance(target, ast.Subscript) else None  # app.config["..."] = url
        if _FLASK in (getattr(target, "id", None), getattr(key, "value", None)):
            yield _FLASK, node.value
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from ((_FLASK, value) for key, value in pairs if isinstance(key, ast.Constant) and key.value == _FLASK)


def _local(value: ast.expr, function: ast.AST | None, path: str, values: Values) -> Variable | None:
    """Return the variable behind a name that the *function* around assigns itself."""
    names = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
    for node in ast.walk(function) if function is not None else ():
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.Assign) and any(getattr(target, "id", None) in names for target in targets):
            return values.variable(node.value, path)
    return None


def _default_of(value: ast.expr, function: ast.AST | None) -> ast.expr | None:
    """Return the default of the argument of the *function* around that *value* is; None when it is none."""
    name, arguments = getattr(unwrapped(value), "id", None), getattr(function, "args", None)
    if name is None or not isinstance(arguments, ast.arguments):
        return None
    placed = reversed([*arguments.posonlyargs, *arguments.args])
    pairs = [*zip(placed, reversed(arguments.defaults), strict=False)]
    pairs += [
        (one, default) for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default
    ]
    return next((default for one, default in pairs if one.arg == name), None)


def _formed(variable: Variable, maker: str, value: ast.expr) -> Variable:
    """Return *variable* with what it holds, as its maker and its default tell."""
    if maker.endswith(".connect"):
        return variable._replace(form=Form.PATH)
    if variable.form is Form.PATH:
        return variable
    default = variable.default or ""
    if _IS_ASYNC_URL.match(default):
        return variable._replace(form=Form.ASYNC_URL)
    replaces = any(isinstance(part, ast.Attribute) and part.attr == "replace" for part in ast.walk(value))
    if default.startswith("sqlite:") and replaces:
        return variable
    return variable._replace(form=_MAKERS.get(maker, Form.URL))
