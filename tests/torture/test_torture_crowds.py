"""Many processes at once, damaged files, small filesystems, thousands of clones: the part that every run has."""

import random

import pytest

from torture import clones, corruption, crowds, filesystems, strace
from torture.filesystems import Mounted


def test_builders_killed_at_random_leave_a_miss_or_a_whole_golden(bench):
    """AC-05: four race, some are killed at some moment; the others and the next run are right."""
    soaked = crowds.soak(bench, rounds=3, seed=20)
    assert soaked.wrong == []
    assert soaked.killed


def test_many_cold_processes_build_once(bench):
    """AC-01, 16."""
    found = crowds.stampede(bench, 16)
    assert (found.builds, found.outcomes.get("built"), found.wrong) == (1, 1, [])


@pytest.mark.parametrize("action", ["pass", "ENOLCK", "EOPNOTSUPP"])
def test_with_a_lock_that_does_not_lock_all_are_right(bench, action):
    """AC-27, 60: more builds than one, and no error."""
    assert crowds.stampede(bench, 5, boundary=f"fcntl.flock@1+={action}").wrong == []


@pytest.mark.parametrize("fault", ["os.replace@3", "os.replace@4"])
def test_a_builder_that_is_stopped_keeps_nobody_waiting_and_may_go_on(bench, fault):
    """AC-26, 53: Ctrl-Z in front of the golden's name, and of the manifest's."""
    assert crowds.parked(bench, fault) == []


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("records.py", "MANIFEST_FORMAT = 1\n", "MANIFEST_FORMAT = 1000\n"),
        ("cache.py", 'BUCKET = "v1"', 'BUCKET = "v1000"'),
    ],
    ids=["another format", "another bucket"],
)
def test_two_releases_share_a_cache(bench, module, old, new):
    """AC-20, 61: both right, neither removes what the other wrote."""
    other = crowds.other_release(bench.folder, "release", module, old, new)
    assert crowds.releases(bench, other, rounds=1) == []


def test_every_damage_to_a_golden_is_seen(bench):
    """AC-24: bits, truncations, pages, tails; to SQLite's own checks most of them are sound."""
    found = corruption.detected(bench, corruption.bytes_damaged(random.Random(24), 120))
    assert found == (120, 120, 0, [])


def test_damaged_goldens_and_manifests_are_healed(bench):
    """AC-24, 61, 64: the shapes after a power loss, and each kind of manifest."""
    found = corruption.healed(
        bench, list(corruption.shapes())[::4], list(corruption.manifests(random.Random(1), 1))[::4]
    )
    assert (found.wrong, found.mended) == ([], found.tried)


CHOSEN = [
    Mounted("cache", "size=4k"),
    Mounted("cache", "size=28k"),
    Mounted("cache", "nr_inodes=15"),
    Mounted("cache", "ro"),
    Mounted("cache", "ro", is_warm=True),
    Mounted("tmp", "size=4k"),
    Mounted("tmp", "nr_inodes=2"),
    Mounted("tmp", "ro"),
]


def test_a_filesystem_without_room_costs_a_private_build_or_a_message(bench, userns_lane):
    """AC-13, 14, 45, 59: small, without names, read-only; under the cache and under the temporary folder."""
    assert [result.wrong for result in filesystems.run(bench, CHOSEN) if result.wrong] == []


def test_a_private_build_without_room_names_the_temporary_folder(bench, userns_lane):
    """AC-14: the cache cannot be used and the other disk is full: the user must learn which, and not "disk full" alone."""
    for size_kib in (8, 16, 20, 24, 32):
        cell = bench.cell()
        (cell / "cache").touch()
        answer = bench.run(cell, wrap=filesystems.mounting(cell / "tmp", f"size={size_kib}k"))
        if not answer.outcome:
            assert answer.error in ("BuildError", "CacheError", "CloneError"), answer
            assert "Make room " in answer.says, answer
            assert f"{cell}/tmp" in answer.says, answer
        assert size_kib > 8 or answer.error


def test_without_room_for_any_folder_the_message_names_where(bench):
    """The cache's folder is as full as the temporary one."""
    cell = bench.cell()
    answer = bench.run(cell, boundary="os.mkdir@1+=ENOSPC")
    assert answer.error == "CacheError"
    assert answer.says.startswith(f"no private build in {cell}/tmp either: No space left on device: {cell}/tmp/")


def test_without_room_for_clones_the_message_names_where(bench):
    """A bare OSError would be a traceback of ours in every test."""
    cell = bench.cell()
    bench.database(cell)
    made = bench.run(cell, boundary="count").calls["os.mkdir"]
    answer = bench.run(cell, boundary=f"os.mkdir@{made}=ENOSPC")
    assert answer.error == "CloneError"
    assert answer.says.startswith(f"no folder for databases could be made: No space left on device: {cell}/tmp/")


def test_a_hit_on_a_baked_cache_changes_nothing_in_it(bench, strace_lane, tmp_path):
    """AC-59: what cannot be changed is not tried; folders are asked for, and are there."""
    cell, log = bench.cell(), tmp_path / "hit.log"
    bench.database(cell)
    (cell / "cache/v1/stamps").chmod(0o500)
    bench.run(cell, wrap=strace.command(log, strace.MUTATING))
    inside = [call for call in strace.calls(log, cell / "cache") if call.is_inside]
    # A lock that says "in use" changes nothing either.
    assert {(call.name, call.result) for call in inside} == {("mkdir", "-1"), ("flock", "0")}


def test_descriptors_memory_and_disk_do_not_grow_with_the_number_of_clones(bench):
    """AC-11, 47: the same after a few hundred as after a hundred, and nothing is left."""
    assert clones.grown(*clones.in_a_loop(bench, 250)) == []
    assert clones.grown(*clones.in_a_session(bench, 250)) == []
    assert clones.left_behind(bench) == []
