"""The sweep without strace: each call of `os` that the parent makes in its cell, killed or failing, once and for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .cells import Bench
from .sweep import names_a_place, wrong_next

FAULTS = ("kill", "ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES")


class Result(NamedTuple):
    """What became of one injection."""

    fault: str
    wrong: str
    """Empty when all is as promised."""


def faults(bench: Bench) -> list[str]:
    """Run once without a fault and return each fault that there is to inject."""
    calls = bench.run(bench.cell(), boundary="count").calls
    found = []
    for name, count in sorted(calls.items()):
        for number in range(1, count + 1):
            found += [f"{name}@{number}={action}" for action in FAULTS]
            found += [f"{name}@{number}+={action}" for action in FAULTS[1:]]
    return found


def inject(bench: Bench, chosen: list[str], workers: int = 2) -> list[Result]:
    """Carry out the injections, each in a cell of its own, and return what became of them."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda fault: _inject_one(bench, fault), chosen))


def _inject_one(bench: Bench, fault: str) -> Result:
    cell = bench.cell()
    answer = bench.run(cell, boundary=fault)
    wrong = ""
    if answer.hung:
        wrong = "HUNG"
    elif answer.dumps and answer.dumps != (bench.expected,):
        wrong = "WRONG DATABASE in the run itself"
    elif fault.endswith("kill"):
        wrong = "" if answer.was_killed else f"was to be killed: {answer}"
    elif answer.code:
        wrong = f"ended with {answer.code}: {answer.stderr[-1500:]}"
    elif answer.error and not names_a_place(answer.says, bench.folder):
        wrong = f"the message names no place: {answer.error}: {answer.says}"
    wrong = wrong or wrong_next(bench, cell)
    return Result(fault, f"{fault}: {wrong}" if wrong else "")
