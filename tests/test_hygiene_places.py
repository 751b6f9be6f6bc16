"""Wherever HOME, the cache and the temporary folder are: green, one line at most, and nothing in a strange place."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hygiene import command, environment, has_passed, lines_of, run_pytest, sql_project
from projects import builds_in, write

TEST = "def test_it(clone_connection):\n    assert clone_connection.execute('select name from t1').fetchall() == [('row 1',)]\n"
NO_CACHE = {"TEMPLATEDB_CACHE_DIR": None, "XDG_CACHE_HOME": None}


@pytest.fixture
def small(project):
    sql_project(project)
    write(project / "test_it.py", TEST)
    return project


def private_lines(done):
    return [line for line in lines_of(done) if line.startswith("building privately, this run pays for it alone: ")]


@pytest.mark.parametrize("home", ["missing", "a file", "a file above"])
@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "2 workers"])
def test_a_home_that_is_of_no_use_costs_one_line(small, tmp_path, home, words):
    """The run is green from a private build."""
    (tmp_path / "file").touch()
    where = {"missing": "/proc/nowhere", "a file": str(tmp_path / "file"), "a file above": str(tmp_path / "file/home")}
    done = run_pytest(small, *words, HOME=where[home], **NO_CACHE)
    assert has_passed(done, 1)
    assert len(private_lines(done)) == 1, done.stdout
    assert not [name for name in os.listdir(small) if "~" in name]


def test_a_home_that_does_not_exist_yet_is_made(small, tmp_path):
    """As every program of the XDG specification does."""
    assert has_passed(run_pytest(small, HOME=str(tmp_path / "new/home"), **NO_CACHE), 1)
    assert builds_in(tmp_path / "new/home/.cache/templatedb") == 1


@pytest.mark.parametrize("value", ["cache", "./cache", "~/cache"])
def test_a_relative_xdg_folder_makes_no_folder_in_the_project(small, tmp_path, value):
    """The specification has it ignored; whether by the home's folder or by a private build, it is green."""
    before = sorted(os.listdir(small))
    variables = {**NO_CACHE, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": value}
    done = run_pytest(small, **variables)
    assert has_passed(done, 1)
    assert len(private_lines(done)) + builds_in(tmp_path / "home/.cache/templatedb") == 1
    assert sorted({*os.listdir(small)} - {"__pycache__", ".pytest_cache"}) == before


def namespaced(folder: Path, script: str, **variables) -> subprocess.CompletedProcess:
    """Run a shell script with ``$@`` the pytest command, where it may mount; skip where that is not allowed."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare to mount something of its own")
    words = ["unshare", "-rm", "sh", "-c", script, "sh", *command()]
    done = subprocess.run(
        words, cwd=folder, env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    return done


def test_a_read_only_home_costs_one_line(small, tmp_path):
    """Also for root, who may write where the mode forbids it."""
    home = tmp_path / "home"
    home.mkdir()
    script = f"mount -t tmpfs -o ro tmpfs '{home}' || exit 77; exec \"$@\""
    done = namespaced(small, script, HOME=str(home), **NO_CACHE)
    assert has_passed(done, 1)
    assert len(private_lines(done)) == 1


def test_the_root_folder_as_home_costs_one_line_when_it_cannot_be_written(small, tmp_path):
    """Containers without a user have it so."""
    script = (
        f"mount --bind '{tmp_path}' '{tmp_path}' && mount --bind /dev/shm /dev/shm && mount -o remount,bind,ro /"
        f" && cd '{small}' || exit 77; exec \"$@\""
    )
    done = namespaced(small, script, HOME="/", TMPDIR=str(tmp_path), **NO_CACHE)
    assert has_passed(done, 1)
    assert len(private_lines(done)) == 1
    assert not Path("/.cache/templatedb").exists()


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a second file system")
@pytest.mark.parametrize("which", ["TMPDIR", "TEMPLATEDB_CACHE_DIR"])
def test_cache_and_temporary_folder_may_be_on_two_file_systems(small, which, tmp_path):
    """What is published by renaming never crosses them."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if os.stat(other).st_dev == os.stat(tmp_path).st_dev:
            pytest.skip("it is the same file system here")
        done = run_pytest(small, **{which: other})
        assert has_passed(done, 1)
        assert (
            private_lines(done),
            has_passed(run_pytest(small, "--templatedb-require-hit", **{which: other}), 1),
        ) == (
            [],
            True,
        )


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "2 workers"])
def test_the_cache_may_be_deleted_while_tests_run(project, cache, words):
    """Open goldens are held; what is asked for afterwards is built again."""
    sql_project(project)
    write(
        project / "test_it.py",
        f"""
        import shutil
        import pytest
        from templatedb import load

        @pytest.mark.parametrize("number", range(12))
        def test_it(clone_connection, clone_factory, number):
            shutil.rmtree({str(cache)!r}, ignore_errors=True)
            with clone_factory() as one, clone_factory("memory") as two:
                assert one.dump() == two.dump()
            assert clone_connection.execute("select name from t1").fetchall() == [("row 1",)]
            clone_connection.execute("delete from t1")
            clone_connection.commit()
            with load().golden() as golden, golden.clone() as clone:
                assert clone.connect().execute("select name from t1").fetchall() == [("row 1",)]
        """,
    )
    assert has_passed(run_pytest(project, *words), 12)
    assert has_passed(run_pytest(project, *words), 12)
