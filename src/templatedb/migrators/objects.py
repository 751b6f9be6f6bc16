"""Python objects named ``"package.module:name"``: where their source is, and what they are, once imported."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.machinery
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from templatedb.errors import InputsError, SettingsError
from templatedb.inputs import Input, file
from templatedb.migrators.packages import package_folders
from templatedb.settings import Settings

DRAFTS = ("templatedb_build", "templatedb_migrate", "templatedb_golden")
"""Names of the modules that ``templatedb init`` proposes."""


def refuse_other_than_names(target: object, setting: str) -> None:
    """Raise SettingsError unless *target*, given as *setting*, has the form of a name."""
    module, _, name = str(target).partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise SettingsError(
            what=f"{setting} {target!r} is not a name",
            remedy=f'Write it as "package.module:{"metadata" if setting in ("metadata", "models") else "function"}".',
            key=setting,
            value=target,
        )


def input_of(target: str, setting: str, settings: Settings, folder: str = "") -> Input:
    """Return the input of the source file of the module of *target*, found without importing it.

    Raises InputsError when there is no such module, SettingsError when *target* is not a name.
    """
    refuse_other_than_names(target, setting)
    module = target.partition(":")[0]
    folders = (*((Path(folder),) if folder else ()), *settings.import_folders)
    path = source_of(module, folders)
    if path is None:
        near = _near_module(module, folders)
        hint = f"Did you mean '{near}{target.removeprefix(module)}'? " if near else ""
        is_draft = module in DRAFTS and setting in ("function", "metadata")
        shown = f"templatedb init shows the text of {module}.py, where the project needs it. Or correct the name,"
        raise InputsError(
            what=f"no module {module!r} for {setting} {target!r} in " + ", ".join(map(str, folders)),
            remedy=f"{hint}{shown if is_draft else 'Correct the name,'} or add the module's folder to python_path.",
            searched=folders,
        )
    return file(f"{setting}/{module.replace('.', '/')}", path)


def source_of(module: str, folders: tuple[Path, ...]) -> Path | None:
    """Return the file of *module*, found where the build would import it from; None when there is none.

    Looks on *folders*, then where this interpreter looks; imports neither the module nor its parents.
    """
    package, _, name = module.rpartition(".")
    search = [*package_folders(package, folders)] if package else [*folders, *map(Path, sys.path)]
    spec = importlib.machinery.PathFinder.find_spec(module, [str(folder) for folder in search])
    if spec is None and not package:
        finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
        spec = next((found for finder in finders if (found := finder.find_spec(name, None))), None)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return None
    return Path(spec.origin)


def _near_module(module: str, folders: tuple[Path, ...]) -> str:
    """Return the name of a module in *folders* that is nearly *module*; empty without one. Imports nothing."""
    above = ""
    for part in module.split("."):
        there = package_folders(above, folders) if above else folders
        near = difflib.get_close_matches(part, sorted(_modules_in(there)), n=1)
        if not near:
            return ""
        above = f"{above}.{near[0]}" if above else near[0]
    return above if source_of(above, folders) is not None else ""


def _modules_in(folders: Iterable[Path]) -> set[str]:
    """Return the names of what may be imported from *folders*; nothing of those that cannot be listed."""
    names: set[str] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            names |= {name.removesuffix(".py") for name in os.listdir(folder)}
    return {name for name in names if name.isidentifier()}


def load(target: str, setting: str, folder: str = "") -> Any:
    """Import the module of *target* and return what it names; raises SettingsError when the module has no such name."""
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)
    module_name, _, name = target.partition(":")
    module: Any = importlib.import_module(module_name)
    parts = name.split(".")
    found = module
    for number, part in enumerate(parts):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), n=1)
            whole = ".".join([*parts[:number], *near, *parts[number + 1 :]])
            raise SettingsError(
                what=f"{module.__file__} has no {setting} {name!r}",
                remedy=f"Did you mean {whole!r}?" if near else f"Correct {setting} = {target!r}, or the module.",
                key=setting,
                value=target,
            )
        found = getattr(found, part)
    return found


def described(found: object) -> str:
    """Return what *found* is, for a message: its ``repr`` may be anything."""
    return f"the class {found.__name__}" if isinstance(found, type) else f"of the type {type(found).__name__}"


def name_of(found: Any, setting: str) -> tuple[str, str]:
    """Return the importable name of the function or class *found*, and the folder its module is imported from.

    Raises SettingsError for what has no name of its own, such as a lambda.
    """
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", "<locals>")
    source = getattr(sys.modules.get(str(module)), "__file__", None)
    if source is None or "<" in name:
        shown = f"{module}.{found.__qualname__}" if hasattr(found, "__qualname__") else described(found)
        raise SettingsError(
            what=f"{setting} {shown} cannot be imported by name, but the build runs in a process of its own",
            remedy='Move it to the top level of a module, or name it where it stands: "package.module:name".',
            key=setting,
            value=found,
        )
    path = Path(source).resolve()
    depth = str(module).count(".") + (path.name == "__init__.py")
    return f"{module}:{name}", os.fspath(path.parents[depth])
