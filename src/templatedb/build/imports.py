"""Record which module imports which, and keep stale byte code of the project from being run."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import SourceFileLoader
from typing import Any

from templatedb.build.owners import Owners
from templatedb.digests import SETTLED_NS
from templatedb.steps import Steps

_stat = os.stat
"""As it was before the trace wrapped it: our own looks are nobody's."""


_LIBRARY = os.path.dirname(os.__file__)
_IMPORTS_FOR_OTHERS = tuple(os.path.join(_LIBRARY, name) for name in ("importlib", "pkgutil.py", "runpy.py"))


class Imports:
    """The imports of this process since `install`. Recorded as they happen: an import statement says who needs whom."""

    def __init__(self, steps: Steps, sees_source: Callable[[str], bool], owners: Owners) -> None:
        """Call *sees_source* with each source file before it is loaded; it says whether the file is the project's."""
        self.of: dict[str, set[str]] = {}
        """Names of modules that each file imported, its parents not named."""
        self.in_steps: set[str] = set()
        """Names that were imported while a migration or a seed ran."""
        self.missing: dict[str, set[str]] = {}
        """Names that were not there, and the files that tried them."""
        self.before: frozenset[str] = frozenset()
        """Modules that were there before anything of the project ran."""
        self._steps = steps
        self._sees_source = sees_source
        self._owners = owners

    def install(self) -> None:
        """Record from now on."""
        self.before = frozenset(sys.modules)
        self._wrap_statement()
        self._wrap_function()
        self._distrust_young_byte_code()

    def _wrap_statement(self) -> None:
        original = builtins.__import__

        def __import__(  # noqa: A001, N807  # its name is its interface
            name: str,
            globals: Mapping[str, Any] | None = None,  # noqa: A002
            locals: Mapping[str, Any] | None = None,  # noqa: A002
            fromlist: Sequence[str] | None = (),
            level: int = 0,
        ) -> Any:
            importers = self._importers(globals or {})
            try:
                module = original(name, globals, locals, fromlist or (), level)
            except ModuleNotFoundError as error:
                self.missing.setdefault(error.name or name, set()).update(importers)
                raise
            full = _absolute(name, globals or {}, level)
            if fromlist and hasattr(module, "__path__"):
                for item in fromlist:  # the statement itself fails later: its code may be ready for that
                    if item != "*" and not hasattr(module, item):
                        self.missing.setdefault(f"{full}.{item}", set()).update(importers)
            self._note(importers, {full, *(f"{full}.{item}" for item in fromlist or ())})
            return module

        builtins.__import__ = __import__

    def _wrap_function(self) -> None:
        """See imports by name too, of modules that are there already: nothing else would tell who needs them."""
        original = importlib.import_module

        def import_module(name: str, package: str | None = None) -> Any:
            importers = self._importers(sys._getframe(1).f_globals)
            try:
                module = original(name, package)
            except ModuleNotFoundError as error:
                self.missing.setdefault(error.name or name, set()).update(importers)
                raise
            self._note(importers, {name if package is None else importlib.util.resolve_name(name, package)})
            return module

        importlib.import_module = import_module

    def _importers(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """Return the file that imports, or whose code runs where Python or text without a file imports for it."""
        file = variables.get("__file__")
        if isinstance(file, str) and not file.startswith(_IMPORTS_FOR_OTHERS):
            return frozenset([os.path.abspath(file)])
        return self._owners.current() or frozenset()

    def _note(self, importers: frozenset[str], names: set[str]) -> None:
        for importer in importers:
            self.of.setdefault(importer, set()).update(names)
        if self._steps.is_inside:
            self.in_steps |= names

    def _distrust_young_byte_code(self) -> None:
        """Compile sources again whose change time does not prove that their byte code is younger.

        Python compares size and the second of the modification time: a same-size edit with its time put back would run
        the old code, and the old database would be published under the new key.
        """
        original, sees_source = SourceFileLoader.path_stats, self._sees_source

        def path_stats(self: SourceFileLoader, path: str) -> Mapping[str, Any]:
            if sees_source(os.path.abspath(path)) and not _byte_code_is_younger(path):
                raise OSError(f"the byte code of {path} may be of an older source")  # importlib then compiles it
            return original(self, path)

        SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign]


def _byte_code_is_younger(path: str) -> bool:
    try:
        compiled = _stat(importlib.util.cache_from_source(path)).st_mtime_ns
        return compiled > _stat(path).st_ctime_ns + SETTLED_NS
    except (OSError, NotImplementedError):  # not there, or an interpreter that keeps no byte code
        return False


def _absolute(name: str, importer: Mapping[str, Any], level: int) -> str:
    """Return the full name of what was imported, as importlib resolves relative names (PEP 328)."""
    if not level:
        return name
    package = importer.get("__package__")
    if package is None:
        package = str(importer.get("__name__", ""))
        package = package if "__path__" in importer else package.rpartition(".")[0]
    base = ".".join(package.split(".")[: len(package.split(".")) - level + 1])
    return f"{base}.{name}" if name else base
