"""Many processes at once: killed at random, cold all together, of two releases, with locks that do not lock."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import templatedb

from .cells import Answer, Bench, Subject
from .sweep import wrong_next

BUILDERS = 4
_LONGEST_DELAY_S = 0.9


class Soaked(NamedTuple):
    """What a soak came to."""

    rounds: int
    started: int
    killed: int
    """Processes that were still running when their signal came."""
    wrong: list[str]


def soak(bench: Bench, rounds: int, seed: int) -> Soaked:
    """Race four runs, kill a random part of them at random moments, then check; every other round goes on warm."""
    generator, killed, wrong = random.Random(seed), 0, []
    cell = bench.cell()
    for number in range(rounds):
        if number % 2 == 0:
            shutil.rmtree(cell)
            cell = bench.cell()
        subjects = [bench.start(cell) for _ in range(BUILDERS)]
        victims = generator.sample(subjects, generator.randrange(1, BUILDERS + 1))
        timers = [threading.Timer(generator.uniform(0.05, _LONGEST_DELAY_S), one.process.kill) for one in victims]
        for timer in timers:
            timer.start()
        answers = [one.wait() for one in subjects]
        for timer in timers:
            timer.cancel()
        killed += sum(answer.was_killed for answer in answers)
        wrong += [f"round {number}: {found}" for found in _wrong(bench, answers)]
        wrong += [f"round {number}: {found}" for found in [wrong_next(bench, cell)] if found]
    return Soaked(rounds, rounds * BUILDERS, killed, wrong)


def _wrong(bench: Bench, answers: list[Answer]) -> list[str]:
    """Say what is wrong with runs of which some were killed, and nothing else happened to the others."""
    found = []
    for answer in answers:
        if answer.hung:
            found.append("HUNG")
        elif answer.dumps and answer.dumps != (bench.expected,):
            found.append("WRONG DATABASE")
        elif not answer.was_killed and (answer.code or not answer.dumps):
            found.append(f"ended with {answer.code}, {answer.says}: {answer.stderr[-800:]}")
    return found


class Stampede(NamedTuple):
    """What became of many cold runs at once."""

    outcomes: dict[str, int]
    builds: int
    wrong: list[str]


def stampede(bench: Bench, number: int, **order) -> Stampede:
    """Start *number* runs on one cold cache and wait for all of them."""
    cell = bench.cell()
    subjects: list[Subject] = [bench.start(cell, **order) for _ in range(number)]
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda one=one: answers.append(one.wait(300))) for one in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = {answer.outcome: 0 for answer in answers}
    for answer in answers:
        outcomes[answer.outcome] += 1
    wrong = _wrong(bench, answers) + [found for found in [wrong_next(bench, cell)] if found]
    return Stampede(outcomes, len(list(cell.glob("cache/v1/manifests/*/*.json"))), wrong)


class Release(NamedTuple):
    """A copy of the package that writes another format, as another release would."""

    name: str
    folder: Path
    """What goes in front of the import path."""


def other_release(folder: Path, name: str, module: str, old: str, new: str) -> Release:
    """Copy the package below *folder* with one line changed."""
    place = folder / name
    shutil.copytree(
        Path(templatedb.__file__).parent, place / "templatedb", ignore=shutil.ignore_patterns("__pycache__")
    )
    path = place / "templatedb" / module
    text = path.read_text()
    assert text.count(old) == 1, f"{module} has no line {old!r}"
    path.write_text(text.replace(old, new))
    return Release(name, place)


def releases(bench: Bench, other: Release, rounds: int) -> list[str]:
    """Run this release and the *other* on one cache at once; return what is wrong: a database, or a file that went."""
    cell, wrong = bench.cell(), []
    elsewhere = {"variables": {"PYTHONPATH": str(other.folder)}}
    seen: set[Path] = set()
    for number in range(rounds):
        # Another history each time: both releases have to build, on a cache that holds all that went before.
        (bench.project / "history.py").write_text(f"# {number}\n")
        source = bench.project / "migrate.py"
        source.write_text(source.read_text().partition("# round")[0] + f"# round {number}\n")
        subjects = [
            bench.start(cell),
            bench.start(cell, **elsewhere),
            bench.start(cell),
            bench.start(cell, **elsewhere),
        ]
        answers = [one.wait() for one in subjects]
        wrong += [f"round {number}: {found}" for found in _wrong(bench, answers)]
        homes = {answer.release for answer in answers if answer.release}
        if homes != {str(Path(templatedb.__file__).parent), str(other.folder / "templatedb")}:
            wrong.append(f"round {number}: these ran: {homes}")
        again = [bench.run(cell), bench.run(cell, **elsewhere)]
        if [answer.outcome for answer in again] != ["hit", "hit"]:
            wrong.append(f"round {number}: after it {[(answer.outcome, answer.notices) for answer in again]}")
        files = set(cell.glob("cache/v*/[gm]*/**/*"))
        wrong += [f"round {number}: {path.name} was removed" for path in seen - files if path.suffix != ".new"]
        seen = {path for path in files if path.is_file() and not path.name.startswith(".new-")}
    return wrong


def parked(bench: Bench, fault: str) -> list[str]:
    """Stop a run (Ctrl-Z) where *fault* says, let another one wait for it in vain, go on, and return what is wrong."""
    cell, wrong = bench.cell(), []
    first = bench.start(cell, boundary=f"{fault}=stop")
    _wait_until_stopped(first.process)
    started = time.monotonic()
    second = bench.run(cell, settings={"lock_timeout": "1.5s"})
    waited_s = time.monotonic() - started
    first.process.send_signal(18 if sys.platform == "linux" else 19)  # SIGCONT
    late = first.wait()
    wrong += _wrong(bench, [second, late])
    told = " ".join(second.notices)
    if second.outcome == "private" and f"process {first.process.pid} on " not in told:
        wrong.append(f"the holder is not named: {second.notices}")
    if waited_s > 40:
        wrong.append(f"waited {waited_s:.0f} s")
    if late.outcome not in ("built", "hit", "waited"):
        wrong.append(f"the one that went on: {late}")
    return [f"{fault}: {found}" for found in [*wrong, wrong_next(bench, cell)] if found]


def _wait_until_stopped(process: subprocess.Popen) -> None:
    import os

    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the run ended before it came to where it was to stop"
