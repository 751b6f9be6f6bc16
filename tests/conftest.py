"""What every test of templatedb starts from: a cache directory of its own, and a guard around the developer's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from projects import IDENTITY
from templatedb import Alembic, Golden, Template
from templatedb.settings import CACHE_DIR_VARIABLE

pytest_plugins = ["pytester"]
pytest.register_assert_rewrite("recipes")


@pytest.fixture(scope="session", autouse=True)
def the_developers_cache_directory_is_unusable(tmp_path_factory):
    """Put a file where the user's cache folder would be: a test that forgets its own directory fails."""
    wall = tmp_path_factory.mktemp("guard") / "the-real-cache-directory-is-not-for-tests"
    wall.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(wall))
        patch.setenv("XDG_CACHE_HOME", str(wall))
        for name in ("DATABASE_URL", "PYTEST_ADDOPTS"):
            patch.delenv(name, raising=False)
        yield wall


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """A cache directory that only this test has."""
    folder = tmp_path / "the cache"
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(folder))
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty folder for a project, and the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def identity_cache(tmp_path_factory) -> Path:
    """A cache directory that holds the golden of migrations/, built once for the whole session."""
    folder = tmp_path_factory.mktemp("identity-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_DIR_VARIABLE, str(folder))
        Template(Alembic(IDENTITY / "alembic.ini")).golden().close()
    return folder


@pytest.fixture
def identity(identity_cache, monkeypatch) -> Golden:
    """The golden of migrations/."""
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(identity_cache))
    with Template(Alembic(IDENTITY / "alembic.ini")).golden() as golden:
        yield golden


@pytest.fixture
def suite(pytester, monkeypatch):
    """Run a whole pytest in a process of its own, in a folder of its own."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")])))
    pytester.makepyprojecttoml(
        # Plugins of recipes stay out: their imports would cost each run more than what is tested.
        '[tool.pytest.ini_options]\nasyncio_default_fixture_loop_scope = "function"\n'
        'addopts = "-p no:randomly -p no:faker -p no:django"\n'
    )
    return pytester
