"""CircleCI, GitLab CI/CD and container images, played: reads their files, and runs the scripts in them for real."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from ci_machines import Machine, Store


class Ran(NamedTuple):
    """What became of a job."""

    passed: bool
    log: str

    @property
    def goldens(self) -> list[str]:
        """What the build and pytest said of their golden, in this order: hit or built."""
        return re.findall(r"templatedb: golden [0-9a-f]{8} (built|hit)", self.log)


def run_circleci(config: Path, project: Path, machine: Machine, store: Store) -> Ran:
    """Run the one job of a CircleCI configuration on a fresh machine, with a store that never overwrites."""
    (job,) = yaml.safe_load(config.read_text())["jobs"].values()
    machine.start()
    log = ""
    for step in job["steps"]:
        if step == "checkout":
            machine.check_out(project)
            continue
        ((kind, facts),) = step.items()
        if kind == "run":
            done = machine.run("bash", "-eo", "pipefail", "-c", facts)
            log += f"$ {facts}\n{done.stdout}"
            if done.returncode:
                return Ran(False, log)
        elif kind == "restore_cache":
            store.restore(machine, [_of_circleci(key, machine) for key in facts["keys"]])
        else:
            assert kind == "save_cache"
            paths = [Path(path.replace("~", str(machine.home), 1)) for path in facts["paths"]]
            store.save(machine, _of_circleci(facts["key"], machine), paths)
    return Ran(True, log)


def _of_circleci(key: str, machine: Machine) -> str:
    """Return *key* with the checksums of the files that it names."""

    def checksum(found: re.Match[str]) -> str:
        return hashlib.sha256((machine.workspace / found[1]).read_bytes()).hexdigest()

    filled = re.sub(r'\{\{ checksum "(.*?)" \}\}', checksum, key)
    assert "{{" not in filled, f"not played: {key}"
    return filled


class GitLab:
    """Runs a job of GitLab. A cache is one archive for each name, and what a later job saves takes its place.

    It is unpacked as its helper image does: before the script, with umask 0.
    """

    def __init__(self, folder: Path, machine: Machine) -> None:
        self._folder, self._machine = folder, machine
        folder.mkdir(parents=True)

    def run(self, config: Path, project: Path) -> Ran:
        """Run the one job of the configuration on a fresh machine."""
        facts = yaml.safe_load(config.read_text())
        machine, cache = self._machine, facts["tests"]["cache"]
        variables = {
            name: text.replace("$CI_PROJECT_DIR", str(machine.workspace)) for name, text in facts["variables"].items()
        }
        archive = self._folder / f"{cache['key']}.tar"
        machine.start()
        machine.check_out(project)
        if archive.exists():
            self._unpack(archive)
        script = "\n".join(facts["tests"]["script"])
        done = machine.run("bash", "-eo", "pipefail", "-c", script, **variables)
        if done.returncode == 0:
            machine.pack(archive, [machine.workspace / path for path in cache["paths"]])
        return Ran(done.returncode == 0, done.stdout)

    def members(self, name: str) -> list[str]:
        """Return the paths in the archive of that name."""
        return self._machine.run("tar", "-tf", str(self._folder / f"{name}.tar"), "-P").stdout.split()

    def _unpack(self, archive: Path) -> None:
        own, self._machine.umask = self._machine.umask, 0
        self._machine.unpack(archive)
        self._machine.umask = own


class Image(NamedTuple):
    """A container image: folders below *root*, and what its file says of the process that runs in it."""

    root: Path
    folder: Path
    environment: dict[str, str]
    user: int
    command: list[str]

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their words, without comments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def build_image(dockerfile: Path, project: Path, root: Path, machine: Machine) -> Image:
    """Carry out the instructions, with folders below *root* in the place of those of the image."""
    root.mkdir()
    environment: dict[str, str] = {}
    folder, user, command = root, 0, []
    for word, rest in instructions(dockerfile):
        match word:
            case "FROM":
                pass
            case "ENV":
                name, value = rest.split("=")
                environment[name] = str(root / value.lstrip("/")) if value.startswith("/") else value
            case "WORKDIR":
                folder = root / rest.lstrip("/")
                folder.mkdir(parents=True)
            case "COPY":
                source, target = rest.split()
                place = folder if target in (".", "./") else folder / target
                if source == ".":
                    shutil.copytree(project, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(project / source, place)
            case "RUN":
                done = machine.run("sh", "-c", rest, cwd=folder, **environment)
                assert done.returncode == 0, done.stdout
            case "USER":
                user = int(rest)
            case "CMD":
                command = json.loads(rest)
            case _:
                raise AssertionError(f"{word} is not played")
    return Image(root, folder, environment, user, command)


def run_image(image: Image, machine: Machine) -> Ran:
    """Run the image's command in a cache that nobody may write to, and as its user, where this one may become another."""
    cache = Path(image.environment["TEMPLATEDB_CACHE_DIR"])
    for path in (cache, *cache.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    home = image.path("home")
    home.mkdir(exist_ok=True)
    become = []
    if os.geteuid() == 0 and shutil.which("setpriv"):
        become = ["setpriv", f"--reuid={image.user}", f"--regid={image.user}", "--clear-groups"]
        os.chown(home, image.user, image.user)
    own = {"HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    if machine.run(*become, sys.executable, "-c", "", cwd=image.folder, **own).returncode:
        pytest.skip("the interpreter is where the user of the image cannot start it")
    # As a module: another user may be kept away from the interpreter that the script names. No workers, as on machines.
    module = [word for word in image.command if word not in ("-n", "2")]
    done = machine.run(*become, sys.executable, "-m", *module, cwd=image.folder, **image.environment, **own)
    return Ran(done.returncode == 0, done.stdout)
