"""Versions are read without importing what they are of."""

import sys
from importlib.metadata import version

import pytest

from templatedb.migrators import versions


@pytest.fixture(autouse=True)
def forget():
    versions.installed.cache_clear()
    yield
    versions.installed.cache_clear()


@pytest.mark.parametrize("name", ["alembic", "sqlalchemy", "pytest"])
def test_the_quick_way_agrees_with_the_standard_library(name):
    """From the name of the metadata folder."""
    assert versions.installed(name) == version(name)


def test_what_is_not_installed_is_none(monkeypatch):
    """A word, not an error: create_all needs no Alembic."""
    assert versions.installed("no-such-distribution") == "none"
    assert versions.as_numbers("none") == ()


def test_a_capital_letter_of_an_old_release_is_found(monkeypatch, tmp_path):
    """SQLAlchemy's was one."""
    (tmp_path / "SQLAlchemy-2.0.1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert versions.installed("sqlalchemy") == "2.0.1"


def test_two_at_once_are_left_to_the_standard_library(monkeypatch, tmp_path):
    """A broken installation has both."""
    for number in ("1.1.0", "1.2.0"):
        folder = tmp_path / f"thing-{number}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {number}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert versions.installed("thing") == version("thing")


@pytest.mark.parametrize(
    ("text", "numbers"), [("1.16.4", (1, 16, 4)), ("2.1.0b1", (2, 1, 0)), ("1.13.0+local.7", (1, 13, 0))]
)
def test_a_version_is_compared_by_its_numbers(text, numbers):
    """Enough to ask: 1.16 or newer?"""
    assert versions.as_numbers(text) == numbers
