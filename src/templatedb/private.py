"""One build, verified; and the golden that a process builds and keeps for itself alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from templatedb import place
from templatedb.build.parent import Built, build
from templatedb.digests import Stamp
from templatedb.errors import BuildError, CacheError, words_of
from templatedb.plan import OpenGolden, Plan
from templatedb.publish import manifest_of
from templatedb.records import Manifest, Outcome
from templatedb.spoilt import is_of_the_disk
from templatedb.verify import verify

_OTHER_TMPDIR = "Make room there, or set TMPDIR to another folder."


def build_and_verify(plan: Plan, folder: Path) -> tuple[Built, Manifest]:
    """Build in the private *folder* and return the file with its record; publishes nothing. Raises BuildError."""
    built = build(
        plan.migrator,
        plan.settings,
        plan.inputs,
        folder,
        key=plan.key,
        on_progress=plan.wishes.on_progress,
        environment=plan.wishes.environment,
        debug=plan.wishes.debug,
    )
    for line in built.done.notices:
        plan.wishes.notice(line)
    return built, manifest_of(plan, built, verify(built, plan.settings))


def build_privately(plan: Plan) -> OpenGolden:
    """Build for this process alone, in a temporary folder; raises CacheError where there is none to write to."""
    try:
        with tempfile.TemporaryDirectory(prefix="templatedb-build-", ignore_cleanup_errors=True) as folder:
            try:
                built, manifest = build_and_verify(plan, Path(folder))
            except BuildError as error:
                if is_of_the_disk(error, Path(folder)):
                    raise error.at(f"in the temporary folder {folder}", _OTHER_TMPDIR) from error
                raise
            return keep_privately(manifest, built.path, plan.wishes.notice)
    except OSError as error:
        where = tempfile.tempdir or "any temporary folder"
        raise CacheError(what=f"no private build in {where} either: {words_of(error)}", remedy=_OTHER_TMPDIR) from error


def keep_privately(manifest: Manifest, path: Path, notice: Callable[[str], None]) -> OpenGolden:
    """Keep the built file for this process: a temporary folder that goes when the process ends."""
    for warning in manifest.warnings:
        notice(warning)
    private = place.temporary_folder("templatedb-private-") / "golden.sqlite"
    shutil.copyfile(path, private)
    private.chmod(0o400)
    descriptor = os.open(private, os.O_RDONLY | os.O_CLOEXEC)
    return OpenGolden(manifest, private, Outcome.PRIVATE, descriptor, Stamp.of(os.fstat(descriptor)))
