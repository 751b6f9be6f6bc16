"""Run a published package's own tests as shipped, and with their database fixture on templatedb: same results, less time.

    python tests/real/package_suite.py               # 3 runs of each, alternating
    python tests/real/package_suite.py --rounds 5

ihatemoney ships its tests in its wheel; each of them migrates a database in the application factory. They are copied out
of the environment that `run.py` prepares, twice:

as shipped   nothing is changed, and templatedb is off
templatedb   `conftest.py` is replaced by `ihatemoney/suite_conftest.py`, which has another fixture `app`

Each test must have the same outcome in every run, and a failure the same kind of exception; differences are printed and
the exit code is 1. The first run of templatedb builds exactly once, the others never, and no test of it runs a revision.
What came out is printed, and written to `benchmarks/results/suite.md`. Standard library only.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from run import HERE, PACKAGES, REPOSITORY, FailedError, Package, Place, check, prepare, say

PACKAGE = next(package for package in PACKAGES if package.name == "ihatemoney")
RESULTS = REPOSITORY / "benchmarks" / "results" / "suite.md"
CONFIGURATION = ("IHATEMONEY_SETTINGS_FILE_PATH", "TESTING_SQLALCHEMY_DATABASE_URI")
"""Variables by which the caller's environment would change what the tests do."""
PASSED, TESTS_FAILED = 0, 1
"""Exit codes of pytest after a whole run."""

SHIPPED = "as shipped: each test migrates"
COLD = "templatedb, first run"
WARM = "templatedb, later runs"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """One run of the suite."""

    outcomes: Mapping[str, str]
    """What became of each test, by its node id."""
    seconds: float
    """The whole command."""
    cpu_s: float
    """What it and its children computed: says more than the clock on a busy machine."""
    around_s: float
    """Set-up and tear-down of all tests together."""
    revisions: int
    """How many migrations ran, those of builds included."""
    builds: int = 0
    """How many builds were published by this run."""


Runs = Mapping[str, Sequence[Observed]]
"""The runs of each kind, in the order of the table."""


# --- Comparing and telling ---


def differences(kind: str, expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return a line for each test whose outcome in a run of *kind* is not the *expected* one, or that only one run has."""
    lines = []
    for test in [*expected, *(test for test in found if test not in expected)]:
        one, two = expected.get(test, "not run"), found.get(test, "not run")
        if one != two:
            lines.append(f"{test}: {one} in the first run, {two} in a run {kind!r}")
    return lines


def alternate(observe: Callable[[str], Observed], rounds: int) -> Runs:
    """Call *observe* with kinds of runs in turn; raises FailedError at the first run whose outcomes differ."""
    runs: dict[str, list[Observed]] = {SHIPPED: [], COLD: [], WARM: []}
    reference: Mapping[str, str] = {}
    for kind in [SHIPPED, COLD, WARM, *[SHIPPED, WARM] * (rounds - 1)]:
        observed = observe(kind)
        check(bool(observed.outcomes), f"no test ran in a run {kind!r}")
        reference = reference or observed.outcomes
        lines = differences(kind, reference, observed.outcomes)
        if lines:
            error = FailedError(f"{len(lines)} tests differ")
            error.output = "\n".join(lines)  # all of them, not only the end
            raise error
        runs[kind].append(observed)
    return runs


def table(runs: Runs) -> str:
    """Return the runs as a Markdown table."""
    lines = [
        "| database of a test | seconds | of CPU | set-up and tear-down | revisions run | builds | passed | failed | skipped |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for kind, observed in runs.items():
        last = observed[-1]
        outcomes = list(last.outcomes.values())
        cells = [
            kind,
            f"{statistics.median(one.seconds for one in observed):.1f}",
            f"{statistics.median(one.cpu_s for one in observed):.1f}",
            f"{statistics.median(one.around_s for one in observed):.1f}",
            f"{last.revisions:,}",
            "" if kind == SHIPPED else str(last.builds),
            *map(str, (outcomes.count("passed"), sum(map(_is_failure, outcomes)), outcomes.count("skipped"))),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def report(runs: Runs, version: str) -> str:
    """Return the table with what one needs to read it."""
    shipped, warm = runs[SHIPPED], runs[WARM]
    outcomes = shipped[0].outcomes
    facts = (
        f"Medians of {len(shipped)} alternating runs in seconds, one process, the whole command: {_range(shipped)} as "
        f"shipped, {_range(warm)} later with templatedb. {platform.system()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}. Each test had the same outcome in all "
        f"{sum(map(len, runs.values()))} runs."
    )
    failed = [f"* `{test}`: {outcome}" for test, outcome in outcomes.items() if _is_failure(outcome)]
    lines = [
        f"The {len(outcomes)} tests that {PACKAGE.name} {version} ships, unchanged but for their database fixture.",
        "",
        table(runs),
        "",
        textwrap.fill(facts, 120),
    ]
    if failed:
        lines += [
            "",
            "Failed in every run, also as shipped (invitations look up the domain of an address):",
            "",
            *failed,
        ]
    return "\n".join([*lines, ""])


def _is_failure(outcome: str) -> bool:
    return outcome.startswith("failed") or "error in" in outcome


def _range(observed: Sequence[Observed]) -> str:
    seconds = [one.seconds for one in observed]
    return f"{min(seconds):.1f} to {max(seconds):.1f}"


# --- Running ---


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suite:
    """The two copies of the tests; how to run each kind."""

    shipped: Place
    changed: Place

    @classmethod
    def make(cls, folder: Path, package: Package, binaries: Path) -> Suite:
        """Copy the tests out of the environment twice, and compile them: no run is slower than others for that."""
        places = []
        for name in ("shipped", "changed"):
            place = Place.make(folder / name, package, binaries, inside=True)
            finding = f"import importlib.util; print(importlib.util.find_spec({package.name!r}).origin)"
            installed = Path(place.program("python", "-c", finding).stdout.strip()).parent
            shutil.copytree(installed / "tests", place.project / "tests")
            shutil.copyfile(HERE / "outcomes.py", place.project / "outcomes.py")
            places.append(place)
        suite = cls(shipped=places[0], changed=places[1])
        shutil.copyfile(HERE / package.name / "suite_conftest.py", suite.changed.project / "tests" / "conftest.py")
        suite.shipped.program("python", *_pytest(suite.shipped, "-p", "no:templatedb", "--collect-only"))
        suite.changed.program("python", *_pytest(suite.changed, "--collect-only"))
        return suite

    def observe(self, kind: str) -> Observed:
        """Run the tests once, and check what must hold for a run of this *kind*."""
        say(PACKAGE, f"its own tests, {kind}")
        place = self.shipped if kind == SHIPPED else self.changed
        # With --templatedb-require-hit a build of any kind, also one that publishes nothing, is an error.
        words = {SHIPPED: ("-p", "no:templatedb"), COLD: (), WARM: ("--templatedb-require-hit",)}[kind]
        written, before = place.cwd / "outcomes.json", place.builds()
        written.unlink(missing_ok=True)
        cpu_s = _children_cpu_s()
        ran = place.program("python", *_pytest(place, *words), codes=(PASSED, TESTS_FAILED))
        cpu_s = _children_cpu_s() - cpu_s
        builds = place.builds() - before
        found = json.loads(written.read_text(encoding="utf-8"))
        revisions = found["revisions"]
        if kind == SHIPPED:
            check(revisions > 0, "the tests as shipped migrate nothing: what is compared?", ran.stdout)
        else:
            check(builds == (kind == COLD), f"{builds} builds were published in a run {kind!r}", ran.stdout)
            check(revisions == 0, f"{revisions} revisions ran in tests, in a run {kind!r}", ran.stdout)
            revisions = builds * json.loads(place.templatedb("build", "--json").stdout)["revisions"]
        return Observed(
            outcomes=found["outcomes"],
            seconds=ran.seconds,
            cpu_s=cpu_s,
            around_s=found["seconds"]["setup"] + found["seconds"]["teardown"],
            revisions=revisions,
            builds=builds,
        )

    def version(self) -> str:
        """Return the version of the package that is installed."""
        reading = f"import importlib.metadata; print(importlib.metadata.version({PACKAGE.name!r}))"
        return self.shipped.program("python", "-c", reading).stdout.strip()


def _children_cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _pytest(place: Place, *words: str) -> list[str | Path]:
    """Return the arguments of Python for the tests of *place*, whose temporary files stay in its folder."""
    kept = place.home.parent / "temporary"
    return ["-m", "pytest", "-p", "outcomes", "--outcomes=outcomes.json", f"--basetemp={kept}", "-q", *words, "tests"]


def main(words: Sequence[str] | None = None) -> int:
    """Run, compare, print the table and write it; return 1 when a test differs or a check failed."""
    parser = argparse.ArgumentParser(description="Run a package's own tests as shipped, and on templatedb.")
    parser.add_argument("--rounds", type=int, default=3, help="how many runs of each kind (default: 3)")
    rounds = parser.parse_args(words).rounds
    if rounds < 1:
        parser.error("--rounds: at least 1")
    for name in CONFIGURATION:
        os.environ.pop(name, None)
    try:
        binaries = prepare(PACKAGE)
        with tempfile.TemporaryDirectory(prefix="templatedb-suite-") as folder:
            suite = Suite.make(Path(folder), PACKAGE, binaries)
            text = report(alternate(suite.observe, rounds), suite.version())
    except FailedError as error:
        print("\n".join([*filter(None, [error.output]), f"{PACKAGE.name}: FAILED: {error}"]))
        return 1
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
