"""Goldens of any size on several file systems: what a test's own database costs when the file is large."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.facts import filesystem_of
from benchmarks.filesystems import SkippedError, folder_on
from benchmarks.registry import TEMPLATEDB
from benchmarks.results import Results
from benchmarks.runner import PYTHON, Place, median, run, run_pytest
from benchmarks.scale import MB, Scale

HERE = Path(__file__).parent
KINDS = ("disk", "tmpfs", "xfs", "btrfs")
FLOORS = ("large_floor", "large_reconnect")
WAYS = {"large_floor": (), "large_reconnect": (), "large_templatedb": (TEMPLATEDB,)}
TIMEOUT_S = 240.0


def tests_for(size: int) -> int:
    """Return how many tests are enough for a median, and still affordable where each copies the file."""
    return 200 if size <= 8 * MB else 60 if size <= 64 * MB else 20


def write_project(place: Place, size: int) -> None:
    """Write the project whose golden has about *size* bytes."""
    place.project.mkdir(parents=True)
    for source in (HERE / "project_large").glob("*.*"):
        shutil.copyfile(source, place.project / source.name)
    for name in ("conftest.py", "support.py"):
        shutil.copyfile(HERE / "project" / name, place.project / name)
    migration = place.project / "large.py"
    migration.write_text(migration.read_text().replace("BYTES = 50_000", f"BYTES = {size}"))
    test = (place.project / "test_rows.py").read_text()
    (place.project / "test_rows.py").unlink()
    for name in WAYS:
        shutil.copytree(HERE / "variants" / name, place.project / name)
        isolated = test if name not in FLOORS else test.replace("ISOLATED = True", "ISOLATED = False")
        (place.project / name / "test_rows.py").write_text(isolated)


def measure_large(results: Results, scale: Scale, *, install: bool) -> None:
    """Measure every size on every kind of file system, or say why not."""
    for kind in KINDS:
        section: dict[str, Any] = {"filesystem": kind, "skipped": "", "sizes": {}}
        results.data["large"][kind] = section
        try:
            with folder_on(kind, max(scale.golden_bytes), install=install) as folder:
                section["filesystem"] = filesystem_of(folder)
                for size in scale.golden_bytes:
                    results.step(f"large goldens: {size / MB:g} MB on {kind} ({section['filesystem']})")
                    section["sizes"][str(size)] = row = {"status": "ok", "reason": ""}
                    _measure_size(row, scale, Place(folder / str(size)), size)
                    results.save()
        except SkippedError as error:
            section["skipped"] = str(error)
            results.say(f"large goldens: {kind} skipped: {error}")
        results.save()


def _measure_size(row: dict[str, Any], scale: Scale, place: Place, size: int) -> None:
    try:
        write_project(place, size)
        where = place.root / "where"
        reason = _prepare(place)
        if reason:
            row.update(status="failed", reason=reason)
            return
        row["golden_bytes"] = place.golden.stat().st_size
        row["copyfile_us"] = round(_copies(place), 1)
        times: dict[str, list[float]] = {name: [] for name in WAYS}
        for name in [*WAYS] * scale.large_rounds:
            done = run_pytest(
                place,
                [name],
                tests=tests_for(size),
                patience_s=scale.patience_s,
                plugins=WAYS[name],
                arguments=("--maxfail=1",),
                timeout_s=TIMEOUT_S,
                variables={"BENCH_WHERE": str(where)},
            )
            if done.reason:
                row.update(status="failed", reason=done.reason)
                return
            times[name].append(median(done.us[name]))
            if name not in FLOORS:
                row["clones_on"] = filesystem_of(Path(where.read_text()))
                row["said"] = _own_lines(done.said)
        row["us"] = {name: [round(one, 1) for one in many] for name, many in times.items()}
    except OSError as error:  # such as a full file system: the others are still measured
        row.update(status="failed", reason=f"{type(error).__name__}: {error.strerror}")
    finally:
        shutil.rmtree(place.root, ignore_errors=True)


def _prepare(place: Place) -> str:
    """Build the golden and a plain copy of it for the floors; return why that failed."""
    words = [PYTHON, "-m", "templatedb"]
    environment = place.environment()
    _, code, output = run([*words, "build"], cwd=place.project, environment=environment, timeout_s=TIMEOUT_S)
    if code == 0:
        _, code, output = run([*words, "path"], cwd=place.project, environment=environment)
    if code:
        return place.clean(output.strip().splitlines()[-1])
    shutil.copyfile(output.strip().splitlines()[-1], place.golden)
    place.golden.chmod(0o600)
    return ""


def _copies(place: Place) -> float:
    """Return the median microseconds of a plain copy of the file, and of taking it away."""
    target, times = place.root / "copied", []
    for _ in range(5):
        started = time.perf_counter()
        shutil.copyfile(place.golden, target)
        target.unlink()
        times.append((time.perf_counter() - started) * 1e6)
    return median(times)


def _own_lines(output: str) -> list[str]:
    """Return what templatedb said at the end of the run."""
    lines = output.splitlines()
    starts = [number for number, line in enumerate(lines) if "= templatedb =" in line]
    return [] if not starts else [line for line in lines[starts[0] + 1 : starts[0] + 6] if not line.startswith("=")][:4]
