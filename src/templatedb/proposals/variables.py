"""Variables of the environment, as source code reads them."""

from __future__ import annotations

import ast
import enum
import re
from typing import NamedTuple

from templatedb.conventions.source import chain_of
from templatedb.proposals.names import targets

_READERS = {("getenv",), ("config",), ("env",), ("env", "str"), ("env", "url"), ("environ", "get"), ("environ", "pop")}
"""Ends of the functions that read a variable: of ``os``, and of starlette, decouple and environs."""


class Form(enum.StrEnum):
    """What a variable holds; the values are those of the setting ``export``."""

    URL = "url"
    ASYNC_URL = "async_url"
    PATH = "path"


class Variable(NamedTuple):
    """A variable of the environment that a module reads."""

    name: str
    path: str
    line: int
    default: str | None = None
    """What is taken where it is not set, if the source says it."""
    is_required: bool = False
    """Whether reading fails where it is not set."""
    form: Form = Form.URL


def read_of(node: ast.AST, path: str) -> Variable | None:
    """Return the variable that *node* itself reads, such as ``os.environ["X"]`` or ``os.getenv("X", "...")``."""
    if isinstance(node, ast.Subscript) and chain_of(node.value)[-1:] == ("environ",):
        name = node.slice.value if isinstance(node.slice, ast.Constant) else None
        is_read = isinstance(node.ctx, ast.Load) and _is_name(name)
        return Variable(str(name), path, node.lineno, is_required=True) if is_read else None
    if not isinstance(node, ast.Call) or not node.args:
        return None
    chain = chain_of(node.func)
    if not ({chain, chain[-1:], chain[-2:]} & _READERS) or (len(chain) > 1 and chain[-1:] in {("config",), ("env",)}):
        return None
    name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
    if not _is_name(name):
        return None
    is_required = chain[-1] not in ("getenv", "get") and not defaults_of(node)
    return Variable(str(name), path, node.lineno, is_required=is_required)


def _is_name(name: object) -> bool:
    """Whether *name* is one that people give to variables: it is shown, and written into a settings file."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def defaults_of(call: ast.Call) -> list[ast.expr]:
    """Return what *call*, which reads a variable, gives for one that is not set."""
    return [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "default")]


def is_settings_class(definition: ast.ClassDef) -> bool:
    """Whether a class is one of pydantic's, whose fields are read from the environment."""
    return any(chain_of(base)[-1:] and chain_of(base)[-1].endswith("Settings") for base in definition.bases)


def field_variable(definition: ast.ClassDef, node: ast.AnnAssign | ast.Assign, name: str, path: str) -> Variable:
    """Return the variable that pydantic reads for the field *name*, which *node* declares."""
    words = (word for part in ast.walk(definition) for word in [*getattr(part, "keywords", []), *_config(part)])
    prefixes = (getattr(word.value, "value", "") for word in words if word.arg == "env_prefix")
    prefix = next((str(one) for one in prefixes if one), "")
    value, default, is_required = node.value, None, node.value is None
    if isinstance(value, ast.Constant):
        default = value.value if isinstance(value.value, str) else None
    elif isinstance(value, ast.Call):
        given = {word.arg: word.value for word in value.keywords}
        first = given.get("default") or (value.args[0] if value.args else None)
        is_required = (first is None and "default_factory" not in given) or _is_ellipsis(first)
        default = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
        for key in ("validation_alias", "alias", "env"):
            alias = given.get(key)
            if isinstance(alias, ast.Constant) and _is_name(alias.value):
                return Variable(str(alias.value).upper(), path, node.lineno, default, is_required)
    return Variable((prefix + name).upper(), path, node.lineno, default, is_required)


def _config(node: ast.AST) -> list[ast.keyword]:
    """Return ``env_prefix = "..."`` of an inner ``class Config`` as the keyword that it is elsewhere."""
    if isinstance(node, ast.Assign) and targets(node) == ["env_prefix"]:
        return [ast.keyword("env_prefix", node.value)]
    return []


def _is_ellipsis(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def holding_all(node: ast.AST) -> list[ast.expr]:
    """Return the parts of the expression *node* of which one may be the whole value, but for a driver or an option.

    A user, a host or a folder that is put together with others to a URL is no URL: such parts are left out.
    """
    match node:
        case ast.BoolOp(values=values):
            return values
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.Await(value=value) | ast.NamedExpr(value=value) | ast.FormattedValue(value=value):
            return [value]
        case ast.JoinedStr(values=[ast.FormattedValue(value=value)]):
            return [value]
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=args) if attr not in ("join", "create", "build"):
            return [value, *args[:1]]  # url.replace("+asyncpg", ""), os.path.expanduser(path)
        case ast.Call(func=ast.Name(), args=[only]):
            return [only]  # str(url), make_url(url), Path(path)
        case _:
            return []


def path_in_url(node: ast.AST) -> ast.expr | None:
    """Return what stands behind ``sqlite:///`` in the expression *node*, where that is all of the path."""
    match node:
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(value=value)]):
            return value if start.startswith("sqlite") else None
        case ast.BinOp(op=ast.Add(), left=ast.Constant(value=str(start)), right=right):
            return right if start.startswith("sqlite") else None
        case _:
            return None
