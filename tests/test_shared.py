"""Files that share their extents: done where the filesystem can, refused everywhere else, and never a silent copy."""

import ctypes
import errno
import fcntl
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from templatedb.slots import shared
from templatedb.slots.shared import share, share_to_path

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="FICLONE is Linux's")
MAKERS = {
    "xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"),
    "xfs without shared extents": ("mkfs.xfs", "-q", "-m", "reflink=0"),
    "btrfs": ("mkfs.btrfs", "-q"),
}


def opened(path: Path, content: bytes) -> int:
    path.write_bytes(content)
    return os.open(path, os.O_RDWR)


def on_a_filesystem_of(kind: str, folder: Path, check: str) -> None:
    """Run the function *check* of this module on a new filesystem, in a mount namespace that ends with its process."""
    maker = MAKERS[kind]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount")
    if missing := [tool for tool in (maker[0], "unshare", "mount") if shutil.which(tool) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    image, mounted = folder / "image", folder / "mounted"
    image.touch()
    os.truncate(image, 512 << 20)  # sparse
    mounted.mkdir()
    subprocess.run([*maker, image], check=True, capture_output=True)
    script = (
        f'mount -o loop "$0" "$1" || exit 77; exec "$2" -W error -c "import test_shared; test_shared.{check}()" "$1"'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, image, mounted, sys.executable],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(f"cannot mount {kind} here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


def sharing_holds() -> None:
    """Everything that `share` and `share_to_path` promise, on the filesystem of the command line's folder."""
    folder = Path(sys.argv[1])
    content = os.urandom(32 << 20)
    source = opened(folder / "source", content)
    os.fsync(source)

    used = [in_use(folder)]
    assert share_to_path(source, folder / "new")
    used.append(in_use(folder))
    assert used[1] - used[0] < 1 << 20
    assert (folder / "new").read_bytes() == content
    assert (folder / "new").stat().st_mode & 0o777 == 0o600

    # Shorter, equally long, longer; and sizes that are no multiple of a block, as with pages of 512 bytes.
    for odd in (0, 512, 1536):
        os.ftruncate(source, len(content) - odd)
        for other in (b"", b"short", os.urandom(len(content) - odd), os.urandom(len(content) + 5000)):
            destination = opened(folder / "there", other)
            inode = os.fstat(destination).st_ino
            assert share(source, destination)
            assert os.stat(folder / "there").st_ino == inode
            assert (folder / "there").read_bytes() == content[: len(content) - odd]
            os.pwrite(destination, b"private", 4096)
            assert os.pread(source, 7, 4096) == content[4096:4103]
            os.close(destination)

    with pytest.raises(FileExistsError):
        share_to_path(source, folder / "new")
    live_connections_follow(folder)


def live_connections_follow(folder: Path) -> None:
    """A pooled connection keeps its file and reads the shared content, once the change counter says so."""
    golden, slot = folder / "golden.sqlite", folder / "slot.sqlite"
    with closing(sqlite3.connect(golden)) as connection:
        connection.execute("create table t(x)")
        connection.execute("insert into t values ('golden')")
        connection.commit()
    source = os.open(golden, os.O_RDONLY)
    assert share_to_path(source, slot)
    destination = os.open(slot, os.O_RDWR)
    with closing(sqlite3.connect(slot)) as pooled:
        for _ in range(3):
            pooled.execute("insert into t values (zeroblob(500000))")
            pooled.commit()
            counter = int.from_bytes(os.pread(destination, 4, 24)) + 1
            assert share(source, destination)
            for offset in (24, 92):
                os.pwrite(destination, counter.to_bytes(4), offset)
            assert pooled.execute("select * from t").fetchall() == [("golden",)]
            assert pooled.execute("pragma integrity_check").fetchone() == ("ok",)


def refused_without_a_trace() -> None:
    """What `share` and `share_to_path` answer on a filesystem that cannot share."""
    folder = Path(sys.argv[1])
    source = opened(folder / "source", b"content")
    assert not share(source, opened(folder / "there", b"other"))
    assert not share_to_path(source, folder / "new")
    assert not (folder / "new").exists()


def in_use(folder: Path) -> int:
    os.sync()
    facts = os.statvfs(folder)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_extents_are_shared_where_the_filesystem_can(kind, tmp_path):
    """No space is used, the inode stays, the tail of a longer file goes, and a write to one is not seen in the other."""
    on_a_filesystem_of(kind, tmp_path, "sharing_holds")


def test_a_filesystem_made_without_shared_extents_refuses(tmp_path):
    """XFS can be either: its name tells nothing, so the question is asked of the file."""
    on_a_filesystem_of("xfs without shared extents", tmp_path, "refused_without_a_trace")


@LINUX
def test_memory_backed_storage_refuses():
    """tmpfs copies with copy_file_range, and says no to FICLONE."""
    folder = Path("/dev/shm", f"templatedb-test-{os.getpid()}")
    if not folder.parent.is_dir():
        pytest.skip("no /dev/shm")
    folder.mkdir()
    try:
        source, destination = opened(folder / "source", b"content"), opened(folder / "there", b"other")
        assert not share(source, destination)
        assert not share_to_path(source, folder / "new")
        assert sorted(os.listdir(folder)) == ["source", "there"]
        os.close(source)
        os.close(destination)
    finally:
        shutil.rmtree(folder)


@LINUX
def test_two_filesystems_share_nothing(tmp_path):
    """EXDEV is a refusal like others."""
    folder = Path("/dev/shm")
    if not folder.is_dir() or folder.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second filesystem")
    source = opened(tmp_path / "source", b"content")
    path = folder / f"templatedb-test-{os.getpid()}-other"
    try:
        assert not share_to_path(source, path)
        assert not path.exists()
    finally:
        path.unlink(missing_ok=True)
        os.close(source)


@LINUX
@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV, errno.ENOTTY, errno.ETXTBSY])
def test_a_refusal_is_no_error(number, tmp_path, monkeypatch):
    """The caller writes the bytes instead."""
    source = opened(tmp_path / "source", b"content")
    monkeypatch.setattr(fcntl, "ioctl", failing(number))
    assert not share_to_path(source, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    os.close(source)


@LINUX
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EBADF])
def test_a_disk_that_is_full_or_fails_is_an_error(number, tmp_path, monkeypatch):
    """Writing the bytes would meet it too; no half-made file is left."""
    source = opened(tmp_path / "source", b"content")
    monkeypatch.setattr(fcntl, "ioctl", failing(number))
    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        share_to_path(source, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    os.close(source)


def failing(number: int):
    def ioctl(*arguments):
        raise OSError(number, os.strerror(number))

    return ioctl


class MacOS:
    """What `shared` asks of macOS, played here: no other system has the call."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.asked = []

    def fclonefileat(self, *arguments) -> int:
        self.asked.append(arguments)
        if self.number:
            ctypes.set_errno(self.number)
            return -1
        path = Path(os.fsdecode(arguments[2]))
        path.write_bytes(os.pread(arguments[0], 100, 0))
        path.chmod(0o400)
        return 0


def on_macos(monkeypatch, system: MacOS) -> MacOS:
    monkeypatch.setattr(shared.sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: system)
    return system


def test_macos_clones_to_a_new_file_that_can_be_written(tmp_path, monkeypatch):
    """The golden's read-only mode comes along with its content, and must not stay."""
    source = opened(tmp_path / "source", b"content")
    system = on_macos(monkeypatch, MacOS())
    assert share_to_path(source, tmp_path / "new")
    assert system.asked == [(source, -2, os.fsencode(tmp_path / "new"), 2)]
    assert (tmp_path / "new").read_bytes() == b"content"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    os.close(source)


def test_macos_has_no_way_to_share_with_a_file_that_is_there(tmp_path, monkeypatch):
    """clonefile makes new files only; the file stays as it was."""
    source, destination = opened(tmp_path / "source", b"content"), opened(tmp_path / "there", b"a longer one")
    on_macos(monkeypatch, MacOS())
    assert not share(source, destination)
    assert (tmp_path / "there").read_bytes() == b"a longer one"
    os.close(source)
    os.close(destination)


@pytest.mark.parametrize(("number", "refusal"), [(errno.ENOTSUP, True), (errno.EXDEV, True), (errno.ENOSPC, False)])
def test_macos_tells_a_refusal_from_an_error(number, refusal, tmp_path, monkeypatch):
    """As on Linux."""
    on_macos(monkeypatch, MacOS(number))
    if refusal:
        assert not share_to_path(0, tmp_path / "new")
    else:
        with pytest.raises(OSError, match="new"):
            share_to_path(0, tmp_path / "new")
