"""What a run finds in its cell when the fault comes: nothing, a golden, the remains of a killed run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from . import strace
from .cells import Bench

SETTLED_S = 2.2
"""Digests are remembered for files whose stamps are older than two seconds."""


class Scenario(NamedTuple):
    """One kind of run."""

    name: str
    subject: str
    """What the process under test does."""
    like: Path | None
    """The cell that each run starts with a copy of; None: an empty one."""
    builds: bool
    """Whether the run starts a build's process."""


def names() -> list[str]:
    """Return what there is to sweep; *prune* joins once the command has that verb."""
    has_prune = importlib.util.find_spec("templatedb.cli.prune") is not None
    return ["cold build", "warm hit", "recovery after a kill", "clone", *(["prune"] if has_prune else [])]


def prepare(bench: Bench, name: str) -> Scenario:
    """Prepare the cell that the runs of that scenario start with."""
    if name == "cold build":
        return Scenario(name, "golden", None, builds=True)
    if name == "recovery after a kill":
        return Scenario(name, "golden", _remains(bench), builds=True)
    if name == "prune":
        return Scenario(name, "prune", _crowded(bench), builds=False)
    warm = bench.cell()
    bench.database(warm)
    return Scenario(name, "clone" if name == "clone" else "golden", warm, builds=False)


def _remains(bench: Bench) -> Path:
    """Return a cell that two runs were killed in, one before and one after its golden got its name; builds are old."""
    cell = bench.cell()
    for place, fault in (("unlink", "KILL"), ("fsync", "KILL")):
        log = cell.with_suffix(f".{place}")
        probe = bench.cell(cell)
        bench.run(probe, wrap=strace.command(log, strace.MUTATING))
        calls = [call for call in strace.calls(log, probe) if call.is_inside and call.name.startswith(place)]
        chosen = calls[0] if place == "unlink" else next(call for call in calls if call.text.count("/v1/goldens>"))
        bench.run(cell, wrap=strace.command(log, (chosen.name,), strace.Fault(fault).injected_into(chosen)))
        shutil.rmtree(probe)
        _damage_goldens(cell)
    for folder in (cell / "cache/v1/builds").iterdir():
        os.utime(folder, (0, 0))
    assert list((cell / "cache/v1/builds").iterdir()), "the runs were not killed where they should be"
    return cell


def _damage_goldens(cell: Path) -> None:
    for golden in (cell / "cache/v1/goldens").iterdir():
        golden.chmod(0o600)
        golden.write_bytes(golden.read_bytes()[:-1])
        golden.chmod(0o400)


def _crowded(bench: Bench) -> Path:
    """Return a cell with what prune removes: an old golden, a damaged one, a dead build, a file without a manifest."""
    cell = _remains(bench)
    bench.database(cell)
    for path in sorted((cell / "cache/v1").rglob("*")):
        if path.is_file():
            os.utime(path, (0, 0))
    (cell / "cache/v1/goldens" / f"{'0' * 64}.sqlite").write_bytes(b"nobody names me")
    return cell


def wait_until_settled() -> None:
    """Wait so long that what was just written is remembered by its stamp."""
    time.sleep(SETTLED_S)
