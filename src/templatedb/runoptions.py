"""What the command line of pytest says of one run."""

# Annotations are no texts here: typing compiles each text of a NamedTuple, which costs a warm start a millisecond.

from typing import NamedTuple

from templatedb.records import CloneKind, Keep


class Options(NamedTuple):
    """What the command line of pytest says."""

    run: str
    """Name of the test run, the same in all its workers."""
    began: float
    """When it began, in seconds since the epoch."""
    rebuild_before: float | None = None
    require_hit: bool = False
    keep: Keep | None = None
    clone: CloneKind | None = None
    cache_dir: str | None = None
    strict: bool | None = None
    reconnect: bool = False
