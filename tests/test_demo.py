"""The demo tells the truth."""

import re
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[1] / "demo"


def test_the_demo_builds_once_in_two_runs(monkeypatch):
    """Cold, then warm; every number in it is measured."""
    monkeypatch.delenv("TEMPLATEDB_CACHE_DIR")
    done = subprocess.run([sys.executable, str(DEMO / "show.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"golden [0-9a-f]{8} (built in|hit)", done.stdout) == ["built in", "hit"]
    assert "builds in both runs, counted in the cache: 1\n" in done.stdout
    assert done.stdout.count("26 passed") == 2
