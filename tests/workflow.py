"""GitHub Actions, played: reads workflows and composite actions, and runs their steps for real.

It is stricter than GitHub, where a misspelt output is an empty text: what it does not know is a failed assertion.
"""

from __future__ import annotations

import glob
import itertools
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ci_machines import Machine, Store

_PIECES = re.compile(r"\s*('(?:[^']|'')*'|==|!=|&&|\|\||!|\(|\)|[A-Za-z_][\w-]*(?:\.[\w-]+)*)")


class Expression:
    """What stands in ``${{ }}``: names, texts, ``==``, ``!=``, ``&&``, ``||``, ``!`` and brackets."""

    def __init__(self, text: str, contexts: dict[str, Any]) -> None:
        self._contexts = contexts
        self._pieces = [piece for piece in _PIECES.split(text) if piece.strip()]
        assert "".join(self._pieces).replace(" ", "") == text.replace(" ", ""), f"not understood: {text}"

    def value(self) -> Any:
        found = self._either()
        assert not self._pieces, f"left over: {self._pieces}"
        return found

    def _next(self, *wanted: str) -> str | None:
        return self._pieces.pop(0) if self._pieces and self._pieces[0] in wanted else None

    def _either(self) -> Any:
        found = self._both()
        while self._next("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Any:
        found = self._compared()
        while self._next("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._one()
        while sign := self._next("==", "!="):
            # Texts are compared without their case.
            found = (str(found).lower() == str(self._one()).lower()) is (sign == "==")
        return found

    def _one(self) -> Any:
        if self._next("!"):
            return not self._one()
        if self._next("("):
            found = self._either()
            assert self._next(")")
            return found
        piece = self._pieces.pop(0)
        if piece.startswith("'"):
            return piece[1:-1].replace("''", "'")
        if piece in ("true", "false"):
            return piece == "true"
        if piece == "failure":
            assert self._next("(")
            assert self._next(")")
            return self._contexts["failed"]
        found = self._contexts
        for name in piece.split("."):
            assert name in found, f"{piece}: there is no {name!r}, only {sorted(found)}"
            found = found[name]
        return found


def filled(text: str, contexts: dict[str, Any]) -> str:
    """Return *text* with its expressions replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: as_text(Expression(found[1], contexts).value()), text)


def as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Job(NamedTuple):
    """What became of a job."""

    passed: bool
    log: str
    saved: list[str]
    restored: list[str | None]
    outputs: dict[str, str]

    @property
    def goldens(self) -> list[str]:
        """What pytest said of its golden before the tests, and the command of its build: hit or built."""
        return re.findall(r"templatedb: golden [0-9a-f]{8} (built|hit)", self.log)


class _StepError(Exception):
    """A script ended with an error: the rest of the job is not run."""


class GitHub:
    """Runs workflows. *scopes*: whose caches are found; the first is where they are saved, unless *may_save* is off."""

    def __init__(
        self, machine: Machine, store: Store, *, scopes: tuple[str, ...] = ("main",), may_save: bool = True
    ) -> None:
        self._machine, self._store, self._scopes, self._may_save = machine, store, scopes, may_save

    def run(self, workflow: Path | dict, project: Path) -> dict[str, Job]:
        """Run all jobs, each on a fresh machine; those of a matrix are named ``job (value)``."""
        jobs = (yaml.safe_load(workflow.read_text()) if isinstance(workflow, Path) else workflow)["jobs"]
        done: dict[str, Job] = {}
        for name, job in jobs.items():
            needed = {job["needs"]: done[job["needs"]]} if "needs" in job else {}
            if not all(other.passed for other in needed.values()):
                continue
            matrix = job.get("strategy", {}).get("matrix", {})
            for values in itertools.product(*matrix.values()):
                contexts = {
                    "matrix": dict(zip(matrix, values, strict=True)),
                    "needs": {other: {"outputs": result.outputs} for other, result in needed.items()},
                }
                done[f"{name} ({', '.join(values)})" if values else name] = self._job(job, contexts, project)
        return done

    def _job(self, job: dict, contexts: dict[str, Any], project: Path) -> Job:
        self._machine.start()
        run = _Steps(self._machine, self._store, self._scopes, may_save=self._may_save, project=project)
        run.environment = {name: filled(text, contexts) for name, text in job.get("env", {}).items()}
        contexts = {**contexts, "steps": {}}
        try:
            run.steps(job["steps"], contexts)
        except _StepError:
            return Job(False, run.log, run.saved, run.restored, {})
        outputs = {name: filled(text, contexts) for name, text in job.get("outputs", {}).items()}
        return Job(True, run.log, run.saved, run.restored, outputs)


class _Steps:
    """The steps of one job, those of its composite actions among them."""

    def __init__(
        self, machine: Machine, store: Store, scopes: tuple[str, ...], *, may_save: bool, project: Path
    ) -> None:
        self._machine, self._store, self._scopes, self._project = machine, store, scopes, project
        self._may_save = may_save
        self.environment: dict[str, str] = {}
        self.log = ""
        self.saved: list[str] = []
        self.restored: list[str | None] = []

    def steps(self, steps: list[dict], contexts: dict[str, Any], *, of_an_action: bool = False) -> None:
        """Run *steps*; after an error only those that ask for it. Raises _StepError in the end, if there was one."""
        contexts["failed"] = False
        for step in steps:
            condition = step.get("if", "true")
            if contexts["failed"] and "failure()" not in condition:
                continue
            if not Expression(condition, contexts).value():
                continue
            assert "shell" in step or "run" not in step or not of_an_action, "an action must name the shell"
            try:
                outputs = self._run(step, contexts) if "run" in step else self._use(step, contexts)
            except _StepError:
                contexts["failed"] = True
                continue
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": outputs}
        if contexts["failed"]:
            raise _StepError

    def _run(self, step: dict, contexts: dict[str, Any]) -> dict[str, str]:
        file = self._machine.home / "github-output"
        file.write_text("")
        cwd = self._machine.workspace / filled(step.get("working-directory", "."), contexts)
        own = {name: filled(str(text), contexts) for name, text in step.get("env", {}).items()}
        assert "${{" not in step["run"], "an expression in a script is code that others may write"
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"] if "shell" in step else ["bash", "-e", "-c"]
        done = self._machine.run(*shell, step["run"], cwd=cwd, GITHUB_OUTPUT=str(file), **self.environment, **own)
        self.log += f"$ {step['run']}\n{done.stdout}"
        if done.returncode:
            raise _StepError
        return dict(line.split("=", 1) for line in file.read_text().splitlines())

    def _use(self, step: dict, contexts: dict[str, Any]) -> dict[str, str]:
        given = {name: filled(as_text(value), contexts) for name, value in step.get("with", {}).items()}
        name, _, version = step["uses"].partition("@")
        assert bool(version) is not name.startswith("./"), f"{name}: a version is to be named"
        match name:
            case "actions/checkout":
                self._machine.check_out(self._project)
            case "actions/setup-python":
                pass
            case "actions/cache/restore":
                self._restore(**given)
            case "actions/cache/save":
                self._save(**given)
            case _:
                assert name.startswith("./"), f"{name} is not played"
                return self._action(self._machine.workspace / name / "action.yml", given)
        return {}

    def _restore(self, *, path: str, key: str, **more: str) -> None:
        wanted = [key, *more.pop("restore-keys").split()]
        assert not more
        self.restored.append(self._store.restore(self._machine, wanted, scopes=self._scopes, version=path))

    def _save(self, *, path: str, key: str) -> None:
        """Save; where the token is read-only GitHub warns, and the job goes on."""
        paths = sorted(Path(found) for found in glob.glob(path))
        if not self._may_save:
            self.log += "Warning: Cache save failed.\n"
            return
        assert self._store.save(self._machine, key, paths, scope=self._scopes[0], version=path), f"{key} is there"
        self.saved.append(key)

    def _action(self, path: Path, given: dict[str, str]) -> dict[str, str]:
        action = yaml.safe_load(path.read_text())
        assert set(given) <= set(action["inputs"]), f"inputs are {sorted(action['inputs'])}"
        inputs = {name: str(facts["default"]) for name, facts in action["inputs"].items()} | given
        contexts = {"inputs": inputs, "steps": {}}
        self.steps(action["runs"]["steps"], contexts, of_an_action=True)
        return {name: filled(facts["value"], contexts) for name, facts in action["outputs"].items()}
