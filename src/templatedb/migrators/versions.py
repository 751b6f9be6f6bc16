"""Versions of what is installed, read from the names of metadata folders: nothing is imported."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterator

from templatedb.digests import of_names

_METADATA_SUFFIX = ".dist-info"
_METADATA_FOLDER = r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info"
_IS_ABOUT_THE_PLACE = r"^\.\./|\.dist-info/|\.pyc,"
"""Lines of a RECORD that differ between two environments: scripts with the interpreter's path, metadata, byte code."""


@functools.cache
def installed(distribution: str) -> str:
    """Return the version of the installed *distribution*, or ``"none"``.

    A wheel's metadata folder is called ``<name>-<version>.dist-info``, with a capital letter in old releases; reading
    that name takes a tenth of the time that importing ``importlib.metadata`` does. Anything unusual is left to it.
    """
    start = f"{distribution}-"
    for folder in sys.path:
        with contextlib.suppress(OSError):
            named = (name for name in os.listdir(folder or ".") if name.endswith(_METADATA_SUFFIX))
            found = [name[len(start) : -len(_METADATA_SUFFIX)] for name in named if name.lower().startswith(start)]
            found = [version for version in found if version and "-" not in version]
            if len(found) == 1:
                return found[0]
            if found:
                break  # two at once: a broken installation, which the standard library sorts out
    return _by_the_standard_library(distribution)


def _by_the_standard_library(distribution: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def as_numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of *version* for comparing; empty for ``"none"``."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])


class Installed:
    """All that is installed now; each folder of the import path is listed once, when it is first needed."""

    def __init__(self, folders: tuple[str, ...] = ()) -> None:
        """Look into *folders* before the import path of this process."""
        self._folders = folders

    @functools.cached_property
    def _metadata(self) -> dict[str, tuple[str, str]]:
        """Version and metadata folder by normalized name; the first on the import path wins, as for Python."""
        found: dict[str, tuple[str, str]] = {}
        for folder in (*self._folders, *sys.path):
            with contextlib.suppress(OSError):
                for name in os.listdir(folder or "."):
                    if match := re.fullmatch(_METADATA_FOLDER, name):
                        found.setdefault(normalized(match["name"]), (match["version"], os.path.join(folder, name)))
        return found

    def identity(self, distribution: str) -> str:
        """Return what tells two installations of *distribution* apart, or ``"none"`` when it is not installed.

        Its version; with what was installed from a folder or a file of this machine (PEP 610, as tox does with the
        project itself), also a digest of its files, for such a version often stays the same when the files change.
        """
        if distribution not in self._metadata:
            return _by_the_standard_library(distribution)
        version, folder = self._metadata[distribution]
        if not os.path.exists(os.path.join(folder, "direct_url.json")):
            return version
        files = [line for line in _record(folder) if not re.search(_IS_ABOUT_THE_PLACE, line)]
        return f"{version} {of_names(files)[:16]}"

    def owners_of(self, top_names: set[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
        """Return the distributions that installed each of *top_names*, pairs of an import folder and a name in it.

        Several share a namespace package. What no distribution installed is left out. Reads every RECORD of the
        folders, some tens of milliseconds: for a build, not for a look.
        """
        folders = {folder for folder, _ in top_names}
        owners: dict[tuple[str, str], set[str]] = {}
        for distribution, (_, metadata) in self._metadata.items():
            home = os.path.dirname(metadata)
            if home in folders:
                for top in {line.partition(",")[0].partition("/")[0] for line in _record(metadata)}:
                    if (home, top) in top_names:
                        owners.setdefault((home, top), set()).add(distribution)
        return owners


def normalized(name: str) -> str:
    """Return *name* as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _record(metadata_folder: str) -> Iterator[str]:
    """Yield the lines of the RECORD: path, hash and size of each installed file; nothing where there is none."""
    with (
        contextlib.suppress(OSError, UnicodeDecodeError),
        open(os.path.join(metadata_folder, "RECORD"), encoding="utf-8") as opened,
    ):
        yield from opened
