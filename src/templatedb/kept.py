"""Databases of failed tests: where they are kept, under which name, and what the report says of them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from templatedb.changes import uncommitted
from templatedb.clone import Clone
from templatedb.files import refuse_long

_NAME_LIMIT_BYTES = 150


def clear(folder: Path) -> None:
    """Remove what an earlier run kept; harmless when there is nothing."""
    shutil.rmtree(folder, ignore_errors=True)


def keep(clone: Clone, folder: Path, test_name: str) -> Path:
    """Write what *clone* holds now to ``<folder>/<test name>.sqlite`` and return that path.

    A second database of the same name gets ``-2`` and so on, also beside other workers. Raises sqlite3.OperationalError
    while a writer blocks the database, and OSError when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = _claim(folder, test_name)
    try:
        refuse_long(path)
        clone.copy_to(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


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


def report(path: Path) -> list[str]:
    """Return the lines that lead a person to the kept database."""
    return [f"database kept: {path}", f"    sqlite3 {shlex.quote(str(path))}"]


def not_committed(clone: Clone, connections: Iterable[sqlite3.Connection]) -> list[str]:
    """Return the lines about rows that the test's open *connections* had written but not committed; often none."""
    lines: list[str] = []
    with clone.reading() as outside:
        for connection in connections:
            lines += uncommitted(connection, outside)
    return ["not committed when the test failed:", *(f"    {line}" for line in lines)] if lines else []
