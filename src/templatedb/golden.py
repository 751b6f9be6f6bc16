"""The story: look, lock, look again, build in a child, verify, publish.

inputs → key ─┬─ manifest and digest match ─────────────────────────► golden
              └─ lock → look again → build → verify → publish ─┘
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from templatedb import discovered, lock, place
from templatedb.build.parent import BUILDING_VARIABLE, OnProgress, build
from templatedb.cache import Cache, digest_of, directory, open_cache, open_trusted
from templatedb.errors import BuildError, CacheError, LockTimeoutError, MissError, TemplateDBError
from templatedb.inputs import Input
from templatedb.key import declared, differences, key_of, summary_of
from templatedb.migrators import Migrator
from templatedb.publish import manifest_of, publish
from templatedb.records import Key, Manifest, Outcome
from templatedb.settings import Settings
from templatedb.verify import verify

_NO_RUN = "last"
"""Name under which callers outside of a test run remember a failure, for those that wait for the same lock."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How one caller wants its golden."""

    not_before: float = 0.0
    """Refuse goldens built before this moment: ``--rebuild`` (seconds since the epoch)."""
    require_hit: bool = False
    """Raise MissError instead of building."""
    run: str | None = None
    """Name of the test run, which tries a failing build once; None: only callers that waited share a failure."""
    debug: bool = False
    on_progress: OnProgress = lambda progress, elapsed_s: None
    notice: Callable[[str], None] = lambda line: None
    """Called with each line that the user should see: a cache problem, a wait, a warning of the build."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=lambda: os.environ)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be built, settled before the first look."""

    migrator: Migrator
    settings: Settings
    inputs: list[Input]
    key: Key
    wishes: Wishes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OpenGolden:
    """A verified golden, held open: neither a prune nor a replaced file can change what its clones get."""

    manifest: Manifest
    path: Path
    outcome: Outcome
    descriptor: int
    reason: str = ""
    """Why it was built; empty for a hit and for the first build of a project."""


def open_golden(migrator: Migrator, settings: Settings, wishes: Wishes) -> OpenGolden:
    """Return the golden of *migrator*, building and publishing it if there is none.

    Right from any number of threads and processes at once. Raises BuildError when the migrations fail, MissError,
    SettingsError and InputsError; a problem with the cache costs a private build and a notice, unless the settings
    are strict: then CacheError or LockTimeoutError.
    """
    _refuse_recursion(wishes.environment)
    inputs = declared(migrator, settings, wishes.environment)
    key = key_of(inputs)
    plan = Plan(migrator=migrator, settings=settings, inputs=inputs, key=key, wishes=wishes)
    try:
        cache = open_cache(directory(settings, wishes.environment))
        if (found := look(cache, plan)) is not None:
            return found
        if wishes.require_hit:
            raise MissError(
                what=f"no golden for key {key} in {cache.root}",
                remedy="Run templatedb build first, or restore the cache under this key.",
                key=key,
            )
        return _build_under_lock(cache, plan)
    except (CacheError, LockTimeoutError, OSError) as error:
        if settings.strict or wishes.require_hit:
            raise (
                error if isinstance(error, TemplateDBError) else CacheError(what=f"the cache failed: {error}")
            ) from error
        reason = error.line if isinstance(error, TemplateDBError) else f"the cache failed: {error}"
        wishes.notice(f"building privately, this run pays for it alone: {reason}")
    return _build_privately(plan)


def look(cache: Cache, plan: Plan, outcome: Outcome = Outcome.HIT) -> OpenGolden | None:
    """Return the newest golden of the plan's key that nothing speaks against, or None. Writes nothing."""
    for manifest in cache.manifests(plan.key):
        if manifest.built_at < plan.wishes.not_before:
            continue
        if not discovered.is_unchanged(manifest.discovered, plan.settings):
            continue
        path = cache.golden_path(manifest.digest)
        if (descriptor := open_trusted(path)) is None:
            continue
        # The digest is the proof: an empty file and a truncated one pass SQLite's own checks.
        if os.fstat(descriptor).st_size == manifest.size_bytes and digest_of(descriptor) == manifest.digest:
            for warning in manifest.warnings:
                plan.wishes.notice(warning)
            return _opened(manifest, path, outcome, descriptor)
        os.close(descriptor)
        plan.wishes.notice(f"the golden {path} is damaged and is passed over")
    return None


def _build_under_lock(cache: Cache, plan: Plan) -> OpenGolden:
    key, wishes, asked_at = plan.key, plan.wishes, time.time()

    def on_wait(holder: lock.Holder | None) -> None:
        if holder is None or holder.run != wishes.run:  # colleagues of one run know what they wait for
            wishes.notice(f"waiting for {holder or 'another process'}, which builds golden {key.short}")

    timeout_s = plan.settings.lock_timeout_s
    with lock.hold(cache.lock_path(key), timeout_s=timeout_s, run=wishes.run or "", on_wait=on_wait):
        if (found := look(cache, plan, Outcome.WAITED)) is not None:
            return found
        if (known := _known_failure(cache, key, wishes, asked_at)) is not None:
            raise known
        with cache.build_folder() as folder:
            try:
                manifest, path = _build_and_verify(plan, folder)
            except BuildError as error:
                if _blames_the_disk(error, folder):
                    raise CacheError(what=f"the cache's disk failed: {error.what}", path=cache.root) from error
                cache.remember_failure(key, wishes.run or _NO_RUN, error)
                raise
            if key_of(declared(plan.migrator, plan.settings, wishes.environment)) != key:
                wishes.notice("an input was edited during the build: its result is used by this run only")
                return _keep_privately(manifest, path, wishes.notice)
            reason = _reason(cache, plan)
            publish(cache, manifest, path)
        cache.sweep()
    published = look(cache, plan, Outcome.BUILT)
    if published is None:
        raise CacheError(
            what=f"the golden just published is not there any more, or a folder of revisions that it was built from"
            f" changed meanwhile: {cache.golden_path(manifest.digest)}"
        )
    return dataclasses.replace(published, reason=reason)


def _reason(cache: Cache, plan: Plan) -> str:
    """Say what differs from the last golden of this project; empty when there was none."""
    project = str(plan.settings.root)
    earlier = [one for key in cache.known_keys() for one in cache.manifests(key) if one.project == project]
    if not earlier:
        return ""
    return differences(max(earlier, key=lambda one: one.built_at).inputs, summary_of(plan.inputs, plan.settings.root))


_DISK_FAULTS = ("database or disk is full", "disk I/O error", "unable to open database file", "No space left on device")
_LITTLE_BYTES = 1_000_000


def _blames_the_disk(error: BuildError, folder: Path) -> bool:
    """Whether a build failed for the place it was made in, not for the migrations: worth a try elsewhere."""
    return any(text in error.what for text in _DISK_FAULTS) or shutil.disk_usage(folder).free < _LITTLE_BYTES


def _known_failure(cache: Cache, key: Key, wishes: Wishes, asked_at: float) -> BuildError | None:
    """Return the failure that makes another try pointless: of this test run, or met while we waited for the lock."""
    if wishes.run is not None:
        return cache.failure(key, wishes.run)
    return cache.failure(key, _NO_RUN, since=asked_at)


def _build_and_verify(plan: Plan, folder: Path) -> tuple[Manifest, Path]:
    built = build(
        plan.migrator,
        plan.settings,
        plan.key,
        folder,
        on_progress=plan.wishes.on_progress,
        environment=plan.wishes.environment,
        debug=plan.wishes.debug,
    )
    verified = verify(built, plan.migrator, plan.settings)
    return manifest_of(plan.key, built, verified, plan.inputs, plan.settings), built.path


def _build_privately(plan: Plan) -> OpenGolden:
    """Build for this process alone, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="templatedb-build-", ignore_cleanup_errors=True) as folder:
        return _keep_privately(*_build_and_verify(plan, Path(folder)), plan.wishes.notice)


def _keep_privately(manifest: Manifest, path: Path, notice: Callable[[str], None]) -> OpenGolden:
    """Keep the built file for this process: a temporary folder that goes when the process ends."""
    for warning in manifest.warnings:
        notice(warning)
    private = place.temporary_folder("templatedb-private-") / "golden.sqlite"
    shutil.copyfile(path, private)
    private.chmod(0o400)
    return _opened(manifest, private, Outcome.PRIVATE, os.open(private, os.O_RDONLY | os.O_CLOEXEC))


def _opened(manifest: Manifest, path: Path, outcome: Outcome, descriptor: int) -> OpenGolden:
    return OpenGolden(manifest=manifest, path=path, outcome=outcome, descriptor=descriptor)


def _refuse_recursion(environment: Mapping[str, str]) -> None:
    if key := environment.get(BUILDING_VARIABLE):
        raise TemplateDBError(
            what=f"a migration asked for a golden while golden {Key(key).short} was being built",
            remedy="Migrations and seeds must not use templatedb's fixtures or call Template.golden().",
        )
