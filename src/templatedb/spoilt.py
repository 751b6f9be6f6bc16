"""What spoils a build that is no fault of its migrations: an edit meanwhile, the disk, a deletion."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from templatedb.build.parent import Built
from templatedb.errors import BuildError
from templatedb.plan import Plan

_DISK_FAULTS = (
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "unable to get the page",  # what integrity_check says of a page that could not be read
    "No space left on device",
)
_LITTLE_BYTES = 1_000_000
_STEPS = 20
_STEP_S = 0.005


def is_of_the_disk(error: BuildError, folder: Path) -> bool:
    """Whether a build failed for the place it was made in, not for the migrations: worth a try elsewhere."""
    return any(text in error.what for text in _DISK_FAULTS) or shutil.disk_usage(folder).free < _LITTLE_BYTES


def is_being_deleted(folder: Path) -> bool:
    """Whether somebody deletes the build's *folder*, which must not be blamed on the migrations.

    A database that is not there may be the first file to go, so the lock beside it is given a moment to follow.
    """
    for _ in range(1 if any(folder.rglob("*.sqlite")) else _STEPS):
        if not (folder / "alive").exists():
            return True
        time.sleep(_STEP_S)
    return False


def edited_during(plan: Plan, built: Built) -> str:
    """Return what was edited while the build ran, empty when nothing was: its result would be of two states at once.

    A file that was edited and put back has another stamp: the build may have read what it was in between.
    """
    after = plan.again()
    told = [*built.done.edited]
    if after.key != plan.key:
        before, now = plan.summary(), after.summary()
        told += [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if plan.migrator.kind != "command":  # a program may write its own inputs anew, such as a dump of the schema
        told += [plan.now.name(Path(path)) for path in plan.digests.restamped(after.digests)]
    names = list(dict.fromkeys(told))
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "") if names else ""
