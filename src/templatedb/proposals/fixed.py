"""Databases that stand fixed in the source: what of them no clone replaces, and what is to be told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from templatedb.proposals import Setting
from templatedb.proposals.conftests import Conftests
from templatedb.proposals.engines import Engine, without_password
from templatedb.proposals.project import Project
from templatedb.proposals.values import Values
from templatedb.proposals.web import Dependency

_FILE = re.compile(r"sqlite(?:\+\w+)?:///")


def fixed(values: Values, found: list[Engine], settings: tuple[Setting, ...]) -> list[Engine]:
    """Return the engines of *found* that are on a file of their own whatever a test asks for.

    A function that *settings* have migrate a file is always given one.
    """
    migrates = {one.value for one in settings if one.key == "function"}
    return [
        one
        for one in found
        if one.url
        and (one.is_at_import or one.is_connection)
        and not (one.function and f"{values.project.module_of(one.path)[0]}:{one.function}" in migrates)
    ]


def overridden(project: Project, suite: Conftests, dependencies: list[Dependency]) -> Dependency | None:
    """Return the dependency that a fixture overrides: the proposed one, or one of the project's if it uses clones."""
    chosen = next(iter(dependencies), None)
    if chosen is None or suite.uses_clones is None:
        return chosen
    override = rf"dependency_overrides\[\s*(?:\w+\.)*{re.escape(chosen.name)}\s*\]"
    return chosen if any(re.search(override, project.text(name)) for name in project.conftests) else None


def notes_on_fixed(engines: list[Engine], override: Dependency | None) -> Iterator[str]:
    """Yield a sentence for each of the *engines*, with what reaches a clone in spite of it: the *override*."""
    for one in engines:
        url = without_password(one.url or "")
        variable = f'a variable, such as os.environ.get("DATABASE_{one.holds.upper()}", "{url}")'
        if override is not None:
            user = "connects by itself" if one.is_connection else "uses the engine directly"
            yield (
                f"{one.fact.place}: {one.maker} has a fixed {one.holds}. Endpoints are served by the fixture's override"
                f" of {override.name}; only code that {user} (background jobs, scripts, startup events) still opens"
                f" {file_of(one)}. If tests run such code, let the {one.holds} come from {variable}."
            )
        elif one.function:
            yield (
                f"{one.fact.place}: {one.function} opens {url} where it is called without a path, so tests that get"
                f" there use that file and no clone; give it clone_path, or let the default come from {variable}."
            )
        else:
            what = "lead it to a clone" if one.is_at_import else "use that file and no clone"
            so = f"the tests cannot {what}" if one.is_at_import else f"tests that get there {what}"
            yield f"{one.fact.place}: {one.maker} has a fixed {one.holds}, so {so}; let it come from {variable}."


def file_of(engine: Engine) -> str:
    """Return the file that *engine* opens, or the URL of another database, as people read it."""
    return _FILE.sub("", without_password(engine.url or "")).removeprefix("./")
