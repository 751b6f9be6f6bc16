"""The cache directory explains itself, is trusted only when it is ours, and holds nothing half done."""

import os
import time
from pathlib import Path

import pytest

from templatedb.cache import BUCKET, open_trusted, read_trusted, write_atomically
from templatedb.cache_trust import directory, look_at, open_cache
from templatedb.errors import BuildError, CacheError
from templatedb.records import Key
from templatedb.settings import Settings

KEY = Key("templatedb1-" + "0" * 64)


def test_a_new_cache_explains_itself_and_is_private(cache):
    """Backup programs skip it by its tag; people read the text."""
    open_cache(cache)
    assert (cache / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert "deleting the whole folder is safe at any time" in (cache / "README.txt").read_text()
    assert sorted(os.listdir(cache / BUCKET)) == ["builds", "failures", "goldens", "locks", "manifests", "stamps"]
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no file that is there and cannot be read")
def test_a_file_that_cannot_be_read_is_named_in_the_error():
    """An open file does not know its name, and "Input/output error" alone helps nobody."""
    with pytest.raises(OSError, match=r"\[Errno 5\] Input/output error: '/proc/self/mem'"):
        read_trusted(Path("/proc/self/mem"))


def test_the_directory_is_the_variables_then_the_settings_then_the_users(project, monkeypatch):
    """Relative ones start at the root of the settings."""
    settings = Settings(root=project, cache_dir=".dbcache")
    assert directory(settings, {"TEMPLATEDB_CACHE_DIR": "/x"}) == Path("/x")
    assert directory(settings, {}) == project / ".dbcache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(project / "xdg"))
    assert directory(Settings(root=project), {}) == project / "xdg" / "templatedb"


def test_without_a_home_there_is_no_directory_called_tilde(project, monkeypatch):
    """An error with a remedy, which leads to a private build."""
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: Path("~/.cache/templatedb"))
    with pytest.raises(CacheError, match="this user has no home folder"):
        directory(Settings(root=project), {})


def test_a_directory_open_to_others_is_refused(cache):
    """Somebody could plant a golden."""
    open_cache(cache)
    cache.chmod(0o777)
    with pytest.raises(CacheError, match="is not trusted: others may write to it\nRun: chmod -R go-w"):
        open_cache(cache)


def test_a_link_in_its_place_is_refused(cache, tmp_path):
    """It would lead where somebody else says."""
    (tmp_path / "elsewhere").mkdir()
    cache.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CacheError, match="it is a link or not a folder"):
        open_cache(cache)


@pytest.mark.parametrize("of_file", ["", "v1", "v1/goldens"])
def test_a_file_in_its_place_is_refused(cache, of_file):
    """Its name says what to remove."""
    file = cache / of_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with pytest.raises(CacheError) as raised:
        open_cache(cache)
    assert (raised.value.what, raised.value.remedy) == (
        f"the cache directory {cache} cannot be written: {file} is a file, not a folder",
        "Remove that, or set TEMPLATEDB_CACHE_DIR to another folder.",
    )


def test_a_file_above_its_place_is_refused(cache):
    """What is in the way stands elsewhere."""
    cache.parent.rmdir()
    cache.parent.touch()
    with pytest.raises(CacheError) as raised:
        open_cache(cache)
    assert raised.value.what == f"the cache directory {cache} cannot be made: {cache.parent} is a file, not a folder"


def test_a_look_makes_nothing(cache):
    """Who only asks what is there must not leave a folder behind."""
    opened = look_at(cache)
    assert (list(opened.known_keys()), opened.digests_of("project"), cache.exists()) == ([], None, False)


def test_a_look_trusts_as_little_as_a_build(cache):
    """What it would tell is what a stranger wrote."""
    cache.mkdir(mode=0o700)
    cache.chmod(0o777)
    with pytest.raises(CacheError, match="is not trusted: others may write to it"):
        look_at(cache)


@pytest.mark.parametrize("kind", ["missing", "link", "folder", "fifo", "writable by others"])
def test_only_a_regular_file_of_ours_is_opened(tmp_path, kind):
    """A FIFO must not hang the reader."""
    path = tmp_path / "golden.sqlite"
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "writable by others":
        path.touch()
        path.chmod(0o622)
    assert open_trusted(path) is None
    assert read_trusted(path) is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    """And no temporary file beside it."""
    path = tmp_path / "manifest.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["manifest.json"])


def test_manifests_are_newest_first_and_strangers_are_passed_over(cache):
    """Ten comes before nine; other files in the folder are no manifests."""
    opened = open_cache(cache)
    folder = opened.manifest_folder(KEY)
    folder.mkdir()
    for name in ("9.json", "10.json", "x.json", ".new-1", "10.json.bak"):
        (folder / name).write_bytes(b"damaged")
    assert (opened.next_number(KEY), list(opened.manifests(KEY))) == (11, [])


def test_a_failure_is_remembered_for_its_run_only(cache):
    """The next run tries again."""
    opened = open_cache(cache)
    error = BuildError(what="migration r2 failed", revision="r2", traceback="t", output="o")
    opened.remember_failure(KEY, "run-1", error)
    found = opened.failure(KEY, "run-1")
    assert vars(found) == vars(error)
    assert opened.failure(KEY, "run-2") is None
    assert opened.failure(KEY, "run-1", since=time.time() + 60) is None
