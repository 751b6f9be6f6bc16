"""Everything: ``python -m torture`` in tests/, or ``make torture``. Prints a table and writes RESULTS.md."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from . import clones, corruption, crowds, filesystems, lanes, portable, sweep
from .cells import Bench
from .counts import RESULTS, Counts
from .scenarios import names, prepare
from .strace import READING
from .sweep import Side

PARTS = ("sweeps", "portable", "corruption", "filesystems", "crowds", "clones")


def main() -> int:
    """Run the chosen parts and return 1 when a promise was broken."""
    options = _options()
    counts, started = Counts(), time.monotonic()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="templatedb-torture-") as folder:
        for part in options.parts.split(","):
            bench = Bench(Path(folder) / part)
            globals()[f"_{part}"](bench, counts, options)
    print()
    for name, value in counts.summary():
        print(f"{name:<40} {value}")
    if options.write:
        RESULTS.write_text(counts.markdown(" ".join(["make torture", *_said()]), (time.monotonic() - started) / 60))
        print(f"written: {RESULTS}")
    return 1 if counts.wrong else 0


def _said() -> list[str]:
    words = " ".join(sys.argv[1:])
    return [f'TORTURE="{words}"'] if words else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of: %(default)s")
    parser.add_argument("--every", type=int, default=1, help="take only each n-th injection of a sweep")
    parser.add_argument("--rounds", type=int, default=60, help="rounds of four racing builders (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of delays and damages")
    parser.add_argument("--workers", type=int, default=2, help="injections at once (default: %(default)s)")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave RESULTS.md alone")
    return parser.parse_args()


def _sweeps(bench: Bench, counts: Counts, options: argparse.Namespace) -> None:
    if reason := lanes.leave_out("strace"):
        counts.leave_out("system calls swept", reason)
        return
    for name in names():
        scenario = prepare(bench, name)
        for side in Side:
            if side is Side.BUILD and not scenario.builds:
                continue
            calls = sweep.calls_of(bench, scenario, side)
            errors = sweep.COMMON if scenario.name.startswith("recovery") else sweep.ERRORS
            for what, faults in (("killed", sweep.KILL), ("failing", errors), ("lost writes", sweep.LOST)):
                chosen = list(sweep.points(scenario, side, calls, faults))
                _sweep(bench, counts, options, f"{scenario.name}, {side}: {what}", chosen)
            if side is Side.PARENT:
                reads = sweep.calls_of(bench, scenario, side, READING)
                chosen = list(sweep.points(scenario, side, reads, sweep.ERRORS))
                _sweep(bench, counts, options, f"{scenario.name}, {side}: failing reads", chosen)


def _sweep(bench: Bench, counts: Counts, options: argparse.Namespace, name: str, chosen: list[sweep.Point]) -> None:
    results = [one for one in sweep.inject(bench, chosen[:: options.every], options.workers) if one.hit]
    green = sum(one.was_green for one in results)
    counts.injected += len(results)
    if name.endswith("killed"):
        counts.killed += len(results)
        told = "the next run a hit or a build"
    else:
        told = f"{green} runs green, {len(results) - green} with a message; the next one right"
    counts.add(name, len(results), told, [one.wrong for one in results if one.wrong])


def _portable(bench: Bench, counts: Counts, options: argparse.Namespace) -> None:
    results = portable.inject(bench, portable.faults(bench)[:: options.every], options.workers)
    counts.injected += len(results)
    counts.killed += sum(one.fault.endswith("kill") for one in results)
    counts.add("cold build without strace", len(results), "as above", [one.wrong for one in results if one.wrong])


def _corruption(bench: Bench, counts: Counts, options: argparse.Namespace) -> None:
    generator = random.Random(options.seed)
    found = corruption.detected(bench, corruption.bytes_damaged(generator, 1000))
    counts.add("bytes of a golden damaged", found.tried, f"{found.detected} seen", found.wrong)
    healed = corruption.healed(bench, corruption.shapes(), corruption.manifests(generator, 40))
    told = f"{healed.mended} healed; {healed.detected} seen, the others said the same as before"
    counts.add("shapes after a power loss, manifests", healed.tried, told, healed.wrong)
    counts.damaged += found.tried + healed.tried
    counts.damage_seen += found.detected + healed.detected


def _filesystems(bench: Bench, counts: Counts, options: argparse.Namespace) -> None:
    if reason := lanes.leave_out("userns"):
        counts.leave_out("small and read-only filesystems", reason)
        return
    results = filesystems.run(bench, list(filesystems.cases())[:: options.every], options.workers)
    outcomes = [one.outcome or "a message" for one in results]
    told = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    counts.add("small and read-only filesystems", len(results), told, [one.wrong for one in results if one.wrong])


def _crowds(bench: Bench, counts: Counts, options: argparse.Namespace) -> None:
    soaked = crowds.soak(bench, options.rounds, options.seed)
    counts.killed += soaked.killed
    told = f"{soaked.killed} of {soaked.started} processes killed"
    counts.add("rounds of four racing builders, killed at random", soaked.rounds, told, soaked.wrong)
    cold = crowds.stampede(bench, 64)
    once = [] if cold.builds == 1 else [f"64 cold processes built {cold.builds} times"]
    counts.add("processes cold at once", 64, f"{cold.builds} build", cold.wrong + once)
    for action in ("pass", "ENOLCK", "ENOSYS", "EOPNOTSUPP"):
        found = crowds.stampede(bench, 8, boundary=f"fcntl.flock@1+={action}")
        name = "flock does nothing" if action == "pass" else f"flock fails with {action}"
        counts.add(f"processes cold at once, {name}", 8, f"{found.builds} builds, all right", found.wrong)
    parked = ("os.replace@3", "os.replace@4", "os.ftruncate@2", "os.fsync@5")
    counts.add("builders stopped and let go on", len(parked), "the waiter built privately", [
        found for fault in parked for found in crowds.parked(bench, fault)
    ])  # fmt: skip
    for name, module, old, new in (
        ("another manifest format", "records.py", "MANIFEST_FORMAT = 1\n", "MANIFEST_FORMAT = 1000\n"),
        ("another bucket", "cache.py", 'BUCKET = "v1"', 'BUCKET = "v1000"'),
    ):
        own = Bench(bench.folder / name.replace(" ", "-"))
        other = crowds.other_release(own.folder, "release", module, old, new)
        rounds = max(2, options.rounds // 3)
        told = "both right, no file of the other removed"
        counts.add(f"rounds beside a release with {name}", rounds, told, crowds.releases(own, other, rounds))


def _clones(bench: Bench, counts: Counts, options: argparse.Namespace) -> None:
    number = max(200, 10_000 // options.every)
    for name, make in (("a program", clones.in_a_loop), ("one pytest session", clones.in_a_session)):
        first, last = make(bench, number)
        told = f"after 100: {first}; at the end: {last}"
        counts.add(f"clones in {name}", number, told, clones.grown(first, last))
    counts.add("clones left when it ended", len(clones.left_behind(bench)), "", clones.left_behind(bench))


if __name__ == "__main__":
    sys.exit(main())
