"""The files of a project as they lie there, and what its modules are called."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from templatedb.conventions.modules import FindModule, module_finder
from templatedb.conventions.source import Source
from templatedb.migrators import objects
from templatedb.settings import Settings

DEPTH = 8
"""Folders below the project's own that are looked into."""
_FILES = 20_000
_WANTED = (".py", ".sql", ".ini", ".toml", ".cfg", ".txt", ".yml", ".yaml")
_NOT_OURS = {"node_modules", "site-packages", "__pycache__", "build", "dist"}
_FOR_PEOPLE = {"doc", "docs", "example", "examples", "benchmarks"}
_FOR_TESTS = _FOR_PEOPLE | {"test", "tests", "testing"}
_OWN_PROJECT = {"pyproject.toml", "setup.py", "setup.cfg"}


class Project:
    """A folder and what is below it, read at most once for each file.

    Names of files are paths from the folder, with slashes; all lists are sorted, those nearest to the folder first.
    Environments of Python, caches, hidden folders and links to folders are left out.
    """

    def __init__(self, root: Path) -> None:
        """List the files below the folder *root*."""
        self.root = root.absolute()
        self.unread: list[str] = []
        """Folders that could not be listed."""
        self.is_cut = False
        """Whether there are more files than are looked at."""
        self.nested: set[str] = set()
        """Folders below that are projects of their own, in a repository of several."""
        self._sources: dict[str, Source] = {}
        self.files = tuple(self._walk())

    def _walk(self) -> Iterator[str]:
        waiting, seen = [""], 0
        while waiting:
            folder = waiting.pop(0)
            try:
                entries = sorted(os.scandir(self.root / folder), key=lambda entry: entry.name)
            except OSError:
                self.unread.append(folder)
                continue
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names:
                continue
            if folder and names & _OWN_PROJECT:
                self.nested.add(folder)
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if (
                    entry.name.startswith(".") or not entry.name.isprintable()
                ):  # it may come to stand in a settings file
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NOT_OURS and name.count("/") < DEPTH:
                        waiting.append(name)
                elif entry.name.endswith(_WANTED) and _is_file(entry):
                    seen += 1
                    if seen > _FILES:
                        self.is_cut = True
                        return
                    yield name

    def has(self, name: str) -> bool:
        """Whether the file *name* is one of its files."""
        return name in self._known

    def home_of(self, name: str) -> str:
        """Return the nested project that the file or folder *name* belongs to; empty for this one."""
        above = [str(parent) for parent in (PurePosixPath(name), *PurePosixPath(name).parents)]
        return next((folder for folder in above if folder in self.nested), "")

    @functools.cached_property
    def python(self) -> tuple[str, ...]:
        """The modules of the application: neither tests nor those of nested projects."""
        return tuple(
            name for name in self.files if name.endswith(".py") and not self.home_of(name) and not is_test(name)
        )

    @functools.cached_property
    def conftests(self) -> tuple[str, ...]:
        """The conftests of the application's tests."""
        found = (name for name in self.files if PurePosixPath(name).name == "conftest.py" and not self.home_of(name))
        return tuple(name for name in found if _FOR_PEOPLE.isdisjoint(PurePosixPath(name).parts))

    def source(self, name: str) -> Source:
        """Return the file *name* as a tree."""
        if name not in self._sources:
            self._sources[name] = Source(self.root / name)
        return self._sources[name]

    def text(self, name: str) -> str:
        """Return the text of the file *name*; bytes that are no UTF-8 are replaced, a file that is gone is empty."""
        return self.source(name).data.decode("utf-8", errors="replace")

    def mentioning(self, pattern: str) -> Iterator[str]:
        """Yield the modules of the application whose text matches *pattern* somewhere."""
        wanted = re.compile(pattern.encode())
        return (name for name in self.python if wanted.search(self.source(name).data))

    def line_of(self, name: str, pattern: str) -> int:
        """Return the first line of the file *name* that *pattern* matches at its start; 0 when there is none."""
        wanted = re.compile(pattern)
        lines = enumerate(self.text(name).splitlines(), 1)
        return next((number for number, line in lines if wanted.match(line)), 0)

    @functools.cached_property
    def settings(self) -> Settings:
        """The defaults for this folder."""
        return Settings(root=self.root)

    @functools.cached_property
    def find_module(self) -> FindModule:
        """Maps the names of modules to files, as the build and the project's own ``src`` folder would."""
        return module_finder((*self.settings.import_folders, self.root / "src"))

    def name_of(self, path: Path) -> str | None:
        """Return the name of the file at *path*; None when it is not below the project."""
        plain = Path(os.path.normpath(path))  # an entry of the import path may have ".." in it
        return plain.relative_to(self.root).as_posix() if plain.is_relative_to(self.root) else None

    def module_of(self, name: str) -> tuple[str, str]:
        """Return what the file *name* is imported as, and the folder that ``python_path`` needs for it.

        That folder is empty where the build finds the module anyhow: on pytest's ``pythonpath``, in the project's
        folder, or because it is installed.
        """
        path = PurePosixPath(name)
        top = path.parent
        while self.has(f"{top}/__init__.py") and str(top) != ".":
            top = top.parent
        known = [PurePosixPath(os.path.normpath(entry)) for entry in self.settings.import_entries]
        near = [entry for entry in known if path.is_relative_to(entry)]
        if top in near:
            return _dotted(path.relative_to(top)), ""
        is_package = top != path.parent
        if path.parts[0] == "src" and not self._imports_src:
            top = top if is_package else PurePosixPath("src")
        elif not is_package and near:
            return _dotted(path.relative_to(max(near, key=lambda entry: len(entry.parts)))), ""
        module = _dotted(path.relative_to(top))
        found = objects.source_of(module, self.settings.import_folders)
        is_installed = found is not None and found.resolve() == (self.root / name).resolve()
        return module, "" if is_installed else str(top)

    @functools.cached_property
    def lost_in_src(self) -> str:
        """The first name in ``src`` that tests cannot import: neither installed nor on an import path; else empty."""
        if self._imports_src or any("sys.path" in self.text(name) for name in self.conftests):
            return ""
        inside = next((name for name in self.python if name.startswith("src/")), "")
        is_lost = bool(inside) and self.module_of(inside)[1] == "src"
        return PurePosixPath(inside).parts[1].removesuffix(".py") if is_lost else ""

    @functools.cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    @functools.cached_property
    def _imports_src(self) -> bool:
        return next(self.mentioning(r"(?m)^\s*(from|import)\s+src\b"), None) is not None


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads to itself
        return False


def is_test(name: str) -> bool:
    """Whether the file *name* is of the tests, or of the documentation: its databases are not the application's."""
    *folders, last = PurePosixPath(name).parts
    return not _FOR_TESTS.isdisjoint(folders) or last.startswith("test_") or last in ("conftest.py", "setup.py")


def folder_of(name: str) -> str:
    """Return the folder of the file *name*; ``.`` for the project's own."""
    return str(PurePosixPath(name).parent)


def _dotted(path: PurePosixPath) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
