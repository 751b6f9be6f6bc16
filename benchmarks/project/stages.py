"""Tells where the time of a test goes: by phase for every way, and by stage inside templatedb. A plugin of one run.

Each stage counts for itself: what it calls that is a stage too is taken off. A clock around a function costs part of a
microsecond, so the figures of a run with this plugin are not those of one without.
"""

import functools
import importlib
import json
import os
import statistics
import time

import pytest

WARM_UP = 20
STAGES = (
    ("note which test begins", "templatedb.running", "before_test"),
    ("after each phase: keep, give back", "templatedb.running", "after_phase"),
    ("after each phase: keep, give back", "templatedb.testrun", "Run.keep"),
    ("after each phase: keep, give back", "templatedb.testrun", "Run.end_test"),
    ("lend the clone: find the golden, count, note", "templatedb.testrun", "Run.clone"),
    ("take the place back", "templatedb.testrun", "Run._take_back"),
    ("is the golden still what it was", "templatedb.handle", "Golden.clone"),
    ("settle connections: end what a test left open", "templatedb.pools", "settle"),
    ("ask a connection for its state", "templatedb.connection_state", "read"),
    ("close the clone", "templatedb.lent", "Lent.close"),
    ("look, and take SQLite's EXCLUSIVE lock", "templatedb.slots.in_place", "InPlaceSlot.restore"),
    ("write the bytes and the date", "templatedb.slots.in_place", "InPlaceSlot._put_back"),
    ("take SQLite's locks of a file in WAL mode, and look", "templatedb.slots.in_wal", "InWal.restore"),
    ("write the bytes, the date and the wal-index, empty the log", "templatedb.slots.in_wal", "InWal._write"),
    ("have SQLite restore a file in WAL mode", "templatedb.slots.in_place", "InPlaceSlot._back_up"),
    ("find the engine, prove it unchanged afterwards", "templatedb.engines", "Engines.take"),
    ("find the engine, prove it unchanged afterwards", "templatedb.engines", "Engines.give_back"),
)


START_STAGES = (
    ("the key: settings, inputs, versions", "templatedb.plan", "Plan.make"),
    ("the look: manifest, what the build read, the golden", "templatedb.golden", "look"),
    ("the first clone", "templatedb.testrun", "Run.clone"),
    ("the end: places removed, the hit counted", "templatedb.testrun", "Run.end"),
)
"""Of a run, not of a test: what a warm start does once its modules are there."""


class Clock:
    """Adds up what each stage of a test takes by itself."""

    def __init__(self, *, is_of_run):
        self.is_of_run = is_of_run
        self.run = {}
        self.now = {}
        self.tests = []
        self._inner = [0.0]

    def wrap(self, stage, function):
        @functools.wraps(function)
        def timed(*arguments, **options):
            self._inner.append(0.0)
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                elapsed = time.perf_counter() - started
                now = self.run if self.is_of_run else self.now
                now[stage] = now.get(stage, 0.0) + (elapsed - self._inner.pop()) * 1e6
                self._inner[-1] += elapsed

        return timed

    def medians(self):
        """Return microseconds by stage, of the tests after those that warm up."""
        later = self.tests[WARM_UP:] or self.tests
        names = dict.fromkeys(name for test in later for name in test)
        return {name: round(statistics.median(test.get(name, 0.0) for test in later), 1) for name in names}


class Phases:
    """Times set-up, call and tear-down, besides the whole."""

    def __init__(self, clock, path):
        self.clock, self.path = clock, path

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self):
        return (yield from self._timed("set-up"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self):
        return (yield from self._timed("call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self):
        return (yield from self._timed("tear-down"))

    def _timed(self, phase):
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self.clock.now[phase] = (time.perf_counter() - started) * 1e6

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self):
        self.clock.now = {}
        started = time.perf_counter()
        result = yield
        self.clock.now["whole"] = (time.perf_counter() - started) * 1e6
        self.clock.tests.append(self.clock.now)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        with open(self.path, "w") as file:
            json.dump(self.clock.run if self.clock.is_of_run else self.clock.medians(), file)


def pytest_configure(config):
    wanted = os.environ.get("BENCH_STAGES_INSIDE")
    clock = Clock(is_of_run=wanted == "start")
    if wanted:
        for stage, module, name in START_STAGES if clock.is_of_run else STAGES:
            owner = importlib.import_module(module)
            *parents, last = name.split(".")
            for parent in parents:
                owner = getattr(owner, parent)
            setattr(owner, last, clock.wrap(stage, getattr(owner, last)))
    config.pluginmanager.register(Phases(clock, os.environ["BENCH_STAGES"]), "bench-stages")
