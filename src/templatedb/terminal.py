"""What a pytest process says while something happens."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from templatedb.steps import Progress
    from templatedb.summary import ProgressLine, Tally


class Terminal:
    """What is said while something happens: through pytest's terminal, or from the first worker to standard error."""

    def __init__(self, config: pytest.Config, *, is_terminal: bool) -> None:
        """Speak through the plugins of *config*; *is_terminal* says whether standard error is watched by somebody."""
        self._config = config
        self._line: ProgressLine | None = None
        self._is_terminal = is_terminal

    def notice(self, line: str) -> None:
        """Write a line now; the summary repeats it."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        text = f"templatedb: {line}"
        if reporter is not None:
            with self._uncaptured():
                reporter.ensure_newline()
                if getattr(reporter._tw, "width_of_current_line", 0):  # with -q it does not know of its own dots
                    reporter.line("")
                reporter.write_line(text, yellow=True)
        elif os.environ.get("PYTEST_XDIST_WORKER") == "gw0":  # the others would say the same
            _write_stderr(text + "\n")

    def progress(self, progress: Progress, elapsed_s: float) -> None:
        """Rewrite one line on a terminal; write nothing anywhere else."""
        from templatedb.summary import ProgressLine

        if not self._is_terminal or (elapsed_s < 0.3 and self._line is None):
            return
        if self._line is None:
            self._line = ProgressLine()
        text = self._line.update(progress, elapsed_s)
        with self._uncaptured():
            _write_stderr(text)

    def _uncaptured(self) -> contextlib.AbstractContextManager[None]:
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        return contextlib.nullcontext() if capture is None else capture.global_and_fixture_disabled()


def write_summary(reporter: pytest.TerminalReporter, tally: Tally) -> None:
    """Tell each failed build once and whole, then what was cloned and saved."""
    reporter.ensure_newline()
    for report in tally.failures:
        reporter.section("templatedb: no database for the tests that need one", red=True)
        reporter.write_line(report)
    lines = tally.lines()
    if lines:
        reporter.section("templatedb")
        for line in lines:
            reporter.write_line(line.removeprefix("templatedb: "))


def _write_stderr(text: str) -> None:
    stream = sys.__stderr__
    if stream is not None:
        stream.write(text)
        stream.flush()
