"""Prune removes what is old, too much, broken or left behind; nobody who uses the cache is hurt by it."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects import alembic_project, builds_in, revision, write
from templatedb import lock, place
from templatedb.cache import Cache
from templatedb.cache_trust import open_cache
from templatedb.cli import main
from templatedb.errors import CacheError
from templatedb.files import write_atomically
from templatedb.leftovers import Kind, Why
from templatedb.limits import NOTHING_STAYS, Limits
from templatedb.plan import Wishes
from templatedb.prune import Doing, prune, prune_after_build
from templatedb.records import Key, Manifest, Outcome
from templatedb.settings import Settings
from templatedb.template import load

DAY_S = 86400.0
ROOMY = Limits(size_bytes=2_000_000_000, age_s=30 * DAY_S)
LOCKLESS = (errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS, errno.EBADF)


@pytest.fixture
def opened(cache) -> Cache:
    return open_cache(cache)


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch) -> Path:
    """Storage in memory that only this test has: what other runs left there is not counted."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(place, "MEMORY", folder)
    return folder


def key(number: int) -> Key:
    return Key(f"{Key.PREFIX}{number:064x}")


def put(cache: Cache, number: int, *, unused_s: float = 0.0, size: int = 1000, content: int | None = None) -> Manifest:
    """Put a sound golden of that size and its manifest into the cache, last used so many seconds ago."""
    data = (number if content is None else content).to_bytes(4).ljust(size, b"x")
    manifest = Manifest(
        key=key(number), digest=hashlib.sha256(data).hexdigest(), size_bytes=len(data), built_at=0.0, duration_s=0.0,
        migration_s=0.0, revisions=1, heads=(), journal_mode="delete", versions={}, discovered={}, inputs={},
    )  # fmt: skip
    write_atomically(cache.golden_path(manifest.digest), data, mode=0o400)
    cache.manifest_folder(manifest.key).mkdir(exist_ok=True)
    write_atomically(manifest_path(cache, number), manifest.to_json())
    date(manifest_path(cache, number), -unused_s)
    return manifest


def manifest_path(cache: Cache, number: int) -> Path:
    return cache.manifest_folder(key(number)) / "1.json"


def date(path: Path, seconds: float) -> None:
    """Date a file so many seconds after the present."""
    os.utime(path, (time.time() + seconds, time.time() + seconds))


def numbers(cache: Cache) -> set[int]:
    """Return the numbers of the goldens that can still be had."""
    found = [one for known in cache.known_keys() for one in cache.manifests(known) if cache.is_sound(one)]
    return {int(one.key.removeprefix(Key.PREFIX), 16) for one in found}


def told(report) -> set[tuple[str, str, str]]:
    """Return what a report says was removed, by the names of the files."""
    return {(one.kind.value, one.file.path.name, one.why.value) for one in report.removed}


def names(cache: Cache, folder: str) -> list[str]:
    return sorted(os.listdir(cache.folder(folder)))


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@contextlib.contextmanager
def in_use(cache: Cache, manifest: Manifest):
    """Hold a golden as a test run does."""
    descriptor, _ = cache.open_sound(manifest)
    try:
        yield
    finally:
        os.close(descriptor)


@pytest.fixture
def no_locks(monkeypatch):
    """Make every file refuse to be locked, with that error."""

    def refuse_with(number):
        def refuse(descriptor, operation):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", refuse)

    return refuse_with


# What is old, and what is too much


def test_what_was_not_used_for_long_goes_and_the_rest_stays(opened):
    """Manifest and golden, and the folder of the key; never its lock file."""
    old, new = put(opened, 1, unused_s=31 * DAY_S), put(opened, 2, unused_s=29 * DAY_S)
    with lock.hold(opened.lock_path(old.key), timeout_s=1):
        pass
    report = prune(opened, ROOMY)
    (removed,) = report.removed
    assert (removed.kind, removed.file.path, removed.why, removed.keys) == (
        Kind.GOLDEN, opened.golden_path(old.digest), Why.UNUSED, (old.key,),
    )  # fmt: skip
    assert removed.unused_s == pytest.approx(31 * DAY_S, abs=60)
    assert (report.in_use, report.kept, report.kept_bytes, report.faults) == (0, 1, 1000, ())
    assert names(opened, "goldens") == [f"{new.digest}.sqlite"]
    assert names(opened, "manifests") == [new.key]
    assert f"{old.key}.lock" in names(opened, "locks")


def test_of_two_hundred_goldens_those_used_least_recently_go_and_the_cap_holds(opened):
    """AC-44. In-use ones stay besides, however long they were not used."""
    put_there = {number: put(opened, number, unused_s=number * 60.0) for number in range(1, 201)}
    with in_use(opened, put_there[150]), in_use(opened, put_there[200]), in_use(opened, put_there[3]):
        report = prune(opened, Limits(size_bytes=50_999, age_s=30 * DAY_S))
    assert numbers(opened) == {*range(1, 51), 150, 200}
    assert (len(report.removed), report.in_use, report.kept, report.kept_bytes) == (148, 2, 52, 52_000)
    assert {one.why for one in report.removed} == {Why.OVER_SIZE}
    assert len(names(opened, "goldens")) == 52
    assert len(names(opened, "manifests")) == 52


GOLDENS = st.lists(st.tuples(st.integers(4, 60), st.integers(-500, 500), st.booleans()), max_size=6)


@settings(max_examples=60, deadline=None)
@given(goldens=GOLDENS, size=st.integers(0, 200), age_s=st.integers(1, 400))
def test_what_stays_is_the_most_recently_used_that_fits_and_what_is_in_use(goldens, size, age_s):
    """For any sizes, last uses (also in the future) and users."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as users:
        cache, now = open_cache(Path(folder) / "cache"), 1_800_000_000.0
        digests = {}
        for number, (bytes_, unused_s, is_used) in enumerate(goldens):
            manifest = put(cache, number, size=bytes_)
            os.utime(manifest_path(cache, number), (now - unused_s, now - unused_s))
            digests[number] = manifest.digest
            if is_used:
                users.enter_context(in_use(cache, manifest))
        prune(cache, Limits(size, age_s), now=now)

        def recency(number):
            return min(now, now - goldens[number][1]), digests[number]

        expected, room = {number for number, (_, _, is_used) in enumerate(goldens) if is_used}, size
        for number in sorted(range(len(goldens)), key=recency, reverse=True):
            if max(0, goldens[number][1]) >= age_s:
                continue
            room -= goldens[number][0]
            expected |= {number} if room >= 0 else set()
        assert numbers(cache) == expected
        assert len(names(cache, "goldens")) == len(expected)


def test_two_keys_that_share_a_golden_are_dated_each_for_itself(opened):
    """Content-addressed: it goes with the last manifest that names it."""
    shared = put(opened, 1, unused_s=40 * DAY_S, content=7)
    put(opened, 2, unused_s=1.0, content=7)
    assert told(prune(opened, ROOMY)) == {("manifest", "1.json", "unused for long")}
    assert (numbers(opened), names(opened, "goldens")) == ({2}, [f"{shared.digest}.sqlite"])
    date(manifest_path(opened, 2), -40 * DAY_S)
    assert told(prune(opened, ROOMY)) == {("golden", f"{shared.digest}.sqlite", "unused for long")}
    assert (names(opened, "goldens"), names(opened, "manifests")) == ([], [])


def test_all_leaves_nothing_but_lock_files(opened, cache):
    """And what explains the cache."""
    with lock.hold(opened.lock_path(key(1)), timeout_s=1):
        put(opened, 1)
    opened.remember_digests("project", b"{}")
    prune(opened, NOTHING_STAYS)
    left = {name for name in everything(cache) if (cache / name).is_file()}
    assert left == {"CACHEDIR.TAG", "README.txt", f"v1/locks/{key(1)}.lock"}


# What is in use


def test_a_key_that_is_being_built_is_left_alone(opened):
    """Its lock is busy: counted as in use."""
    manifest = put(opened, 1, unused_s=90 * DAY_S)
    with lock.hold(opened.lock_path(manifest.key), timeout_s=1):
        report = prune(opened, NOTHING_STAYS)
        assert (report.removed, report.in_use, report.kept) == ((), 1, 1)
    assert prune(opened, NOTHING_STAYS).in_use == 0
    assert numbers(opened) == set()


def test_a_forked_child_keeps_what_its_parent_had_open(opened):
    """It shares the lock with the descriptor; the golden goes when both have let go."""
    manifest = put(opened, 1)
    read, write_end = os.pipe()
    with in_use(opened, manifest):
        child = os.fork()
        if child == 0:
            os.close(write_end)
            os.read(read, 1)
            os._exit(0)
    try:
        assert (prune(opened, NOTHING_STAYS).in_use, numbers(opened)) == (1, {1})
    finally:
        os.close(write_end)
        os.waitpid(child, 0)
        os.close(read)
    prune(opened, NOTHING_STAYS)
    assert numbers(opened) == set()


def test_a_golden_used_between_the_look_and_the_removal_stays(opened):
    """A hit dates the manifest; another builder publishes it anew."""
    put(opened, 1, unused_s=90 * DAY_S)
    seen = []

    def check():
        seen.append(1)
        if len(seen) == 3:  # the golden and its manifest were looked at, and nothing is removed yet
            date(manifest_path(opened, 1), 0)

    report = prune(opened, ROOMY, check=check)
    assert (report.removed, report.in_use, numbers(opened)) == ((), 1, {1})


@pytest.mark.parametrize("number", LOCKLESS, ids=errno.errorcode.get)
def test_where_files_cannot_be_locked_what_was_used_within_a_day_stays(opened, no_locks, number):
    """Nobody can tell who uses it."""
    no_locks(number)
    put(opened, 1, unused_s=0.5 * DAY_S)
    put(opened, 2, unused_s=1.5 * DAY_S)
    report = prune(opened, NOTHING_STAYS)
    assert (numbers(opened), report.in_use, len(report.removed)) == ({1}, 1, 1)


PARKED = """
import errno, fcntl, os, sys
from templatedb import load

if sys.argv[1] == "cannot be locked":
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")
    fcntl.flock = refuse
with load().golden() as golden:
    print(golden.outcome, flush=True)
    sys.stdin.readline()
    with golden.clone() as clone:
        print(clone.dump())
"""


@pytest.mark.parametrize("files", ["can be locked", "cannot be locked"])
def test_a_clone_that_waits_between_open_and_copy_is_whole(project, cache, files):
    """The descriptor keeps the bytes; where locks tell, the golden stays as well."""
    alembic_project(project)
    with load().golden() as golden, golden.clone() as clone:
        expected = clone.dump()
    parked = subprocess.Popen(
        [sys.executable, "-c", PARKED, files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parked.stdout.readline() == "hit\n"
    opened = open_cache(cache)
    if files == "cannot be locked":
        for path in cache.glob("v1/manifests/*/*.json"):
            date(path, -2 * DAY_S)
    report = prune(opened, NOTHING_STAYS)
    assert (report.in_use, len(names(opened, "goldens"))) == ((1, 1) if files == "can be locked" else (0, 0))
    said, _ = parked.communicate("go on\n", timeout=60)
    assert (said, parked.returncode) == (expected + "\n", 0)
    prune(opened, NOTHING_STAYS)
    assert names(opened, "goldens") == []


def test_prune_all_in_a_loop_beside_a_run_fails_no_test(suite, cache):
    """AC-21. From a cold start on: what the first worker has open stays, and the second one hits it."""
    body = "open('builds.txt', 'a').write('x')\nop.create_table('t1', sa.Column('name', sa.String))"
    alembic_project(suite.path, revisions={"r1.py": revision(1, body), "r2.py": revision(2)})
    write(suite.path / "templatedb.toml", 'alembic = "alembic.ini"\nstrict = true\n')
    suite.makepyfile(
        """
        import time
        import pytest

        @pytest.mark.parametrize("number", range(30))
        def test_it(clone_connection, number):
            clone_connection.execute("insert into t1 values ('x')")
            clone_connection.commit()
            time.sleep(0.02)
            assert clone_connection.execute("select count(*) from t1").fetchone() == (1,)
        """
    )
    opened, in_use_counts = open_cache(cache), set()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "2", "-q", "-W", "error"],
        cwd=suite.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while process.poll() is None:
        report = prune(opened, NOTHING_STAYS)
        in_use_counts.add(report.in_use)
        assert report.faults == ()
        time.sleep(0.01)  # leave the workers their processor
    said = process.communicate()[0]
    assert "30 passed" in said, said
    assert "building privately" not in said
    assert (in_use_counts, (suite.path / "builds.txt").read_text()) == ({0, 1}, "x")


# What is broken


def test_manifests_whose_golden_is_missing_or_has_another_size_go(opened):
    """They lead to a miss only."""
    missing, short, sound = put(opened, 1), put(opened, 2), put(opened, 3)
    opened.golden_path(missing.digest).unlink()
    os.truncate(opened.golden_path(short.digest), 10)
    assert told(prune(opened, ROOMY)) == {
        ("manifest", "1.json", "its golden is missing"),
        ("golden", f"{short.digest}.sqlite", "it has not the size that was recorded"),
    }
    assert (names(opened, "manifests"), names(opened, "goldens")) == ([sound.key], [f"{sound.digest}.sqlite"])


@pytest.mark.parametrize("data", [b"", b"{}", b"\0" * 100, b"[]", b'{"format": 1, "key"', b"another key's"])
def test_a_manifest_that_cannot_be_read_goes(opened, data):
    """Cut off, overwritten, or moved to another key."""
    put(opened, 1)
    folder = opened.manifest_folder(key(2))
    folder.mkdir()
    write_atomically(folder / "1.json", manifest_path(opened, 1).read_bytes() if data == b"another key's" else data)
    assert told(prune(opened, ROOMY)) == {("manifest", "1.json", "it is damaged")}
    assert (names(opened, "manifests"), numbers(opened)) == ([key(1)], {1})


def unnamed(cache: Cache, number: int) -> str:
    """Leave a golden behind as a builder that is killed between golden and manifest does."""
    digest = put(cache, number).digest
    shutil.rmtree(cache.manifest_folder(key(number)))
    return digest


def test_a_golden_that_no_manifest_names_goes_after_a_while(opened):
    """Not at once: the manifest follows it, or a cache is just being restored."""
    digest = unnamed(opened, 1)
    put(opened, 2)
    assert prune(opened, ROOMY).removed == ()
    assert told(prune(opened, ROOMY, now=time.time() + 601)) == {("golden", f"{digest}.sqlite", "no manifest names it")}
    assert numbers(opened) == {2}


def test_a_golden_just_published_is_kept_while_somebody_builds(opened):
    """Its manifest is about to come; without a builder, --all takes it."""
    digest = unnamed(opened, 1)
    with opened.build_folder():
        assert prune(opened, NOTHING_STAYS).removed == ()
    assert told(prune(opened, NOTHING_STAYS)) == {("golden", f"{digest}.sqlite", "no manifest names it")}


def test_a_manifest_that_cannot_be_opened_may_name_any_golden(opened, monkeypatch):
    """A shortage of descriptors must not empty the cache."""
    digest = unnamed(opened, 1)
    put(opened, 2)
    manifest_path(opened, 2).unlink()
    manifest_path(opened, 2).mkdir()
    os.mkfifo(opened.manifest_folder(key(2)) / "2.json")
    original = os.open

    def refuse(path, *arguments, **options):
        if str(path).endswith("1.json"):
            raise OSError(errno.EMFILE, "Too many open files")
        return original(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert prune(opened, ROOMY, now=time.time() + DAY_S).removed == ()
    assert f"{digest}.sqlite" in names(opened, "goldens")


# What is left behind

HOLDER = """
import sys, time
from pathlib import Path
from templatedb.cache_trust import open_cache
from templatedb.place import Storage

cache = open_cache(Path(sys.argv[1]))
slots = Storage(lambda: Path("/nowhere"), print).folder_beside(cache.golden_path("0" * 64))
(slots / "clone.sqlite").write_bytes(bytes(100))
with cache.build_folder() as build:
    (build / "build.sqlite").write_bytes(bytes(1000))
    print(build.name, slots.name, flush=True)
    time.sleep(100)
"""


def test_builds_and_slots_of_killed_processes_go_and_those_of_living_ones_stay(opened, cache):
    """A free lock tells the dead, whatever their age; a clock that was put back changes nothing."""
    processes = [
        subprocess.Popen([sys.executable, "-c", HOLDER, cache], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    places = [process.stdout.readline().split() for process in processes]
    try:
        for process in processes[1:]:
            process.send_signal(signal.SIGKILL)
            process.wait()
        for (build, slots), seconds in zip(places, (-90 * DAY_S, -120, 365 * DAY_S), strict=True):
            date(opened.folder("builds") / build, seconds)
            date(opened.folder("slots") / slots, seconds)
        report = prune(opened, ROOMY)
        dead = places[1:]
        assert told(report) == {("build", build, "its process is dead") for build, _ in dead} | {
            ("slots", slots, "its process is dead") for _, slots in dead
        }
        assert {one.file.size_bytes // 100 for one in report.removed if one.kind is Kind.SLOTS} == {1}
        assert (names(opened, "builds"), names(opened, "slots")) == ([places[0][0]], [places[0][1]])
    finally:
        processes[0].kill()
        for process in processes:
            process.communicate()


def test_a_build_that_is_just_beginning_is_not_taken_for_a_dead_one(opened):
    """It may not have its lock yet."""
    (opened.folder("builds") / "young").mkdir()
    (opened.folder("builds") / "dead").mkdir()
    date(opened.folder("builds") / "dead", -2 * DAY_S)
    prune(opened, NOTHING_STAYS)
    assert names(opened, "builds") == ["young"]


def test_old_failures_stamps_temporary_and_damaged_files_go(opened):
    """Each after its time; all ages end with --all but those of what may be in the making."""
    folders = {
        "failures": ("run.json", "failure", "its run is long past"),
        "stamps": ("project.json", "stamps", "unused for long"),
        "damaged": (f"{'0' * 64}.1.sqlite", "damaged file", "put aside because it was damaged"),
    }
    opened.folder("damaged").mkdir()
    for folder, (name, _, _) in folders.items():
        (opened.folder(folder) / name).write_bytes(b"x" * 10)
    put(opened, 1)
    half = opened.manifest_folder(key(1)) / ".new-1"
    half.write_bytes(b"{")
    temporary = ("temporary file", ".new-1", "it was never finished")
    failure, stamps, damaged = ((kind, name, why) for name, kind, why in folders.values())
    expected = {0: set(), 700: {temporary}, 2 * DAY_S: {temporary, failure}, 29 * DAY_S: {temporary, failure}}
    expected[31 * DAY_S] = {temporary, failure, stamps, damaged}
    date(manifest_path(opened, 1), 40 * DAY_S)
    for later, gone in expected.items():
        assert told(prune(opened, ROOMY, now=time.time() + later, doing=Doing.TELL)) == gone
    stamps = (*stamps[:2], "goes with everything else")  # it was just written
    assert told(prune(opened, NOTHING_STAYS)) >= {stamps, damaged}
    assert (names(opened, "failures"), names(opened, "stamps"), names(opened, "damaged")) == (["run.json"], [], [])
    assert half.exists()


@pytest.mark.parametrize(("words", "why"), [((), "unused for long"), (("--all",), "goes with everything else")])
def test_remembered_digests_are_told_as_what_they_are_and_since_when(opened, capsys, words, why):
    """Those of a project's files; "stamps" is our word, and the programs' that read JSON."""
    path = opened.folder("stamps") / "1f0c.json"
    path.write_bytes(b"x" * 10)
    date(path, -31 * DAY_S - 60)
    assert main(["prune", "--dry-run", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = ["remembered digests of files 1f0c.json  10 B  written 31 d ago"]
    assert [line for line in lines if "1f0c" in line] == expected
    main(["prune", "--dry-run", "--json", *words])
    (fact,) = [one for one in json.loads(capsys.readouterr().out)["removed"] if one["path"] == str(path)]
    assert (fact["what"], fact["why"]) == ("stamps", why)


def test_damaged_goldens_have_the_room_that_goldens_leave(opened):
    """The latest stay."""
    opened.folder("damaged").mkdir()
    put(opened, 1, size=50)
    for number in range(3):
        (opened.folder("damaged") / f"{number}.sqlite").write_bytes(bytes(20))
        time.sleep(0.02)
    prune(opened, ROOMY._replace(size_bytes=100))
    assert (names(opened, "damaged"), numbers(opened)) == (["1.sqlite", "2.sqlite"], {1})


# What is not ours


def test_other_formats_and_other_buckets_are_never_touched(opened, cache):
    """AC-61. A later release keeps its manifests, the goldens they name in whatever way, and its bucket."""
    named = [unnamed(opened, number) for number in (1, 2, 3)]
    ours = unnamed(opened, 4)
    both = put(opened, 6, unused_s=90 * DAY_S).digest
    folder = opened.manifest_folder(key(5))
    folder.mkdir()
    write(folder / "1.json", json.dumps({"format": 2, "golden": f"sha256-{named[0]}.zst"}))
    write(folder / "1.manifest", f"golden {named[1]}\n")
    write(cache / "v1/manifests/templatedb2-x/1.json", json.dumps({"format": 1, "digests": {both: named[2]}}))
    write(cache / "v1/goldens/notes.txt", "x")
    write(cache / "v1/later/1.json", "{}")
    write(cache / "v2/goldens/1.sqlite", "x")
    write(cache / "v2/manifests/.new-1", "x")
    for path in cache.rglob("*"):
        date(path, -90 * DAY_S) if path.parent.name in ("goldens", "manifests") and "v2" in path.parts else None
    before = everything(cache)
    later = time.time() + 90 * DAY_S
    prune(opened, NOTHING_STAYS, now=later)
    gone = before - everything(cache)
    mine = f"v1/manifests/{key(6)}"
    assert gone == {f"v1/goldens/{ours}.sqlite", f"{mine}/1.json", mine}


# Clocks


@pytest.mark.parametrize("jump_s", [-365 * DAY_S, 365 * DAY_S])
def test_a_clock_that_jumps_costs_no_fresh_golden_and_keeps_the_cap(opened, jump_s):
    """AC-38c. A last use in the future counts as now, so the size still decides."""
    for number in range(1, 6):
        put(opened, number, unused_s=number * 60.0)
    for path in opened.folder("manifests").glob("*/*.json"):
        os.utime(path, (path.stat().st_mtime + max(0.0, jump_s),) * 2)
    now = time.time() + min(0.0, jump_s)
    assert prune(opened, ROOMY, now=now).removed == ()
    assert numbers(opened) == {1, 2, 3, 4, 5}
    prune(opened, ROOMY._replace(size_bytes=3000), now=now)
    assert len(numbers(opened)) == 3


def test_a_golden_being_published_survives_a_clock_that_is_put_back(opened):
    """Its builder is alive, whatever the clock says."""
    unnamed(opened, 1)
    with opened.build_folder():
        assert prune(opened, NOTHING_STAYS, now=time.time() - 365 * DAY_S).removed == ()


def test_a_clock_that_a_test_has_stopped_does_not_age_the_cache(opened, monkeypatch):
    """The filesystem's counts."""
    put(opened, 1)
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    assert prune(opened, ROOMY).removed == ()
    assert prune_after_build(opened, Settings(root=Path("/")), "", pytest.fail) is None
    assert numbers(opened) == {1}


# The last use


def test_a_hit_dates_the_last_use_once_an_hour(project, cache):
    """More often would be writing for nothing; what the future dated stays, for the clock may be wrong now."""
    alembic_project(project)
    load().golden().close()
    (path,) = cache.glob("v1/manifests/*/1.json")
    dated = {}
    for ago_s in (30 * 60, 2 * 3600, -2 * 3600):
        date(path, -ago_s)
        before = path.stat().st_mtime
        with load().golden() as golden:
            assert golden.outcome is Outcome.HIT
        dated[ago_s] = path.stat().st_mtime == before
    assert dated == {30 * 60: True, 2 * 3600: False, -2 * 3600: True}


def read_only(cache: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command where the cache is mounted read-only."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare to mount the cache read-only")
    script = f"mount --bind '{cache}' '{cache}' && mount -o remount,bind,ro '{cache}' || exit 77; PATH={Path(sys.executable).parent}:$PATH; {command}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    return done


def test_a_hit_in_a_read_only_cache_tries_to_write_nothing(project, cache, tmp_path):
    """AC-59. Seen by strace, with a last use that is hours old."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    alembic_project(project)
    load().golden().close()
    for path in cache.glob("v1/manifests/*/1.json"):
        date(path, -DAY_S)
    log = tmp_path / "log"
    done = read_only(cache, f"strace -f -qq -o '{log}' -e trace=file,desc python -m templatedb path")
    if "ptrace" in done.stderr:
        pytest.skip(f"nothing can be traced here: {done.stderr}")
    assert (done.returncode, done.stderr) == (0, "")
    writing = (
        "utime",
        "futimes",
        "rename",
        "link",
        "symlink",
        "chmod",
        "fchmod",
        "truncate",
        "O_CREAT",
        "O_WRONLY",
        "O_RDWR",
    )
    mine = [line for line in log.read_text().splitlines() if f'"{cache}' in line and "readlink" not in line]
    assert len(mine) > 5
    assert [line for line in mine if any(word in line for word in writing)] == []


def test_pruning_a_read_only_cache_says_so_in_one_line(opened, cache, project):
    """No traceback; a dry run still tells."""
    put(opened, 1, unused_s=90 * DAY_S)
    done = read_only(cache, "python -m templatedb prune")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"templatedb: the cache {cache} cannot be written: nothing was removed\n"
        "Prune it as the user that it belongs to, where it is not mounted read-only.\n"
    )
    done = read_only(cache, "python -m templatedb prune --dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    # Of this machine's memory-backed storage it may tell, too.
    assert [line for line in done.stdout.splitlines() if line.startswith("golden")] == [
        "golden 00000000  1 kB  unused for 90 d"
    ]
    assert done.stdout.endswith("; no golden left\n")


# After a build


def test_after_a_build_the_cache_is_within_its_limits_but_for_the_new_golden(project, cache):
    """By the project's settings; the golden just published stays even where it alone is too much."""
    opened = open_cache(cache)
    put(opened, 1, unused_s=31 * DAY_S)
    put(opened, 2)
    alembic_project(project)
    write(project / "templatedb.toml", 'alembic = "alembic.ini"\ncache_size = "1kB"\n')
    notices = []
    with load().golden(Wishes(notice=notices.append)) as golden:
        assert golden.outcome is Outcome.BUILT
        assert names(opened, "goldens") == [golden.path.name]
    with load().golden() as golden:
        assert golden.outcome is Outcome.HIT
    assert notices == []


def test_the_golden_just_published_stays_where_files_cannot_be_locked(opened, no_locks):
    """It is named, not only held."""
    no_locks(errno.ENOLCK)
    manifest = put(opened, 1, unused_s=90 * DAY_S)
    put(opened, 2, unused_s=90 * DAY_S)
    prune_after_build(opened, Settings(root=Path("/"), cache_size_bytes=0), manifest.digest, pytest.fail)
    assert numbers(opened) == {1}


def test_a_prune_after_a_build_gives_up_in_time_and_says_so(opened, monkeypatch):
    """The way out is named; what it did until then is right."""
    for number in range(5):
        put(opened, number, unused_s=90 * DAY_S)
    ticks = iter(range(100))
    monkeypatch.setattr(time, "clock_gettime", lambda clock: next(ticks) * 0.04)
    notices = []
    prune_after_build(opened, Settings(root=Path("/")), "", notices.append)
    assert notices == [
        f"the cache {opened.root} holds more than can be looked through in passing: run templatedb prune"
    ]
    assert 0 < len(numbers(opened)) < 5


@pytest.mark.parametrize("how", ["a file in the place of the manifests", "no cache at all"])
def test_a_prune_after_a_build_never_fails(opened, cache, how):
    """A notice at most; where nothing is there is nothing to be said."""
    shutil.rmtree(cache if how == "no cache at all" else opened.folder("manifests"))
    if how != "no cache at all":
        opened.folder("manifests").touch()
    notices = []
    prune_after_build(opened, Settings(root=Path("/")), "", notices.append)
    whole = "\n".join(notices)
    assert whole.startswith(f"the cache {cache} was not pruned: " if how != "no cache at all" else "")
    assert len(notices) == (how != "no cache at all")


# The command


def test_the_command_tells_each_thing_and_a_total(opened, project, capsys):
    """What, how big, and why; a dry run tells the same and removes nothing."""
    for number, days in ((1, 31), (2, 40), (3, 1), (4, 50)):
        put(opened, number, unused_s=days * DAY_S + 60)
    opened.golden_path(put(opened, 5).digest).unlink()
    with in_use(opened, next(iter(opened.manifests(key(4))))):
        before = everything(opened.root)
        assert main(["prune", "--dry-run"]) == 0
        dry = capsys.readouterr().out
        assert everything(opened.root) == before
        assert main(["prune"]) == 0
        wet = capsys.readouterr().out
    size = len(put(opened, 5).to_json())
    assert wet == (
        f"manifest 00000000  {size} B  its golden is missing\n"
        "golden 00000000  1 kB  unused for 40 d\n"
        "golden 00000000  1 kB  unused for 31 d\n"
        "removed 2 goldens and 1 other thing, 2 kB; 1 in use kept; 2 goldens left, 2 kB\n"
    )
    assert dry == wet.replace("removed", "would remove")


def test_the_limits_can_be_given(opened, project, capsys):
    """Stronger than the settings."""
    for number in (1, 2, 3):
        put(opened, number, unused_s=number * DAY_S)
    main(["prune", "--older-than", "60h"])
    assert numbers(opened) == {1, 2}
    main(["prune", "--max-size", "1.5kB"])
    assert numbers(opened) == {1}
    main(["prune", "--all"])
    assert numbers(opened) == set()
    assert capsys.readouterr().out.splitlines()[-1] == "removed 1 golden, 1 kB; no golden left"


def test_json_has_the_facts(opened, project, capsys):
    """For programs."""
    old = put(opened, 1, unused_s=31 * DAY_S)
    put(opened, 2)
    assert main(["prune", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "cache": str(opened.root),
        "dry_run": False,
        "removed": [
            {
                "what": "golden",
                "path": str(opened.golden_path(old.digest)),
                "keys": [old.key],
                "size_bytes": 1000,
                "why": "unused for long",
            }
        ],
        "freed_bytes": 1000,
        "in_use": 0,
        "kept": 1,
        "kept_bytes": 1000,
        "faults": [],
    }


def test_ci_keeps_the_projects_current_golden_only(project, cache, capsys):
    """That of the migrations and helpers as they are now; without one nothing is removed."""
    alembic_project(project, revisions={"r1.py": revision(1, extra="import helper")})
    write(project / "helper.py", "X = 1\n")
    opened = open_cache(cache)
    put(opened, 1)
    assert main(["prune", "--ci"]) == 1
    assert "with --ci nothing would be left\nRun templatedb build first" in capsys.readouterr().err
    for number in (2, 3):
        main(["build"])
        write(project / "helper.py", f"X = {number}\n")
    main(["build"])
    assert builds_in(cache) == 4
    assert main(["prune", "--ci"]) == 0
    assert builds_in(cache) == 1 or len(names(opened, "goldens")) == 1
    capsys.readouterr()
    assert main(["build", "--require-hit"]) == 0
    assert numbers(opened) == {int(load().key().removeprefix(Key.PREFIX), 16)}


def test_what_cannot_be_removed_is_told_and_is_exit_code_1(opened, project, capsys, monkeypatch):
    """The rest goes."""
    put(opened, 1, unused_s=90 * DAY_S)
    put(opened, 2, unused_s=91 * DAY_S)
    original = Path.unlink

    def unlink(path, *arguments, **options):
        if path.suffix == ".json" and str(key(2)) in str(path):
            raise OSError(errno.EPERM, "Operation not permitted")
        original(path, *arguments, **options)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert main(["prune"]) == 1
    assert (
        capsys.readouterr().err
        == f"templatedb: {manifest_path(opened, 2)} stays: Operation not permitted; remove it as the user that it belongs to\n"
    )
    assert numbers(opened) == {2}


@pytest.mark.parametrize(
    "words", [["--all", "--ci"], ["--older-than", "7"], ["--max-size", "much"], ["--max-size", "-1MB"]]
)
def test_wrong_usage_of_prune_is_exit_code_2(project, words, capsys):
    """With a line that says what is wrong."""
    with pytest.raises(SystemExit) as caught:
        main(["prune", *words])
    assert caught.value.code == 2
    assert "usage: templatedb prune" in capsys.readouterr().err


def test_a_cache_that_is_not_ours_is_not_pruned(opened, cache, project, capsys):
    """Refused as by every verb."""
    put(opened, 1, unused_s=90 * DAY_S)
    cache.chmod(0o777)
    assert main(["prune"]) == 1
    assert "is not trusted: others may write to it" in capsys.readouterr().err
    assert names(opened, "manifests") == [key(1)]
    with pytest.raises(CacheError):
        open_cache(cache)
