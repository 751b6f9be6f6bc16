"""A Python function that fills the file it is given: application factories, ``create_all`` and stamp, anything."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.machinery
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from templatedb.errors import InputsError, SettingsError
from templatedb.inputs import Input, file, setting
from templatedb.migrators import Target, versions
from templatedb.migrators.alembic_config import package_folders
from templatedb.settings import Settings


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """A function ``"package.module:name"`` (or the function itself), called with the path of the file to migrate."""

    kind: ClassVar[str] = "function"
    target: str | Callable[..., Any]
    folder: str = dataclasses.field(default="", kw_only=True)
    """Import folder of a function given as an object, so that a conftest's own helper can be found by the build."""

    def __post_init__(self) -> None:
        """Turn a function object into its name; raise SettingsError for what cannot be imported by name."""
        if callable(self.target):
            target, folder = _name_of(self.target)
            object.__setattr__(self, "target", target)
            object.__setattr__(self, "folder", folder)
        module, _, name = str(self.target).partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise SettingsError(
                what=f"function {self.target!r} is not a name",
                remedy='Write it as "package.module:function".',
                key="function",
                value=self.target,
            )

    def __str__(self) -> str:
        """Name the function."""
        return str(self.target)

    @property
    def _module(self) -> str:
        return str(self.target).partition(":")[0]

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield the name, the source file of its module, and the library versions.

        Raises InputsError when the module cannot be found. What the function imports or reads is not seen from here:
        name it in the setting ``inputs``.
        """
        path = self._source(settings.import_folders)
        yield setting("migrator", (self.kind, str(self.target)))
        for name in ("alembic", "sqlalchemy"):
            yield Input("version", name, versions.installed(name).encode())
        yield file(f"function/{self._module.replace('.', '/')}", path)

    def _source(self, import_folders: tuple[Path, ...]) -> Path:
        """Return the file of the module, found where the build would import it from, without importing it."""
        folders = (*((Path(self.folder),) if self.folder else ()), *import_folders)
        package, _, name = self._module.rpartition(".")
        search = [*package_folders(package, folders)] if package else [*folders, *map(Path, sys.path)]
        spec = importlib.machinery.PathFinder.find_spec(self._module, [str(folder) for folder in search])
        if spec is None and not package:
            finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
            spec = next((found for finder in finders if (found := finder.find_spec(name, None))), None)
        if spec is None or spec.origin is None or not Path(spec.origin).is_file():
            raise InputsError(
                what=f"no module {self._module!r} for function {self.target!r} in "
                + ", ".join(str(folder) for folder in folders),
                remedy="Correct the name, or add the module's folder to python_path.",
                searched=folders,
            )
        return Path(spec.origin)

    def migrate(self, target: Target) -> None:
        """Import the function and call it with the path of the file to migrate."""
        if self.folder and self.folder not in sys.path:
            sys.path.insert(0, self.folder)
        module: Any = importlib.import_module(self._module)
        found = module
        for part in str(self.target).partition(":")[2].split("."):
            found = getattr(found, part, None)
        if not callable(found):
            name = str(self.target).partition(":")[2]
            near = difflib.get_close_matches(name, [one for one, it in vars(module).items() if callable(it)], n=1)
            raise SettingsError(
                what=f"{module.__file__} has no function {name!r}",
                remedy=f"Did you mean {near[0]!r}?" if near else f"Correct function = {self.target!r}, or the module.",
                key="function",
                value=self.target,
            )
        result = found(os.fspath(target.path))
        if inspect.isawaitable(result):
            import asyncio

            async def wait() -> None:
                await result

            asyncio.run(wait())


def _name_of(function: Callable[..., Any]) -> tuple[str, str]:
    """Return the importable name of *function* and the folder its module is imported from."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<locals>")
    source = getattr(sys.modules.get(str(module)), "__file__", None)
    if source is None or "<" in name:
        raise SettingsError(
            what=f"function {function!r} cannot be imported by name, but the build runs in a process of its own",
            remedy="Move it to the top level of a module.",
            key="function",
            value=function,
        )
    path = Path(source).resolve()
    depth = str(module).count(".") + (path.name == "__init__.py")
    return f"{module}:{name}", str(path.parents[depth])
