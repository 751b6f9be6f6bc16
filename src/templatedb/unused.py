"""Applications that pass the tests' databases by: what the summary says, for nothing fails then, or everything does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from templatedb import pools
from templatedb.slots import Way

if TYPE_CHECKING:
    from templatedb.exported import Exported
    from templatedb.summary import Tally

_LEAVES_NO_TRACE = frozenset({Way.COPIED, Way.UNCHANGED, Way.MEMORY})
_SHOWN = 3


def clones_unopened(tally: Tally, *, were_asked: bool) -> str:
    """Return a line where clones were lent, nobody opened one, and other SQLite files were opened; else nothing.

    *were_asked* says whether any test asked for the path, URL or a connection of one. What opens files without
    SQLAlchemy's pools is not seen.
    """
    if were_asked or not tally.clone_costs_us or not _LEAVES_NO_TRACE.issuperset(tally.clone_costs_us):
        return ""
    if not (others := pools.others_only()):
        return ""
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return (
        f"no test opened its clone, but {', '.join(others[:_SHOWN])}{more} was opened: give the application"
        " clone_url, or set 'export' (templatedb init shows how)"
    )


def export_unused(exported: Exported) -> str:
    """Return a line where the application opened what was exported and no test asked for a clone; else nothing."""
    if not exported.path.exists():
        return ""
    return (
        f"'export' leads the application to a clone by {', '.join(exported.values)}, but no test asked for one, so its"
        " database was empty: add an autouse fixture to conftest.py that asks for 'clone' (templatedb init shows it)"
    )
