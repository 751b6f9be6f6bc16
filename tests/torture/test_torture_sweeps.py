"""A part of the sweeps, so that every run of the suite has some: `make torture` takes all calls and all faults."""

import pytest

from torture import lanes, portable, strace, sweep
from torture.scenarios import prepare
from torture.sweep import Side

PUBLISHING = ("fsync", "rename")


def broken(results):
    return [result.wrong for result in results if result.wrong]


@pytest.mark.parametrize("name", ["cold build", "recovery after a kill"])
def test_killed_at_any_system_call_the_next_run_is_right(bench, strace_lane, name):
    """AC-05, 09, 67: a miss or a whole golden, also where the killed run was mending what an earlier one left."""
    scenario = prepare(bench, name)
    calls = sweep.calls_of(bench, scenario, Side.PARENT)
    chosen = list(sweep.points(scenario, Side.PARENT, calls, sweep.KILL))
    results = sweep.inject(bench, chosen[::12])
    assert broken(results) == []
    assert sum(result.hit for result in results) >= 5


def test_a_killed_build_is_told_and_the_next_run_is_right(bench, strace_lane):
    """AC-36: the process of the build alone, as by the kernel when memory runs out."""
    scenario = prepare(bench, "cold build")
    calls = sweep.calls_of(bench, scenario, Side.BUILD)
    results = sweep.inject(bench, list(sweep.points(scenario, Side.BUILD, calls, sweep.KILL))[::5])
    assert broken(results) == []
    assert any(result.hit for result in results)


@pytest.mark.parametrize("name", ["cold build", "warm hit", "clone"])
def test_a_failing_system_call_costs_a_private_build_or_a_message_that_names_the_place(bench, strace_lane, name):
    """AC-14, 46, 65: no space, no quota, read-only, damaged, refused; once and from then on."""
    scenario = prepare(bench, name)
    calls = sweep.calls_of(bench, scenario, Side.PARENT)
    chosen = list(sweep.points(scenario, Side.PARENT, calls, sweep.ERRORS))
    results = sweep.inject(bench, chosen[:: 61 if scenario.builds else 31])
    assert broken(results) == []
    assert sum(result.hit for result in results) >= 5


def test_a_write_that_is_lost_during_a_build_is_never_published(bench, strace_lane):
    """AC-66: success reported, nothing written; the digest would bless it, integrity_check does not."""
    scenario = prepare(bench, "cold build")
    calls = sweep.calls_of(bench, scenario, Side.BUILD)
    results = sweep.inject(bench, list(sweep.points(scenario, Side.BUILD, calls, sweep.LOST))[-3:])
    assert broken(results) == []
    assert any(result.hit and not result.was_green for result in results)


def test_a_journal_that_cannot_be_removed_does_not_empty_the_first_clone(bench, strace_lane):
    """The empty file of a new place says "no pages" in its journal: nobody may play that back later."""
    scenario = prepare(bench, "clone")
    calls = sweep.calls_of(bench, scenario, Side.PARENT, ("unlink",))
    faults = (strace.Fault("EIO"), strace.Fault("EIO", onward=True))
    results = sweep.inject(bench, list(sweep.points(scenario, Side.PARENT, calls, faults)))
    assert broken(results) == []
    assert any(result.hit for result in results)


def test_what_is_published_is_on_disk_before_its_name_is(bench, strace_lane, tmp_path):
    """AC-64: bytes of the golden, its name, bytes of the manifest, its name, the folder."""
    cell, log = bench.cell(), tmp_path / "order.log"
    bench.run(cell, wrap=strace.command(log, PUBLISHING))
    steps = [
        (call.name, kind)
        for call in strace.calls(log, cell)
        if (kind := kind_of(call.text)) and "/stamps/" not in call.text
    ]
    assert steps == [
        ("fsync", "golden"),
        ("rename", "golden"),
        ("fsync", "folder of goldens"),
        ("fsync", "manifest"),
        ("rename", "manifest"),
        ("fsync", "folder of manifests"),
    ]


def kind_of(line):
    if "build.sqlite" in line:
        return "golden"
    if "/v1/goldens>" in line:
        return "folder of goldens"
    if "/v1/manifests/" in line:
        return "manifest" if ".new-" in line else "folder of manifests"
    return ""


def test_the_calls_of_os_fail_or_kill_without_strace(bench):
    """The same on every platform: each function in its turn, once and from then on."""
    faults = portable.faults(bench)
    results = portable.inject(bench, faults[::97])
    assert [result.wrong for result in results if result.wrong] == []
    assert len(results) >= 5


def test_bytes_that_cannot_be_synced_are_not_published_and_a_folder_may_be(bench):
    """AC-65: the third fsync is the golden's, the fourth its folder's, the fifth the manifest's, the sixth its folder's."""
    found = {}
    for number in (3, 4, 5, 6):
        cell = bench.cell()
        answer = bench.run(cell, boundary=f"os.fsync@{number}=EIO")
        found[number] = answer.outcome, len(list(cell.glob("cache/v1/manifests/*/*.json")))
    assert found == {3: ("private", 0), 4: ("built", 1), 5: ("private", 0), 6: ("built", 1)}


def test_a_lane_that_must_run_is_not_left_out(monkeypatch):
    """CI names its lanes: a machine that lost strace must not turn green for it."""
    monkeypatch.setattr(lanes, "reason_against", lambda lane: "strace is not installed")
    monkeypatch.delenv(lanes.VARIABLE, raising=False)
    assert lanes.leave_out("strace") == "strace is not installed"
    monkeypatch.setenv(lanes.VARIABLE, "userns, strace")
    with pytest.raises(lanes.LeftOutError, match="names strace, which cannot run here: strace is not installed"):
        lanes.leave_out("strace")
