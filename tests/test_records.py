"""Manifests go to disk and come back, or are a miss."""

import json

import pytest

from templatedb.records import Key, Manifest

MANIFEST = Manifest(
    key=Key("templatedb1-00"),
    digest="ab" * 32,
    size_bytes=4096,
    built_at=1.5,
    duration_s=2.0,
    migration_s=1.0,
    revisions=3,
    heads=("r3",),
    journal_mode="wal",
    versions={"sqlite": "3.40.1"},
    discovered={"file models.py": "cd"},
    inputs={"scripts/env.py": "ef"},
    warnings=("careful",),
)


def test_a_manifest_comes_back_as_it_was():
    """What one release writes, it reads."""
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_fields_of_a_newer_release_are_passed_over():
    """Two releases share one directory."""
    facts = json.loads(MANIFEST.to_json()) | {"colour": "red"}
    assert Manifest.from_json(json.dumps(facts).encode()) == MANIFEST


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"null",
        b"[]",
        MANIFEST.to_json()[:-20],
        MANIFEST.to_json().replace(b'"format": 1', b'"format": 2'),
        MANIFEST.to_json().replace(b'"heads"', b'"headz"'),
        MANIFEST.to_json().replace(b"ab" * 32, b"../" * 21 + b"x"),
    ],
    ids=["empty", "zeros", "null", "list", "cut", "newer format", "field missing", "digest leads out of the cache"],
)
def test_damaged_or_foreign_bytes_are_a_miss(data):
    """Never an error: the cache can be rebuilt."""
    assert Manifest.from_json(data) is None


def test_a_key_has_a_short_name():
    """Eight digits tell goldens apart in messages."""
    assert Key("templatedb1-3f9c2a1b7d21").short == "3f9c2a1b"
