"""Interrupted, ended, killed, paused and timed out: the prompt comes back, and the next run is right."""

import os
import re
import signal
import subprocess
import time

import pytest

from hygiene import (
    LONG,
    environment,
    function_project,
    has_passed,
    is_alive,
    run_pytest,
    sql_project,
    started,
    wait_for,
)
from projects import builds_in, write

TEST = "def test_it(clone_connection):\n    assert clone_connection.execute('select name from t1').fetchall() == [('row 1',)]\n"
WORKERS = pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "2 workers"])


@pytest.fixture
def long_build(project):
    """A project whose build takes a minute, as long as there is no file called ``quick``."""
    function_project(project, f"if not os.path.exists('quick'):\n    {LONG}")
    write(project / "test_it.py", TEST)
    return project


def builder_of(project) -> int:
    wait_for((project / "builder").exists)
    return int((project / "builder").read_text())


def next_run_is_right(project, cache, *words):
    """Nothing has to be cleaned by hand."""
    (project / "quick").touch()
    assert has_passed(run_pytest(project, *words), 1)
    assert builds_in(cache) == 1


@WORKERS
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_during_a_build_gives_the_prompt_back(long_build, cache, words, times):
    """Once or twice, to the whole group as a terminal sends it; the builder is gone and nothing is published."""
    with started(long_build, *words) as process:
        builder = builder_of(long_build)
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.2)
        out, _ = process.communicate(timeout=20)
        wait_for(lambda: not is_alive(builder), 10)
    assert process.returncode != 0
    assert "INTERNALERROR" not in out
    assert list(cache.glob("v1/goldens/*")) == []
    next_run_is_right(long_build, cache, *words)


def test_ctrl_c_during_tests_says_what_was_done_and_leaves_nothing(project, cache):
    """The clone of the interrupted test goes as well."""
    sql_project(project)
    write(
        project / "test_it.py",
        """
        import pathlib, time

        def test_one(clone_path):
            pathlib.Path("folder.tmp").write_text(str(clone_path.parent))
            pathlib.Path("folder.tmp").rename("folder")
            time.sleep(60)
        """,
    )
    with started(project) as process:
        wait_for((project / "folder").exists)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert re.search(r"^golden [0-9a-f]{8} built in .*\n1 clone ", out, re.MULTILINE), out
    assert not os.path.exists((project / "folder").read_text())
    assert builds_in(cache) == 1


@pytest.mark.parametrize("how", [(signal.SIGTERM,), (signal.SIGKILL,), (signal.SIGTERM, signal.SIGKILL)])
def test_a_cancelled_job_leaves_a_cache_that_can_be_saved_and_restored(long_build, cache, tmp_path, how):
    """What it left is no golden, is passed over by the next run, and is reaped once it is a minute old."""
    with started(long_build) as process:
        builder = builder_of(long_build)
        for number in how:
            process.send_signal(number)
        process.wait(timeout=10)
        wait_for(lambda: not is_alive(builder), 10)
    subprocess.run(["tar", "-cf", tmp_path / "saved.tar", "-C", cache, "."], check=True)
    subprocess.run(["rm", "-rf", cache], check=True)
    cache.mkdir(mode=0o700)
    subprocess.run(["tar", "-xf", tmp_path / "saved.tar", "-C", cache], check=True)
    left = list(cache.glob("v1/builds/*"))
    assert len(left) == 1
    os.utime(left[0], (time.time() - 120, time.time() - 120))
    next_run_is_right(long_build, cache)
    assert list(cache.glob("v1/builds/*")) == []


@pytest.mark.parametrize("method", ["signal", "thread"])
@WORKERS
def test_no_timeout_of_a_test_counts_the_build(project, method, words):
    """The golden is made sure of before the first test; while tests run there is nothing of ours to wait for."""
    function_project(project, "time.sleep(3)")
    write(project / "test_it.py", TEST)
    assert has_passed(run_pytest(project, "--timeout=2", f"--timeout-method={method}", *words), 1)


def test_a_test_that_is_paused_in_the_debugger_blocks_no_other_session(project, cache):
    """No lock is held while tests run: also not by one that built."""
    sql_project(project)
    write(
        project / "test_it.py", "import os\ndef test_it(clone):\n    if 'PAUSE' in os.environ:\n        breakpoint()\n"
    )
    pause = {"env": environment(PAUSE="1"), "stdin": subprocess.PIPE}
    with started(project, **pause) as process:
        said = ""
        while "(Pdb)" not in said:
            said += (piece := process.stdout.read(1))
            assert piece, said
        assert has_passed(run_pytest(project, timeout_s=20), 1)
        assert has_passed(run_pytest(project, "-n", "2", timeout_s=20), 1)
        rebuilt = run_pytest(project, "--templatedb-rebuild", timeout_s=20)
        assert has_passed(rebuilt, 1)
        assert "privately" not in rebuilt.stdout
        process.communicate("c\n", timeout=20)
    assert process.returncode == 0
    assert builds_in(cache) == 2


def test_a_breakpoint_in_a_migration_ends_the_build_and_names_the_line(project):
    """A build has no terminal: it must not wait for one."""
    function_project(project, "breakpoint()")
    write(project / "test_it.py", TEST)
    done = run_pytest(project, timeout_s=30)
    assert done.returncode == 1
    assert "BdbQuit" in done.stdout
    assert "templatedb build --debug" in done.stdout
