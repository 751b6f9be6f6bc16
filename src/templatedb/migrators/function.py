"""A Python function that fills the file it is given: application factories, ``create_all`` and stamp, anything."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from templatedb.errors import SettingsError
from templatedb.inputs import Input, setting
from templatedb.migrators import libraries, objects
from templatedb.settings import Settings

if TYPE_CHECKING:
    from templatedb.migrators.bench import Bench, Ledger, Target


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
            target, folder = objects.name_of(self.target, "function")
            object.__setattr__(self, "target", target)
            object.__setattr__(self, "folder", folder)
        objects.refuse_other_than_names(self.target, "function")

    def __str__(self) -> str:
        """Name the function."""
        return str(self.target)

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield the name, the source file of its module, and the library versions.

        Raises InputsError when the module cannot be found. What the function imports and reads is discovered by the
        build.
        """
        yield setting("function", str(self.target))
        yield from libraries()
        yield objects.input_of(str(self.target), "function", settings, self.folder)

    def migrate(self, target: Target, bench: Bench) -> Ledger | None:
        """Import the function and call it with the path of the file to migrate; it keeps its own ledger, if any."""
        from templatedb.migrators.bench import exits_only_in_failure
        from templatedb.migrators.waiting import wait_for

        del bench
        function = objects.load(str(self.target), "function", self.folder)
        if not callable(function):
            raise SettingsError(
                what=f"function {self.target!r} is not a function, but {objects.described(function)}",
                remedy="Name what is to be called with the path of the file.",
                key="function",
                value=self.target,
            )
        self._refuse_other_parameters(function)
        with exits_only_in_failure():
            wait_for(function(os.fspath(target.path)))
        return None

    def _refuse_other_parameters(self, function: Callable[..., Any]) -> None:
        import inspect

        try:
            inspect.signature(function).bind("path")
        except TypeError as error:
            raise SettingsError(
                what=f"function {self.target!r} cannot be called with one argument: {error}",
                remedy="Write it as def migrate(path): it is called with the path of the file.",
                key="function",
                value=self.target,
            ) from error
        except ValueError:
            return  # one written in C that does not tell its parameters
