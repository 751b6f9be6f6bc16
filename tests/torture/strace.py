"""strace: which system calls a run makes in its cell, and how one of them is made to fail.

Traps that shape this file: ``when=N`` counts per name of a system call, and per traced process; so names are swept one
by one, and a run's parent and its build are traced apart. The interpreter opens and writes files of its own: only calls
count whose line, with paths shown by ``-y``, names the cell.
"""

from __future__ import annotations

import collections
import re
import shlex
import sys
import time
from pathlib import Path
from typing import NamedTuple

MUTATING = (
    "open",
    "openat",
    "creat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "truncate",
    "ftruncate",
    "fallocate",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "copy_file_range",
    "sendfile",
    "chmod",
    "fchmod",
    "fchmodat",
    "utimensat",
    "fsync",
    "fdatasync",
    "flock",
)
"""The system calls that change a file, its name or its lock."""
READING = ("read", "pread64", "getdents64")
"""Those that look; a damaged disk fails them too."""
_LINE = re.compile(r"(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)$")
_WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC)")


class Call(NamedTuple):
    """One system call of a run."""

    name: str
    number: int
    """How many of that name the process had made, this one included."""
    text: str
    is_inside: bool
    """Whether it concerns a file in the cell."""
    result: str = ""

    @property
    def place(self) -> str:
        """The call for people: its name and the end of its path."""
        paths = re.findall(r'[<"](/[^>"]*)[>"]', re.sub(r"AT_FDCWD<[^>]*>", "", self.text))
        return f"{self.name} {'/'.join(paths[0].split('/')[-2:]) if paths else ''}".strip()


class Fault(NamedTuple):
    """What is done to a call."""

    what: str
    """``KILL``, the name of an errno, or ``lost`` for a write that reports success and does nothing."""
    onward: bool = False
    """From that call on, not once."""

    def __str__(self) -> str:
        return f"{self.what} from then on" if self.onward else self.what

    def injected_into(self, call: Call) -> str:
        """Return strace's expression for it."""
        if self.what == "KILL":
            action = "signal=KILL"
        elif self.what == "lost":
            action = f"retval={call.result}"
        else:
            action = f"error={self.what}"
        return f"inject={call.name}:{action}:when={call.number}{'+' if self.onward else ''}"


def command(log: Path, names: tuple[str, ...], inject: str = "", *, detached: bool = False) -> tuple[str, ...]:
    """Return what goes in front of a command line to trace *names*; *detached*: the command keeps its process id."""
    return (
        *("strace", "-qqq", "-y", "-s", "1", "-o", str(log)),
        *(("-DDD",) if detached else ()),
        *("-e", "trace=" + ",".join(f"?{name}" for name in names)),
        *(("-e", inject) if inject else ()),
        "--",
    )


def builder(path: Path, log: Path, names: tuple[str, ...], inject: str = "") -> Path:
    """Write a program that runs Python under strace, for the build's process alone, and return its path."""
    words = shlex.join((*command(log, names, inject, detached=True), sys.executable))
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o700)
    return path


def calls(log: Path, inside: Path) -> list[Call]:
    """Return the calls in a log, in their order."""
    seen: collections.Counter[str] = collections.Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if (match := _LINE.match(line)) is None:
            continue
        name, rest = match.groups()
        seen[name] += 1
        meant = str(inside) in rest and not (name in ("open", "openat") and not _WRITES.search(rest))
        result = re.search(r"\) += (-?\d+)", rest)
        found.append(Call(name, seen[name], line, meant, result.group(1) if result else ""))
    return found


def settled(log: Path, timeout_s: float = 5.0) -> None:
    """Wait until a detached strace has written its log to the end."""
    ended, size = time.monotonic() + timeout_s, -1
    while time.monotonic() < ended and (now := log.stat().st_size if log.exists() else -1) != size:
        size = now
        time.sleep(0.05)


def was_injected(log: Path, inside: Path, fault: Fault) -> bool:
    """Whether the fault hit a call in the cell, and not the interpreter's own: runs differ by a call at times."""
    if not log.exists():
        return False
    lines = [line for line in log.read_text(errors="replace").splitlines() if _LINE.match(line)]
    if fault.what == "KILL":
        return bool(lines) and str(inside) in lines[-1]
    hit = [line for line in lines if "INJECTED" in line]
    return bool(hit) and str(inside) in hit[0]
