"""A home with a project and a cache in it, in which a case provokes its message."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from gallery.case import COMMAND, NOTICE, PYTEST, Said
from gallery.normal import normal
from templatedb import TemplateDBError
from templatedb.cli import main
from templatedb.plan import Wishes

NOBODY = 65534


def _base() -> str:
    """Return a temporary folder that other users can get to."""
    folder = Path(tempfile.gettempdir()).resolve()
    is_open = all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))
    return str(folder) if is_open else "/tmp"


BASE = _base()
"""Where worlds are made, whatever a world says to what runs in it."""
_UNSET = (
    *("DATABASE_URL", "GITHUB_OUTPUT", "NO_COLOR", "FORCE_COLOR", "XDG_CACHE_HOME", "TEMPLATEDB_BUILDING"),
    *("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID"),
)


class World:
    """Folders below a root that is cut off from what is shown: ``/home/me/shop`` is the project."""

    def __enter__(self) -> Self:
        """Make the folders, go to the project, and point the environment there."""
        self.root = Path(tempfile.mkdtemp(prefix="gallery-", dir=BASE)).resolve()
        self.shop = self.root / "home/me/shop"
        self.cache = self.root / "home/me/.cache/templatedb"
        self.tmp = self.root / "tmp"
        for folder in (self.shop, self.tmp):
            folder.mkdir(parents=True)
        for folder in (self.root, self.root / "home", self.root / "home/me", self.shop):
            folder.chmod(0o755)
        self._patch = pytest.MonkeyPatch()
        self._ends = contextlib.ExitStack()
        for name in _UNSET:
            self.patch.delenv(name, raising=False)
        self.set(HOME=self.shop.parent, TMPDIR=self.tmp, TEMPLATEDB_CACHE_DIR=self.cache, COLUMNS=80)
        self.patch.setattr(tempfile, "tempdir", None)
        self.patch.setattr(sys, "path", sys.path[:])
        self.patch.chdir(self.shop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Put everything back and remove the folders."""
        self.patch.undo()
        self._ends.close()
        for folder, names, _ in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(self.root)

    @property
    def patch(self) -> pytest.MonkeyPatch:
        """For faults that only a wrapped function can bring about; taken back at the end."""
        return self._patch

    def at_end(self, close: Callable[[], object]) -> None:
        """Have *close* called when the world ends."""
        self._ends.callback(close)

    def set(self, **variables: object) -> None:
        """Set environment variables."""
        for name, value in variables.items():
            self.patch.setenv(name, str(value))

    # --- The project ---

    def write(self, name: str, text: str = "") -> Path:
        """Write a file of the project."""
        path = self.shop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    def settings(self, lines: str) -> None:
        """Write the table of settings."""
        self.write("pyproject.toml", "[tool.templatedb]\n" + textwrap.dedent(lines).lstrip("\n"))

    def function(self, body: str, settings: str = "") -> None:
        """Make it a project whose function ``migrate`` has that *body*."""
        self.settings('function = "templatedb_build:migrate"\n' + settings)
        body = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
        self.write("templatedb_build.py", f"import contextlib\nimport sqlite3\n\n\ndef migrate(path):\n{body}\n")

    # --- What is said ---

    def said(self, text: str, by: str) -> Said:
        """Return *text* as it is shown."""
        return Said(normal(text, self.root), by)

    def error(self, ask: Callable[[], Any]) -> Said:
        """Return the error that *ask* raises."""
        try:
            ask()
        except TemplateDBError as error:
            return self.said(str(error), type(error).__name__)
        raise AssertionError("nothing was raised")

    def notices(self, ask: Callable[[Wishes], Any]) -> list[str]:
        """Return the lines that are said while *ask*, which makes sure of a golden, works."""
        lines: list[str] = []
        ask(Wishes(notice=lines.append)).close()
        return lines

    def notice(self, line: str) -> Said:
        """Return a *line* as the command and pytest say it."""
        return self.said(f"templatedb: {line}", NOTICE)

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run the command and return its exit code, output and error output."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(words)
            except SystemExit as ending:
                code = int(ending.code or 0)
        return code, out.getvalue(), err.getvalue()

    def command(self, *words: str) -> Said:
        """Return what a failing command says."""
        code, _, err = self.run(*words)
        assert (code != 0, bool(err)) == (True, True), (code, err)
        return self.said(err, COMMAND)

    def pytest(self, *words: str, **variables: str) -> str:
        """Run pytest with no plugin but ours, and return all that it prints."""
        command = [sys.executable, "-m", "pytest", "-p", "templatedb.plugin", *words]
        own = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1", **variables}
        done = subprocess.run(
            command, cwd=self.shop, env={**os.environ, **own}, capture_output=True, text=True, check=False, timeout=60
        )
        # Small memory-backed storage is this machine's: a case of its own shows what is said of it.
        lines = (done.stdout + done.stderr).split("\n")
        return "\n".join(line for line in lines if "MB left: the databases of tests" not in line)

    def line(self, output: str, part: str) -> Said:
        """Return the first line of pytest's *output* that has *part* in it."""
        found = [line for line in output.splitlines() if part in line]
        assert found, output
        return self.said(found[0].removeprefix("E   "), PYTEST)

    # --- Other people ---

    def freeze(self, folder: Path) -> None:
        """Let everybody read what is in *folder*, and nobody write there."""
        for path in [*folder.rglob("*"), folder]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        for path in (self.cache, *self.cache.parents):
            if path.is_relative_to(self.root):
                path.chmod(0o555 if path == self.cache else 0o755)

    @contextlib.contextmanager
    def as_nobody(self) -> Iterator[None]:
        """Be a user for whom modes count: root is nobody for the block, everybody else stays who they are."""
        if os.geteuid() != 0:
            yield
            return
        os.setresgid(NOBODY, NOBODY, 0)
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)


def only_root() -> str:
    """Say that only root can do it, to others."""
    return "" if os.geteuid() == 0 else "only root can give a file to another user"


def only_linux() -> str:
    """Say that it needs Linux, elsewhere."""
    return "" if sys.platform == "linux" else "only Linux has it"
