"""Times each test, counts what became of it, and writes that down for the one who started this run.

A test's time is that of its whole protocol: set-up, call, tear-down, and what plugins and reports do between them.
"""

import json
import os
import time

import pytest

PATIENCE_S = float(os.environ["BENCH_PATIENCE_S"])
"""After so long no further test is begun: slow ways are measured with fewer tests, and the report says so."""
BLOCK = int(os.environ.get("BENCH_BLOCK", "0"))
"""Tests of several folders take turns in blocks of so many; 0: one folder after the other."""


class Times:
    def __init__(self, path):
        self.path = path
        self.us = {}
        self.outcomes = {}
        self.reasons = {}
        self.first_s = self.last_s = None

    def has_patience(self):
        return self.first_s is None or self.last_s is None or self.last_s - self.first_s < PATIENCE_S

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        begun = self.has_patience()
        if self.first_s is None:
            self.first_s = time.time()
        started = time.perf_counter()
        result = yield
        elapsed_s = time.perf_counter() - started
        if begun:
            self.last_s = time.time()
            self.us.setdefault(item.path.parent.name, []).append(elapsed_s * 1e6)
        return result

    def pytest_runtest_logreport(self, report):
        folder = report.nodeid.split("/", 1)[0]
        if report.when == "call" or report.outcome != "passed":
            counts = self.outcomes.setdefault(folder, {})
            counts[report.outcome] = counts.get(report.outcome, 0) + 1
        if report.failed and folder not in self.reasons:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.reasons[folder] = (crash.message if crash else str(report.longrepr)).strip()

    def pytest_sessionfinish(self):
        times = {folder: [round(one, 1) for one in many] for folder, many in self.us.items()}
        with open(self.path, "w") as file:
            json.dump({**vars(self), "us": times}, file)


class Impatience:
    def __init__(self, times):
        self.times = times

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self):
        return None if self.times.has_patience() else True


def pytest_configure(config):
    is_worker = hasattr(config, "workerinput")
    if not is_worker and getattr(config.option, "numprocesses", None):
        return  # the controller of xdist runs no test
    worker = config.workerinput["workerid"] if is_worker else "alone"
    times = Times(f"{os.environ['BENCH_REPORT']}.{worker}.json")
    config.pluginmanager.register(times, "bench-times")
    config.pluginmanager.register(Impatience(times), "bench-impatience")


def pytest_collection_modifyitems(items):
    if BLOCK:
        seen = {}

        def turn(item):
            number = seen[item.path.parent] = seen.get(item.path.parent, -1) + 1
            return number // BLOCK

        items.sort(key=turn)
