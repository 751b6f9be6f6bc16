"""Applications that pass the tests' databases by: what is said of it, for nothing fails then, or everything does."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from templatedb import opened
from templatedb.place import MEMORY
from templatedb.slots import Way

if TYPE_CHECKING:
    from templatedb.exported import Exported
    from templatedb.opened import Opened
    from templatedb.summary import Tally

_LEAVES_NO_TRACE = frozenset({Way.COPIED, Way.UNCHANGED, Way.MEMORY})
_SHOWN = 3
_OF_MIGRATIONS = frozenset({"alembic_version", "schema_migrations"})
"""Tables that databases of other tools have as well."""
_REMEDY = "give the application clone_path or clone_url, or set 'export' (templatedb init shows how)"


class Bystanders:
    """The databases that the tests of one process open beside their clones. Not thread-safe."""

    def __init__(self, rootpath: Path, temporary: Callable[[], Path | None], exported: Exported | None) -> None:
        """Watch from now on; *temporary* tells where pytest's own temporary files are, once it has made a folder."""
        self._exported = exported
        self._temporary = temporary
        self._root = os.path.realpath(rootpath)
        self._elsewhere = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in (tempfile.gettempdir(), MEMORY))
        self.were_asked = False
        """Whether any test asked for the path, URL or a connection of its clone."""
        opened.watch(self._root, self._is_temporary)

    def _is_temporary(self, path: str) -> bool:
        made = self._temporary()
        if made is not None and path.startswith(f"{os.path.realpath(made)}{os.sep}"):
            return True
        return not path.startswith(self._root + os.sep) and path.startswith(self._elsewhere)

    def of_failed_test(self, goldens: Iterable[Path]) -> list[str]:
        """Return a line about the databases that were open during the running test; empty where there was none.

        Those that have none of the tables of *goldens* are left out: they are of something else.
        """
        if not (found := _alike(opened.others_of_this_test(), goldens)):
            return []
        return [f"another database was open, {_named(found)}: if it is the application's, {self._remedy}"]

    def of_run(self, tally: Tally, goldens: Iterable[Path]) -> list[str]:
        """Return the lines of the summary: clones that nobody opened, and other databases that were written."""
        found = _alike(opened.others(), goldens)
        if not found or not tally.clone_costs_us:
            return []
        unopened = _LEAVES_NO_TRACE.issuperset(tally.clone_costs_us) and not opened.a_slot_was_opened()
        changed = [other for other in found if other.is_changed]
        if unopened and not self.were_asked:
            done = "opened and changed" if changed else "opened"
            return [f"no test opened its clone, but {_named(changed or found)} was {done}: {self._remedy}"]
        return [f"the tests changed {_named(changed)}, which is no clone: {self._remedy}"] if changed else []

    @property
    def _remedy(self) -> str:
        if self._exported is None or opened.a_slot_was_opened():
            return _REMEDY
        names = ", ".join(self._exported.values)
        return (
            f"'export' sets {names}, and nobody opened what it says: set the variable that the application reads"
            " (templatedb init shows it)"
        )


def _named(found: list[Opened]) -> str:
    shown = [f"{other.path} (at {other.opener})" if other.opener else other.path for other in found[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def _alike(found: list[Opened], goldens: Iterable[Path]) -> list[Opened]:
    """Return those that may be databases of the application: with a table of a golden, or without any."""
    if not found:
        return []
    golden_paths = {str(golden) for golden in goldens}
    wanted = {name for path in golden_paths for name in _tables(path) or ()} - _OF_MIGRATIONS
    kept = []
    for other in found:
        if other.path in golden_paths:
            continue
        tables = _tables(other.path)
        if tables is None or not tables - _OF_MIGRATIONS or tables & wanted:
            kept.append(other)
    return kept


def _tables(path: str) -> set[str] | None:
    """Return the names of the tables in *path*; None where it is gone or cannot be read. Writes nothing, nor a log."""
    import sqlite3

    # Only as immutable a file in WAL mode is read without making its log; with a log it has to be read through it.
    mode = "mode=ro" if os.path.exists(f"{path}-wal") else "immutable=1"
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"{Path(path).as_uri()}?{mode}", uri=True, timeout=0)) as connection,
    ):
        rows = connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
        return {name for (name,) in rows}
    return None


def export_unused(exported: Exported) -> str:
    """Return a line where the application opened what was exported and no test asked for a clone; else nothing."""
    if not exported.path.exists():
        return ""
    return (
        f"'export' leads the application to a clone by {', '.join(exported.values)}, but no test asked for one, so its"
        " database was empty: add an autouse fixture to conftest.py that asks for 'clone' (templatedb init shows it)"
    )
