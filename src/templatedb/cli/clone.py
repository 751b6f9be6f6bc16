"""``templatedb clone``: a writable copy of the golden for people and scripts."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from pathlib import Path

from templatedb.cli.project import environment_of, notice_once, settings_of
from templatedb.errors import CloneError
from templatedb.handle import Golden
from templatedb.plan import Wishes
from templatedb.template import Template

_EXAMPLES = """\
Builds the golden first when there is none.

examples:
  templatedb clone dev.sqlite
  templatedb clone --force dev.sqlite     # throw the old one away
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("destination", metavar="DEST", type=Path, help="the file to write")
    parser.add_argument("--force", action="store_true", help="replace DEST, and its WAL and journal, if it is there")


def run(arguments: argparse.Namespace) -> int:
    """Write the copy and print its path."""
    destination: Path = arguments.destination
    if not arguments.force and (destination.exists() or destination.is_symlink()):
        raise CloneError(what=f"{destination} is there already", remedy="Choose another name, or use --force.")
    if not destination.parent.is_dir():
        raise CloneError(what=f"there is no folder {destination.parent.absolute()}", remedy="Make it first.")
    wishes = Wishes(notice=notice_once(), environment=environment_of(arguments))
    with Template.from_settings(settings_of(arguments)).golden(wishes) as golden:
        _write(golden, destination)
    print(destination)
    return 0


def _write(golden: Golden, destination: Path) -> None:
    """Write beside the destination and rename; old side files go first, SQLite would replay them into the new file."""
    with tempfile.TemporaryDirectory(prefix=".templatedb-", dir=destination.parent) as folder:
        with golden.clone("file", folder=Path(folder), release=lambda clone: None) as clone:
            written = clone.path
        for suffix in ("-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{destination}{suffix}")
        os.replace(written, destination)
