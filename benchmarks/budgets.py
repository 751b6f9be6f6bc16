"""What templatedb promises to cost, and whether this run kept to it. Nothing fails here: a missed budget is told."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.analysis import large_us, over_floor_us, whole_ratio
from benchmarks.runner import median
from benchmarks.scale import MB

COW = ("xfs", "btrfs", "apfs", "zfs", "bcachefs")
FLAT_FACTOR, FLAT_SLACK_US = 1.5, 200.0


@dataclasses.dataclass(frozen=True)
class Row:
    """One budget."""

    what: str
    limit: str
    measured: str
    verdict: str


def judge(data: dict[str, Any]) -> list[Row]:
    """Return every budget with its verdict, in the order of the design."""
    return [
        _per_test(data, "7", "templatedb", 60, "isolation per test, 57 kB golden"),
        _savepoint(data),
        _per_test(data, "67", "templatedb", 150, "isolation per test, 856 kB golden (67 tables)"),
        _restore(data),
        _flat(data),
        _per_test(data, "7", "templatedb_wal", 250, "isolation per test, application in WAL mode, 57 kB"),
        _whole(data),
        *_cold(data),
        *_warm(data),
        _key(data),
    ]


def _row(what: str, limit: str, measured: str, *, met: bool) -> Row:
    return Row(what, limit, measured, "met" if met else "**missed**")


def _not_measured(what: str, limit: str, why: str = "not part of this run") -> Row:
    return Row(what, limit, "", f"not measured: {why}")


def _section(data: dict[str, Any], tables: str) -> dict[str, Any]:
    found: dict[str, Any] = data["per_test"].get(tables) or {"variants": {}, "mixed": {}, "tests": 0}
    return found


def _why(section: dict[str, Any], name: str) -> str:
    row = section["variants"].get(name, {})
    return f"{row['status']}: {row['reason']}" if row.get("reason") else "not part of this run"


def _per_test(data: dict[str, Any], tables: str, name: str, limit_us: float, what: str) -> Row:
    section = _section(data, tables)
    limit = f"at most {limit_us:.0f} µs over the floor"
    over = over_floor_us(section, name)
    if over is None:
        return _not_measured(what, limit, _why(section, name))
    return _row(what, limit, f"{over:.0f} µs", met=over <= limit_us)


def _savepoint(data: dict[str, Any]) -> Row:
    section = _section(data, "7")
    what, limit = "the same", "less than savepoint and rollback"
    own, other = over_floor_us(section, "templatedb"), over_floor_us(section, "savepoint")
    if own is None or other is None:
        return _not_measured(what, limit)
    return _row(what, limit, f"{own:.0f} µs to {other:.0f} µs", met=own < other)


def _without_cow(data: dict[str, Any], size: int) -> dict[str, float]:
    """Return what a clone of *size* bytes adds besides reconnecting, by file systems that cannot share extents."""
    found = {}
    for kind, section in data["large"].items():
        row = section["sizes"].get(str(size), {})
        over = large_us(row, "large_reconnect")
        if over is not None and section["filesystem"] not in COW:
            found[f"{kind} ({section['filesystem']})"] = over
    return found


def _restore(data: dict[str, Any]) -> Row:
    what = "restore of a 500 MB golden, no copy-on-write file system"
    limit = "at most 1 ms besides reconnecting"
    found = _without_cow(data, 500 * MB)
    if not found:
        return _not_measured(what, limit)
    told = ", ".join(f"{us / 1e3:.2f} ms on {kind}" for kind, us in found.items())
    return _row(what, limit, told, met=max(found.values()) <= 1000)


def _flat(data: dict[str, Any]) -> Row:
    what = "the same, flat from 10 MB up"
    limit = f"1 GB at most {FLAT_FACTOR} x 64 MB, plus {FLAT_SLACK_US / 1e3:.1f} ms"
    small, big = _without_cow(data, 64 * MB), _without_cow(data, 1000 * MB)
    both = sorted(small.keys() & big.keys())
    if not both:
        return _not_measured(what, limit)
    told = ", ".join(f"{small[kind] / 1e3:.2f} and {big[kind] / 1e3:.2f} ms on {kind}" for kind in both)
    met = all(big[kind] <= FLAT_FACTOR * max(small[kind], 0) + FLAT_SLACK_US for kind in both)
    return _row(what, limit, told, met=met)


def _whole(data: dict[str, Any]) -> Row:
    section = _section(data, "7")
    what = f"{section['tests'] or 1000:,} ORM tests, whole pytest run"
    ratio = whole_ratio(section, "templatedb")
    if ratio is None:
        return _not_measured(what, "at most 1.10 x the floor", _why(section, "templatedb"))
    return _row(what, "at most 1.10 x the floor", f"{ratio:.2f} x", met=ratio <= 1.10)


def _cold(data: dict[str, Any]) -> list[Row]:
    limit = "1 build; at most 1.2 x one plain `alembic upgrade heads` process, plus 0.5 s"
    names = {
        "cold start of 8 processes at once (`templatedb build`, 200 revisions)": ("build_s", None, "build_goldens"),
        "what a cold cache adds to `pytest -n 8`": ("workers_cold_s", "workers_warm_s", "workers_goldens"),
    }
    rounds = data["starts"].get("cold", [])
    rows = []
    for what, (cold, warm, goldens) in names.items():
        missing = [one for one in rounds if one.get(cold) is None or one.get(goldens) is None]
        if not rounds or missing:
            why = missing[0].get("failed", "a process failed") if missing else "not part of this run"
            rows.append(_not_measured(what, limit, why))
            continue
        seconds = median([one[cold] - (one[warm] if warm else 0) for one in rounds])
        plain = median([one["alembic_s"] for one in rounds])
        builds = max(one[goldens] for one in rounds)
        told = f"{builds} build{'s' if builds > 1 else ''}; {seconds:.2f} s to {plain:.2f} s of plain Alembic"
        rows.append(_row(what, limit, told, met=builds == 1 and seconds <= 1.2 * plain + 0.5))
    return rows


def _warm(data: dict[str, Any]) -> list[Row]:
    warm = data["starts"].get("warm", {})
    names = {
        "warm start, 200 revisions, one test with a clone; Alembic not imported": ("clone", 15),
        "plugin installed, unused": ("unused", 3),
    }
    rows = []
    for what, (name, limit_ms) in names.items():
        limit = f"adds at most {limit_ms} ms to the run"
        if "ms" not in warm:
            rows.append(_not_measured(what, limit, warm.get("failed", "not part of this run")))
            continue
        added = median([own - plain for own, plain in zip(warm["ms"][name], warm["ms"]["plain"], strict=True)])
        told = f"{added:.1f} ms (the run: {median(warm['ms']['plain']):.0f} ms)"
        rows.append(_row(what, limit, told, met=added <= limit_ms))
    return rows


def _key(data: dict[str, Any]) -> Row:
    what, limit = "`templatedb key`, 500 revisions, whole process", "at most 100 ms"
    key = data["starts"].get("key", {})
    if "ms" not in key:
        return _not_measured(what, limit, key.get("failed", "not part of this run"))
    own, empty = median(key["ms"]["key"]), median(key["ms"]["interpreter"])
    return _row(what, limit, f"{own:.0f} ms (an interpreter that does nothing: {empty:.0f} ms)", met=own <= 100)
