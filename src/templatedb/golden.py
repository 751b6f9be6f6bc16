"""The story: look, lock, look again, build in a child, verify, publish.

inputs → key ─┬─ manifest and digest match ─────────────────────────► golden
              └─ lock → look again → build → verify → publish ─┘

What only the lower line needs is imported where it is needed: most runs take the upper one, and wait for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from templatedb.cache import Cache, directory, open_cache
from templatedb.digests import Stamp
from templatedb.errors import BuildError, CacheError, LockTimeoutError, MissError, TemplateDBError, words_of
from templatedb.migrators import Migrator
from templatedb.plan import Plan, Wishes
from templatedb.records import Key, Manifest, Outcome
from templatedb.settings import BUILDING_VARIABLE, CACHE_DIR_VARIABLE, Settings

if TYPE_CHECKING:
    from templatedb.build.parent import Built
    from templatedb.lock import Holder

_NO_RUN = "last"
"""Name under which callers outside of a test run remember a failure, for those that wait for the same lock."""


class OpenGolden(NamedTuple):
    """A verified golden, held open: neither a prune nor a replaced file can change what its clones get."""

    manifest: Manifest
    path: Path
    outcome: Outcome
    descriptor: int
    stamp: Stamp
    """Of the file when it was verified: what has another one by now may have been written to."""
    reason: str = ""
    """Why it was built; empty for a hit and for the first build of a project."""


def open_golden(migrator: Migrator, settings: Settings, wishes: Wishes) -> OpenGolden:
    """Return the golden of *migrator*, building and publishing it if there is none.

    Right from any number of threads and processes at once. Raises BuildError when the migrations fail, MissError,
    SettingsError and InputsError; a problem with the cache costs a private build and a notice, unless the settings
    are strict: then CacheError or LockTimeoutError.
    """
    _refuse_recursion(wishes.environment)
    plan: Plan | None = None
    try:
        cache = open_cache(directory(settings, wishes.environment))
        plan = Plan.make(migrator, settings, wishes, cache)
        if (found := look(cache, plan)) is not None:
            return found
        if wishes.require_hit:
            raise _miss(cache, plan)
        return _build_under_lock(cache, plan)
    except (CacheError, LockTimeoutError, OSError) as error:
        failed = error if isinstance(error, TemplateDBError) else _of_cache(error)
        if settings.strict or wishes.require_hit:
            raise failed from error
        wishes.notice(f"building privately, this run pays for it alone: {failed.line}")
    return _build_privately(plan or Plan.make(migrator, settings, wishes))


def _of_cache(error: OSError) -> CacheError:
    remedy = f"Remove the cache, which can be built again, or set {CACHE_DIR_VARIABLE} to another folder."
    return CacheError(what=f"the cache failed: {words_of(error)}", remedy=remedy)


def look(cache: Cache, plan: Plan, outcome: Outcome = Outcome.HIT) -> OpenGolden | None:
    """Return the newest golden of the plan's key that nothing speaks against, or None.

    Writes nothing but the stamps of what was read, where something was, and once an hour the last use; a golden that
    is damaged is set aside.
    """
    for stored in cache.stored(plan.key):
        manifest = stored.manifest
        if not plan.is_served_by(manifest):
            continue
        path = cache.golden_path(manifest.digest)
        if (opened := cache.open_sound(manifest, plan.digests)) is None:
            from templatedb.damaged import set_golden_aside

            if line := set_golden_aside(cache, path):
                plan.wishes.notice(line)
            continue
        for warning in manifest.warnings:
            plan.wishes.notice(warning)
        cache.note_use(stored)
        _remember(cache, plan, manifest)
        return OpenGolden(manifest, path, outcome, *opened)
    return None


def _remember(cache: Cache, plan: Plan, manifest: Manifest) -> None:
    """Save the next look what this one had to read and parse; nothing is written when it had to do neither."""
    if (discovered := plan.now.refreshed(manifest.discovered)) is not None:
        cache.replace_manifest(manifest, manifest._replace(discovered=discovered))
    if plan.digests.has_news:
        cache.remember_digests(plan.project, plan.digests.to_record())


def _miss(cache: Cache, plan: Plan) -> MissError:
    from templatedb.reasons import why_not

    why = why_not(cache, plan)
    return MissError(
        what=f"no golden for key {plan.key} in {cache.root}: {str(why) or 'this project had none there before'}",
        remedy="Run templatedb build first, or restore the cache under this key; templatedb explain tells more.",
        key=plan.key,
        reasons=why.reasons,
    )


def _build_under_lock(cache: Cache, first_plan: Plan) -> OpenGolden:
    from templatedb import lock
    from templatedb.damaged import set_manifests_aside
    from templatedb.prune import prune_after_build
    from templatedb.publish import publish
    from templatedb.reasons import why_not

    key, wishes, asked_at = first_plan.key, first_plan.wishes, time.time()

    def on_wait(holder: Holder | None) -> None:
        if holder is None or holder.run != wishes.run:  # colleagues of one run know what they wait for
            wishes.notice(f"waiting for {holder or 'another process'}, which builds golden {key.short}")

    if not os.access(cache.lock_path(key).parent, os.W_OK):
        raise CacheError(
            what=f"the cache {cache.root} has no golden {key.short}, and cannot be written",
            remedy="Build it as the user that it belongs to, or set another cache directory.",
            path=cache.root,
        )
    timeout_s = first_plan.settings.lock_timeout_s
    with lock.hold(cache.lock_path(key), timeout_s=timeout_s, run=wishes.run or "", on_wait=on_wait) as waited:
        plan = first_plan.again() if waited else first_plan
        if (found := look(cache, plan, Outcome.WAITED)) is not None:
            return found
        if (known := _known_failure(cache, plan.key, wishes, asked_at)) is not None:
            raise known
        why = why_not(cache, plan)
        for line in set_manifests_aside(cache, key):
            wishes.notice(line)
        with cache.build_folder() as folder:
            try:
                built, manifest = build_and_verify(plan, folder)
            except BuildError as error:
                if _is_being_deleted(folder):
                    raise CacheError(
                        what=f"the cache {cache.root} was deleted during a build",
                        remedy="The next run builds the golden again.",
                        path=cache.root,
                    ) from error
                if _blames_the_disk(error, folder):
                    raise CacheError(
                        what=f"the disk of the cache {cache.root} failed: {error.what}",
                        remedy=f"Make room there, or set {CACHE_DIR_VARIABLE} to another folder.",
                        path=cache.root,
                    ) from error
                cache.remember_failure(plan.key, wishes.run or _NO_RUN, error)
                raise
            if edited := _edited(plan, built):
                wishes.notice(f"{edited} was edited during the build: its result is used by this run only")
                return _keep_privately(manifest, built.path, wishes.notice)
            publish(cache, manifest, built.path)
        # Still under the lock, which keeps a prune away until it is open.
        published = look(cache, plan.again(), Outcome.BUILT)
    if published is None:
        raise CacheError(
            what=f"the golden just published in {cache.root} is not there any more, or one of its inputs was edited",
            remedy="Run again; if it happens again, look for what removes files of the cache, or writes the inputs.",
            path=cache.golden_path(manifest.digest),
        )
    prune_after_build(cache, first_plan.settings, manifest.digest, wishes.notice)
    return published._replace(reason=str(why))


def _edited(plan: Plan, built: Built) -> str:
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


_DISK_FAULTS = (
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "unable to get the page",  # what integrity_check says of a page that could not be read
    "No space left on device",
)
_LITTLE_BYTES = 1_000_000


def _blames_the_disk(error: BuildError, folder: Path) -> bool:
    """Whether a build failed for the place it was made in, not for the migrations: worth a try elsewhere."""
    import shutil

    return any(text in error.what for text in _DISK_FAULTS) or shutil.disk_usage(folder).free < _LITTLE_BYTES


_STEPS = 20
_STEP_S = 0.005


def _is_being_deleted(folder: Path) -> bool:
    """Whether somebody deletes the build's *folder*, which must not be blamed on the migrations.

    A database that is not there may be the first file to go, so the lock beside it is given a moment to follow.
    """
    for _ in range(1 if any(folder.rglob("*.sqlite")) else _STEPS):
        if not (folder / "alive").exists():
            return True
        time.sleep(_STEP_S)
    return False


def _known_failure(cache: Cache, key: Key, wishes: Wishes, asked_at: float) -> BuildError | None:
    """Return the failure that makes another try pointless: of this test run, or met while we waited for the lock."""
    if wishes.run is not None:
        return cache.failure(key, wishes.run)
    return cache.failure(key, _NO_RUN, since=asked_at)


def build_and_verify(plan: Plan, folder: Path) -> tuple[Built, Manifest]:
    """Build in the private *folder* and return the file with its record; publishes nothing. Raises BuildError."""
    from templatedb.build.parent import build
    from templatedb.publish import manifest_of
    from templatedb.verify import verify

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
    return built, manifest_of(plan, built, verify(built, plan.settings))


def _build_privately(plan: Plan) -> OpenGolden:
    """Build for this process alone, in a temporary folder; raises CacheError where there is none to write to."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory(prefix="templatedb-build-", ignore_cleanup_errors=True) as folder:
            try:
                built, manifest = build_and_verify(plan, Path(folder))
            except BuildError as error:
                if _blames_the_disk(error, Path(folder)):
                    raise error.at(f"in the temporary folder {folder}", _OTHER_TMPDIR) from error
                raise
            return _keep_privately(manifest, built.path, plan.wishes.notice)
    except OSError as error:
        where = tempfile.tempdir or "any temporary folder"
        raise CacheError(what=f"no private build in {where} either: {words_of(error)}", remedy=_OTHER_TMPDIR) from error


_OTHER_TMPDIR = "Make room there, or set TMPDIR to another folder."


def _keep_privately(manifest: Manifest, path: Path, notice: Callable[[str], None]) -> OpenGolden:
    """Keep the built file for this process: a temporary folder that goes when the process ends."""
    import shutil

    from templatedb import place

    for warning in manifest.warnings:
        notice(warning)
    private = place.temporary_folder("templatedb-private-") / "golden.sqlite"
    shutil.copyfile(path, private)
    private.chmod(0o400)
    descriptor = os.open(private, os.O_RDONLY | os.O_CLOEXEC)
    return OpenGolden(manifest, private, Outcome.PRIVATE, descriptor, Stamp.of(os.fstat(descriptor)))


def _refuse_recursion(environment: Mapping[str, str]) -> None:
    if key := environment.get(BUILDING_VARIABLE):
        raise TemplateDBError(
            what=f"a migration asked for a golden while golden {Key(key).short} was being built",
            remedy="Migrations and seeds must not use templatedb's fixtures or call Template.golden().",
        )
