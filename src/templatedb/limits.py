"""What has to go from a cache: decided from what stands in it, without a look at the disk."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from templatedb.inventory import Group, Inventory, Record
from templatedb.leftovers import GRACE_S, File, Why
from templatedb.settings import Settings


class Limits(NamedTuple):
    """What may stay in a cache: goldens of so many bytes, none of them unused for so long."""

    size_bytes: int
    age_s: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return those of the *settings*."""
        return cls(settings.cache_size_bytes, settings.cache_max_age_s)


NOTHING_STAYS = Limits(size_bytes=0, age_s=0.0)


class Doomed(NamedTuple):
    """Manifests that go, and with the last of them their golden."""

    group: Group
    records: tuple[Record, ...]
    takes_golden: bool
    why: Why


def doomed_groups(inventory: Inventory, limits: Limits, keep: Collection[str], now: float) -> Iterator[Doomed]:
    """Yield what has to go: the broken, the old, then what does not fit; of each what was used least recently first.

    What fits is decided like a queue: once one golden does not, none that was used before it does.
    """
    why_old = Why.UNWANTED if limits == NOTHING_STAYS else Why.UNUSED
    old: list[Doomed] = []
    left: list[Group] = []
    for group in inventory.groups:
        golden, shared = group.golden, group.digest in inventory.named_elsewhere
        if group.digest in keep:
            left.append(group)
        elif golden is None or any(record.golden_bytes != golden.size_bytes for record in group.records):
            why = Why.MISSING if golden is None else Why.WRONG_SIZE
            yield Doomed(group, group.records, golden is not None and not shared, why)
        elif not group.records:
            if not shared and inventory.is_whole and not _may_be_named(golden, inventory, limits, now):
                yield Doomed(group, (), takes_golden=True, why=Why.UNNAMED)
        else:
            aged = tuple(one for one in group.records if max(0.0, now - one.file.modified_at) >= limits.age_s)
            is_all = len(aged) == len(group.records)
            if aged:
                old.append(Doomed(group, aged, is_all and not shared, why_old))
            if not is_all and not shared:
                left.append(group)
    yield from sorted(old, key=lambda one: one.group.used_at(now))
    over = []
    room_bytes = limits.size_bytes
    for group in sorted(left, key=lambda one: (one.used_at(now), one.digest), reverse=True):
        room_bytes -= group.golden.size_bytes if group.golden is not None else 0
        if room_bytes < 0 and group.digest not in keep:
            over.append(Doomed(group, group.records, takes_golden=True, why=Why.OVER_SIZE))
    yield from reversed(over)


def _may_be_named(golden: File, inventory: Inventory, limits: Limits, now: float) -> bool:
    """Whether a golden that no manifest names may just have been put there, with its manifest to follow."""
    age_s = now - golden.changed_at
    if inventory.has_builders:
        return age_s < GRACE_S
    return abs(age_s) < GRACE_S and limits != NOTHING_STAYS  # no builder: only a copy of a whole cache may be arriving
