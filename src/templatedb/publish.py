"""Make a verified file visible in one step: golden first, manifest last, each under a temporary name until complete.

Content-addressed, so that two builders that race (a lock that does not lock) publish two right answers.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from templatedb.build.parent import Built
from templatedb.cache import Cache
from templatedb.errors import CacheError
from templatedb.files import digest_of, sync_folder, write_atomically
from templatedb.plan import Plan
from templatedb.records import Manifest
from templatedb.settings import CACHE_DIR_VARIABLE
from templatedb.verify import Verified


def manifest_of(plan: Plan, built: Built, verified: Verified) -> Manifest:
    """Return the record of a verified build; reads the file for its digest."""
    descriptor = os.open(built.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        digest, size_bytes = digest_of(descriptor), os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    return Manifest(
        key=plan.key,
        digest=digest,
        size_bytes=size_bytes,
        built_at=time.time(),
        duration_s=round(built.duration_s, 3),
        migration_s=round(built.done.migration_s, 3),
        revisions=built.done.revisions,
        heads=built.done.heads,
        journal_mode=verified.journal_mode,
        versions={piece.name: piece.value for piece in plan.inputs if piece.label == "version"},
        warnings=verified.warnings,
        project=str(plan.settings.root),
        inputs=plan.summary(),
        discovered=built.done.discovered,
    )


def publish(cache: Cache, manifest: Manifest, path: Path) -> None:
    """Move the file at *path* into the cache and record it under its key; raises OSError and leaves nothing half done.

    The order is: file's bytes to disk, its name, manifest's bytes, its name. A crash in between leaves a golden that
    no manifest names, which costs disk until the next prune, never a wrong hit.
    """
    golden = cache.golden_path(manifest.digest)
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o400)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(path, golden)
    sync_folder(golden.parent)
    folder = cache.manifest_folder(manifest.key)
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomically(folder / f"{cache.next_number(manifest.key)}.json", manifest.to_json())
    sync_folder(folder)


def share(cache: Cache, manifest: Manifest) -> None:
    """Let other users read the golden of *manifest*, as in a container image: they find it, and write nothing.

    Changes modes only, of what leads to it. Raises CacheError when a folder above keeps them out, OSError when a mode
    cannot be changed.
    """
    closed = next((folder for folder in reversed(cache.root.resolve().parents) if not _lets_others_in(folder)), None)
    if closed is not None:
        raise CacheError(
            what=f"other users cannot get to {cache.root}: {closed} is closed to them",
            remedy=f"Set {CACHE_DIR_VARIABLE} to a folder outside of it, such as /opt/templatedb, for all of you.",
            path=closed,
        )
    golden, folder = cache.golden_path(manifest.digest), cache.manifest_folder(manifest.key)
    for path in (cache.root, golden.parent.parent, golden.parent, folder.parent, folder):
        path.chmod(0o755)
    golden.chmod(0o444)
    for path in folder.glob("*.json"):
        path.chmod(0o644)


def _lets_others_in(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o001)
