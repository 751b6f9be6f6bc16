"""One lock per key: it excludes, it is bounded, it names its holder, and nothing breaks without it."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from templatedb import lock
from templatedb.errors import LockTimeoutError
from templatedb.lock import Holder, hold, is_abandoned, read_holder

HOLDER = """
import sys, time
from pathlib import Path
from templatedb.lock import hold
with hold(Path(sys.argv[1]), timeout_s=5, run="other-run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key.lock"


@pytest.fixture
def other_process(path):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_threads_of_one_process_exclude_each_other(path):
    """Two detectors: how many are inside, and whether an increment gets lost."""
    inside, most, counter = [], [], [0]

    def work():
        for _ in range(20):
            with hold(path, timeout_s=30):
                inside.append(1)
                most.append(len(inside))
                value = counter[0]
                time.sleep(0.0001)
                counter[0] = value + 1
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), counter[0]) == (1, 160)


def test_whether_one_had_to_wait_is_told(path):
    """The first does not wait, the second does."""
    started, waited = threading.Event(), []

    def second():
        started.set()
        with hold(path, timeout_s=5) as had_to_wait:
            waited.append(had_to_wait)

    with hold(path, timeout_s=5) as had_to_wait:
        thread = threading.Thread(target=second)
        thread.start()
        started.wait()
        time.sleep(0.1)
    thread.join()
    assert (had_to_wait, waited) == (False, [True])


def test_a_waiter_says_after_one_second_whom_it_waits_for(path, other_process):
    """The holder's pid and host, once."""
    told = []
    with pytest.raises(LockTimeoutError) as caught, hold(path, timeout_s=1.3, on_wait=told.append):
        pass
    (holder,) = told
    assert (holder.pid, holder.run) == (other_process.pid, "other-run")
    assert f"is still held after 1 s by process {other_process.pid} on " in str(caught.value)
    assert "the setting 'lock_timeout'" in caught.value.remedy


def test_nothing_is_said_when_nobody_holds_it(path):
    """No message on the fast path."""
    with hold(path, timeout_s=5, on_wait=pytest.fail):
        pass


def test_a_killed_holder_lets_go(path, other_process):
    """The kernel releases it: no stale lock, nothing to clean."""
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    with hold(path, timeout_s=1):
        pass


def test_a_stopped_holder_still_excludes_and_the_wait_is_bounded(path, other_process):
    """No lock is ever broken by its age."""
    other_process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(LockTimeoutError), hold(path, timeout_s=0.2):
        pass
    assert time.monotonic() - started < 2


def test_the_file_stays_and_names_nobody_after_the_block(path):
    """Unlinking it would split waiters over two files."""
    with hold(path, timeout_s=1, run="r"):
        assert read_holder(path) == Holder(
            pid=os.getpid(), host=os.uname().nodename, since=pytest.approx(time.time(), abs=5), run="r"
        )
    assert (path.read_bytes(), read_holder(path)) == (b"", None)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", json.dumps({"pid": 1}).encode()])
def test_a_damaged_text_is_nobody(path, text):
    """It is for messages only."""
    path.write_bytes(text)
    assert read_holder(path) is None


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_filesystem_that_cannot_lock_is_no_error(path, monkeypatch, number):
    """Publishing is right without: go on unlocked."""

    def refuse(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with hold(path, timeout_s=1) as had_to_wait:
        assert not had_to_wait


def test_a_forked_child_that_lives_on_does_not_hold_the_lock(path):
    """It would block everybody until it ends."""
    read, write = os.pipe()
    with hold(path, timeout_s=1):
        pid = os.fork()
        if pid == 0:
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        os.close(read)
    try:
        with hold(path, timeout_s=1):
            pass
    finally:
        os.close(write)
        os.waitpid(pid, 0)


def test_only_a_dead_process_of_this_machine_has_abandoned_its_lock(path, other_process, monkeypatch):
    """Where a lock cannot tell, nothing is taken away."""
    assert not is_abandoned(path)
    other_process.kill()
    other_process.wait()
    assert is_abandoned(path)
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "no locks")))
        assert not is_abandoned(path)
    path.write_text(path.read_text().replace(os.uname().nodename, "another-host"))
    assert not is_abandoned(path)
    assert not is_abandoned(path.with_name("missing"))


def test_a_link_in_the_place_of_the_lock_is_refused(path, tmp_path):
    """It could lead to somebody's file, which would be truncated."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"), hold(path, timeout_s=1):
        pass
    assert victim.read_text() == "precious"


def test_a_waiter_sleeps_for_a_share_of_what_it_has_waited():
    """Of a short build nobody sleeps much longer than needed; of a long one nobody looks a hundred times a second."""
    waited_s = (0.0, 0.25, 0.5, 1.0, 4.0, 60.0)
    assert [lock._pause_s(one) for one in waited_s] == [0.005, 0.005, 0.01, 0.02, 0.08, 0.1]
