"""Where subjects run: a project outside, and for each run a cell with a cache and a temporary folder of its own."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from templatedb import Function, Template
from templatedb.cache import CACHE_DIR_VARIABLE
from templatedb.plan import Wishes

from .subject import digest

SUBJECT = Path(__file__).with_name("subject.py")
HUNG_S = 60
"""A run that takes longer hangs."""

MIGRATION = """
import sqlite3

def fill(path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("begin")
    connection.execute("create table t (id integer primary key, text text not null)")
    connection.execute("create index t_text on t (text)")
    connection.executemany("insert into t (text) values (?)", [(f"row {number} of {rows}",) for number in range(rows)])
    connection.execute("commit")
    connection.close()

rows = 150
"""
"""One transaction: each page is written once, so that a page that never arrives cannot look like an older one."""


class Answer(NamedTuple):
    """What became of one subject."""

    code: int
    """Exit code; negative for a signal."""
    outcome: str = ""
    dumps: tuple[str, ...] = ()
    error: str = ""
    says: str = ""
    notices: tuple[str, ...] = ()
    calls: dict[str, int] = {}  # noqa: RUF012  # never changed
    release: str = ""
    stderr: str = ""

    @property
    def hung(self) -> bool:
        """Whether it had to be ended."""
        return self.stderr.startswith("HUNG")

    @property
    def was_killed(self) -> bool:
        """Whether a SIGKILL ended it."""
        return self.code in (-signal.SIGKILL, 128 + signal.SIGKILL)


class Bench:
    """A folder with the project, and the cells beside it. Thread-safe."""

    def __init__(self, folder: Path, migration: str = MIGRATION) -> None:
        self.folder = folder.resolve()
        self.project = self.folder / "project"
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        self.project.mkdir(exist_ok=True)
        (self.project / "migrate.py").write_text(migration)
        self._numbers = itertools.count(1)
        self.expected = self.database(self.cell())[1]

    def cell(self, like: Path | None = None) -> Path:
        """Make a cell: empty, or a copy of another."""
        cell = self.folder / f"cell-{next(self._numbers)}"
        if like is not None:
            shutil.copytree(like, cell, symlinks=True)
        else:
            (cell / "tmp").mkdir(parents=True)
        return cell

    def template(self, **settings) -> Template:
        return Template(Function("migrate:fill"), root=self.project).with_settings(**settings)

    def database(self, cell: Path, *, require_hit: bool = False, notices: list[str] | None = None) -> tuple[str, str]:
        """Ask for the golden in this process, as a normal run would, and return outcome and digest of its dump."""
        wishes = Wishes(
            environment={**os.environ, CACHE_DIR_VARIABLE: str(cell / "cache")},
            notice=[].append if notices is None else notices.append,
            require_hit=require_hit,
        )
        with self.template().golden(wishes) as golden, golden.clone() as clone:
            return str(golden.outcome), digest(clone.dump())

    def start(self, cell: Path, scenario: str = "golden", *, wrap: tuple[str, ...] = (), **order) -> Subject:
        """Start a subject in *cell*; *wrap* is put in front of its command line."""
        return Subject(self, cell, scenario, wrap, order)

    def run(self, cell: Path, scenario: str = "golden", *, wrap: tuple[str, ...] = (), **order) -> Answer:
        """Run a subject to its end."""
        return self.start(cell, scenario, wrap=wrap, **order).wait()


class Subject:
    """A process under test that runs."""

    def __init__(self, bench: Bench, cell: Path, scenario: str, wrap: tuple[str, ...], order: dict) -> None:
        self._ours, theirs = socket.socketpair()
        variables = order.pop("variables", {})
        facts = {"scenario": scenario, "project": str(bench.project), "inside": str(cell), "answer": theirs.fileno()}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
            CACHE_DIR_VARIABLE: str(cell / "cache"),
            "TMPDIR": str(cell / "tmp"),
            "HOME": str(bench.folder / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            **variables,
        }
        with theirs:
            self.process = subprocess.Popen(
                [*wrap, sys.executable, str(SUBJECT), json.dumps({**facts, **order})],
                env=environment,
                cwd=bench.project,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )

    def wait(self, timeout_s: float = HUNG_S) -> Answer:
        """Wait for its end and return its answer; one that hangs is killed, and its *stderr* begins with HUNG."""
        hung = threading.Event()

        def give_up() -> None:
            hung.set()
            self.process.kill()
            self._ours.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(timeout_s, give_up)
        timer.start()
        said = self.process.stderr.read()  # its builder's standard error is a file: this ends with the subject
        self.process.stderr.close()
        code = self.process.wait()
        timer.cancel()
        facts = {}
        with self._ours:
            self._ours.settimeout(5)
            pieces = []
            while not hung.is_set() and code == 0 and (piece := self._ours.recv(65536)):
                pieces.append(piece)
            if pieces:
                facts = json.loads(b"".join(pieces))
        if hung.is_set():
            said = f"HUNG\n{said}"
        facts = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
        return Answer(code=code, stderr=said, **facts)
