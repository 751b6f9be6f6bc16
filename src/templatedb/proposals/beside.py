"""The settings that go beside the migrator: import path, variables, and what is only suggested."""

from __future__ import annotations

import re
from collections.abc import Iterator

from templatedb.proposals import Setting, Written
from templatedb.proposals.engines import Engine
from templatedb.proposals.environments import variables_of
from templatedb.proposals.migrators import Choice
from templatedb.proposals.models import Models
from templatedb.proposals.values import Values
from templatedb.proposals.variables import Form, Variable

_HOLDS_URL = re.compile(r"(?:\w+_)?(?:DATABASE|DB|SQL\w*|POSTGRES\w*|PG)_?(?:\w+_)?(?:URL|URI|DSN)", re.IGNORECASE)
_SHOWN = 3
"""Variables that are suggested to decide the result, of those that env.py reads."""


def settings_beside(
    values: Values, choice: Choice, exported: list[Engine], found_models: list[Models]
) -> Iterator[Setting]:
    """Yield the settings that go beside the migrator of *choice*; *exported* are the engines to be led to clones."""
    reads = _read_by_env(values, choice)
    variables: dict[str, Variable] = {}
    for one in exported:
        if one.variable is not None:
            variables.setdefault(one.variable.name, one.variable)
    urls = [one.name for one in variables.values() if one.form is not Form.PATH]
    urls += [one.name for one in reads if _HOLDS_URL.fullmatch(one.name) and one.name not in urls]
    if choice.python_path:
        entries = dict.fromkeys((*choice.python_path, *values.project.settings.import_entries))
        yield Setting("python_path", tuple(entries), "not installed, and not on pytest's pythonpath")
    if set(urls) - {"DATABASE_URL"}:  # the default
        yield Setting("url_env", tuple(urls), "set to the URL of the build while it migrates")
    if variables:
        where = ", ".join(f"{one.path}:{one.line} reads {one.name}" for one in variables.values())
        why = f"{where}; set before the tests import {'them' if len(variables) > 1 else 'it'}"
        yield Setting("export", {one.name: str(one.form) for one in variables.values()}, why)
    yield from _of_variables(values, [one for one in reads if one.name not in urls and one.name not in variables])
    yield from _of_models(choice, found_models)
    why = "rows that every test starts with: def function(connection)"
    yield Setting("seed", ("package.module:function",), why, Written.SUGGESTED)


def _read_by_env(values: Values, choice: Choice) -> list[Variable]:
    env = None if choice.environment is None else choice.environment.env
    if env is None:
        return []
    return variables_of(env, values.project.name_of(env.path) or str(env.path))


def _of_variables(values: Values, reads: list[Variable]) -> Iterator[Setting]:
    """Yield what is suggested for variables that are no URLs: those that *reads* of env.py need, and its others."""
    needed = {one.name: one for one in (*reads, *values.required_fields()) if one.is_required}
    if wanted := [one for one in needed.values() if not _HOLDS_URL.fullmatch(one.name)]:
        why = f"{wanted[0].path}:{wanted[0].line} fails without"
        yield Setting("build_env", dict.fromkeys((one.name for one in wanted), "test"), why, Written.SUGGESTED)
    if deciding := [one for one in reads if not one.is_required][:_SHOWN]:
        why = f"{deciding[0].path}:{deciding[0].line} reads it: another value, another golden"
        yield Setting("environment", tuple(one.name for one in deciding), why, Written.SUGGESTED)


def _of_models(choice: Choice, found_models: list[Models]) -> Iterator[Setting]:
    """Yield the comparison with the models, for migrations whose build finds their module."""
    known = ("", *choice.python_path)
    target = next((one.target for one in found_models if one.target and one.python_path in known), None)
    if choice.environment is not None and target is not None:
        why = 'compared with the golden; drift = "error" makes a difference fail'
        yield Setting("models", target, why, Written.SUGGESTED)
