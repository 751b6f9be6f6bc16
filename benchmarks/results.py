"""What was measured so far: written to disk after every step, so that a run that is broken off leaves its tables."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class OutOfTimeError(Exception):
    """The run has had the time that it may take; what was measured until then is written."""


class Results:
    """The raw figures of one run, and where they are written."""

    def __init__(
        self, folder: Path, scale: str, environment: dict[str, Any], render: Callable[[Any], str], minutes: int
    ) -> None:
        """Start with nothing measured; *render* turns the figures into the page that people read."""
        self.folder = folder
        self._minutes = minutes
        self.data: dict[str, Any] = {
            "scale": scale,
            "complete": False,
            "seconds": 0,
            "environment": environment,
            "per_test": {},
            "loop": {},
            "stages": [],
            "large": {},
            "workers": {},
            "starts": {},
        }
        self._render = render
        self._began = time.monotonic()

    def save(self, *, complete: bool = False) -> None:
        """Write ``results.json`` and ``results.md``, each whole or not at all."""
        self.data["complete"] = complete
        self.data["seconds"] = round(time.monotonic() - self._began)
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / "results.json", json.dumps(self.data, indent=1) + "\n")
        _write(self.folder / "results.md", self._render(self.data))

    def step(self, line: str) -> None:
        """Begin a step of some seconds, and tell whoever waits; raises OutOfTimeError when there is no time for it."""
        self.say(line)
        if time.monotonic() - self._began > self._minutes * 60:
            raise OutOfTimeError(f"stopped after {self._minutes} minutes, before: {line}")
        load = round(os.getloadavg()[0], 1)
        facts = self.data["environment"]
        facts["load_highest"] = max(load, facts.get("load_highest", 0))

    def say(self, line: str) -> None:
        """Tell whoever waits."""
        print(f"[{time.monotonic() - self._began:4.0f} s] {line}", flush=True)


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(path.suffix + ".part")
    temporary.write_text(text)
    os.replace(temporary, path)
