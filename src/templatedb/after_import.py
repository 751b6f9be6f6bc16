"""Something to be done when a module has been imported, without importing it for those who never use it."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def call_after_import(name: str, callback: Callable[[], None]) -> None:
    """Call *callback* now if the top-level module *name* is imported, else right after its first import.

    Once, however often the same callback is given before that. While another thread is just importing the module, the
    callback waits for the end of that import.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if module is not None and getattr(spec, "_initializing", False):
        module = importlib.import_module(name)  # waits for the other thread's import
    if module is not None:
        callback()
        return
    # One for each module: two would ask each other for it without end. Several runs in one process want the same.
    waiting = next((one for one in sys.meta_path if isinstance(one, _AfterImport) and one.name == name), None)
    if waiting is None:
        sys.meta_path.insert(0, _AfterImport(name, callback))
    elif callback not in waiting.callbacks:
        waiting.callbacks.append(callback)


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls back once, when a module has been imported: importing it ourselves would cost those who never use it."""

    def __init__(self, name: str, callback: Callable[[], None]) -> None:
        self.name = name
        self.callbacks = [callback]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module as the others do, with a loader that calls back.

        Stays in place: many only ask whether there is such a module, and an import that fails may be tried again.
        """
        if fullname != self.name:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: importlib.machinery.ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _CallingBack(spec.loader, self._done)
                return spec
        return None

    def _done(self) -> None:
        try:
            sys.meta_path.remove(self)
        except ValueError:  # it was imported twice: once is enough
            return
        for callback in self.callbacks:
            callback()


class _CallingBack(importlib.abc.Loader):
    """Loads as the *loader* does, then calls back and leaves no trace of itself in the module."""

    def __init__(self, loader: importlib.abc.Loader, callback: Callable[[], None]) -> None:
        self._loader = loader
        self._callback = callback

    def __getattr__(self, name: str) -> Any:
        """Answer as the real loader does, to those who only look at it."""
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Leave it to the real loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then call back."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._callback()
