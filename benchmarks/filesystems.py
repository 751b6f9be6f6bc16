"""Folders on file systems of several kinds; those that the machine does not have are made in a file and mounted."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.facts import filesystem_of

MAKERS = {"xfs": ("mkfs.xfs", "xfsprogs", ("-q",)), "btrfs": ("mkfs.btrfs", "btrfs-progs", ("-q",))}
"""Program, Debian's package that has it, and its arguments."""
SMALLEST_IMAGE = 1_200_000_000
ROOM = 5
"""A file system must have room for so many goldens: private, published, two slots, and the floor's."""


class SkippedError(Exception):
    """Why there is no such file system here."""


@contextlib.contextmanager
def folder_on(kind: str, largest: int, *, install: bool) -> Iterator[Path]:
    """Give a folder on a file system of this *kind* for goldens up to *largest* bytes; raises SkippedError.

    ``disk`` is where temporary files are; ``tmpfs`` is /dev/shm; the others are mounted from a sparse file, by root.
    """
    needed = largest * ROOM
    if kind == "disk":
        parent = Path(tempfile.gettempdir())
    elif kind == "tmpfs":
        parent = Path("/dev/shm")
        if filesystem_of(parent) != "tmpfs":
            raise SkippedError("no tmpfs at /dev/shm")
    else:
        with _mounted(kind, max(needed, SMALLEST_IMAGE), install=install) as folder:
            yield folder
        return
    _need(parent, needed)
    with tempfile.TemporaryDirectory(prefix="templatedb-bench-", dir=parent) as folder:
        yield Path(folder)


def _need(parent: Path, needed: int) -> None:
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise SkippedError(f"needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free")


@contextlib.contextmanager
def _mounted(kind: str, size: int, *, install: bool) -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise SkippedError("mounting needs root")
    program = _maker(kind, install=install)
    _need(Path(tempfile.gettempdir()), size)
    with tempfile.TemporaryDirectory(prefix=f"templatedb-bench-{kind}-") as folder:
        image, point = Path(folder, "image"), Path(folder, "mounted")
        point.mkdir()
        with image.open("wb") as file:
            file.truncate(size)
        _do(program, *MAKERS[kind][2], image)
        _do("mount", "-o", "loop", image, point)
        try:
            yield point
        finally:
            _unmount(point)


def _maker(kind: str, *, install: bool) -> str:
    program, package, _ = MAKERS[kind]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if shutil.which(program, path=path) is None and install and shutil.which("apt-get"):
        print(f"installing {package} for {program}", flush=True)
        with contextlib.suppress(SkippedError):
            _do("apt-get", "update", "-q")
            _do("apt-get", "install", "-q", "-y", "--no-install-recommends", package)
    found = shutil.which(program, path=path)
    if found is None:
        raise SkippedError(f"{program} is not installed (package {package})")
    return found


def _do(*words: str | Path) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            list(map(str, words)), env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SkippedError(f"{Path(words[0]).name}: {type(error).__name__}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise SkippedError(last.replace(tempfile.gettempdir(), "..."))


def _unmount(point: Path) -> None:
    for _ in range(20):
        if subprocess.run(["umount", str(point)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.25)
    subprocess.run(["umount", "-l", str(point)], check=False)
