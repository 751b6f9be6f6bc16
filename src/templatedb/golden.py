"""The story: look, lock, look again, build in a child, verify, publish.

inputs → key ─┬─ manifest and digest match ─────────────────────────► golden
              └─ lock → look again → build → verify → publish ─┘

What only the lower line needs is imported where it is needed: most runs take the upper one, and wait for it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from templatedb.cache import Cache
from templatedb.cache_trust import directory, open_cache
from templatedb.errors import BuildError, CacheError, LockTimeoutError, MissError, TemplateDBError, words_of
from templatedb.migrators import Migrator
from templatedb.plan import OpenGolden, Plan, Wishes
from templatedb.records import Key, Manifest, Outcome
from templatedb.settings import BUILDING_VARIABLE, CACHE_DIR_VARIABLE, Settings

if TYPE_CHECKING:
    from templatedb.lock import Holder

_NO_RUN = "last"
"""Name under which callers outside of a test run remember a failure, for those that wait for the same lock."""


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
    from templatedb.private import build_privately

    return build_privately(plan or Plan.make(migrator, settings, wishes))


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
        plan = first_plan.again(cache) if waited else first_plan
        if (found := look(cache, plan, Outcome.WAITED)) is not None:
            return found
        if (known := _known_failure(cache, plan.key, wishes, asked_at)) is not None:
            raise known
        # Only now: who waited for a colleague needs none of them, and would take the processor from his build.
        from templatedb.damaged import set_manifests_aside
        from templatedb.private import build_and_verify, keep_privately
        from templatedb.prune import prune_after_build
        from templatedb.publish import publish
        from templatedb.reasons import why_not
        from templatedb.spoilt import edited_during, is_being_deleted, is_of_the_disk

        why = why_not(cache, plan)
        for line in set_manifests_aside(cache, key):
            wishes.notice(line)
        with cache.build_folder() as folder:
            try:
                built, manifest = build_and_verify(plan, folder)
            except BuildError as error:
                if is_being_deleted(folder):
                    raise CacheError(
                        what=f"the cache {cache.root} was deleted during a build",
                        remedy="The next run builds the golden again.",
                        path=cache.root,
                    ) from error
                if is_of_the_disk(error, folder):
                    raise CacheError(
                        what=f"the disk of the cache {cache.root} failed: {error.what}",
                        remedy=f"Make room there, or set {CACHE_DIR_VARIABLE} to another folder.",
                        path=cache.root,
                    ) from error
                cache.remember_failure(plan.key, wishes.run or _NO_RUN, error)
                raise
            if edited := edited_during(plan, built):
                wishes.notice(f"{edited} was edited during the build: its result is used by this run only")
                return keep_privately(manifest, built.path, wishes.notice)
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


def _known_failure(cache: Cache, key: Key, wishes: Wishes, asked_at: float) -> BuildError | None:
    """Return the failure that makes another try pointless: of this test run, or met while we waited for the lock."""
    if wishes.run is not None:
        return cache.failure(key, wishes.run)
    return cache.failure(key, _NO_RUN, since=asked_at)


def _refuse_recursion(environment: Mapping[str, str]) -> None:
    if key := environment.get(BUILDING_VARIABLE):
        raise TemplateDBError(
            what=f"a migration asked for a golden while golden {Key(key).short} was being built",
            remedy="Migrations and seeds must not use templatedb's fixtures or call Template.golden().",
        )
