"""One fault at each system call of a run in its turn; then a normal run must be right, and nobody may hang.

The sweep is complete for what it names: each mutating call of the traced clean run, in the parent and in the build's
process, each in a cell of its own.
"""

from __future__ import annotations

import contextlib
import enum
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import strace
from .cells import Answer, Bench
from .scenarios import Scenario, wait_until_settled
from .strace import MUTATING, READING, Call, Fault

KILL = (Fault("KILL"),)
ERRORS = tuple(
    [Fault(name) for name in ("ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES")]
    + [Fault(name, onward=True) for name in ("ENOSPC", "EIO", "EROFS")]
)
COMMON = (Fault("ENOSPC"), Fault("EIO", onward=True))
"""For the scenario that makes the calls of another one once more."""
LOST = (Fault("lost"),)
_BATCH = 64


class Side(enum.StrEnum):
    """Which process of a run the fault is in."""

    PARENT = "parent"
    BUILD = "build"


class Point(NamedTuple):
    """One injection."""

    scenario: Scenario
    side: Side
    call: Call
    fault: Fault

    def __str__(self) -> str:
        return f"{self.scenario.name}, {self.side}: {self.fault} at {self.call.place} ({self.call.name} {self.call.number})"


class Result(NamedTuple):
    """What became of one injection."""

    point: Point
    hit: bool
    """Whether the fault came at a call in the cell; else the run differed from the clean one, and nothing is counted."""
    wrong: str = ""
    """What is wrong, empty when all is as promised."""
    was_green: bool = False


def calls_of(bench: Bench, scenario: Scenario, side: Side, names: tuple[str, ...] = MUTATING) -> list[Call]:
    """Run the scenario once without a fault and return the calls of one of its processes."""
    cell = bench.cell(scenario.like)
    if scenario.like is not None:
        wait_until_settled()
    log = cell.with_suffix(".log")
    answer = bench.run(cell, scenario.subject, **_traced(side, cell, log, names))
    strace.settled(log)
    assert not _wrong_run(bench, scenario, answer, strict=True), f"{scenario.name} without a fault: {answer}"
    found = strace.calls(log, cell)
    _forget(cell)
    return found


def points(scenario: Scenario, side: Side, calls: list[Call], faults: tuple[Fault, ...]) -> Iterator[Point]:
    """Yield each injection that makes sense of a clean run's *calls*."""
    last_outside = {call.name: call.number for call in calls if not call.is_inside}
    for call in calls:
        if not call.is_inside:
            continue
        for fault in faults:
            # From then on every call of that name fails: also the interpreter's own, where it makes some later.
            if fault.onward and last_outside.get(call.name, 0) > call.number:
                continue
            if fault.what == "lost" and not _may_be_lost(call):
                continue
            if call.name in READING and (fault.what != "EIO" or not _is_ours_to_read(call)):
                continue
            yield Point(scenario, side, call, fault)


def _is_ours_to_read(call: Call) -> bool:
    """Whether the cache is read: a clone that cannot be read is for the test that has it, as any database would be."""
    return "/cache/v1/" in call.text and "/v1/builds/" not in call.text


def _may_be_lost(call: Call) -> bool:
    """Whether it writes what outlives a power cut: a clone does not, nor does any process that could use it."""
    return call.name in ("pwrite64", "write") and int(call.result or -1) > 0 and "/cache/v1/" in call.text


def inject(bench: Bench, chosen: list[Point], workers: int = 2) -> list[Result]:
    """Carry out the injections, each in a cell of its own, and return what became of them."""
    results = []
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            cells = [bench.cell(point.scenario.like) for point in batch]
            if any(point.scenario.like for point in batch):
                wait_until_settled()
            results += pool.map(lambda pair: _inject_one(bench, *pair), zip(batch, cells, strict=True))
    return results


def _inject_one(bench: Bench, point: Point, cell: Path) -> Result:
    log = cell.with_suffix(".log")
    expression = point.fault.injected_into(point.call)
    traced = _traced(point.side, cell, log, (point.call.name,), expression)
    answer = bench.run(cell, point.scenario.subject, **traced)
    if point.side is Side.BUILD:
        strace.settled(log)
    hit = strace.was_injected(log, cell, point.fault)
    wrong = _wrong_after(bench, point, cell, answer) if hit else ""
    if not wrong:
        _forget(cell)
    return Result(point, hit, f"{point}: {wrong} [{cell}]" if wrong else "", was_green=bool(answer.dumps))


def _wrong_after(bench: Bench, point: Point, cell: Path, answer: Answer) -> str:
    if point.fault.what == "KILL" and point.side is Side.PARENT:
        wrong = "" if answer.was_killed else f"was to be killed, but: {answer}"
    else:
        wrong = _wrong_run(bench, point.scenario, answer, strict=False, weird=point.fault.what in ("lost", "KILL"))
    return wrong or wrong_next(bench, cell)


def wrong_next(bench: Bench, cell: Path) -> str:
    """Say what is wrong with a normal run and the one after it, in a cell where something went wrong; empty: nothing."""
    notices: list[str] = []
    try:
        first, second = bench.database(cell, notices=notices), bench.database(cell, notices=notices)
    except Exception as error:
        return f"the next run failed: {error!r}"
    private = [line for line in notices if "privately" in line]
    if first[0] not in ("hit", "built") or second[0] != "hit" or private:
        return f"the next runs were {first[0]} and {second[0]}: {notices}"
    if {first[1], second[1]} != {bench.expected}:
        return f"WRONG DATABASE in the next run ({first[0]})"
    return ""


def _wrong_run(bench: Bench, scenario: Scenario, answer: Answer, *, strict: bool, weird: bool = False) -> str:
    """Say what is wrong with the run that met the fault itself; a *weird* fault has no place to name."""
    if answer.hung:
        return "HUNG"
    if answer.dumps and answer.dumps != (bench.expected,):
        return f"WRONG DATABASE in the run itself ({answer.outcome})"
    if answer.code or not (answer.outcome or answer.error):
        return f"ended with {answer.code}: {answer.stderr[-1500:]}"
    if answer.error and (strict or (not weird and not names_a_place(answer.says, bench.folder))):
        return f"the message names no place: {answer.error}: {answer.says}"
    if scenario.subject != "prune" and answer.outcome == "private" and not answer.notices:
        return "built privately without a word"
    return ""


def names_a_place(message: str, folder: Path) -> bool:
    """Whether a message says where something went wrong: a path below *folder*."""
    return str(folder) in message


def _traced(side: Side, cell: Path, log: Path, names: tuple[str, ...], expression: str = "") -> dict:
    if side is Side.PARENT:
        return {"wrap": strace.command(log, names, expression)}
    return {"builder": str(strace.builder(cell.with_suffix(".sh"), log, names, expression))}


def _forget(cell: Path) -> None:
    shutil.rmtree(cell, ignore_errors=True)
    for suffix in (".log", ".sh"):
        with contextlib.suppress(OSError):
            cell.with_suffix(suffix).unlink()
