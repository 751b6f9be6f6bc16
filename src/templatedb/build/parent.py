"""The parent's side of a build: start the child, pass its progress on, return how it went."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import re
import selectors
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from templatedb.build.messages import Done, Event, Failed, Order, from_line
from templatedb.errors import BuildError, words_of
from templatedb.files import too_long_for_sqlite
from templatedb.inputs import Input
from templatedb.migrators import Migrator
from templatedb.migrators.bench import Target, Way
from templatedb.records import Key, Severity
from templatedb.settings import BUILDING_VARIABLE, Settings
from templatedb.steps import Progress
from templatedb.urls import sqlite_url

_HOMES = {"HOME": "", **{f"XDG_{name}_HOME": name.lower() for name in ("CONFIG", "CACHE", "DATA", "STATE")}}
"""Variables that name the user's folders, and where they lead in a build, below its empty HOME."""

_FOREIGN = ("PYTEST_", "COVERAGE_", "COV_CORE_", "TEMPLATEDB_")
_OUTPUT_LIMIT_BYTES = 20_000
_OF_ALEMBICS_WORK = re.compile(r"INFO +\[alembic\.|\s*$")
"""A line of what Alembic logs, in the format of the alembic.ini that it generates."""
_TICK_S = 0.1
_GRACE_S = 2.0

_VARIABLES_REMEDY = "Look for a variable of its environment, or of build_env, that is too long or holds a NUL."
_START_REMEDY = "Look at the limits of processes and memory, and at the interpreter."

OnProgress = Callable[[Progress, float], None]
"""Called with how far the build is and the seconds since its start, some ten times a second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A file that a migrator filled, not verified yet."""

    path: Path
    done: Done
    duration_s: float


def build(
    migrator: Migrator,
    settings: Settings,
    inputs: Sequence[Input],
    folder: Path,
    *,
    key: Key,
    on_progress: OnProgress = lambda progress, elapsed_s: None,
    environment: Mapping[str, str] = os.environ,
    debug: bool = False,
) -> Built:
    """Run the migrator in a fresh process that fills a file in the private *folder*.

    With *debug* the child keeps the terminal, for ``breakpoint()`` in a migration. Raises BuildError when it fails;
    its report holds the user's traceback and the captured output. The child dies with this process.
    """
    replaced = tuple(url for name in settings.url_env if (url := environment.get(name)))
    way: Way | None = Way.PLAIN
    tried: list[Way] = []
    error = BuildError(what="no build was tried")
    while way is not None and way not in tried:
        tried.append(way)
        # A fresh folder and process for each: what the first one left must not count.
        attempt = folder / way
        attempt.mkdir()
        target = Target(
            path=attempt / "build.sqlite", root=settings.root, import_folders=settings.import_folders, way=way
        )
        if too_long := too_long_for_sqlite(target.path):
            raise BuildError(what=too_long, remedy="Set TMPDIR to a shorter path.")
        order = Order(
            migrator=migrator,
            target=target,
            replaced_urls=replaced,
            seed=settings.seed,
            models=None if settings.drift is Severity.OFF else settings.models,
            track=settings.track,
            relative_folders=settings.import_entries,
            declared=tuple(piece.path for piece in inputs if piece.path is not None),
            home={name: environment[name] for name in _HOMES if name in environment},
        )
        (attempt / "order.json").write_text(order.to_json())
        variables = _environment(settings, key, target, attempt, environment)
        started = time.monotonic()
        last, progress = _run(attempt, variables, on_progress, debug=debug)
        if isinstance(last, Done):
            return Built(path=target.path, done=last, duration_s=time.monotonic() - started)
        if len(tried) == 1 or progress.step:
            error = _error(last, progress, attempt / "output.txt")  # the first failure tells most, if nothing ran
        way = last.next_way if isinstance(last, Failed) else None
    raise error


def _environment(
    settings: Settings, key: Key, target: Target, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """Return the child's environment: an empty HOME, the build's URL, nothing of pytest's or coverage's.

    A published migration copies a private key from HOME into the database; a golden is shared, so HOME is empty.
    """
    home = folder / "home"
    home.mkdir(mode=0o700)
    variables = {name: value for name, value in environment.items() if not name.startswith(_FOREIGN)}
    variables.setdefault("PYTHONUSERBASE", site.getuserbase())
    variables |= {name: str(home / below) for name, below in _HOMES.items()}
    for name in settings.url_env:
        variables[name] = sqlite_url(target.path, target.way.driver(environment.get(name)))
    variables.update(settings.build_env)
    variables[BUILDING_VARIABLE] = key
    return variables


def _run(
    folder: Path, variables: dict[str, str], on_progress: OnProgress, *, debug: bool
) -> tuple[Event | int, Progress]:
    """Run the child to its end; return its last event and how far it came.

    Where it said nothing final, its exit code stands for the event.
    """
    events_read, events_write = os.pipe()
    life_read, life_write = os.pipe()
    command = [sys.executable, "-P", str(Path(__file__).with_name("child.py")), str(folder / "order.json")]
    with open(folder / "output.txt", "wb") as output, os.fdopen(events_read, "rb", buffering=0) as events:
        try:
            process = subprocess.Popen(
                [*command, str(events_write), str(life_read)],
                env=variables,
                stdin=None if debug else subprocess.DEVNULL,
                stdout=None if debug else output,
                stderr=None if debug else output,
                pass_fds=(events_write, life_read),
                # A session of its own: Ctrl-C reaches the parent alone, which then ends the build in good order.
                start_new_session=not debug,
            )
        except (OSError, ValueError) as error:  # ValueError: a variable that no process can have
            os.close(life_write)
            is_of_variables = isinstance(error, ValueError) or error.errno == errno.E2BIG
            raise BuildError(
                what=f"the build process cannot be started: {words_of(error) if isinstance(error, OSError) else error}",
                remedy=_VARIABLES_REMEDY if is_of_variables else _START_REMEDY,
            ) from error
        finally:
            os.close(events_write)
            os.close(life_read)
        try:
            return _listen(process, events.fileno(), on_progress)
        finally:
            os.close(life_write)
            _end(process, debug=debug)


def _listen(process: subprocess.Popen[bytes], events: int, on_progress: OnProgress) -> tuple[Event | int, Progress]:
    started, progress, pending = time.monotonic(), Progress(), b""
    final: Event | None = None
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(events, selectors.EVENT_READ)
            while final is None:
                # Asked before the look at the pipe: what the child said last may still be in it when it has ended.
                ended = process.poll() is not None
                if selector.select(0 if ended else _TICK_S):
                    data = os.read(events, 65536)
                    *lines, pending = (pending + data).split(b"\n")
                    for line in lines:
                        event = from_line(line)
                        if isinstance(event, Progress):
                            progress = event
                        else:
                            final = event
                    if not data:
                        break
                elif ended:
                    break
                on_progress(progress, time.monotonic() - started)
    finally:
        on_progress(dataclasses.replace(progress, ended=True), time.monotonic() - started)
    code = process.wait()
    return code if final is None else final, progress


def _end(process: subprocess.Popen[bytes], *, debug: bool) -> None:
    """End the child and whatever it started: nothing may write to the file while it is verified."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    if not debug:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _error(last: Event | int, progress: Progress, output_path: Path) -> BuildError:
    output = _tail(output_path)
    if isinstance(last, Failed):
        return BuildError(
            what=last.what, remedy=last.remedy, revision=last.revision, traceback=last.traceback, output=output
        )
    code = last if isinstance(last, int) else 0
    ending = (
        f"was ended by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"ended with exit code {code}"
    )
    where = f"during {progress.step}" if progress.step else "before the migrations were done"
    return BuildError(
        what=f"the build process {ending} {where}",
        remedy=_remedy_of_ending(-code),
        revision=progress.identity or None,
        output=output,
    )


_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)


def _remedy_of_ending(number: int) -> str:
    """Return what to do about a process that a signal of that *number* ended, or that ended itself."""
    if number == signal.SIGKILL:
        return "Often memory ran out: give the machine or the container more of it."
    if number in _CRASHES:
        return "A library written in C crashed: look at what the migrations use, and at what it printed."
    if number > 0:
        return "Something outside of it ended it: build again."
    return "Code of the project ended it, as os._exit() does: it must return instead."


def _tail(path: Path) -> str:
    """Return the end of the captured output, at most 20 kB: the error stands at the end. Empty when it says nothing."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return ""
    with open(path, "rb") as opened:
        opened.seek(max(0, size - _OUTPUT_LIMIT_BYTES))
        text = opened.read().decode(errors="replace")
    cut = "" if size <= _OUTPUT_LIMIT_BYTES else "[...]\n"
    text = text.partition("\n")[2] if cut else text
    # The headline names the revision: what Alembic said of its work is of use only around what the project's code said.
    return "" if all(_OF_ALEMBICS_WORK.match(line) for line in text.splitlines()) else cut + text
