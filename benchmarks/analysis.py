"""From raw figures to medians, differences and ratios; pairs are always of the same round."""

from __future__ import annotations

from typing import Any

from benchmarks.registry import BY_NAME
from benchmarks.runner import median

Section = dict[str, Any]


def ok(section: Section, name: str) -> bool:
    """Whether *name* was measured and never failed."""
    row = section["variants"].get(name, {})
    return row.get("status") == "ok" and bool(row.get("runs"))


def floor_of(name: str) -> str:
    """Return what *name* is counted from."""
    return BY_NAME[name].floor


def per_test_us(section: Section, name: str) -> float | None:
    """Return the median of a whole test, in a process of its own."""
    if not ok(section, name):
        return None
    return median([run["median_us"] for run in section["variants"][name]["runs"]])


def over_floor_us(section: Section, name: str) -> float | None:
    """Return what isolation adds to a test: the median of the differences from the same rounds of its floor."""
    pairs = _pairs(section, name, "median_us")
    return median([own - floor for own, floor in pairs]) if pairs else None


def over_floor_mixed_us(section: Section, name: str) -> float | None:
    """Return the same from the process in which variants took turns."""
    own, floor = section["mixed"].get(name), section["mixed"].get(floor_of(name))
    if not own or not floor or not ok(section, name):
        return None
    return median([one - other for one, other in zip(own, floor, strict=False)])


def whole_s(section: Section, name: str) -> float | None:
    """Return the seconds of a whole pytest run, scaled where only a part of it was run."""
    if not ok(section, name):
        return None
    return median([run["scaled_wall_s"] for run in section["variants"][name]["runs"]])


def whole_ratio(section: Section, name: str) -> float | None:
    """Return a whole run over a whole run of the floor."""
    pairs = _pairs(section, name, "scaled_wall_s")
    return median([own / floor for own, floor in pairs]) if pairs else None


def scaled_from(section: Section, name: str) -> int:
    """Return how many tests a scaled whole run was computed from; 0 when it was run in full."""
    fewest = min((run["tests"] for run in section["variants"][name]["runs"]), default=0)
    return fewest if fewest < section["tests"] else 0


def _pairs(section: Section, name: str, figure: str) -> list[tuple[float, float]]:
    floor = floor_of(name)
    if not ok(section, name) or not ok(section, floor):
        return []
    floors = {run["round"]: run[figure] for run in section["variants"][floor]["runs"]}
    runs = section["variants"][name]["runs"]
    return [(run[figure], floors[run["round"]]) for run in runs if run["round"] in floors]


def worker_seconds(data: Section, name: str, workers: int) -> float | None:
    """Return the seconds of a whole run with *workers*."""
    row = data["variants"].get(name, {})
    runs = row.get("runs", {}).get(str(workers))
    return median([run["scaled_wall_s"] for run in runs]) if runs and row["status"] == "ok" else None


def large_us(row: Section, floor: str) -> float | None:
    """Return what a large golden's clone adds to a test over *floor*."""
    if row.get("status") != "ok" or "us" not in row:
        return None
    pairs = zip(row["us"]["large_templatedb"], row["us"][floor], strict=False)
    return median([own - other for own, other in pairs])
