"""Everything that watches a build from inside: redirect, guard, trace, imports, Alembic's revisions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from templatedb.build.counting import Counting, Findings, Roots
from templatedb.build.guard import Guard
from templatedb.build.imports import Imports
from templatedb.build.messages import Event, Order
from templatedb.build.owners import Owners
from templatedb.build.redirect import Redirect
from templatedb.build.refusals import Refusals
from templatedb.build.tables import Tables
from templatedb.build.trace import Trace
from templatedb.build.uses import files_used
from templatedb.locations import Locations
from templatedb.migrators import objects, to_fields
from templatedb.migrators.bench import Bench, Ledger
from templatedb.migrators.revisions import Revisions
from templatedb.records import Track
from templatedb.steps import Steps


class Watch:
    """The watch over one build; it lasts as long as the process."""

    def __init__(self, order: Order, private_folder: Path, tell: Callable[[Event], None]) -> None:
        """Make everything ready; nothing is watched before `install`."""
        target = order.target
        self._order = order
        self.steps = Steps(tell)
        self.refusals = Refusals()
        self.notices: list[str] = []
        """What the migrator has to say besides."""
        self.redirect = Redirect(target.path, self.refusals)
        self._locations = Locations(target.root, order.relative_folders)
        owners = Owners(self._locations)
        self._tables = Tables(owners, self.steps)
        self._trace = Trace(self._locations, owners, private_folder, self.steps)
        self._imports = Imports(self.steps, self._trace.sees_source, owners)
        self._guard = Guard(target.path, private_folder, self.refusals, self.steps)
        self.revisions = Revisions(self.steps, on_run=self._trace.note_runners)
        self.bench = Bench(
            steps=self.steps,
            revisions=self.revisions,
            replaces=lambda url: self.redirect.take_for_the_target([url]),
            covers=lambda path: self._trace.covered.add(os.path.abspath(path)),
            notice=self.notices.append,
            home=order.home,
        )

    def install(self) -> None:
        """Watch from now on, and put the project's folders on the import path."""
        # Before the project's folders come first on the path: it may have a folder called alembic.
        self.redirect.install()
        self.revisions.install()
        self.refusals.note_warnings_of("alembic")
        sys.path[:0] = [str(folder) for folder in self._order.target.import_folders]
        self.redirect.take_for_the_target(self._order.replaced_urls)
        self._tables.install()
        self._imports.install()
        self._trace.install()
        self._guard.install()

    def findings(self, ledger: Ledger | None) -> Findings:
        """Return what the build looked at, once it is over; *ledger* is the migrator's own."""
        self._trace.stop()
        return Counting(
            self._trace,
            self._imports,
            self._locations,
            roots=self._roots(ledger),
            declared=self._order.declared,
            databases=self.redirect.names,
            import_folders=self._order.target.import_folders,
        ).findings()

    def _used_by_function(self) -> set[str]:
        """Return the files of what a function that runs Alembic uses, itself apart from the module around it."""
        order = self._order
        if order.migrator.kind != "function":
            return set()
        module, _, name = str(to_fields(order.migrator)["target"]).partition(":")
        source = objects.source_of(module, order.target.import_folders)
        return set() if source is None else files_used(str(source), name)

    def _roots(self, ledger: Ledger | None) -> Roots:
        order, revisions = self._order, self.revisions
        books = {*revisions.version_tables, *([ledger.table] if ledger else [])}
        by_itself = order.migrator.kind in ("function", "metadata") and not self.steps.migrations
        named = [name.partition(":")[0] for name in (*order.seed, *([order.models] if order.models else []))]
        sources = (objects.source_of(module, order.target.import_folders) for module in named)
        env = revisions.script.env_py_location if revisions.script is not None else None
        return Roots(
            modules=frozenset(
                (
                    *revisions.files(),
                    *(str(source) for source in sources if source is not None),
                    *self._tables.created_in_steps,
                )
            ),
            readers=frozenset((*order.declared, *([env] if env else []))),
            helpers=frozenset(
                (*(files_used(env) if env else ()), *self._used_by_function()),
            ),
            everything=order.track is Track.ALL or by_itself or bool(self._guard.written_beside - books),
            follow_conventions=revisions.options.get("target_metadata") is not None,
        )
