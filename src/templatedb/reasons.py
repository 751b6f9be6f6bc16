"""Why a golden is none any more: which file, setting, version or variable changed, appeared or went."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping

from templatedb import discovered
from templatedb.cache import Cache
from templatedb.damaged import was_set_aside
from templatedb.discovered import Entry, Kind
from templatedb.inputs import environment_variable
from templatedb.plan import LABELS, Plan
from templatedb.records import Manifest

_COMPARED_MANIFESTS = 20
"""How many of a project's newest goldens are compared with to find the nearest one."""
_NEAR_REASONS = 5
"""With more differences, the golden of another folder is taken for that of another project; so it is with no more
unchanged files than differences: two small projects share what `alembic init` has written for both."""


_PARTS_OF_SETTINGS = {"setting drift": "setting models"}
"""Settings that count only with another one, which is the one that was written or taken out."""
_VERSIONS = re.compile(r"\S+ changed \(.+, now .+\)")


@dataclasses.dataclass(frozen=True, slots=True)
class Why:
    """Why there is no golden for a plan."""

    reasons: tuple[str, ...]
    """One line each; empty when the project had no golden before."""
    since: Manifest | None
    """The golden that they compare with: of this project, the one with the fewest differences, then the newest."""

    @property
    def is_of_versions_only(self) -> bool:
        """Whether nothing of the project itself differs."""
        return bool(self.reasons) and all(_VERSIONS.fullmatch(reason) for reason in self.reasons)

    def __str__(self) -> str:
        """Return the first reason and how many more there are; empty when there is none."""
        more = f" and {len(self.reasons) - 1} more" if len(self.reasons) > 1 else ""
        return self.reasons[0] + more if self.reasons else ""


def why_not(cache: Cache, plan: Plan) -> Why:
    """Return why no golden in *cache* serves *plan*, by comparing with the goldens that this project had."""
    project = str(plan.settings.root)
    every = [one for key in cache.known_keys() for one in cache.manifests(key)]
    own = [one for one in every if one.project == project or one.key == plan.key]
    compared = list(_compared(cache, plan, own))
    if not compared:  # another checkout's, if it is near enough to be one of this project
        compared = [why for why in _compared(cache, plan, every) if _is_near(why, plan)]
    return min(compared, key=lambda why: len(why.reasons), default=Why((), None))


def _is_near(why: Why, plan: Plan) -> bool:
    if why.since is None or len(why.reasons) > _NEAR_REASONS:
        return False
    unchanged = plan.summary().items() & why.since.inputs.items()
    return sum(not _is_labelled(name) for name, _ in unchanged) > len(why.reasons)


def _compared(cache: Cache, plan: Plan, manifests: list[Manifest]) -> Iterator[Why]:
    """Yield how *plan* differs from the newest of *manifests*; with no reasons when only a wish speaks against one."""
    for manifest in sorted(manifests, key=lambda one: one.built_at, reverse=True)[:_COMPARED_MANIFESTS]:
        yield Why(why_stale(cache, plan, manifest), manifest)


def why_stale(cache: Cache, plan: Plan, manifest: Manifest) -> tuple[str, ...]:
    """Return what speaks against using the golden of *manifest* for *plan*, one line each; empty for nothing."""
    return tuple(dict.fromkeys(_differences(cache, plan, manifest)))


def _differences(cache: Cache, plan: Plan, manifest: Manifest) -> Iterator[str]:
    yield from of_inputs(manifest, plan)
    for entry in plan.now.changed(manifest.discovered):
        yield from _of_entry(entry, manifest.discovered.get(entry.label, ""))
    if manifest.key == plan.key:
        if plan.is_too_old(manifest):
            yield f"older than max_age ({_period(plan.settings.max_age_s or 0)})"
        if not cache.is_sound(manifest):
            path = cache.golden_path(manifest.digest)
            is_damaged = path.exists() or was_set_aside(cache, path, manifest.built_at)
            yield f"the file of the golden is {'damaged' if is_damaged else 'gone'}"


def of_inputs(manifest: Manifest, plan: Plan) -> list[str]:
    """Return how the declared inputs of *plan* differ from those of *manifest*, in words."""
    before, after = dict(manifest.inputs), plan.summary()
    for name, whole in _PARTS_OF_SETTINGS.items():
        if (name in before) != (name in after) and before.get(whole) != after.get(whole):
            before.pop(name, None)
            after.pop(name, None)
    gone = {name: digest for name, digest in before.items() if name not in after}
    told = []
    for name, digest in after.items():
        if name in before:
            if digest != before[name]:
                told.append(_changed(name, digest, before[name], manifest.versions, plan))
        elif (old := next((one for one in gone if gone[one] == digest and not _is_labelled(one)), None)) is not None:
            del gone[old]
            told.append(f"{old} renamed to {name}")
        else:
            told.append(_added(name, digest, manifest))
    return told + [_gone(name, plan) for name in gone]


def _added(name: str, digest: str, manifest: Manifest) -> str:
    if name.startswith("environment variable "):
        return f"{name} is an input now"
    was_discovered = manifest.discovered.get(f"{Kind.FILE} {name}", "").startswith(digest)
    return f"{name} is a declared input now" if was_discovered else f"{name} added"


def _gone(name: str, plan: Plan) -> str:
    is_there = name.startswith("environment variable ") or (not _is_labelled(name) and plan.now.is_there(name))
    return f"{name} is no declared input any more" if is_there else f"{name} removed"


def _period(seconds: float) -> str:
    """Return such as ``12 h``, in the largest unit that makes it a whole number."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:g} s"


def _is_labelled(name: str) -> bool:
    return name.startswith(tuple(f"{label} " for label in LABELS.values()))


def _changed(name: str, after: str, before: str, versions: Mapping[str, str], plan: Plan) -> str:
    label, _, rest = name.rpartition(" ")
    if label == "version":
        now = next((piece.value for piece in plan.inputs if piece.label == "version" and piece.name == rest), "")
        return f"{rest} changed ({versions.get(rest, 'unknown')}, now {now})"
    if label == "environment variable":
        unset = environment_variable(rest, None).digest[:16]
        return (
            f"{name} is set now"
            if before == unset
            else f"{name} is not set any more"
            if after == unset
            else f"{name} changed"
        )
    return f"{name} changed"


def _of_entry(entry: Entry, before: str) -> Iterable[str]:
    """Return the words for a discovered input that is not what it was *before*."""
    name, now = entry.name, entry.value
    if entry.kind == Kind.VERSION:
        old, new = before.partition(" ")[0], now.partition(" ")[0]
        return [f"{name} changed ({old}, now {'with other files' if old == new else new})"]
    if entry.kind == Kind.CONVENTION:
        return [f"the naming convention in {name} changed"]
    if entry.kind in (Kind.FOLDER, Kind.GLOB):
        return discovered.differences_of_names(entry, before)
    if entry.kind == Kind.ABSENT:
        return [f"{name} added"]
    return [f"{name} changed" if now and entry.kind == Kind.FILE else f"{name} removed"]
