"""Measure everything, or what is asked for, and write the tables: ``make bench`` and ``make bench-quick``."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from benchmarks import facts
from benchmarks.large import measure_large
from benchmarks.registry import BY_NAME, VARIANTS, Variant
from benchmarks.report import render
from benchmarks.results import OutOfTimeError, Results
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.schemas import SCHEMAS
from benchmarks.sections import measure_variants, measure_workers
from benchmarks.stages import measure_stages
from benchmarks.starts import measure_starts

HERE = Path(__file__).parent
SECTIONS = ("per-test", "stages", "workers", "starts", "large")
ROOM_IN_MEMORY = 500_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; return the exit code, which says whether everything was measured, not how fast it was."""
    options = _options(arguments)
    scale = _scale(options)
    variants = _variants(options.variants)
    sections = options.sections.split(",") if options.sections else list(SECTIONS)
    folder = Path(options.output) if options.output else HERE / "results" / ("quick" if options.quick else ".")
    environment = facts.environment()
    results = Results(folder, scale.name, environment, render, scale.minutes)
    signal.signal(signal.SIGTERM, _end)  # so that file systems are unmounted and folders removed
    with tempfile.TemporaryDirectory(prefix="templatedb-bench-", dir=_parent()) as temporary:
        parent = Path(temporary)
        environment["filesystem"] = facts.filesystem_of(parent)
        try:
            if "per-test" in sections:
                for tables in scale.schemas:
                    measure_variants(results, scale, parent, tables, variants)
            if "stages" in sections:
                measure_stages(results, scale, parent)
            if "workers" in sections:
                measure_workers(results, scale, parent, variants)
            if "starts" in sections:
                measure_starts(results, scale, parent)
            if "large" in sections:
                measure_large(results, scale, install=not options.no_install)
            results.save(complete=True)
        except OutOfTimeError as stopped:
            results.data["stopped"] = str(stopped)
            results.say(str(stopped))
        finally:
            results.save(complete=results.data["complete"])
            if not options.no_plots:
                _draw(results)
    results.say(f"done: {folder / 'results.md'}")
    return 0 if results.data["complete"] else 1


def _end(_signal: int, _frame: object) -> NoReturn:
    sys.exit(1)


def _draw(results: Results) -> None:
    from benchmarks.plots import draw

    results.say(f"drawn: {', '.join(draw(results.data, results.folder))}")


def _parent() -> str | None:
    """Return memory-backed storage for the per-test comparison where there is room, else the usual place."""
    memory = Path("/dev/shm")
    if facts.filesystem_of(memory) != "tmpfs":
        return None
    stat = os.statvfs(memory)
    return str(memory) if stat.f_bavail * stat.f_frsize >= ROOM_IN_MEMORY else None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer rounds and sizes, to benchmarks/results/quick/")
    add("--sections", default="", metavar="A,B", help=f"only these of {', '.join(SECTIONS)}")
    add("--variants", default="", metavar="A,B", help="only these, of benchmarks/registry.py")
    add("--schemas", default="", metavar="7,67", help=f"only these of {', '.join(map(str, SCHEMAS))} tables")
    add("--tests", type=int, help="in each pytest run")
    add("--rounds", type=int, help="of each variant")
    add("--output", metavar="FOLDER", help="where results go")
    add("--no-plots", action="store_true", help="draw nothing, so that matplotlib is not needed")
    add("--no-install", action="store_true", help="do not install mkfs.xfs and mkfs.btrfs (by apt-get, as root)")
    return parser.parse_args(arguments)


def _scale(options: argparse.Namespace) -> Scale:
    scale = QUICK if options.quick else FULL
    if options.schemas:
        scale = dataclasses.replace(scale, schemas=tuple(int(one) for one in options.schemas.split(",")))
    if options.tests:
        scale = dataclasses.replace(scale, tests=options.tests, mixed_tests=options.tests)
    if options.rounds:
        rounds = options.rounds
        scale = dataclasses.replace(
            scale, core_rounds=rounds, other_rounds=rounds, mixed_rounds=rounds, worker_rounds=rounds
        )
    return scale


def _variants(wanted: str) -> list[Variant]:
    """Return the variants with these names, and the floors that they are counted from; all of them for none."""
    if not wanted:
        return list(VARIANTS)
    names = {name for one in wanted.split(",") for name in (one, BY_NAME[one].floor)}
    return [variant for variant in VARIANTS if variant.name in names]


if __name__ == "__main__":
    sys.exit(main())
