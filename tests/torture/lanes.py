"""Kinds of machines: what a machine must have for some of the faults, and that nothing is left out in silence."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys

VARIABLE = "TEMPLATEDB_LANES"
"""Names, separated by commas, of the lanes that must run: CI sets it, so that a fault left out fails there."""


class LeftOutError(Exception):
    """A lane that must run cannot."""


@functools.cache
def reason_against(lane: str) -> str:
    """Return why the *lane* cannot run on this machine; empty when it can."""
    return {"strace": _no_strace, "userns": _no_namespace}[lane]()


def leave_out(lane: str) -> str:
    """Return why the *lane* is left out, empty when it runs. Raises LeftOutError when it must not be left out."""
    reason = reason_against(lane)
    if reason and lane in os.environ.get(VARIABLE, "").replace(" ", "").split(","):
        raise LeftOutError(f"{VARIABLE} names {lane}, which cannot run here: {reason}")
    return reason


def _no_strace() -> str:
    if sys.platform != "linux":
        return "strace is Linux's"
    if shutil.which("strace") is None:
        return "strace is not installed"
    return _failure_of("strace", "-qqq", "-o", "/dev/null", "-e", "trace=?mkdir", "true")


def _no_namespace() -> str:
    if sys.platform != "linux":
        return "user namespaces are Linux's"
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    return _failure_of("unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt")


def _failure_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{command[0]}: {done.stderr.strip() or f'exit code {done.returncode}'}"
