"""The cheapest projects, and a pytest in a process of its own that can be stopped, killed and watched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from projects import write

WORDS = ("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:cacheprovider", "-W", "error")


def sql_project(folder: Path, settings: str = "") -> Path:
    """Write a project of one SQL file: built in a quarter of a second."""
    write(folder / "db/1_first.sql", "create table t1 (name text);\ninsert into t1 values ('row 1');\n")
    write(folder / "templatedb.toml", f'sql = "db"\n{settings}')
    return folder


def function_project(folder: Path, body: str, settings: str = "") -> Path:
    """Write a project whose function does *body*, with ``path``, before it makes the table."""
    write(
        folder / "factory.py",
        "import os, signal, sqlite3, subprocess, sys, time\n\n\ndef migrate(path):\n"
        + textwrap.indent(textwrap.dedent(body), "    ")
        + "\n    connection = sqlite3.connect(path)\n"
        "    connection.executescript(\"create table t1 (name text); insert into t1 values ('row 1')\")\n"
        "    connection.close()\n",
    )
    write(folder / "templatedb.toml", f'function = "factory:migrate"\n{settings}')
    return folder


LONG = "open('builder.tmp', 'w').write(str(os.getpid())); os.rename('builder.tmp', 'builder'); time.sleep(60)"
"""A body that tells its process and then takes a minute."""


def command(*words: str) -> list[str]:
    """Return the command line of a pytest with only the plugins that count here."""
    return [sys.executable, "-m", "pytest", *WORDS, *words]


def run_pytest(
    folder: Path, *words: str, timeout_s: float = 60, **variables: str | None
) -> subprocess.CompletedProcess:
    """Run it to its end; a variable that is None is not set."""
    return subprocess.run(
        command(*words),
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def environment(**variables: str | None) -> dict[str, str]:
    """Return this process's environment with changes; None takes a variable away."""
    merged = {**os.environ, **variables}
    return {name: value for name, value in merged.items() if value is not None}


@contextlib.contextmanager
def started(folder: Path, *words: str, **options) -> Iterator[subprocess.Popen[str]]:
    """Start it in a process group of its own, as a terminal does; whatever is left of it is killed after the block."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    process = subprocess.Popen(
        command(*words),
        cwd=folder,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509  # there are no threads here, and no other way
        **options,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def wait_for(what: Callable[[], object], timeout_s: float = 30) -> object:
    """Return the first true value of *what*."""
    deadline = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def is_alive(pid: int) -> bool:
    """Whether that process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def has_passed(done: subprocess.CompletedProcess, count: int) -> bool:
    """Whether *count* tests passed and nothing else happened."""
    assert done.returncode == 0, done.stdout + done.stderr
    return f"{count} passed in " in done.stdout.replace(" =", "").replace("= ", "")


def lines_of(done: subprocess.CompletedProcess) -> list[str]:
    """Return what we said in the summary."""
    text = done.stdout.partition("= templatedb =")[2]
    return [line for line in text.splitlines()[1:] if line and not line.startswith("=")]


def hear_ctrl_c() -> None:
    """Undo what a shell does to a command in its background, and so to this suite: ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
