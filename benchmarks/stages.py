"""Where the time of a test goes: by phase side by side, and by stage inside templatedb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.registry import BY_NAME
from benchmarks.results import Results
from benchmarks.runner import Place, median, run_pytest
from benchmarks.scale import Scale
from benchmarks.schemas import SCHEMAS
from benchmarks.sections import WARM_UP_TESTS, prepared, run_variant

INSIDE = {"inside": "templatedb", "inside_wal": "templatedb_wal"}
"""What a run with clocks inside templatedb is called: which way it is a run of."""
_WAYS = (
    ("floor", "templatedb", "savepoint", "floor_wal", "templatedb_wal", "inside", "inside_wal"),
    ("floor", "templatedb", "savepoint", "inside"),
)
"""The runs of one turn: on the smallest schema, and on the next one."""


def measure_stages(results: Results, scale: Scale, parent: Path) -> None:
    """Let floors, templatedb and savepoints take turns on the two smallest schemas, with a clock in every phase.

    templatedb runs twice in each turn: the clocks inside it cost time of their own, so phases are taken without them.
    So it does under an application in WAL mode.
    """
    for tables, runs in zip(scale.schemas, _WAYS, strict=False):
        section: dict[str, Any] = {"tables": tables, "tests": scale.mixed_tests}
        results.data["stages"].append(section)
        section.update(_of_schema(results, scale, parent, tables, runs))
        results.save()


def _of_schema(results: Results, scale: Scale, parent: Path, tables: int, runs: tuple[str, ...]) -> dict[str, Any]:
    """Return under ``us`` the medians by run and stage, or under ``failed`` why there are none."""
    ways = [BY_NAME[name] for name in runs if name in BY_NAME]
    rounds: list[dict[str, dict[str, float]]] = []
    with prepared(parent, SCHEMAS[tables], ways) as place:
        for way in ways:
            run_variant(place, way, scale, tests=WARM_UP_TESTS)
        for number in range(scale.core_rounds):
            results.step(f"where the time goes, {tables} tables: round {number + 1} of {scale.core_rounds}")
            measured = {}
            for told in runs:
                name = INSIDE.get(told, told)
                figures = _run(place, name, scale, "" if told == name else "yes")
                if isinstance(figures, str):
                    return {"failed": f"{name}: {figures}"}
                measured[told] = figures
            rounds.append(measured)
    return {
        "us": {
            name: {stage: round(median([one[name].get(stage, 0.0) for one in rounds]), 1) for stage in rounds[0][name]}
            for name in rounds[0]
        }
    }


def _run(place: Place, name: str, scale: Scale, inside: str) -> dict[str, float] | str:
    """Return microseconds by phase and stage, or why there are none."""
    path = place.root / "stages.json"
    path.unlink(missing_ok=True)
    way = BY_NAME[name]
    done = run_pytest(
        place,
        [name],
        tests=scale.mixed_tests,
        patience_s=scale.patience_s * 10,
        plugins=(*way.plugins, "stages"),
        arguments=way.arguments,
        variables={"BENCH_STAGES": str(path), "BENCH_STAGES_INSIDE": inside},
    )
    if done.reason:
        return done.reason
    figures: dict[str, float] = json.loads(path.read_text())
    return figures
