"""Filesystems that are small, out of names or read-only, each mounted in a namespace of the subject's own."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .cells import Bench
from .sweep import names_a_place

SIZES_KIB = (*range(4, 132, 4), 160, 192, 256)
INODES = (*range(2, 26), 32)


class Mounted(NamedTuple):
    """A filesystem under one folder of the cell."""

    folder: str
    """``cache`` or ``tmp``."""
    options: str
    is_warm: bool = False
    """Whether the cache holds a golden before."""

    def __str__(self) -> str:
        return f"{self.folder} on {self.options}{', warm' if self.is_warm else ''}"


class Result(NamedTuple):
    """What became of one run."""

    mounted: Mounted
    outcome: str
    """Empty where it ended in a message."""
    notices: tuple[str, ...]
    wrong: str


def cases() -> Iterator[Mounted]:
    """Yield every filesystem to try: each size and each number of names up to what a run needs."""
    for folder in ("cache", "tmp"):
        yield from (Mounted(folder, f"size={size}k") for size in SIZES_KIB)
        yield from (Mounted(folder, f"nr_inodes={number}") for number in INODES)
        yield Mounted(folder, "ro")
    yield Mounted("cache", "ro", is_warm=True)
    yield Mounted("tmp", "ro", is_warm=True)


def run(bench: Bench, chosen: list[Mounted], workers: int = 2) -> list[Result]:
    """Run a subject on each and return what became of it."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda mounted: _run_one(bench, mounted), chosen))


def mounting(folder: Path, options: str) -> tuple[str, ...]:
    """Return what goes in front of a command line to give it a small filesystem, or a read-only view, at *folder*."""
    place = shlex.quote(str(folder))
    if options == "ro":
        mount = f"mount --bind {place} {place} && mount -o remount,bind,ro {place}"
    else:
        mount = f"mount -t tmpfs -o mode=700,{options} tmpfs {place}"
    return ("unshare", "-rm", "sh", "-c", f'{mount} || exit 77; exec "$@"', "sh")


def _run_one(bench: Bench, mounted: Mounted) -> Result:
    cell = bench.cell()
    folder = cell / mounted.folder
    folder.mkdir(mode=0o700, exist_ok=True)
    if mounted.is_warm:
        bench.database(cell)
    answer = bench.run(cell, "clone", wrap=mounting(folder, mounted.options))
    wrong = ""
    if answer.hung:
        wrong = "HUNG"
    elif answer.dumps and answer.dumps != (bench.expected,):
        wrong = "WRONG DATABASE"
    elif answer.code or not (answer.outcome or answer.error):
        wrong = f"ended with {answer.code}: {answer.stderr[-1500:]}"
    elif answer.error and not names_a_place(answer.says, bench.folder):
        wrong = f"the message names no place: {answer.error}: {answer.says}"
    elif mounted.folder == "cache" and not answer.outcome:
        wrong = f"a cache problem failed the run: {answer.says}"
    elif answer.outcome == "private" and not answer.notices:
        wrong = "built privately without a word"
    elif mounted == Mounted("cache", "ro", is_warm=True) and (answer.outcome, answer.notices) != ("hit", ()):
        wrong = f"a baked cache must hit in silence: {answer.outcome} {answer.notices}"
    return Result(mounted, answer.outcome, answer.notices, f"{mounted}: {wrong}" if wrong else "")
