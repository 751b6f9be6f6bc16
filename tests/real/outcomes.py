"""A pytest plugin that writes down what became of each test, and what it cost, with ``--outcomes=FILE``.

Copied beside the tests that are looked at. It needs nothing but pytest, and counts the revisions that Alembic runs in the
process of the tests where there is an Alembic.
"""

import collections
import json
from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption("--outcomes", metavar="FILE", help="Write the outcome of each test to FILE.")


def pytest_configure(config):
    if config.option.outcomes:
        config.pluginmanager.register(Outcomes(Path(config.option.outcomes)))


class Outcomes:
    def __init__(self, file):
        self.file = file
        self.outcomes = collections.defaultdict(list)
        self.seconds = collections.Counter()
        self.revisions = 0
        try:
            from alembic.runtime.migration import HeadMaintainer
        except ImportError:
            return
        step = HeadMaintainer.update_to_step

        def counting(*arguments):
            self.revisions += 1
            return step(*arguments)

        HeadMaintainer.update_to_step = counting  # for this process, which ends with the tests

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        self.seconds[report.when] += call.duration
        said = self.outcomes[item.nodeid]
        if report.when == "call" or not report.passed:
            said.append(outcome(report, call.excinfo))
        return report

    def pytest_sessionfinish(self):
        found = {
            "outcomes": {test: ", ".join(said) for test, said in self.outcomes.items()},
            "seconds": dict(self.seconds),
            "revisions": self.revisions,
        }
        self.file.write_text(json.dumps(found, indent=1), encoding="utf-8")


def outcome(report, excinfo):
    """Return a word for a phase of a test; of a failure also the kind, for another one is a difference, too."""
    if hasattr(report, "wasxfail"):
        return "xpassed" if report.passed else "xfailed"
    if not report.failed:
        return report.outcome
    where = "failed" if report.when == "call" else f"error in {report.when}"
    return where if excinfo is None else f"{where} ({excinfo.typename})"
