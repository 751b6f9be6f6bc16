"""What the systems of continuous integration have in common, played: machines that are fresh, caches that are kept."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

COMMANDS = {
    "pip": "exit 0",  # what the recipes install is in the environment of these tests
    "uv": 'shift; exec "$@"',  # uv run COMMAND
    "useradd": "exit 0",
    # Workers take the most time by far; the same block is run with them by the test of the README.
    "pytest": f'test "$1" = -n && shift 2; exec {shlex.quote(str(Path(sys.executable).parent / "pytest"))} "$@"',
}
_NOT_INHERITED = ("PYTEST", "XDG_", "TEMPLATEDB_", "GITHUB_", "CI_", "COV")


class Machine:
    """A machine that starts each job with an empty home, an empty workspace and nothing in its cache.

    Their paths stay the same, as on hosted runners. *umask* is that of the runner, which unpacks caches.
    """

    def __init__(self, folder: Path, *, umask: int = 0o022) -> None:
        self.home, self.workspace, self.bin = folder / "home", folder / "work", folder / "bin"
        self.umask = umask
        self.bin.mkdir(parents=True)
        for name, script in COMMANDS.items():
            (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.bin / name).chmod(0o755)

    @property
    def cache(self) -> Path:
        """Where templatedb's cache is when nothing is said."""
        if sys.platform == "darwin":
            return self.home / "Library/Caches/templatedb"
        return self.home / ".cache/templatedb"

    def start(self) -> None:
        """Throw away what the last job left."""
        for folder in (self.home, self.workspace):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    def check_out(self, project: Path) -> None:
        shutil.copytree(project, self.workspace, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    def run(self, *command: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its output is in ``stdout``, errors included."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        environment = {
            **inherited,
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(self.bin), str(Path(sys.executable).parent), inherited["PATH"]]),
            # Of the plugins in this environment only those that the recipes install.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p xdist.plugin -p templatedb.plugin",
            **variables,
        }
        return subprocess.run(
            command,
            cwd=cwd or self.workspace,
            env=environment,
            umask=self.umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )

    def pack(self, archive: Path, paths: list[Path]) -> None:
        """Put *paths* into *archive* as runners do: by their way from the workspace, with their modes."""
        names = [os.path.relpath(path, self.workspace) for path in paths]
        done = self.run("tar", "-cf", str(archive), "-P", "-C", str(self.workspace), *names)
        assert done.returncode == 0, done.stdout

    def unpack(self, archive: Path) -> None:
        """Unpack; folders that are missing above are made with the runner's umask."""
        done = self.run("tar", "-xf", str(archive), "-P", "-C", str(self.workspace))
        assert done.returncode == 0, done.stdout


class Entry(NamedTuple):
    name: str
    scope: str
    version: str
    archive: Path


class Store:
    """Caches that are never overwritten, found by a name or by its beginning, the newest first.

    They are kept apart by scope (a branch, a pull request) and by version (what was packed), as GitHub's are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: list[Entry] = []
        folder.mkdir(parents=True)

    @property
    def names(self) -> list[str]:
        """The names, oldest first."""
        return [entry.name for entry in self._entries]

    def of_scope(self, scope: str) -> list[str]:
        return [entry.name for entry in self._entries if entry.scope == scope]

    def members(self, name: str) -> list[str]:
        """Return the paths in the newest entry of that name."""
        archive = next(entry.archive for entry in reversed(self._entries) if entry.name == name)
        listed = subprocess.run(["tar", "-tf", archive, "-P"], capture_output=True, text=True, check=True)
        return listed.stdout.split()

    def save(self, machine: Machine, name: str, paths: list[Path], *, scope: str = "main", version: str = "") -> bool:
        """Pack *paths* under a new name; return False when it is there, for it is not overwritten."""
        if any((entry.name, entry.scope, entry.version) == (name, scope, version) for entry in self._entries):
            return False
        assert paths, f"nothing to save under {name}"
        archive = self._folder / f"{len(self._entries)}.tar"
        machine.pack(archive, paths)
        self._entries.append(Entry(name, scope, version, archive))
        return True

    def restore(
        self, machine: Machine, wanted: list[str], *, scopes: tuple[str, ...] = ("main",), version: str = ""
    ) -> str | None:
        """Unpack the first that fits: scope by scope, what is *wanted* in its order, exact before the newest prefix."""
        for scope in scopes:
            there = [entry for entry in reversed(self._entries) if (entry.scope, entry.version) == (scope, version)]
            for name in wanted:
                exact = [entry for entry in there if entry.name == name]
                for entry in [*exact, *(entry for entry in there if entry.name.startswith(name))]:
                    machine.unpack(entry.archive)
                    return entry.name
        return None

    def forget(self, name: str) -> None:
        """Evict an entry."""
        self._entries = [entry for entry in self._entries if entry.name != name]

    def damage(self, name: str) -> None:
        """Turn one bit in the golden that is packed under that name."""
        archive = next(entry.archive for entry in self._entries if entry.name == name)
        data = bytearray(archive.read_bytes())
        data[data.index(b"SQLite format 3\0") + 5000] ^= 1
        archive.write_bytes(data)
