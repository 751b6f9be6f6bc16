"""Give a file the content of another by sharing its extents: any size in a moment, where the filesystem can.

Linux: the ioctl FICLONE, ioctl_ficlone(2) (XFS, btrfs, and others). macOS: fclonefileat(2) (APFS), which makes new
files only. ``copy_file_range`` is no question to ask: where nothing can be shared it succeeds by copying.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

_FICLONE = 0x40049409  # fcntl.FICLONE has a name only in later Pythons; where the number differs the answer is ENOTTY
_CLONE_NOOWNERCOPY = 2
_AT_FDCWD = -2  # macOS
# What "cannot" looks like: no such call, no shared extents here, another filesystem, nodatacow, a seccomp filter.
_REFUSALS = frozenset(
    {
        errno.EOPNOTSUPP,
        errno.ENOTSUP,
        errno.EINVAL,
        errno.EXDEV,
        errno.ENOTTY,
        errno.ENOSYS,
        errno.ETXTBSY,
        errno.EPERM,
        errno.EACCES,
    }
)


def share(source_descriptor: int, destination_descriptor: int) -> bool:
    """Make the open destination equal to the source by sharing its extents; return whether that was done.

    The destination keeps its inode and its open descriptors, so nobody but the caller may use it meanwhile. After False
    it may be empty: write it. False also on every system but Linux, where it stays as it was. Raises OSError for a full
    disk, a failing one, and wrong descriptors.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    # First: the call would write the destination's dirty pages to the disk before it drops them (XFS, 500 MB, 100 of
    # them: 11 ms instead of 0.15). Also, a tail beyond the source's end would stay, and a longer destination is refused
    # when the source does not end with a block of the filesystem.
    os.ftruncate(destination_descriptor, 0)
    try:
        fcntl.ioctl(destination_descriptor, _FICLONE, source_descriptor)
    except OSError as error:
        return _refused(error)
    return True


def share_to_path(source_descriptor: int, path: Path) -> bool:
    """Make the new file *path* with the source's content by sharing its extents; return whether that was done.

    The file is the caller's alone (mode 0600). After False there is no file. Raises FileExistsError when there was one,
    and OSError as `share` does.
    """
    if sys.platform == "darwin":
        return _clone_on_macos(source_descriptor, path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    done = False
    try:
        done = share(source_descriptor, descriptor)
    finally:
        os.close(descriptor)
        if not done:
            os.unlink(path)
    return done


def _clone_on_macos(source_descriptor: int, path: Path) -> bool:
    import ctypes

    system = ctypes.CDLL(None, use_errno=True)
    if system.fclonefileat(source_descriptor, _AT_FDCWD, os.fsencode(path), _CLONE_NOOWNERCOPY) != 0:
        number = ctypes.get_errno()
        return _refused(OSError(number, os.strerror(number), str(path)))
    try:
        os.chmod(path, 0o600)  # the golden is read-only, and its mode comes along
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    return True


def _refused(error: OSError) -> bool:
    """Return False for an answer that means "cannot"; raise every other one."""
    if error.errno in _REFUSALS:
        return False
    raise error
