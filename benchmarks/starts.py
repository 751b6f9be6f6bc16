"""What it costs before the first test: cold with many workers, warm, installed but unused, and the key alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.registry import HERE, TEMPLATEDB
from benchmarks.results import Results
from benchmarks.runner import PYTHON, Place, run, run_pytest
from benchmarks.scale import Scale
from benchmarks.schemas import Schema
from benchmarks.sections import migrate, prepared
from benchmarks.start_stages import start_stages

WORKERS = 8
TWO_HUNDRED = Schema(tables=60, indexes=100, revisions=200)
FIVE_HUNDRED = Schema(tables=100, indexes=150, revisions=500)
TIMEOUT_S = 120.0
SETTLED_S = 2.5
"""Files younger than 2 s are never trusted by their time stamps: a warm start is one after that."""


def measure_starts(results: Results, scale: Scale, parent: Path) -> None:
    """Measure starts with 200 revisions, and the key with 500."""
    data: dict[str, Any] = results.data["starts"]
    with prepared(parent, TWO_HUNDRED) as place:
        for name in ("start_plain", "start_templatedb"):
            shutil.copytree(HERE / "variants" / name, place.project / name)
        for number in range(scale.cold_rounds):
            results.step(f"cold start of {WORKERS} at once: round {number + 1} of {scale.cold_rounds}")
            _cold(data.setdefault("cold", []), place)
            results.save()
        results.step(f"warm start: {scale.starts} rounds")
        data["warm"] = _warm(place, scale.starts)
        data["stages"] = start_stages(place)
        results.save()
    results.step(f"templatedb key: {scale.starts} rounds")
    with prepared(parent, FIVE_HUNDRED) as place:
        data["key"] = _key(place, scale.starts)
    results.save()


def _cold(rounds: list[dict[str, Any]], place: Place) -> None:
    """Migrate plainly, then let eight processes need the same golden at once, then eight workers."""
    figures: dict[str, Any] = {}
    rounds.append(figures)
    target = place.root / "plain.sqlite"
    figures["alembic_s"] = migrate(place, target)
    target.unlink()
    shutil.rmtree(place.cache, ignore_errors=True)
    figures["one_build_s"] = _at_once(place, processes=1)
    figures["one_hit_s"] = _at_once(place, processes=1)
    figures["hits_s"] = _at_once(place)
    shutil.rmtree(place.cache, ignore_errors=True)
    began = time.time()
    figures["build_s"] = _at_once(place)
    figures["build_goldens"] = _goldens(place)
    figures["published_s"] = max((path.stat().st_ctime for path in _manifests(place)), default=began) - began
    shutil.rmtree(place.cache, ignore_errors=True)
    for name in ("workers_cold_s", "workers_warm_s"):
        done = run_pytest(
            place,
            ["start_templatedb"],
            tests=WORKERS,
            patience_s=60,
            plugins=(TEMPLATEDB,),
            workers=WORKERS,
            timeout_s=TIMEOUT_S,
        )
        if done.reason:
            figures["failed"] = done.reason
            return
        figures[name] = done.wall_s
    figures["workers_goldens"] = _goldens(place)


def _at_once(place: Place, processes: int = WORKERS) -> float | None:
    """Start so many ``templatedb build`` and wait for all of them; return the seconds, None when one failed."""
    started = time.perf_counter()
    started_ones = [
        subprocess.Popen(
            [PYTHON, "-m", "templatedb", "build"],
            cwd=place.project,
            env=place.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(processes)
    ]
    try:
        codes = [process.wait(timeout=TIMEOUT_S) for process in started_ones]
    except subprocess.TimeoutExpired:
        return None
    finally:
        for process in started_ones:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return None if any(codes) else time.perf_counter() - started


def _goldens(place: Place) -> int:
    """Return how many builds were published."""
    return len(_manifests(place))


def _manifests(place: Place) -> list[Path]:
    return list(place.cache.glob("v1/manifests/*/*.json"))


def _warm(place: Place, rounds: int) -> dict[str, Any]:
    """Run one test without the plugin, with one that does nothing, with ours unused, and with a clone, in turns."""
    compared: dict[str, tuple[str, tuple[str, ...]]] = {
        "plain": ("start_plain", ()),
        "empty": ("start_plain", ("empty_plugin",)),
        "unused": ("start_plain", (TEMPLATEDB,)),
        "clone": ("start_templatedb", (TEMPLATEDB,)),
    }
    times: dict[str, list[float]] = {name: [] for name in compared}
    for number in range(-1, rounds):
        for name, (folder, plugins) in compared.items():
            done = run_pytest(place, [folder], tests=1, patience_s=60, plugins=plugins)
            if done.reason:
                return {"failed": f"{name}: {done.reason}"}
            if number >= 0:
                times[name].append(round(done.wall_s * 1e3, 2))
        if number < 0:
            time.sleep(SETTLED_S)
    return {"ms": times}


def _key(place: Place, rounds: int) -> dict[str, Any]:
    """Run ``templatedb key`` as a whole process, and an interpreter that does nothing, in turns."""
    script = Path(sys.executable).parent / "templatedb"
    command = [str(script)] if script.exists() else [PYTHON, "-m", "templatedb"]
    environment = place.environment()

    def once(words: list[str]) -> Callable[[], tuple[float, int, str]]:
        return lambda: run(words, cwd=place.project, environment=environment)

    compared = {"key": once([*command, "key"]), "interpreter": once([PYTHON, "-c", "pass"])}
    times: dict[str, list[float]] = {name: [] for name in compared}
    for number in range(-1, rounds):
        for name, measure in compared.items():
            seconds, code, output = measure()
            if code:
                return {"failed": place.clean(output.strip().splitlines()[-1])}
            if number >= 0:
                times[name].append(round(seconds * 1e3, 2))
    return {"ms": times}
