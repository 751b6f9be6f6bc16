"""Pages of the documentation: their code blocks, and commands of theirs run as a person would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

# What makes a site of the pages stands beside them.
from sitebuild import checked, filled, markdown, origins, recipes  # noqa: E402
from sitebuild.markdown import blocks, section  # noqa: E402

__all__ = [
    "DOCS",
    "ROOT",
    "blocks",
    "checked",
    "files",
    "filled",
    "markdown",
    "origins",
    "recipes",
    "said_in",
    "section",
    "shell",
]


def shell(script: str, cwd: Path, **variables: str) -> str:
    """Run *script* as a person would who has this environment activated."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    done = subprocess.run(
        ["sh", "-e", "-c", script], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(text: str) -> dict[str, str]:
    """Return the blocks that name their file in the first line: file name and contents."""
    return {block.file: block.code for block in blocks(text) if block.file}


def said_in(shown: str, said: str) -> list[str]:
    """Return the lines of *shown* that *said* has not, in that order; figures, digits of a key and rules count as equal."""
    rest = iter(_without_figures(said).splitlines())
    return [line for line in _without_figures(shown).splitlines() if line not in rest]


def _without_figures(text: str) -> str:
    text = re.sub(r"templatedb1-[0-9a-f]+…?", "templatedb1-KEY", text)
    text = re.sub(r"\b[0-9a-f]{8}\b", "KEY", text)
    text = re.sub(r"[=-]{3,}", "---", text)
    text = re.sub(r" in \d[\d.]*s\b", "", text)  # pytest's own
    text = re.sub(r"\d[\d.]* (s|min|ms|kB)\b", r"N \1", text)
    return re.sub(r"[.EFs]* +\[ *\d+%\]|;? ?saved about N s of migrating in this run", "", text)
