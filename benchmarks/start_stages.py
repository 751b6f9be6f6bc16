"""Where a warm start goes: modules that are imported, by what they are, then what is done."""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks.registry import TEMPLATEDB
from benchmarks.runner import PYTHON, Place, median, run, run_pytest

ROUNDS = 7
_IMPORTED = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)
OWN, OTHERS = "modules of templatedb, imported", "modules of Python and others, imported"


def start_stages(place: Place) -> dict[str, Any]:
    """Return microseconds by stage of one test with a clone, whose golden is there, or why there are none."""
    path = place.root / "stages.json"
    rounds: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        path.unlink(missing_ok=True)
        done = run_pytest(
            place,
            ["start_templatedb"],
            tests=1,
            patience_s=60,
            plugins=(TEMPLATEDB, "stages"),
            variables={"BENCH_STAGES": str(path), "BENCH_STAGES_INSIDE": "start"},
        )
        if done.reason:
            return {"failed": done.reason}
        rounds.append({**_imports(place), **json.loads(path.read_text())})
    names = list(rounds[0])
    return {"us": {name: round(median([one[name] for one in rounds])) for name in names}}


def _imports(place: Place) -> dict[str, float]:
    """Return the time of the modules that a test with a clone imports, and one without the plugin does not."""
    plain, clone = (
        _imported(place, folder, plugins)
        for folder, plugins in (("start_plain", ()), ("start_templatedb", (TEMPLATEDB,)))
    )
    own = [us for name, us in clone.items() if name.partition(".")[0] == "templatedb"]
    others = [us for name, us in clone.items() if name.partition(".")[0] != "templatedb" and name not in plain]
    return {f"{len(own)} {OWN}": float(sum(own)), f"{len(others)} {OTHERS}": float(sum(others))}


def _imported(place: Place, folder: str, plugins: tuple[str, ...]) -> dict[str, int]:
    """Return microseconds of each module's own code, by its name."""
    command = [PYTHON, "-X", "importtime", "-m", "pytest", f"--basetemp={place.temporary / 'pytest'}"]
    environment = place.environment(BENCH_TESTS="1", BENCH_PATIENCE_S="60", BENCH_REPORT=str(place.root / "unread"))
    words = [word for plugin in plugins for word in ("-p", plugin)]
    _, _, output = run([*command, *words, folder], cwd=place.project, environment=environment)
    return {name: int(us) for us, name in _IMPORTED.findall(output)}
