"""Versions of what is installed, read from metadata: nothing is imported."""

from __future__ import annotations

import functools
import re


@functools.cache
def installed(distribution: str) -> str:
    """Return the version of the installed *distribution*, or ``"none"``."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def as_numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of *version* for comparing; empty for ``"none"``."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])
