"""Databases of failed tests: where they are kept, under which name, and what the report says of them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from templatedb import changes
from templatedb.changes.words import brief
from templatedb.clone import Clone
from templatedb.errors import words_of
from templatedb.files import refuse_long
from templatedb.summary import CHANGED_BY_TEST
from templatedb.uncommitted import uncommitted

_NAME_LIMIT_BYTES = 150
_LINES = 10
"""What the report of a failed test says at most of the changes: the rest is for the command."""
_TIME_LIMIT_S = 0.5
_ORIGINS = "origins"
"""The folder beside the kept databases that tells what each was cloned from."""


class Origin(NamedTuple):
    """What a kept database was cloned from, and for which test."""

    test: str
    """Its node id."""
    key: str
    golden: Path


def clear(folder: Path) -> None:
    """Remove what an earlier run kept; harmless when there is nothing."""
    for gone in (folder, folder.parent / _ORIGINS):
        shutil.rmtree(gone, ignore_errors=True)


def keep(clone: Clone, folder: Path, test_name: str, origin: Origin) -> Path:
    """Write what *clone* holds now to ``<folder>/<test name>.sqlite``, note its *origin*, and return that path.

    A second database of the same name gets ``-2`` and so on, also beside other workers. Raises sqlite3.OperationalError
    while a writer blocks the database, and OSError when the folder cannot be written.
    """
    _make(folder)
    path = _claim(folder, test_name)
    try:
        refuse_long(path)
        clone.copy_to(path)
        _remember(path, origin)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _make(folder: Path) -> None:
    """Make the *folder*; where pytest has made no cache (``-p no:cacheprovider``), keep it out of version control."""
    cache = folder.parents[2]
    is_new = not cache.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if is_new:
        cache.joinpath(".gitignore").write_text("*\n")


def _claim(folder: Path, test_name: str) -> Path:
    stem = re.sub(r"[^\w.\[\]=,+-]", "_", test_name).encode()[:_NAME_LIMIT_BYTES].decode(errors="ignore")
    number = 1
    while True:
        path = folder / f"{stem}{'' if number == 1 else f'-{number}'}.sqlite"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            number += 1
        else:
            return path


def _remember(path: Path, origin: Origin) -> None:
    record = _record_of(path)
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({**origin._asdict(), "golden": str(origin.golden)}))


def origin_of(path: Path) -> Origin | None:
    """Return what was noted of the database at *path*; None when it is not one that was kept."""
    try:
        facts = json.loads(_record_of(path).read_bytes())
        return Origin(test=str(facts["test"]), key=str(facts["key"]), golden=Path(facts["golden"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget(path: Path) -> None:
    """Remove a kept database; harmless when it is gone."""
    for gone in (path, _record_of(path)):
        gone.unlink(missing_ok=True)


def _record_of(path: Path) -> Path:
    return path.parent.parent / _ORIGINS / f"{path.name}.json"


def all_kept(folder: Path) -> list[Path]:
    """Return the kept databases in *folder*, the last one first; empty when there is none."""
    try:
        found = [(entry.stat().st_mtime_ns, Path(entry.path)) for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    return [path for _, path in sorted(found, reverse=True) if path.suffix == ".sqlite"]


def report(path: Path, golden: Path) -> list[str]:
    """Return the lines that say what changed from *golden* to the kept database, and how to look at it."""
    quoted = shlex.quote(str(path))
    return [
        *_changed(path, golden),
        f"database kept: {path}",
        f"    sqlite3 {quoted}",
        f"    templatedb diff {quoted}",
    ]


def _changed(path: Path, golden: Path) -> list[str]:
    try:
        refuse_long(golden)
        found = changes.between(golden, path, names=("golden", "test's database"), time_limit_s=_TIME_LIMIT_S)
    except (sqlite3.Error, OSError) as error:
        reason = words_of(error) if isinstance(error, OSError) else error
        return [f"what the test changed cannot be told: {reason}"]
    lines = brief(found, at_most=_LINES)
    if not lines:
        return ["the test committed no change to its database: it made none, rolled it back or left it open"]
    return [CHANGED_BY_TEST, *(f"    {line}" for line in lines)]


def not_committed(clone: Clone, connections: Iterable[sqlite3.Connection]) -> list[str]:
    """Return the lines about rows that the test's open *connections* had written but not committed; often none."""
    lines: list[str] = []
    with clone.reading() as outside:
        for connection in connections:
            lines += uncommitted(connection, outside)
    return ["not committed when the test failed:", *(f"    {line}" for line in lines)] if lines else []
