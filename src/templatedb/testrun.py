"""What one pytest process knows: its templates, goldens and clones, and what went wrong.

Goldens stand in a registry by key, never in a session-scoped value: two folders with two templates share nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from templatedb import opened
from templatedb.errors import BuildError, GoldenChangedError, TemplateDBError, unforeseen, words_of
from templatedb.exported import Exported, original_environment, warnings
from templatedb.handle import Golden, kind_of
from templatedb.known import Known
from templatedb.lent import Lent
from templatedb.place import Storage
from templatedb.plan import Wishes
from templatedb.records import CloneKind, Keep, Outcome
from templatedb.runoptions import Options
from templatedb.settings import CACHE_DIR_VARIABLE
from templatedb.slots.worker import WorkerSlots
from templatedb.summary import Status, Tally
from templatedb.template import Template, load
from templatedb.unused import Bystanders
from templatedb.uses import Use

if TYPE_CHECKING:
    from templatedb.build.parent import OnProgress
    from templatedb.clone import Clone
    from templatedb.engines import Engines
    from templatedb.settings import Settings


class Run:
    """One pytest process. Not thread-safe, but for `clone`."""

    def __init__(
        self,
        rootpath: Path,
        options: Options,
        *,
        kept_folder: Path,
        storage: Storage,
        exported: Exported | None = None,
        temporary: Callable[[], Path | None] = lambda: None,
        notice: Callable[[str], None],
        on_progress: OnProgress,
    ) -> None:
        """Know where things are; nothing is read, made or imported before a test needs it."""
        self.options = options
        self.tally = Tally()
        self.kept_folder = kept_folder
        self._rootpath = rootpath
        self._exported = exported
        self._slots = WorkerSlots(storage, exported=exported and exported.path, reconnect=options.reconnect)
        self._engines: Engines | None = None
        self._say = notice
        self._on_progress = on_progress
        self._project: Template | TemplateDBError | None = None
        self._known: dict[int, Known] = {}
        self._by_key: dict[str, Golden] = {}
        self._uses: dict[str, Use] = {}
        self._lent: list[Lent] = []
        self._lock = threading.Lock()  # of the list: clones are asked for in any thread
        self._changed: list[Golden] = []
        self._test = self._ended = ""
        opened.watch(rootpath, temporary)
        self._bystanders = Bystanders(exported)
        self._template_seen: Callable[[], object] = lambda: None
        self._kept: dict[str, list[Path]] = {}

    def project_template(self) -> Template:
        """Return the template of the project's settings; raises SettingsError, the same one each time."""
        if self._project is None:
            try:
                self._project = load(self._rootpath)
            except TemplateDBError as error:
                self._project = self._fail(error)
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
                known.golden = self._fail(error)
            except Exception as error:  # never out of a collection hook: xdist would show an internal error
                known.golden = self._fail(unforeseen(error))
        if isinstance(known.golden, TemplateDBError):
            raise known.golden
        return known.golden

    def knows(self, template: object) -> bool:
        """Whether a golden was made sure of for *template*, or could not be had."""
        return (known := self._known.get(id(template))) is not None and known.golden is not None

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
        # A template made anew for each test has a key that is known, also of a private build; the first has none.
        if self._by_key and (shared := self._by_key.get(based.key())) is not None:
            return shared
        environment = original_environment()
        if options.cache_dir is not None:
            environment[CACHE_DIR_VARIABLE] = options.cache_dir
        wishes = Wishes(
            not_before=options.rebuild_before or 0.0,
            asked_at=options.began,
            require_hit=options.require_hit,
            run=options.run,
            on_progress=self._on_progress,
            notice=self.notice,
            environment=environment,
        )
        for line in warnings(based.settings.export, self._exported, self._rootpath):
            self.notice(line)
        golden = based.golden(wishes)
        is_the_runs = golden.outcome is Outcome.HIT and golden.manifest.built_at >= options.began  # a quick colleague's
        outcome = Outcome.WAITED if is_the_runs else golden.outcome
        self.tally.note(Status.of(golden.manifest, outcome, source=str(based.migrator), reason=golden.reason))
        if golden.outcome in (Outcome.BUILT, Outcome.PRIVATE):
            self.tally.saved_s -= golden.manifest.duration_s
        self._by_key[golden.key] = golden
        self._uses[golden.key] = use = Use(golden.path, golden.key, is_hit=outcome is Outcome.HIT)
        use.saved_s -= golden.manifest.duration_s if golden.outcome is Outcome.BUILT else 0.0
        return golden

    def notice(self, line: str) -> None:
        """Say *line* now, and once more in the summary; harmless when repeated."""
        if line not in self.tally.notices:
            self.tally.notices.append(line)
            self._say(line)

    def _fail(self, error: TemplateDBError) -> TemplateDBError:
        """Take *error* into the summary, once, and return it."""
        if (report := error.report if isinstance(error, BuildError) else str(error)) not in self.tally.failures:
            self.tally.failures.append(report)
        return error

    def begin_test(self, test: str, template_seen: Callable[[], object]) -> None:
        """Note which test runs now, by its node id, and how to learn the template that it sees.

        A test that is run again leaves only what its last try kept.
        """
        self._test = test
        self._template_seen = template_seen
        opened.begin_test()
        for path in self._kept.pop(test, ()):
            from templatedb import kept

            kept.forget(path)

    def template_seen(self) -> object:
        """Return what ``templatedb_template`` is for the running test; None outside of any test."""
        return self._template_seen()

    def clone(self, template: Template, kind: CloneKind | str | None = None, *, for_application: bool = False) -> Lent:
        """Lend a private database of *template*; closed by its holder, it stays until the next one or `end_test`.

        So what a failed test had last is kept, not each of hundreds. With *for_application* it is the exported one,
        where one was. Raises what `golden` raises, and CloneError.
        """
        settings = self._find(template).based.settings
        chosen = kind_of(kind or self.options.clone or settings.clone)
        golden = self.golden(template)
        self._take_back()
        started = time.perf_counter()
        try:
            made = self._clone_of(golden, chosen, settings, for_application=for_application)
        except GoldenChangedError as error:
            golden = self._replace(template, golden, error)
            made = self._clone_of(golden, chosen, settings, for_application=for_application)
        elapsed_s = time.perf_counter() - started
        filled = made.filled
        if filled.leak:
            self.notice(f"{filled.last_holder or 'a test'} {filled.leak}")
        self.tally.clone_costs_us.setdefault(filled.way, []).append(round(elapsed_s * 1e6))
        self.tally.saved_s += golden.manifest.migration_s - elapsed_s
        use = self._uses[golden.key]
        use.clones += 1
        use.saved_s += golden.manifest.migration_s - elapsed_s
        keep = self.options.keep or settings.keep
        lent = Lent(made, golden, self.engines, opened_in=self._test, keep=keep, reconnect=self.options.reconnect)
        with self._lock:
            self._lent.append(lent)
        return lent

    def _clone_of(self, golden: Golden, kind: CloneKind, settings: Settings, *, for_application: bool) -> Clone:
        slot = self._slots.of(
            golden.key, golden.image, kind, large_bytes=settings.large_golden_bytes, for_application=for_application
        )
        return golden.clone(slot=slot, holder=self._test, release=lambda clone: None)

    def _replace(self, template: Template, changed: Golden, error: GoldenChangedError) -> Golden:
        """Return a sound golden in the place of a *changed* one, and say who may have changed it."""
        suspect = self._ended or "a test that ran before"
        self.notice(
            f"somebody wrote into the golden {error.path}: {suspect}, or another worker's test just then;"
            " it is built again (open clones only)"
        )
        self._changed.append(changed)  # clones that are still lent are of it
        self._by_key.pop(changed.key, None)
        self._slots.retire(changed.key)
        for known in self._known.values():
            if known.golden is changed:
                known.golden = None
        return self.golden(template)

    def engines(self) -> Engines:
        """Return the engines of this process; imports SQLAlchemy."""
        if self._engines is None:
            from templatedb.engines import Engines

            self._engines = Engines()
        return self._engines

    def keep(self, test_name: str, *, shared: bool, failed: bool, last_chance: bool) -> list[str]:
        """Keep the databases of the running test, as the settings say, and return the report's lines about them.

        Called when a phase of a test failed, and with *last_chance* after its teardown. Each database is kept once,
        at the first failure: later teardowns may remove the evidence. Those that an earlier test opened, through a
        fixture of a wider scope, count only when this test asks for such a fixture (*shared*).
        """
        lines: list[str] = []
        # The test's own first: the plain name is theirs.
        for lent in sorted(self._lent, key=lambda lent: lent.opened_in != self._test):
            if lent.keep is Keep.NONE or (lent.keep is Keep.FAILED and not failed):
                continue
            if lent.kept_for == self._test or (lent.opened_in != self._test and not shared):
                continue
            import sqlite3

            from templatedb import kept

            try:
                if failed and not last_chance:
                    lines += kept.not_committed(lent.clone, lent.connections())
                origin = kept.Origin(self._test, lent.golden.key, lent.golden.path)
                path = kept.keep(lent.clone, self.kept_folder, test_name, origin)
            except (sqlite3.Error, OSError) as error:
                if last_chance:
                    reason = words_of(error) if isinstance(error, OSError) else error
                    lines.append(f"the database could not be kept: {reason}")
                continue
            lent.kept_for = self._test
            self._kept.setdefault(self._test, []).append(path)
            lines += kept.report(path, lent.golden.path)
        if self._lent and failed and not last_chance:
            lines[:0] = self._bystanders.of_failed_test(self._by_key.values(), lines)
        return lines

    def end_test(self) -> None:
        """Take back the databases whose holders have closed them."""
        self._take_back()
        self._slots.end_test(all_are_back=not self._lent)
        self._ended = self._test

    def _take_back(self) -> None:
        if not self._lent:
            return
        with self._lock:
            ended = [lent for lent in self._lent if lent.clone.closed]
            self._lent = [lent for lent in self._lent if lent not in ended]
        for lent in ended:
            self._bystanders.were_asked |= lent.clone.was_asked
            lent.clone.discard()

    def end(self) -> None:
        """Close what is still open: clones of a run that was interrupted, then the goldens."""
        for lent in self._lent:
            lent.close()
        self.end_test()
        for line in self._bystanders.of_run(self.tally, self._by_key.values()):
            self.notice(line)
        opened.end()
        if self._engines is not None:
            self._engines.close()
        self._slots.close()
        for key, golden in self._by_key.items():
            if golden.outcome is not Outcome.PRIVATE:
                self._uses[key].note(self.options.run)
        for golden in (*self._by_key.values(), *self._changed):
            golden.close()
