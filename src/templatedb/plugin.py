"""pytest's hooks: options, when the golden is made sure of, what is printed, when databases are kept and removed."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from templatedb import early, fixtures, options
from templatedb.current_test import NOW, RUN, run_of
from templatedb.fixtures import CloneFactory, needs_golden, uses_project_template

if TYPE_CHECKING:
    from templatedb.lent import Lent
    from templatedb.testrun import Run

_MARKER = "templatedb"
_CONTROLLER = "templatedb-controller"
"""Name of the plugin that is registered where there may be workers."""
_NO_TEST_RUNS = ("collectonly", "setupplan", "showfixtures", "show_fixtures_per_test")
"""Options under which pytest collects and runs nothing."""


pytest_addoption = options.pytest_addoption
pytest_load_initial_conftests = early.pytest_load_initial_conftests


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and settle what all workers must agree on; reads nothing yet."""
    config.addinivalue_line(
        "markers", 'templatedb(clone="file"|"memory"): where the database of this test lives (pytest-templatedb)'
    )
    # Not by pytest_plugins: this module has imported it already, which pytest takes for a mistake.
    config.pluginmanager.register(fixtures, "templatedb-fixtures")
    if config.option.templatedb_rebuild and config.option.templatedb_require_hit:
        raise pytest.UsageError(
            "templatedb: --templatedb-rebuild and --templatedb-require-hit contradict each other: leave one out"
        )
    agreed: dict[str, Any]
    if _is_worker(config):
        from templatedb.controller import AGREED

        agreed = config.workerinput.get(AGREED) or _agree(config)  # type: ignore[attr-defined]  # xdist's
    else:
        agreed = _agree(config)
        if "xdist" in sys.modules:  # by whatever name it was loaded
            from templatedb.controller import Controller

            config.pluginmanager.register(Controller(config, agreed), _CONTROLLER)
    config.stash[RUN] = _RunMaker(config, agreed)
    around = NOW.maker
    config.add_cleanup(lambda: setattr(NOW, "maker", around))


def _agree(config: pytest.Config) -> dict[str, Any]:
    """Return what all processes of this run must agree on: its name, the moment of a rebuild, where the cache is."""
    chosen = config.option.templatedb_cache_dir
    return {
        "run": os.urandom(16).hex(),
        "began": time.time(),
        "rebuild_before": time.time() if config.option.templatedb_rebuild else None,
        "cache_dir": None if chosen is None else os.path.abspath(os.path.expanduser(chosen)),
    }


class _RunMaker:
    """Makes, and imports, the Run of this process when a test first needs it."""

    def __init__(self, config: pytest.Config, agreed: dict[str, Any]) -> None:
        self._config = config
        self._agreed = agreed
        self.cache_dir = agreed["cache_dir"]
        # Asked now, while nothing is captured: later file descriptor 2 may be pytest's.
        self._is_terminal = os.isatty(2)
        self.made: Run | None = None
        self.item: pytest.Item | None = None
        self.lent: Lent | None = None
        self.tells_tally = _is_worker(config)
        self._marker_of_parent: tuple[object, pytest.Mark | None] = (None, None)

    def __call__(self) -> Run:
        if self.made is None:
            from templatedb.running import make_run

            self.made = make_run(self._config, self._agreed, _kept_folder(self._config), is_terminal=self._is_terminal)
            if self.item is not None:
                from templatedb.running import before_test

                before_test(self.made, self.item)
        return self.made

    def marker_of(self, item: pytest.Item) -> pytest.Mark | None:
        """Return the item's closest marker of ours; those of its class, module and folders are looked for once."""
        for marker in item.own_markers:  # the closest first
            if marker.name == _MARKER:
                return marker
        if self._marker_of_parent[0] is not (parent := item.parent):
            self._marker_of_parent = parent, None if parent is None else parent.get_closest_marker(_MARKER)
        return self._marker_of_parent[1]


def _made(config: pytest.Config) -> Run | None:
    """Return the Run of this process, None when no test has needed it."""
    maker = config.stash.get(RUN, None)
    return None if maker is None else maker.made


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _kept_folder(config: pytest.Config) -> Path:
    """Return where pytest's cache plugin keeps folders of plugins; the place stays the same where it is disabled."""
    try:
        cache = os.path.expandvars(config.getini("cache_dir"))
    except ValueError:  # -p no:cacheprovider
        cache = ".pytest_cache"
    return Path(config.rootpath, cache, "d", "templatedb", "failed")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove what the last run of this project kept: before the workers of this one start."""
    config = session.config
    if _is_worker(config) or any(getattr(config.option, name, False) for name in _NO_TEST_RUNS):
        return
    folder = _kept_folder(config)
    if folder.is_dir():
        from templatedb import kept

        kept.clear(folder)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Make sure of the project's golden before any test runs, so that no test's timeout pays for a build.

    Never raises: in a worker xdist would show an internal error. The failure is kept, and each test that needs the
    database gets it as one line.
    """
    config = session.config
    if any(getattr(config.option, name, False) for name in _NO_TEST_RUNS):
        return
    if session.testsfailed and not config.option.continue_on_collection_errors:
        return  # the run ends here
    if not any(needs_golden(item) and uses_project_template(item) for item in session.items):
        return
    from templatedb.errors import TemplateDBError

    run = run_of(config)
    # A failure is kept in the run: told by each test's set-up, and once in the summary.
    with contextlib.suppress(TemplateDBError):
        run.golden(run.project_template())


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what became of the golden, in one line."""
    run = _made(config)
    return [] if run is None else [f"templatedb: {status.line}" for status in run.tally.statuses.values()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the databases of a failed phase; after the teardown, remove those that are not needed any more."""
    report = yield
    maker = NOW.maker
    if maker is None or maker.item is not item:  # pytester's pytest has run a test inside of this one
        maker = item.config.stash[RUN]
    if (run := maker.made) is not None:
        if report.when == "teardown" or report.failed:
            from templatedb.running import after_phase

            after_phase(run, item, report)
        if maker.tells_tally:
            from templatedb.controller import TALLY_NAME

            maker.tells_tally = False
            vars(report)[TALLY_NAME] = run.tally.to_json()  # sent along by pytest's own serialiser
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Note which test begins; refuse a factory made under another template than the one it sees."""
    maker = item.config.stash[RUN]
    NOW.maker, maker.item, maker.lent = maker, item, None
    if maker.made is not None:
        from templatedb.running import before_test

        before_test(maker.made, item)
    elif needs_golden(item):
        maker()
    __tracebackhide__ = True  # a failure inside is somebody else's
    yield
    used = getattr(item, "funcargs", {}).get("clone_factory")
    if isinstance(used, CloneFactory):
        used.refuse_other_templates()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let go of everything, and send a worker's tally to the controller."""
    config = session.config
    run = _made(config)
    exported = config.stash.get(early.EXPORTED, None)
    is_bypassed = run is None and session.testscollected and (exported is not None or early.others_were_opened(config))
    if is_bypassed and not config.pluginmanager.has_plugin("dsession"):  # xdist's controller
        from templatedb.unused import nobody_asked

        if line := nobody_asked(config.rootpath, config.stash[RUN].cache_dir, exported):
            run = run_of(config)
            run.notice(line)
    if run is None:
        return
    run.end()
    if _is_worker(config):
        from templatedb.controller import TALLY_NAME

        config.workeroutput[TALLY_NAME] = run.tally.to_json()  # type: ignore[attr-defined]  # xdist's


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell each failed build once and whole, then what was cloned and saved."""
    run, controller = _made(config), config.pluginmanager.get_plugin(_CONTROLLER)
    tally = run.tally if run is not None else controller.tally if controller is not None else None
    if tally is not None:
        from templatedb.terminal import write_summary

        write_summary(terminalreporter, tally)
