"""Variants side by side: per-test costs and whole runs in turns, one process of blocks, and with xdist workers."""

from __future__ import annotations

import contextlib
import json
import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.registry import Variant
from benchmarks.results import Results
from benchmarks.runner import PYTHON, Done, Place, median, run, run_pytest
from benchmarks.scale import Scale
from benchmarks.schemas import SCHEMAS, Schema, write_project

WARM_UP_TESTS = 5
LOOP = Path(__file__).parent / "loop.py"
WITH_WORKERS = ("floor", "templatedb", "savepoint", "copy_file", "upgrade")
SLOW_TESTS = 48
"""What a variant gets in the comparison of workers that migrates for every test; scaled, and said so."""


@contextlib.contextmanager
def prepared(parent: Path, schema: Schema, variants: Sequence[Variant] = ()) -> Iterator[Place]:
    """Make a project with *variants* and its migrated file in a folder of *parent*, for the block."""
    place = Place(parent / f"tables-{schema.tables}-{schema.revisions}")
    try:
        write_project(place.project, schema)
        migrate(place, place.golden)
        for variant in variants:
            variant.write(place.project)
        yield place
    finally:
        shutil.rmtree(place.root, ignore_errors=True)


def migrate(place: Place, path: Path) -> float:
    """Run a plain ``alembic upgrade heads`` in a process of its own; return its seconds."""
    seconds, code, output = run(
        [PYTHON, "-m", "alembic", "upgrade", "heads"],
        cwd=place.project,
        environment=place.environment(DATABASE_URL=f"sqlite:///{path}"),
    )
    if code:
        raise RuntimeError(f"the generated history does not migrate:\n{output}")
    return seconds


def run_variant(place: Place, variant: Variant, scale: Scale, *, tests: int, workers: int = 0) -> Done:
    """Run one variant in a process of its own."""
    return run_pytest(
        place,
        [variant.name],
        tests=tests,
        patience_s=scale.patience_s,
        plugins=variant.plugins,
        arguments=(*variant.arguments, "--maxfail=1"),
        workers=workers,
    )


def refuse(row: dict[str, Any], variant: Variant, done: Done) -> None:
    """Write into *row* why there are no figures: a variant that fails stays in the table, and never wins."""
    if variant.option and f"unrecognized arguments: {variant.option}" in done.said:
        row["status"], row["reason"] = "not available", f"this version has no option {variant.option}"
    elif done.reason:
        row["status"], row["reason"] = "failed", done.reason


def measure_variants(results: Results, scale: Scale, parent: Path, tables: int, variants: Sequence[Variant]) -> None:
    """Let *variants* take turns, round after round, with a schema of so many *tables*."""
    rows: dict[str, Any] = {variant.name: {"status": "ok", "reason": "", "runs": []} for variant in variants}
    with prepared(parent, SCHEMAS[tables], variants) as place:
        results.data["per_test"][str(tables)] = {
            "golden_bytes": place.golden.stat().st_size,
            "revisions": len(list((place.project / "migrations" / "versions").glob("*.py"))),
            "tests": scale.tests,
            "variants": rows,
            "mixed": {},
        }
        results.step(f"{tables} tables: warm-up of {len(variants)} variants")
        for variant in variants:  # builds templatedb's golden, compiles the tests, finds what fails
            refuse(rows[variant.name], variant, run_variant(place, variant, scale, tests=WARM_UP_TESTS))
        results.save()
        for number in range(scale.core_rounds):
            results.step(f"{tables} tables: round {number + 1} of {scale.core_rounds}, {scale.tests} tests each")
            for variant in variants:
                row = rows[variant.name]
                if row["status"] == "ok" and (variant.core or number < scale.other_rounds):
                    done = run_variant(place, variant, scale, tests=scale.tests)
                    refuse(row, variant, done)
                    if row["status"] == "ok":
                        row["runs"].append(figures(done, variant.name, scale.tests, number))
            results.save()
        _take_turns_in_one_process(results, scale, place, tables, variants)
        _loop(results, scale, place, tables)


def figures(done: Done, folder: str, tests: int, number: int) -> dict[str, Any]:
    """Return what is kept of one run."""
    times = done.us[folder]
    deciles = statistics.quantiles(times, n=10) if len(times) > 1 else times * 9
    return {
        "round": number,
        "tests": len(times),
        "median_us": round(median(times), 1),
        "p10_us": round(deciles[0], 1),
        "p90_us": round(deciles[8], 1),
        "wall_s": round(done.wall_s, 3),
        "scaled_wall_s": round(done.scaled_wall_s(tests), 3),
    }


def _take_turns_in_one_process(
    results: Results, scale: Scale, place: Place, tables: int, variants: Sequence[Variant]
) -> None:
    """Run all that can share a process in one, in turns of blocks: no process is luckier than another."""
    section = results.data["per_test"][str(tables)]
    mixed = [one for one in variants if one.mixable and section["variants"][one.name]["status"] == "ok"]
    if len(mixed) < 2:
        return
    results.step(f"{tables} tables: {len(mixed)} variants in turns in one process")
    for _ in range(scale.mixed_rounds):
        done = run_pytest(
            place,
            [variant.name for variant in mixed],
            tests=scale.mixed_tests,
            patience_s=scale.patience_s * 10,
            plugins=sorted({plugin for variant in mixed for plugin in variant.plugins}),
            arguments=[word for variant in mixed for word in variant.arguments],
            block=20,
        )
        if "" in done.failed:
            section["mixed_failed"] = done.failed[""]
            break
        for variant in mixed:
            times = done.us.get(variant.name, [])
            if variant.name not in done.failed and times:
                section["mixed"].setdefault(variant.name, []).append(round(median(times), 1))
    results.save()


def _loop(results: Results, scale: Scale, place: Place, tables: int) -> None:
    """Time the restore alone, without pytest and without an engine, in turns of blocks in one process."""
    results.step(f"{tables} tables: restore alone, in a plain loop")
    _, code, output = run(
        [PYTHON, LOOP, str(scale.loop_blocks), str(place.golden), place.temporary],
        cwd=place.project,
        environment=place.environment(),
    )
    last = output.strip().splitlines()[-1:] or [""]
    if code:
        results.data["loop"][str(tables)] = {"failed": place.clean(last[0])}
    else:
        results.data["loop"][str(tables)] = json.loads(last[0])
    results.save()


def measure_workers(results: Results, scale: Scale, parent: Path, variants: Sequence[Variant]) -> None:
    """Run the whole of the tests with xdist workers, on the smallest schema."""
    tables = scale.schemas[0]
    chosen = [variant for variant in variants if variant.name in WITH_WORKERS]
    rows: dict[str, Any] = {variant.name: {"status": "ok", "reason": "", "runs": {}} for variant in chosen}
    results.data["workers"] = {"tables": tables, "tests": scale.tests, "variants": rows}
    with prepared(parent, SCHEMAS[tables], chosen) as place:
        for variant in chosen:
            run_variant(place, variant, scale, tests=WARM_UP_TESTS)
        for number in range(scale.worker_rounds):
            results.step(f"xdist: round {number + 1} of {scale.worker_rounds}, {scale.workers} workers")
            for workers in scale.workers:
                for variant in chosen:
                    row = rows[variant.name]
                    if row["status"] != "ok":
                        continue
                    tests = SLOW_TESTS if variant.name == "upgrade" else scale.tests
                    done = run_variant(place, variant, scale, tests=tests, workers=workers)
                    refuse(row, variant, done)
                    if row["status"] == "ok":
                        row["runs"].setdefault(str(workers), []).append(
                            {
                                "tests": done.tests,
                                "wall_s": round(done.wall_s, 3),
                                "scaled_wall_s": round(done.scaled_wall_s(scale.tests), 3),
                            }
                        )
            results.save()


def python_version() -> str:
    """Return the interpreter that everything is measured with."""
    return ".".join(map(str, sys.version_info[:3]))
