"""What pytest's hooks do once a test has needed a database; a process without such a test never imports this."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from templatedb import early
from templatedb.place import Storage
from templatedb.records import CloneKind, Keep
from templatedb.runoptions import Options
from templatedb.terminal import Terminal
from templatedb.testrun import Run


def make_run(config: pytest.Config, agreed: dict[str, Any], kept_folder: Path, *, is_terminal: bool) -> Run:
    """Return the Run of this process; *agreed* is what all processes of the test run share."""
    terminal = Terminal(config, is_terminal=is_terminal)
    option = config.option
    options = Options(
        require_hit=option.templatedb_require_hit,
        keep=option.templatedb_keep and Keep(option.templatedb_keep),
        clone=option.templatedb_clone and CloneKind(option.templatedb_clone),
        strict=option.templatedb_strict,
        reconnect=option.templatedb_reconnect,
        **agreed,
    )
    run = Run(
        config.rootpath,
        options,
        kept_folder=kept_folder,
        storage=Storage(lambda: _clones_folder(config), lambda line: run.notice(line)),  # noqa: PLW0108  # there is no run yet
        exported=config.stash.get(early.EXPORTED, None),
        temporary=lambda: early.temporary_files(config),
        notice=terminal.notice,
        on_progress=terminal.progress,
    )
    return run


def _clones_folder(config: pytest.Config) -> Path:
    """Return a folder for clones in pytest's temporary folder, or our own where that is disabled."""
    factory: pytest.TempPathFactory | None = getattr(config, "_tmp_path_factory", None)
    if factory is None:  # -p no:tmpdir
        from templatedb import place

        return place.clones_folder()
    return factory.mktemp("templatedb")


_FAILED: pytest.StashKey[bool] = pytest.StashKey()
"""Whether a phase of the item failed."""


def before_test(run: Run, item: pytest.Item) -> None:
    """Note which test begins; keep false clocks and file systems away from it where it asks for such."""
    if "freezegun" in sys.modules or "pyfakefs" in sys.modules:
        from templatedb import fakes

        fakes.stay_real(getattr(item, "fixturenames", ()))
    run.begin_test(item.nodeid, lambda: _template_seen_by(item))


def _template_seen_by(item: pytest.Item) -> object:
    return item._request.getfixturevalue("templatedb_template")  # type: ignore[attr-defined]  # no public way yet


def after_phase(run: Run, item: pytest.Item, report: pytest.TestReport) -> None:
    """Keep the databases of a phase that failed; after the teardown, remove those that are not needed any more."""
    fails_now = report.failed
    failed = fails_now or item.stash.get(_FAILED, False)
    if fails_now:
        item.stash[_FAILED] = True
    after_teardown = report.when == "teardown"
    shared = "_templatedb_factory" in getattr(item, "fixturenames", ())
    try:
        lines = run.keep(item.name, shared=shared, failed=failed, last_chance=after_teardown)
    except Exception as error:  # out of a hook it would end the whole run
        lines = [f"the database could not be kept: {type(error).__name__}: {error}"]
    if fails_now:
        exported = item.config.stash.get(early.EXPORTED, None)
        if exported is not None:
            from templatedb import wrong_url

            if line := wrong_url.hint(exported, report.longreprtext):
                report.sections.append((wrong_url.SECTION, line))
        if lines:
            report.sections.append(("templatedb", "\n".join(lines)))
    elif lines and failed:  # kept later than the failure: its report is written already
        run.tally.notices.append(f"{item.nodeid}: " + ", ".join(line.strip() for line in lines))
    if after_teardown:
        run.end_test()
        if failed:
            item.stash[_FAILED] = False  # plugins that run a test again use the same item
