"""Runs one pytest process in a benchmark project and returns its times, or why there are none."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PYTHON = sys.executable
REPOSITORY = Path(__file__).resolve().parents[1]
TIMEOUT_S = 180.0
_DROPPED = re.compile(
    r"PYTEST|TEMPLATEDB_|DATABASE_URL$|COV|DJANGO_|ALEMBIC_|XDG_CACHE_HOME$"
    r"|PYTHON(?:DONTWRITEBYTECODE|PYCACHEPREFIX)$"  # an installed package has its byte code; a checkout gets it here
)
_LONGEST_REASON = 160


@dataclasses.dataclass(frozen=True)
class Place:
    """Where one project and everything that its runs write is; one folder, removed by its owner."""

    root: Path

    @property
    def project(self) -> Path:
        """The project."""
        return self.root / "project"

    @property
    def golden(self) -> Path:
        """A migrated file, made by plain Alembic before any clock starts."""
        return self.root / "golden.sqlite"

    @property
    def cache(self) -> Path:
        """templatedb's cache."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """What TMPDIR says."""
        return self.root / "tmp"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a process here: nothing of the caller's settings for what is measured."""
        kept = {name: value for name, value in os.environ.items() if not _DROPPED.match(name)}
        self.temporary.mkdir(exist_ok=True)
        return {
            **kept,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TEMPLATEDB_CACHE_DIR": str(self.cache),
            "TMPDIR": str(self.temporary),
            "BENCH_GOLDEN": str(self.golden),
            **more,
        }

    def clean(self, text: str) -> str:
        """Return *text* without the paths of this machine."""
        for path, name in ((self.root, "..."), (Path(sys.prefix), "<environment>"), (REPOSITORY, "<repository>")):
            text = text.replace(str(path), name)
        return re.sub(r"(?<![\w.>])/(?:[\w.+-]+/)+", ".../", text)


@dataclasses.dataclass(kw_only=True)
class Done:
    """What one pytest process did."""

    wall_s: float = 0.0
    us: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    """Microseconds of each test, by folder."""
    phase_s: float = 0.0
    """From the first test's begin to the last one's end, of all workers together."""
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    """By folder; the folder "" stands for the whole run."""
    said: str = ""

    @property
    def tests(self) -> int:
        """How many ran."""
        return sum(map(len, self.us.values()))

    @property
    def reason(self) -> str:
        """Why it failed; empty when it did not."""
        return next(iter(self.failed.values()), "")

    def scaled_wall_s(self, tests: int) -> float:
        """Return how long *tests* would have taken, where there was only patience for fewer."""
        missing = tests - self.tests
        return self.wall_s + missing * self.phase_s / self.tests if missing > 0 else self.wall_s


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: dict[str, str],
    timeout_s: float = TIMEOUT_S,
) -> tuple[float, int, str]:
    """Run *command* to its end, or end it and all it started; return seconds, exit code and output."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return time.perf_counter() - started, -1, f"took longer than {timeout_s:.0f} s"
    finally:
        if process.poll() is None:  # also on Ctrl-C: nothing of ours stays behind
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return time.perf_counter() - started, process.returncode, output


def run_pytest(
    place: Place,
    folders: Sequence[str],
    *,
    tests: int,
    patience_s: float,
    plugins: Sequence[str] = (),
    arguments: Sequence[str] = (),
    workers: int = 0,
    block: int = 0,
    timeout_s: float = TIMEOUT_S,
    variables: Mapping[str, str] | None = None,
) -> Done:
    """Run *folders* of the project, *tests* each, with these *plugins* and no others."""
    reports = place.root / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir()
    loaded = [*plugins, *(["xdist.plugin"] if workers else [])]
    command = [
        *(PYTHON, "-m", "pytest", f"--basetemp={place.temporary / 'pytest'}"),
        *(word for plugin in loaded for word in ("-p", plugin)),
        *(["-n", str(workers)] if workers else []),
        *arguments,
        *folders,
    ]
    environment = place.environment(
        BENCH_TESTS=str(tests),
        BENCH_PATIENCE_S=str(patience_s),
        BENCH_REPORT=str(reports / "report"),
        BENCH_BLOCK=str(block),
        **(variables or {}),
    )
    wall_s, code, output = run(command, cwd=place.project, environment=environment, timeout_s=timeout_s)
    done = Done(wall_s=wall_s, said=place.clean(output))
    _collect(done, place, folders)
    if code and not done.failed:
        done.failed[""] = _last_words(place.clean(output), code)
    return done


def _collect(done: Done, place: Place, folders: Sequence[str]) -> None:
    """Put the reports of all workers together."""
    began, ended = [], []
    passed = dict.fromkeys(folders, 0)
    for path in sorted((place.root / "reports").glob("report.*.json")):
        report = json.loads(path.read_text())
        if report["first_s"] is not None and report["last_s"] is not None:
            began.append(report["first_s"])
            ended.append(report["last_s"])
        for folder, times in report["us"].items():
            done.us.setdefault(folder, []).extend(times)
        for folder, outcomes in report["outcomes"].items():
            passed[folder] = passed.get(folder, 0) + outcomes.get("passed", 0)
        for folder, reason in report["reasons"].items():
            done.failed.setdefault(folder, _short(place.clean(reason)))
    if began:
        done.phase_s = max(ended) - min(began)
    for folder in folders:
        ran = len(done.us.get(folder, []))
        if folder not in done.failed and passed[folder] != ran:
            done.failed[folder] = f"{passed[folder]} of {ran} tests passed"


def _short(reason: str) -> str:
    """Return the first line of *reason*, or of an AssertionError only what the test says."""
    line = reason.strip().splitlines()[0].removeprefix("AssertionError: ")
    return line if len(line) <= _LONGEST_REASON else line[: _LONGEST_REASON - 1] + "…"


def _last_words(output: str, code: int) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if re.search(r"(?i)\berror\b", line)] or lines[-1:]
    return _short(told[-1]) if told else f"exit code {code}"


def median(numbers: Sequence[float]) -> float:
    """Return the median, as a plain number."""
    return float(statistics.median(numbers))
