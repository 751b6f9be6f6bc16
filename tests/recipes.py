"""The recipes of conftest_examples/, copied and run as their users would."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from projects import builds_in

RECIPES = Path(__file__).parents[1] / "conftest_examples"
PYTEST = ("-m", "pytest", "-W", "error")
HTTPX = ("-W", "ignore:Using `httpx` with")
"""For recipes with the TestClient of Starlette: newer ones would have httpx2."""
WITHOUT_ASYNCIO = ("-p", "no:asyncio")
"""For recipes whose users have no pytest-asyncio: it warns where its settings are missing."""


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip where the libraries of a recipe are not installed, naming them."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def copy_of(recipe: str, folder: Path) -> Path:
    """Copy a recipe into *folder*; nothing is ever written into the repository."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.db")
    return shutil.copytree(RECIPES / recipe, folder / "recipes" / recipe, ignore=ignored)


def python(folder: Path, *words: str, code: int = 0) -> str:
    """Run Python in *folder* as a shell outside of any test run would, expect its exit code, and return what it said."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def pytest_cold_and_warm(
    folder: Path, cache: Path, *words: str, passed: int, goldens: int = 1, builds: int | None = None
) -> str:
    """Run a recipe's tests twice: the first run builds, the second hits, and no other database is made.

    The summary names *goldens*; *builds* are more where the recipe makes some without the plugin.
    """
    for outcome in ("built in", "hit"):
        said = python(folder, *PYTEST, *words)
        assert f" {passed} passed in " in said
        assert re.findall(r"^golden [0-9a-f]{8} (built in|hit)\b", said, re.MULTILINE) == [outcome] * goldens
        assert builds_in(cache) == (builds or goldens)
    assert not list(folder.rglob("*.db"))
    return said


def assert_builds_again(folder: Path, cache: Path, *words: str) -> None:
    """Run a recipe's tests after a change of what decides its database."""
    said = python(folder, *PYTEST, *(words or WITHOUT_ASYNCIO))
    assert re.search(r"^golden [0-9a-f]{8} built in", said, re.MULTILINE)
    assert builds_in(cache) == 2


def assert_hits(folder: Path, *words: str, passed: int) -> None:
    """Run a recipe's tests, which may not build."""
    assert f" {passed} passed in " in python(folder, *PYTEST, *words, "--templatedb-require-hit")


def edit(path: Path, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def failing(folder: Path, *words: str) -> set[str]:
    """Run a recipe's tests, some of which must fail, and return their names."""
    said = python(folder, *PYTEST, *words, code=1)
    return set(re.findall(r"^FAILED (\S+)", said, re.MULTILINE))
