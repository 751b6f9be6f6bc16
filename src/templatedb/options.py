"""The options that the plugin adds to pytest."""

from __future__ import annotations

import pytest

PREFIX = "templatedb_"
"""Of the names under which pytest keeps their values."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; each has the prefix, for a second plugin with the same string would end every run."""
    group = parser.getgroup("templatedb", "template databases")
    add = group.addoption
    add(
        "--templatedb-rebuild",
        action="store_true",
        dest=PREFIX + "rebuild",
        help="Build the golden again, once in this run, even if there is one.",
    )
    add(
        "--templatedb-require-hit",
        action="store_true",
        dest=PREFIX + "require_hit",
        help="A build is an error: proves in CI that the cache works.",
    )
    add(
        "--templatedb-keep",
        choices=("failed", "all", "none"),
        dest=PREFIX + "keep",
        help="Which tests leave their database behind (default: failed).",
    )
    add(
        "--templatedb-clone",
        choices=("file", "memory"),
        dest=PREFIX + "clone",
        help="Where the databases of tests live (default: file).",
    )
    add(
        "--templatedb-cache-dir",
        metavar="DIR",
        dest=PREFIX + "cache_dir",
        help="Where goldens are kept (default: the user's cache folder).",
    )
    add(
        "--templatedb-strict",
        action="store_true",
        default=None,
        dest=PREFIX + "strict",
        help="A problem with the cache is an error instead of a private build.",
    )
    add(
        "--templatedb-reconnect",
        action="store_true",
        dest=PREFIX + "reconnect",
        help="Give each test fresh connections: for connection state that cannot be read back, such as functions.",
    )
