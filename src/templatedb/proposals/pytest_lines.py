"""Lines for pytest's own configuration, without which the tests that were proposed for cannot run."""

from __future__ import annotations

import importlib.machinery
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from templatedb.proposals import Code, PytestLines
from templatedb.proposals.conftests import IS_TEST, Conftests
from templatedb.proposals.project import Project, folder_of
from templatedb.pytest_configuration import INI_OPTIONS, Configuration, configuration

_MARKED = re.compile(r"\bmark\.(?:asyncio|anyio|trio)\b")
"""Tests that say themselves what runs them."""
_ASYNCIO = "pytest_asyncio"


def pytest_lines(
    project: Project, suite: Conftests, conftest: Code | None, imported: Iterable[str]
) -> PytestLines | None:
    """Return what pytest's configuration lacks; None when nothing is missing.

    *conftest* is what is proposed for the conftest of *suite*, *imported* are the modules of the application, by their
    files, that tests have to import.
    """
    home, found = _configuration(project.root)
    lines: list[tuple[str, str | list[str], str]] = [*_import_path(project, home, found, suite, conftest, imported)]
    lines += _asyncio(project, found, conftest)
    if not lines:
        return None
    path = found.file if home == project.root else str(home / found.file)
    is_toml = found.file.endswith(".toml")
    text = "".join(f"# {why}\n{name} = {_written(value, is_toml=is_toml)}\n" for name, value, why in lines)
    is_there = configuration(home) is not None
    return PytestLines(path, found.section, text if is_there else f"{found.section}\n{text}")


def asyncio_is_missing(project: Project, conftest: Code | None) -> bool:
    """Whether *conftest* imports pytest-asyncio, which is neither installed nor named by the project."""
    if not _needs_asyncio(conftest) or _is_installed(_ASYNCIO):
        return False
    names = (name for name in project.files if "/" not in name and name.endswith((".toml", ".txt", ".ini", ".cfg")))
    return not any(re.search(r"pytest[-_]asyncio", project.text(name)) for name in names)


def _written(value: str | list[str], *, is_toml: bool) -> str:
    if is_toml:
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else " ".join(value)


def _configuration(root: Path) -> tuple[Path, Configuration]:
    """Return the folder and the configuration that pytest takes in *root*; a new one where there is none."""
    for folder in (root, *root.parents):
        if (found := configuration(folder)) is not None:
            return folder, found
    if (root / "pyproject.toml").is_file():
        return root, Configuration("pyproject.toml", INI_OPTIONS, {})
    return root, Configuration("pytest.ini", "[pytest]", {})


def _words(value: object) -> list[str]:
    """Return a list of pytest's configuration, which an INI file has in one text."""
    return value.split() if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []


def _import_path(
    project: Project, home: Path, found: Configuration, suite: Conftests, conftest: Code | None, imported: Iterable[str]
) -> Iterator[tuple[str, list[str], str]]:
    if any("sys.path" in project.text(name) for name in project.conftests):
        return
    entries = _words(found.values.get("pythonpath"))
    known = {(home / entry).resolve() for entry in entries}
    inserts = "--import-mode importlib" not in " ".join(_words(found.values.get("addopts"))).replace("=", " ")
    given = _inserted(project, suite, conftest) if inserts else set()
    missing: dict[str, str] = {}
    for path in imported:
        module, folder = _module(project, path)
        name = module.partition(".")[0]
        is_found = folder in given or (project.root / folder).resolve() in known or _is_installed(name)
        if folder != "src" and not is_found:  # of src a note tells
            missing.setdefault(folder, name)
    if missing:
        new = [os.path.relpath(project.root / folder, home) for folder in missing]
        instead = "; in place of the pythonpath that is there" if entries else ""
        names = " and ".join(missing.values())
        why = f"so that pytest finds {names}, which {'are' if len(missing) > 1 else 'is'} not installed{instead}"
        yield "pythonpath", [*entries, *new], why


def _module(project: Project, path: str) -> tuple[str, str]:
    """Return what the file *path* is imported as, and the folder that its import needs on the path."""
    module, folder = project.module_of(path)
    stem = str(PurePosixPath(path).with_suffix("")).removesuffix("/__init__")
    above = stem.removesuffix(module.replace(".", "/")).rstrip("/")
    return module, folder or above or "."


def _inserted(project: Project, suite: Conftests, conftest: Code | None) -> set[str]:
    """Return the folders that pytest puts on the import path before it imports the tests.

    For each conftest, else for each file of tests: the first folder from there upwards that is no package.
    Source: pytest documentation, "pytest import mechanisms and sys.path/PYTHONPATH".
    """
    if conftest is not None or suite.path in project.conftests:
        return {_first_above(project, folder_of(suite.path))}
    files = (name for name in project.files if IS_TEST.fullmatch(PurePosixPath(name).name))
    folders = {_first_above(project, folder_of(name)) for name in files if not project.home_of(name)}
    if not folders:
        return {_first_above(project, folder_of(suite.path))}
    return folders if len(folders) == 1 else set()  # not all of them see the other ones' folders


def _first_above(project: Project, folder: str) -> str:
    place = PurePosixPath(folder)
    while str(place) != "." and str(place / "__init__.py") in project.files:
        place = place.parent
    return ".." if str(place) == "." and "__init__.py" in project.files else str(place)


def _is_installed(name: str) -> bool:
    """Whether pytest, in this environment, finds the module or package *name*; imports nothing.

    The first entry of the import path is left out: it is the working folder where Python was run with ``-m``, which
    plain ``pytest`` does not have.
    """
    if name in sys.stdlib_module_names:
        return False  # the project's own is meant
    path = sys.path if sys.flags.safe_path else sys.path[1:]
    if importlib.machinery.PathFinder.find_spec(name, path) is not None:
        return True
    others = (one for one in sys.meta_path if one is not importlib.machinery.PathFinder and hasattr(one, "find_spec"))
    return any(finder.find_spec(name, None) is not None for finder in others)


def _needs_asyncio(conftest: Code | None) -> bool:
    return conftest is not None and _ASYNCIO in conftest.text


def _asyncio(project: Project, found: Configuration, conftest: Code | None) -> Iterator[tuple[str, str, str]]:
    is_said = "asyncio_mode" in found.values or "--asyncio-mode" in " ".join(_words(found.values.get("addopts")))
    if not _needs_asyncio(conftest) or is_said:
        return
    files = (name for name in project.files if name.endswith(".py") and not project.home_of(name))
    tests = (name for name in files if IS_TEST.fullmatch(PurePosixPath(name).name) or name in project.conftests)
    if not any(_MARKED.search(project.text(name)) for name in tests):
        yield "asyncio_mode", "auto", "without this each asynchronous test needs @pytest.mark.asyncio"
