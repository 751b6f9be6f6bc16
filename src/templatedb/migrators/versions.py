"""Versions of what is installed, read from the names of metadata folders: nothing is imported."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys


@functools.cache
def installed(distribution: str) -> str:
    """Return the version of the installed *distribution*, or ``"none"``.

    A wheel's metadata folder is called ``<name>-<version>.dist-info``, with a capital letter in old releases; reading
    that name takes a tenth of the time that importing ``importlib.metadata`` does. Anything unusual is left to it.
    """
    pattern = re.compile(rf"{re.escape(distribution)}-([^-]+)\.dist-info", re.IGNORECASE)
    for folder in sys.path:
        with contextlib.suppress(OSError):
            found = [match[1] for name in os.listdir(folder or ".") if (match := pattern.fullmatch(name))]
            if len(found) == 1:
                return found[0]
            if found:
                break  # two at once: a broken installation, which the standard library sorts out
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def as_numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of *version* for comparing; empty for ``"none"``."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])
