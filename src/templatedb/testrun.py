"""What one pytest process knows: its templates, goldens and clones, and what went wrong.

Goldens stand in a registry by key, never in a session-scoped value: two folders with two templates share nothing.
"""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from templatedb import kept
from templatedb.build.parent import OnProgress
from templatedb.clone import Clone
from templatedb.errors import BuildError, TemplateDBError
from templatedb.golden import Wishes
from templatedb.records import CloneKind, Keep, Outcome
from templatedb.settings import CACHE_DIR_VARIABLE
from templatedb.summary import Status, Tally
from templatedb.template import Golden, Template, load


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line of pytest says."""

    run: str
    """Name of the test run, the same in all its workers."""
    rebuild_before: float | None = None
    require_hit: bool = False
    keep: Keep | None = None
    clone: CloneKind | None = None
    cache_dir: str | None = None
    strict: bool | None = None


class Run:
    """One pytest process. Not thread-safe, but for `clone`."""

    def __init__(
        self,
        rootpath: Path,
        options: Options,
        *,
        kept_folder: Path,
        clones_folder: Callable[[], Path],
        notice: Callable[[str], None],
        on_progress: OnProgress,
    ) -> None:
        """Know where things are; nothing is read, made or imported before a test needs it."""
        self.options = options
        self.tally = Tally()
        self.kept_folder = kept_folder
        self._rootpath = rootpath
        self._clones_folder = clones_folder
        self._say = notice
        self._on_progress = on_progress
        self._project: Template | TemplateDBError | None = None
        self._known: dict[int, Known] = {}
        self._by_key: dict[str, Golden] = {}
        self._lent: list[Lent] = []
        self._test = ""

    def project_template(self) -> Template:
        """Return the template of the project's settings; raises SettingsError, the same one each time."""
        if self._project is None:
            try:
                self._project = load(self._rootpath)
            except TemplateDBError as error:
                self._fail("settings", error)
                self._project = error
        if isinstance(self._project, TemplateDBError):
            raise self._project
        return self._project

    def golden(self, template: Template) -> Golden:
        """Return the golden of *template*, made sure of once in this process; raises the same error each time."""
        known = self._find(template)
        if known.golden is None:
            try:
                known.golden = self._make_sure(known.based)
            except TemplateDBError as error:
                self._fail(repr(template), error)
                known.golden = error
            except Exception as error:  # never out of a collection hook: xdist would show an internal error
                known.golden = BuildError(
                    what=f"templatedb met an error it does not know: {type(error).__name__}: {error}",
                    remedy="If it is not a file that cannot be read, please report the lines below.",
                    traceback=traceback.format_exc(),
                )
                self._fail(repr(template), known.golden)
        if isinstance(known.golden, TemplateDBError):
            raise known.golden
        return known.golden

    def _find(self, template: Template) -> Known:
        """Return what is known of *template*, found by identity: two equal templates may have different settings."""
        if id(template) not in self._known:
            based = template if template.is_based else template.based(self._rootpath)
            if self.options.strict is not None:
                based = based.with_settings(strict=self.options.strict)
            self._known[id(template)] = Known(template, based)
        return self._known[id(template)]

    def _make_sure(self, based: Template) -> Golden:
        options = self.options
        environment = dict(os.environ)
        if options.cache_dir is not None:
            environment[CACHE_DIR_VARIABLE] = options.cache_dir
        wishes = Wishes(
            not_before=options.rebuild_before or 0.0,
            require_hit=options.require_hit,
            run=options.run,
            on_progress=self._on_progress,
            notice=self._notice,
            environment=environment,
        )
        golden = based.golden(wishes)
        self.tally.note(Status.of(golden.manifest, golden.outcome, str(based.migrator)))
        if golden.outcome in (Outcome.BUILT, Outcome.PRIVATE):
            self.tally.saved_s -= golden.manifest.duration_s
        # Two templates of one key share a golden, and later a slot and an engine.
        known = self._by_key.setdefault(golden.key, golden)
        if known is not golden:
            golden.close()
        return known

    def _notice(self, line: str) -> None:
        if line not in self.tally.notices:
            self.tally.notices.append(line)
            self._say(line)

    def _fail(self, name: str, error: TemplateDBError) -> None:
        report = error.report if isinstance(error, BuildError) else str(error)
        if report not in self.tally.failures.values():
            self.tally.failures[name] = report

    def begin_test(self, test: str) -> None:
        """Note which test runs now, by its node id."""
        self._test = test

    def clone(self, template: Template, kind: CloneKind | str | None = None) -> Lent:
        """Lend a private database of *template*; it stays until `end_test` after its holder has closed it.

        Raises what `golden` raises.
        """
        golden, settings = self.golden(template), self._find(template).based.settings
        started = time.perf_counter()
        made = golden.clone(
            kind or self.options.clone or settings.clone,
            folder=self._clones_folder(),
            release=lambda clone: None,
        )
        elapsed_s = time.perf_counter() - started
        self.tally.clone_costs_us.setdefault(made.way, []).append(round(elapsed_s * 1e6))
        self.tally.saved_s += golden.manifest.migration_s - elapsed_s
        lent = Lent(made, self._test, self.options.keep or settings.keep)
        self._lent.append(lent)
        return lent

    def keep(self, test_name: str, *, shared: bool, failed: bool, last_chance: bool) -> list[str]:
        """Keep the databases of the running test, as the settings say, and return the report's lines about them.

        Called when a phase of a test failed, and with *last_chance* after its teardown. Each database is kept once,
        at the first failure: later teardowns may remove the evidence. Those that an earlier test opened, through a
        fixture of a wider scope, count only when this test asks for such a fixture (*shared*).
        """
        lines: list[str] = []
        for lent in self._lent:
            if lent.keep is Keep.NONE or (lent.keep is Keep.FAILED and not failed):
                continue
            if lent.kept_for == self._test or (lent.opened_in != self._test and not shared):
                continue
            try:
                if failed and not last_chance:
                    lines += kept.not_committed(lent.clone, lent.connections())
                path = kept.keep(lent.clone, self.kept_folder, test_name)
            except (sqlite3.Error, OSError) as error:
                if last_chance:
                    lines.append(f"the database could not be kept: {error}")
                continue
            lent.kept_for = self._test
            lines += kept.report(path)
        return lines

    def end_test(self) -> None:
        """Remove the databases whose holders have closed them."""
        for lent in [lent for lent in self._lent if lent.clone.closed]:
            lent.clone.discard()
            self._lent.remove(lent)

    def end(self) -> None:
        """Close what is still open: clones of a run that was interrupted, then the goldens."""
        for lent in self._lent:
            lent.clone.close()
        self.end_test()
        for golden in self._by_key.values():
            golden.close()


@dataclasses.dataclass(slots=True)
class Known:
    """What is known of one template."""

    template: Template
    """As the fixture returned it; held, so that its identity is not given to another one."""
    based: Template
    """With its paths settled and the options of the command line."""
    golden: Golden | TemplateDBError | None = None
    """None before it is first asked for; the error when it could not be had."""


class Lent:
    """A clone in the hands of a test, with the connections that its engines have in use."""

    def __init__(self, clone: Clone, opened_in: str, keep: Keep) -> None:
        """Hold *clone*, opened in the test with that node id and not kept for any test yet."""
        self.clone = clone
        self.opened_in = opened_in
        self.keep = keep
        self.in_use: dict[int, sqlite3.Connection] = {}
        self.kept_for: str | None = None

    def connections(self) -> Iterator[sqlite3.Connection]:
        """Yield every sqlite3 connection that may hold rows that are not committed."""
        yield from dict.fromkeys((*self.clone.connections, *self.in_use.values()))
