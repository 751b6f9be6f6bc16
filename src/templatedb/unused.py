"""Applications that pass the tests' databases by: what is said of it, for nothing fails then, or everything does."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from templatedb import opened
from templatedb.slots import Way
from templatedb.summary import CHANGED_BY_TEST

if TYPE_CHECKING:
    from templatedb.exported import Exported
    from templatedb.handle import Golden
    from templatedb.opened import Opened
    from templatedb.summary import Tally

_LEAVES_NO_TRACE = frozenset({Way.COPIED, Way.UNCHANGED, Way.MEMORY})
_SHOWN = 3
_OF_MIGRATIONS = frozenset({"alembic_version", "schema_migrations"})
"""Tables that databases of other tools have as well."""
_REMEDY = (
    "give the application clone_path or clone_url, or have it read a variable that 'export' sets (templatedb init shows"
    " how)"
)


class Bystanders:
    """The databases that the tests of one process open beside their clones. Not thread-safe."""

    def __init__(self, exported: Exported | None) -> None:
        """Begin with none; `opened` watches. *exported* is what was exported to the application."""
        self._exported = exported
        self.were_asked = False
        """Whether any test asked for the path, URL or a connection of its clone."""

    def of_failed_test(self, goldens: Iterable[Golden], told: list[str]) -> list[str]:
        """Return a line about the databases that were open during the running test; empty where there was none.

        Those that have none of the tables of *goldens* are left out: they are of something else. So are those that
        were not written, where what is *told* of the test says that it changed its clone: the application may look at
        its own when it starts.
        """
        found = _alike(opened.others_of_this_test(), goldens)
        if any(line == CHANGED_BY_TEST for line in told):
            found = [other for other in found if other.is_changed]
        if not found:
            return []
        return [f"another database was open, {_named(found)}: if it is the application's, {self._remedy(found)}"]

    def of_run(self, tally: Tally, goldens: Iterable[Golden]) -> list[str]:
        """Return the lines of the summary: clones that nobody opened, and other databases that were written."""
        found = _alike(opened.others(), goldens)
        if not found or not tally.clone_costs_us:
            return []
        unopened = _LEAVES_NO_TRACE.issuperset(tally.clone_costs_us) and not opened.a_slot_was_opened()
        changed = [other for other in found if other.is_changed]
        if unopened and not self.were_asked:
            done = "opened and changed" if changed else "opened"
            shown = changed or found
            return [f"no test opened its clone, but {_named(shown)} was {done}: {self._remedy(shown)}"]
        return [f"the tests {_changed(changed)}, which is no clone: {self._remedy(changed)}"] if changed else []

    def _remedy(self, found: list[Opened]) -> str:
        if self._exported is None:
            return _REMEDY
        names = ", ".join(self._exported.values)
        if any(str(self._exported.path) in other.path for other in found):
            return f'the application takes what \'export\' sets in {names} for a path: write "path" in place of "url"'
        if opened.a_slot_was_opened():
            return f"'export' sets {names}, but this was opened all the same: set the variable that is read there"
        return (
            f"'export' sets {names}, and nobody opened what it says: set the variable that the application reads"
            " (templatedb init shows it)"
        )


def _changed(found: list[Opened]) -> str:
    return f"{'made' if all(other.is_new for other in found) else 'changed'} {_named(found)}"


def _named(found: list[Opened]) -> str:
    shown = [f"{other.path} (at {other.opener})" if other.opener else other.path for other in found[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def _alike(found: list[Opened], goldens: Iterable[Golden]) -> list[Opened]:
    """Return those that may be databases of the application: with a table of a golden, or without any."""
    if not found:
        return []
    golden_paths = {str(golden.path) for golden in goldens}
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


def nobody_asked(rootpath: Path, cache_dir: str | None, exported: Exported | None) -> str:
    """Return a line about a run in which no test asked for a clone; empty where the application needed none.

    It did where it opened what was *exported*, or where the tests changed a database of its own: one with a table of
    the project's golden; with any, where there is no golden yet. Builds nothing.
    """
    if exported is not None and exported.path.exists():
        names = ", ".join(exported.values)
        return (
            f"'export' leads the application to a clone by {names}, but no test asked for one, so its database was"
            " empty: add an autouse fixture to conftest.py that asks for 'clone' (templatedb init shows it)"
        )
    found = [other for other in opened.others() if other.is_changed and (_tables(other.path) or set()) - _OF_MIGRATIONS]
    if found and (golden := _golden_of(rootpath, cache_dir)) is not None:
        with golden:
            found = _alike(found, [golden])
    if not found:
        return ""
    return (
        f"no test asked for a clone, but the tests {_changed(found)}: add a fixture to conftest.py that asks for one"
        " (templatedb init shows it)"
    )


def _golden_of(rootpath: Path, cache_dir: str | None) -> Golden | None:
    from templatedb.errors import TemplateDBError
    from templatedb.exported import original_environment
    from templatedb.plan import Wishes
    from templatedb.settings import CACHE_DIR_VARIABLE
    from templatedb.template import load

    environment = original_environment()
    if cache_dir is not None:
        environment[CACHE_DIR_VARIABLE] = cache_dir
    try:
        return load(rootpath).golden(Wishes(require_hit=True, environment=environment))
    except TemplateDBError:  # none yet, or none to be had: whoever asks for a clone is told
        return None
