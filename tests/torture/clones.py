"""Thousands of clones: what a process holds at the start and at the end, of descriptors, memory and disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from .cells import Bench

TESTS = """
import json, os
import pytest

@pytest.mark.parametrize("number", range(int(os.environ["CLONES"])))
def test_it(clone, number):
    connection = clone.connect(isolation_level=None)
    assert connection.execute("select count(*) from t").fetchone() == (150,)
    connection.execute("insert into t (text) values ('mine')")
    if number in (99, int(os.environ["CLONES"]) - 1):
        from held import held
        with open(os.environ["HELD"], "a") as opened:
            opened.write(json.dumps(held(os.environ["TMPDIR"])) + chr(10))
"""

HELD = '''
import os

def held(folder):
    """Return descriptors and memory of this process, and the bytes and files below a folder and in /dev/shm of ours."""
    descriptors = len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm") as opened:
            memory_bytes = int(opened.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    else:
        import resource
        memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sizes = []
    for top in (folder, *(f"/dev/shm/{name}" for name in _of_this_process())):
        for where, _, names in os.walk(top):
            sizes += [os.stat(os.path.join(where, name)).st_size for name in names]
    return {"descriptors": descriptors, "memory_bytes": memory_bytes, "files": len(sizes), "disk_bytes": sum(sizes)}

def _of_this_process():
    mark = f"templatedb-slots-{os.geteuid()}-{os.getpid()}-"
    return [name for name in os.listdir("/dev/shm") if name.startswith(mark)] if os.path.isdir("/dev/shm") else []
'''

LOOP = """
import json, os, sys
from held import held
from templatedb import Function, Template

with Template(Function("migrate:fill"), root=".").golden() as golden:
    for number in range(int(os.environ["CLONES"])):
        with golden.clone() as clone:
            connection = clone.connect(isolation_level=None)
            assert connection.execute("select count(*) from t").fetchone() == (150,)
            connection.execute("insert into t (text) values ('mine')")
        if number in (99, int(os.environ["CLONES"]) - 1):
            print(json.dumps(held(os.environ["TMPDIR"])))
"""


class Held(NamedTuple):
    """What a process held."""

    descriptors: int
    memory_bytes: int
    files: int
    disk_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.memory_bytes / 1e6:.0f} MB of memory,"
            f" {self.files} files of {self.disk_bytes / 1e3:.0f} kB"
        )


def in_a_session(bench: Bench, number: int) -> tuple[Held, Held]:
    """Run so many tests with a clone each in one pytest process; return what it held after 100 and in the last."""
    _write(bench, "pytest.ini", "[pytest]\naddopts = -p no:randomly -p no:cacheprovider -p no:xdist -q\n")
    _write(bench, "templatedb.toml", 'function = "migrate:fill"\n')
    _write(bench, "test_it.py", TESTS)
    held = bench.folder / "held.json"
    held.unlink(missing_ok=True)
    _run(bench, number, "-m", "pytest", HELD=str(held))
    return _pair(held.read_text())


def in_a_loop(bench: Bench, number: int) -> tuple[Held, Held]:
    """Make so many clones in a program without pytest; return what it held after 100 and after the last."""
    _write(bench, "loop.py", LOOP)
    return _pair(_run(bench, number, "loop.py"))


def left_behind(bench: Bench) -> list[str]:
    """Return what is left in the temporary folder when all processes have ended."""
    return sorted(os.listdir(bench.folder / "clones-tmp"))


def _run(bench: Bench, number: int, *words: str, **variables: str) -> str:
    _write(bench, "held.py", HELD)
    temporary = bench.folder / "clones-tmp"
    temporary.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {
        "CLONES": str(number),
        "TMPDIR": str(temporary),
        "TEMPLATEDB_CACHE_DIR": str(bench.folder / "clones-cache"),
        "PYTHONPATH": str(bench.project),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, *words], cwd=bench.project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _write(bench: Bench, name: str, text: str) -> None:
    Path(bench.project / name).write_text(text)


def _pair(text: str) -> tuple[Held, Held]:
    first, last = (Held(**json.loads(line)) for line in text.splitlines())
    return first, last


def grown(first: Held, last: Held) -> list[str]:
    """Say what a process holds more of at the end than after its first clones; memory may grow by what pytest keeps."""
    found = []
    if last.descriptors > first.descriptors:
        found.append(f"descriptors: {first.descriptors}, then {last.descriptors}")
    if (last.files, last.disk_bytes) > (first.files, first.disk_bytes):
        found.append(f"disk: {first}, then {last}")
    if last.memory_bytes > first.memory_bytes + 64_000_000:
        found.append(f"memory: {first}, then {last}")
    return found
