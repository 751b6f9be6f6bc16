"""The controller of pytest-xdist: it has the terminal, its workers have the databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from templatedb.summary import Tally

AGREED = "templatedb_agreed"
"""Name under which workers get what the whole run must agree on."""
TALLY_NAME = "templatedb_tally"
"""Name under which workers send what they did, as JSON."""


class Controller:
    """The controller of xdist: prints what its workers send."""

    def __init__(self, config: pytest.Config, agreed: dict[str, Any]) -> None:
        """Start with nothing from any worker; *agreed* goes to all of them, so it holds plain types only."""
        self._config = config
        self._agreed = agreed
        self._shown: set[str] = set()
        self.tally: Tally | None = None
        """What all workers did; None before the first one told."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker what the run agreed on: workers parse the command line themselves and would each decide."""
        node.workerinput[AGREED] = self._agreed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print what became of a golden when the first worker tells it: workers have no terminal."""
        text = vars(report).pop(TALLY_NAME, None)
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if text is None or reporter is None:
            return
        from templatedb.summary import Tally

        tally = Tally()
        tally.add(text)
        for key, status in tally.statuses.items():
            if key not in self._shown:
                self._shown.add(key)
                reporter.ensure_newline()
                reporter.write_line(f"templatedb: {status.of_run(self._agreed['began']).line}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Add up what a worker did. A worker that crashed sends nothing."""
        del error
        text = getattr(node, "workeroutput", {}).get(TALLY_NAME)
        if text is not None:
            from templatedb.summary import Tally

            if self.tally is None:
                self.tally = Tally()
            self.tally.add(text)
