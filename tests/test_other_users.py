"""A cache that root made for others: in a container image, read by whoever runs the tests there."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from projects import alembic_project, revision, write

NOBODY = 65534

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can become another user, with setpriv",
)


@pytest.fixture
def image():
    """A folder that everybody can get to, with a project in it and a place for the cache."""
    folder = Path(tempfile.mkdtemp(prefix="image-", dir="/var/tmp"))
    folder.chmod(0o755)
    alembic_project(folder / "project")
    write(folder / "project/test_it.py", "def test_it(clone): assert 'row 1' in clone.dump()\n")
    yield folder
    shutil.rmtree(folder)


def run_as(user: int, image: Path, *command: str, cache: str = "cache"):
    """Run a module of Python as that *user*, in the project."""
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    home = Path(tempfile.mkdtemp(dir=image, prefix="home-"))
    os.chown(home, user, user)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "XDG"))},
        "TEMPLATEDB_CACHE_DIR": str(image / cache),
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        [*become, sys.executable, "-m", *command],
        check=False,
        cwd=image / "project",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def can_build(image: Path) -> None:
    """Skip where the other user cannot start the interpreter: a build is a process of its own."""
    started = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    write(image / "project/start.py", started)
    if run_as(NOBODY, image, "start").returncode:
        pytest.skip("the interpreter is where the other user cannot start it")


def as_seen(image: Path) -> dict[str, tuple[int, int]]:
    """Return mode and time of everything in the cache."""
    found = [image / "cache", *(image / "cache").rglob("*")]
    return {str(path.relative_to(image)): (path.stat().st_mode, path.stat().st_mtime_ns) for path in found}


def test_another_user_finds_the_golden_of_a_shared_cache_and_writes_nothing(image):
    """No warning, no build; not even a time changes."""
    assert run_as(0, image, "templatedb", "build", "--shared").returncode == 0
    before = as_seen(image)
    done = run_as(NOBODY, image, "pytest", "-q", "-p", "no:cacheprovider", "--templatedb-require-hit")
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in done.stdout.splitlines() if "golden" in line]
    assert len(said) == 2
    assert all(" hit (2 revisions" in line for line in said)
    assert as_seen(image) == before


def test_another_user_of_a_shared_cache_without_his_golden_builds_privately(image):
    """One line says why, and tests pass."""
    can_build(image)
    assert run_as(0, image, "templatedb", "build", "--shared").returncode == 0
    write(image / "project/scripts/versions/r3.py", revision(3))
    done = run_as(NOBODY, image, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    (said,) = {line.removeprefix("templatedb: ") for line in done.stdout.splitlines() if "privately, this" in line}
    assert f"the cache {image}/cache has no golden" in said
    assert "and cannot be written. Build it as the user that it belongs to" in said


def test_a_cache_that_is_not_shared_is_closed_to_another_user(image):
    """He is told, builds privately, and passes."""
    can_build(image)
    assert run_as(0, image, "templatedb", "build").returncode == 0
    done = run_as(NOBODY, image, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    (said,) = {line.removeprefix("templatedb: ") for line in done.stdout.splitlines() if "privately, this" in line}
    assert f"the cache directory {image}/cache cannot be" in said


def test_sharing_what_others_cannot_get_to_is_an_error(image):
    """The folder that keeps them out is named."""
    closed = image / "closed"
    closed.mkdir(mode=0o700)
    done = run_as(0, image, "templatedb", "build", "--shared", cache="closed/cache")
    remedy = "Set TEMPLATEDB_CACHE_DIR to a folder outside of it, such as /opt/templatedb, for all of you."
    assert (done.returncode, done.stderr) == (
        1,
        f"templatedb: other users cannot get to {closed}/cache: {closed} is closed to them\n{remedy}\n",
    )


@pytest.mark.parametrize("how", ["another user's", "a link", "open to others"])
def test_a_cache_that_is_not_to_be_trusted_is_not_used(image, how):
    """Refused, never followed: one line, a private build, tests pass."""
    cache = image / "cache"
    assert run_as(0, image, "templatedb", "build").returncode == 0
    if how == "another user's":
        os.chown(cache, NOBODY, NOBODY)
    elif how == "a link":
        cache.rename(image / "elsewhere")
        cache.symlink_to(image / "elsewhere")
    else:
        cache.chmod(0o777)
    reason = {
        "another user's": f"it belongs to user {NOBODY}",
        "a link": "it is a link or not a folder",
        "open to others": "others may write to it",
    }[how]
    done = run_as(0, image, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    (said,) = {line.removeprefix("templatedb: ") for line in done.stdout.splitlines() if "privately, this" in line}
    assert f"the cache directory {cache} is not trusted: {reason}" in said


def test_a_folder_that_this_user_may_not_write_to_is_named(image):
    """With whose it is, and with what mends it where it is one's own."""
    own = image / "own"
    own.mkdir(mode=0o555)
    os.chown(own, NOBODY, NOBODY)
    in_foreign = run_as(NOBODY, image, "templatedb", "build")
    in_own = run_as(NOBODY, image, "templatedb", "build", cache="own/cache")
    foreign = f"user {NOBODY} may not write to {image} (mode 0755, of user 0). Set"
    mended = f"user {NOBODY} may not write to {own} (mode 0555, of user {NOBODY}). Run: chmod u+rwx {own}, or set"
    assert [run.stderr.splitlines()[0].partition(" alone: ")[2] for run in (in_foreign, in_own)] == [
        f"the cache directory {image}/cache cannot be made: {foreign} TEMPLATEDB_CACHE_DIR to another folder.",
        f"the cache directory {own}/cache cannot be made: {mended} TEMPLATEDB_CACHE_DIR to another folder.",
    ]
