"""Where the files of a process are put: in memory-backed storage that has room, and gone with the process."""

import contextlib
import errno
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from places import GOLDEN_NAMES, Bench, names
from projects import alembic_project
from templatedb import place
from templatedb.place import Storage
from templatedb.records import CloneKind, Key
from templatedb.slots import Way
from templatedb.slots.worker import WorkerSlots


@pytest.fixture
def disk(tmp_path):
    """A folder on disk, made when it is asked for."""

    def make():
        folder = tmp_path / "disk"
        folder.mkdir(exist_ok=True)
        return folder

    return make


@pytest.fixture
def notices():
    return []


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A folder that stands for memory-backed storage of much room."""
    monkeypatch.setattr(place, "_ROOM_BYTES", 1_000_000)
    folder = tmp_path.resolve() / "memory"
    folder.mkdir()
    return folder


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Real memory-backed storage of 256 kB that counts as enough."""
    monkeypatch.setattr(place, "_ROOM_BYTES", 0)
    monkeypatch.setattr(place, "_ROOM_GOLDENS", 0)
    folder = tmp_path.resolve() / "tiny"
    folder.mkdir()
    with mounted(folder, "size=256k"):
        yield folder


@contextlib.contextmanager
def mounted(folder, options):
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def folders(parent):
    return sorted(path.name for path in parent.iterdir())


def fill_up(folder):
    """Write until there is no room."""
    with open(folder / "ballast", "wb", buffering=0) as opened, contextlib.suppress(OSError):
        while True:
            opened.write(bytes(1024))


def test_memory_backed_storage_with_room_is_taken(disk, notices, memory):
    """Private, named by user and process, the same each time, and gone at the end."""
    storage = Storage(disk, notices.append, memory=memory)
    assert not storage.is_memory
    folder = storage.folder(1000)
    assert storage.folder(1000) == folder
    assert storage.is_memory
    assert re.fullmatch(rf"templatedb-slots-{os.geteuid()}-{os.getpid()}-\w+", folder.name)
    assert (folder.parent, folder.stat().st_mode & 0o777, notices) == (memory, 0o700, [])
    storage.close()
    assert folders(memory) == []


def test_without_room_the_disk_is_taken_and_that_is_said_once(disk, notices, tmp_path):
    """Containers give 64 MB: a test that fills it would fail for our haste."""
    folder = tmp_path.resolve() / "small"
    folder.mkdir()
    with mounted(folder, "size=64m"):
        storage = Storage(disk, notices.append, memory=folder)
        assert [storage.folder(1000), storage.folder(1000)] == [disk(), disk()]
        assert not storage.is_memory
        storage.close()
        assert folders(folder) == []
    assert len(notices) == 1
    assert re.fullmatch(rf"{folder} has 6\d MB left: the databases of tests are on disk \(a container .*\)", notices[0])
    assert disk().exists()  # its maker's


def test_room_is_measured_in_goldens(disk, notices, memory, monkeypatch):
    """A big one needs more."""
    status = os.statvfs(memory)
    too_big = status.f_bavail * status.f_frsize // 4
    storage = Storage(disk, notices.append, memory=memory)
    assert storage.folder(too_big) == disk()
    assert len(notices) == 1


@pytest.mark.parametrize("missing", [None, Path("/no/such/folder")])
def test_where_there_is_no_memory_backed_storage_nothing_is_said(disk, notices, missing):
    """macOS has none."""
    storage = Storage(disk, notices.append, memory=missing)
    assert storage.folder(1000) == disk()
    assert (storage.is_memory, notices) == (False, [])
    assert not storage.fall_back(OSError(errno.ENOSPC, "full"))


def test_what_dead_processes_left_is_swept_and_what_living_ones_have_is_not(disk, notices, memory):
    """A free lock tells them apart; young folders may be in the making; other people's are not touched."""
    program = """
        import sys, time
        from pathlib import Path
        from templatedb.place import Storage
        import templatedb.place as place

        place._ROOM_BYTES = 0
        storage = Storage(lambda: Path(sys.argv[1]), print, memory=Path(sys.argv[1]))
        print(storage.folder(1000).name, flush=True)
        time.sleep(60)
        """
    processes = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), memory], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    living, dead = (process.stdout.readline().strip() for process in processes)
    processes[1].send_signal(signal.SIGKILL)
    processes[1].wait()
    young, foreign, no_lock = (
        memory / f"templatedb-slots-{name}" for name in ("{uid}-1-young", "99999-1-x", "{uid}-2-z")
    )
    made = [Path(str(path).replace("{uid}", str(os.geteuid()))) for path in (young, foreign, no_lock)]
    for path in made:
        path.mkdir()
    for path in [memory / living, memory / dead, *made[1:]]:
        os.utime(path, (0, 0))
    storage = Storage(disk, notices.append, memory=memory)
    own = storage.folder(1000).name
    assert folders(memory) == sorted([living, made[0].name, made[1].name, own])
    storage.close()
    processes[0].kill()
    for process in processes:
        process.wait()
        process.stdout.close()


def test_a_forked_child_has_a_folder_of_its_own_and_leaves_its_parents(disk, notices, memory):
    """Also where it closes the storage, or ends without a word."""
    storage = Storage(disk, notices.append, memory=memory)
    mine = storage.folder(1000)
    for forgets in (False, True):
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                storage.close() if forgets else None
                own = storage.folder(1000)
                status = 0 if own != mine and mine.exists() and own.parent == memory else 2
                storage.close()
                status = status or (3 if own.exists() or not mine.exists() else 0)
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert folders(memory) == [mine.name]
    assert storage.folder(1000) == mine
    storage.close()
    assert folders(memory) == []


def test_the_folder_goes_with_the_process(memory):
    """At its normal end, without a word of anybody."""
    program = """
        import sys
        from pathlib import Path
        import templatedb.place as place

        place._ROOM_BYTES = 0
        folder = place.Storage(lambda: Path("x"), print, memory=Path(sys.argv[1])).folder(1000)
        (folder / "file").touch()
        print(folder.is_dir())
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), memory], check=True, capture_output=True, text=True
    )
    assert (done.stdout, folders(memory)) == ("True\n", [])


def test_storage_that_is_full_is_left_and_that_is_said_once(disk, notices, tiny):
    """A really full one: the places go on on disk, where SQLite need not wait for it; nothing is lost or raised."""
    bench = Bench(disk())
    storage = Storage(disk, notices.append, memory=tiny)
    slots = WorkerSlots(storage)
    of = slots.of(Key("one"), bench.image, CloneKind.FILE, large_bytes=8_000_000)
    first = of.fill("test_one")
    assert first.path.parent.parent == tiny
    fill_up(tiny)
    second, third = of.fill("test_one"), of.fill("test_one")
    for filled in (second, third):
        assert (filled.path.parent, filled.way, filled.leak) == (disk(), Way.COPIED, "")
        assert names(filled) == GOLDEN_NAMES
    assert notices == [
        (
            f"{tiny} is full (No space left on device): the databases of tests are on disk from here on"
            " (a container gets more by --shm-size)"
        )
    ]
    for filled in (first, second, third):
        of.empty(filled)
    # The first place is still good: what is there needs no more room.
    again = of.fill("test_two")
    assert (again.path, names(again)) == (first.path, GOLDEN_NAMES)
    slots.close()
    bench.close()
    assert folders(disk()) == ["golden-0.sqlite"]


def test_a_place_that_lost_its_room_is_left_for_one_on_disk(disk, notices, tiny):
    """A test made its file small, and others took the room."""
    bench = Bench(disk())
    slots = WorkerSlots(Storage(disk, notices.append, memory=tiny))
    of = slots.of(Key("one"), bench.image, CloneKind.FILE, large_bytes=8_000_000)
    first = of.fill("test_one")
    with contextlib.closing(sqlite3.connect(first.path, isolation_level=None)) as connection:
        for statement in ("drop table people", "drop table pets", "vacuum"):
            connection.execute(statement)
    fill_up(tiny)
    of.empty(first)
    second = of.fill("test_two")
    assert (second.path.parent, names(second)) == (disk(), GOLDEN_NAMES)
    assert len(notices) == 1
    slots.close()
    bench.close()


def test_no_room_for_another_file_is_the_same(disk, notices, tmp_path, monkeypatch):
    """Filesystems run out of names as well."""
    monkeypatch.setattr(place, "_ROOM_BYTES", 0)
    monkeypatch.setattr(place, "_ROOM_GOLDENS", 0)
    folder = tmp_path.resolve() / "few"
    folder.mkdir()
    with mounted(folder, "size=1m,nr_inodes=5"):
        bench = Bench(disk())
        slots = WorkerSlots(Storage(disk, notices.append, memory=folder))
        of = slots.of(Key("one"), bench.image, CloneKind.FILE, large_bytes=8_000_000)
        filled = [of.fill() for _ in range(6)]
        assert {one.path.parent.parent == folder for one in filled} == {True, False}
        assert all(names(one) == GOLDEN_NAMES for one in filled)
        assert len(notices) == 1
        slots.close()
        bench.close()


def test_another_error_is_not_taken_for_a_full_storage(disk, notices, memory):
    """It would be said wrongly, and the disk would not help."""
    storage = Storage(disk, notices.append, memory=memory)
    storage.folder(1000)
    assert not storage.fall_back(OSError(errno.EIO, "broken"))
    assert (storage.is_memory, notices) == (True, [])
    assert storage.fall_back(OSError(errno.ENOSPC, "full"))
    storage.close()


def test_after_leaving_full_storage_its_folder_still_goes_at_the_end(disk, notices, memory):
    """A full one is full of what we put there."""
    storage = Storage(disk, notices.append, memory=memory)
    storage.folder(1000)
    assert storage.fall_back(OSError(errno.ENOSPC, "full"))
    assert storage.folder(1000) == disk()
    storage.close()
    assert folders(memory) == []


def test_a_whole_run_goes_on_when_the_storage_is_full(suite, tmp_path):
    """Said once; the tests pass."""
    alembic_project(suite.path)
    folder = tmp_path.resolve() / "shm"
    folder.mkdir()
    suite.makeconftest(
        f"""
        from pathlib import Path
        from templatedb import place

        place.MEMORY = Path({str(folder)!r})
        place.Storage.__init__.__kwdefaults__["memory"] = place.MEMORY
        place._ROOM_BYTES = place._ROOM_GOLDENS = 0
        """
    )
    suite.makepyfile(
        f"""
        import pytest

        def test_one(clone):
            assert str(clone.path).startswith({str(folder)!r})
            with open({str(folder / "ballast")!r}, "wb", buffering=0) as opened, pytest.raises(OSError):
                while True:
                    opened.write(bytes(1024))

        @pytest.mark.parametrize("number", range(3))
        def test_two(clone_factory, number):
            with clone_factory() as one, clone_factory() as two:
                assert one.dump() == two.dump()
                two.connect().execute("delete from t1").connection.commit()
        """
    )
    with mounted(folder, "size=128k"):
        result = suite.runpytest_subprocess("-W", "error")
        assert folders(folder) == ["ballast"]
    result.assert_outcomes(passed=4)
    said = f"{folder} is full (No space left on device): the databases of tests are on disk from here on"
    assert "\n".join(result.outlines).count(said) == 2, "once when it happens, once in the summary"


def test_clones_of_the_library_have_one_folder_for_each_process():
    """Made anew where somebody removed it."""
    folder = place.clones_folder()
    assert place.clones_folder() == folder
    shutil.rmtree(folder)
    assert place.clones_folder() != folder
    assert place.clones_folder().is_dir()
