"""How often a golden was used is counted for people: it costs no run anything, and no run needs it."""

import fcntl
import json
import os
import re
import threading
import time

import pytest

from projects import alembic_project, revision, run, write
from templatedb.cache_trust import open_cache
from templatedb.cli import main
from templatedb.limits import Limits
from templatedb.prune import prune
from templatedb.records import Key
from templatedb.uses import Use, Uses

KEY = Key("templatedb1-" + "0" * 64)


@pytest.fixture
def golden(cache):
    return open_cache(cache).golden_path("a" * 64)


def note(golden, run, *, is_hit=True, clones=0, saved_s=0.0) -> Uses:
    use = Use(golden, KEY, is_hit=is_hit)
    use.clones, use.saved_s = clones, saved_s
    use.note(run)
    return Uses.of(golden, KEY)


def test_clones_and_seconds_are_added_and_workers_of_one_run_are_one_hit(golden):
    """A run that built it is none."""
    assert Uses.of(golden, KEY) == Uses()
    assert note(golden, "first", is_hit=False, clones=3, saved_s=-0.5) == Uses(0, 3, -0.5, "first")
    assert note(golden, "second", clones=4, saved_s=1.5) == Uses(1, 7, 1.0, "second")
    assert note(golden, "second", clones=5, saved_s=2.0) == Uses(1, 12, 3.0, "second")
    assert note(golden, "third") == Uses(2, 12, 3.0, "third")


def test_one_golden_of_two_keys_is_counted_for_each(golden):
    """An edited comment leads to the same bytes."""
    note(golden, "one", clones=3)
    assert Uses.of(golden, Key("templatedb1-" + "1" * 64)) == Uses()


def test_many_at_once_do_not_mix_their_counts(golden):
    """Each holds the lock for microseconds; one that finds it held again and again adds nothing."""
    threads = [threading.Thread(target=note, args=(golden, f"run {n}"), kwargs={"clones": 1}) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    uses = Uses.of(golden, KEY)
    assert 1 <= uses.hits == uses.clones <= 16


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"hits": "many"}', b"\xff\xfe"])
def test_damaged_counts_begin_anew(golden, data):
    """They are for people."""
    note(golden, "one", clones=3)
    (path,) = (golden.parents[1] / "uses").iterdir()
    path.write_bytes(data)
    assert Uses.of(golden, KEY) == Uses()
    assert note(golden, "two", clones=4) == Uses(1, 4, 0.0, "two")


def test_who_holds_the_counts_is_not_waited_for(golden):
    """A stopped process must not hold up anybody."""
    note(golden, "one")
    (path,) = (golden.parents[1] / "uses").iterdir()
    with open(path, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert note(golden, "two").last_run == "one"


def test_a_link_in_place_of_the_counts_is_not_written_through(golden, tmp_path):
    """Whoever put it there."""
    note(golden, "one")
    (path,) = (golden.parents[1] / "uses").iterdir()
    precious = write(tmp_path / "precious", "text")
    path.unlink()
    path.symlink_to(precious)
    note(golden, "two")
    assert precious.read_text() == "text"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_cache_that_cannot_be_written_counts_nothing(golden):
    """As in an image."""
    folder = golden.parents[1]
    folder.chmod(0o500)
    try:
        assert note(golden, "one") == Uses()
    finally:
        folder.chmod(0o700)


def test_counts_go_with_their_golden(golden, cache):
    """Not at once: it may be on its way."""
    note(golden, "one")
    (path,) = (golden.parents[1] / "uses").iterdir()
    limits, now = Limits(age_s=30 * 86400.0, size_bytes=2_000_000_000), path.stat().st_mtime
    prune(open_cache(cache), limits, now=now + 60)
    assert path.exists()
    report = prune(open_cache(cache), limits, now=now + 3600)
    assert [(one.kind, one.why) for one in report.removed] == [("counts of uses", "its golden is missing")]
    assert not path.exists()


def test_runs_of_pytest_are_counted_also_with_workers(project, cache, capsys):
    """Cold: no hit. Warm, alone and with two workers: a hit each."""
    alembic_project(project)
    write(
        project / "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(clone, n): pass\n"
    )
    for words in ((), (), ("-n", "2")):
        assert run("pytest", "-p", "no:randomly", *words, cwd=project).returncode == 0
    assert main(["status", "--json"]) == 0
    (golden,) = json.loads(capsys.readouterr().out)["goldens"]
    assert (golden["hits"], golden["clones"], golden["state"]) == (2, 18, "current")
    assert golden["saved_s"] > -golden["duration_s"]
    assert main(["status"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 golden, 20 kB of 2.0 GB, 2 hits")


def test_the_last_use_of_status_is_the_last_run(project, cache, capsys):
    """Not the last time that the golden was dated, which is done once an hour."""
    alembic_project(project, revisions={"r1.py": revision(1)})
    write(project / "test_it.py", "def test_it(clone): pass\n")
    run("pytest", "-q", cwd=project)
    began = time.time()
    run("pytest", "-q", cwd=project)
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    (golden,) = json.loads(capsys.readouterr().out)["goldens"]
    assert golden["hits"] == 1
    assert golden["built_at"] < began <= golden["used_at"]


def test_the_seconds_of_status_are_those_of_all_runs_and_each_says_of_what(project, cache, capsys):
    """One run in pytest's summary, all runs so far in the command: one meaning, added up."""
    alembic_project(project, revisions={"r1.py": revision(1, "import time\ntime.sleep(0.2)")})
    write(
        project / "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_it(clone, n): pass\n"
    )
    main(["build"])
    saved = []
    for words in ((), ("-n", "2")):
        said = run("pytest", *words, cwd=project).stdout
        saved += re.findall(r"; saved about ([\d.]+) s of migrating in this run\n", said)
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    (golden,) = json.loads(capsys.readouterr().out)["goldens"]
    assert golden["saved_s"] == pytest.approx(sum(map(float, saved)), abs=0.02)
    assert len(saved) == 2
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[-4:] == ["saved", "so", "far", "state"]
    assert re.search(r" 2 hits; saved about [\d.]+ s of migrating so far$", lines[-1])
