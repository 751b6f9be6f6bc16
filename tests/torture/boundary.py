"""Faults without strace: functions of `os` wrapped in the process under test, in front of the system call.

A fault is written ``os.fsync@2=EIO`` (the second call), ``os.fsync@2+=EIO`` (from then on), ``os.replace@1=kill``,
``os.replace@1=stop`` (SIGSTOP: parked until somebody sends SIGCONT), ``fcntl.flock@1+=pass`` (success reported, nothing
done) or ``count`` (no fault). Calls count only where their file is inside of one folder. What C code calls by itself,
such as SQLite, is out of reach here: the sweeps with strace have that.
"""

from __future__ import annotations

import builtins
import collections
import errno
import fcntl
import io
import os
import re
import signal
from pathlib import Path

NAMES = (
    "os.open",
    "os.mkdir",
    "os.replace",
    "os.unlink",
    "os.rmdir",
    "os.chmod",
    "os.fchmod",
    "os.ftruncate",
    "os.write",
    "os.pwrite",
    "os.pwritev",
    "os.fsync",
    "fcntl.flock",
    "builtins.open",
)
"""What is wrapped."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_counted: collections.Counter[str] = collections.Counter()


def counts() -> dict[str, int]:
    """Return how often each function was called with a file inside of the folder."""
    return dict(_counted)


def install(fault: str, inside: Path) -> None:
    """Wrap the functions, and have the one that *fault* names fail."""
    name, first, onward, action = "", 0, "", ""
    if fault != "count":
        name, first, onward, action = re.fullmatch(r"([\w.]+)@(\d+)(\+?)=(\w+)", fault).groups()
    for known in NAMES:
        _wrap(known, str(inside), int(first) if known == name else 0, bool(onward), action)


def _wrap(name: str, inside: str, first: int, onward: bool, action: str) -> None:
    modules = {"os": os, "fcntl": fcntl, "builtins": builtins}
    module, attribute = modules[name.partition(".")[0]], name.partition(".")[2]
    original = getattr(module, attribute)

    def wrapped(*arguments, **options):
        if not _is_meant(name, inside, arguments, options):
            return original(*arguments, **options)
        _counted[name] += 1
        number = _counted[name]
        if first and (number == first or (onward and number > first)):
            if action == "pass":
                return None
            act(action, arguments[0])
        return original(*arguments, **options)

    setattr(module, attribute, wrapped)
    if name == "builtins.open":
        io.open = wrapped  # pathlib's


def act(action: str, what: object) -> None:
    """Kill or stop this process, or raise the OSError of that name."""
    if action in ("kill", "stop"):
        os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
        return
    number = getattr(errno, action)
    raise OSError(number, os.strerror(number), None if isinstance(what, int) else what)


def _is_meant(name: str, inside: str, arguments: tuple, options: dict) -> bool:
    target = arguments[0] if arguments else ""
    if name == "os.open" and not (len(arguments) > 1 and arguments[1] & _WRITING):
        return False
    if name == "builtins.open" and (len(arguments) < 2 or not set("wax+") & set(arguments[1])):
        return False
    if isinstance(target, int):
        return _path_of(target).startswith(inside)
    # A name relative to a folder's descriptor: shutil.rmtree in one of ours.
    return options.get("dir_fd") is not None or os.fsdecode(target).startswith(inside)


def _path_of(descriptor: int) -> str:
    try:
        if os.path.isdir("/proc/self/fd"):
            return os.readlink(f"/proc/self/fd/{descriptor}")
        return fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()
    except OSError:
        return ""
