"""Applications that make an async engine of a URL without an async driver: the setting is told with the complaint.

SQLAlchemy names the driver, mostly at an import, before a test runs; that ``export`` chose it, nobody would guess.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from templatedb.exported import Exported

_COMPLAINT = "The asyncio extension requires an async driver"
SECTION = "templatedb"


def hint(exported: Exported, complaint: str) -> str:
    """Return what to set where *complaint*, the text of an error, is of a URL that was exported; else nothing."""
    names = [name for name, value in exported.values.items() if value.startswith("sqlite:")]
    if not names or _COMPLAINT not in complaint:
        return ""
    return (
        f"templatedb: the application makes an async engine of the \"url\" that 'export' gave it in {', '.join(names)}:"
        f' write "async_url" instead, as in export = {{{names[0]} = "async_url"}}'
    )


def note_it(exported: Exported) -> None:
    """Add the hint to the error that is on its way; for a clean-up of pytest's.

    A conftest that cannot be imported ends the run before it is configured: no hook is called any more, only clean-ups
    are, while its error is handled and not yet printed.
    """
    cause = getattr(sys.exception(), "cause", None)  # that of pytest's ConftestImportFailure, which is not public
    if isinstance(cause, BaseException) and (line := hint(exported, str(cause))):
        cause.add_note(line)


class OnCollection:
    """A plugin that adds the hint to the report of what cannot be collected."""

    def __init__(self, exported: Exported) -> None:
        """Know what was exported."""
        self._exported = exported

    def pytest_exception_interact(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        """Add it as a section; tests have had theirs by now, when workers have sent the reports."""
        if isinstance(report, pytest.CollectReport) and (line := hint(self._exported, report.longreprtext)):
            report.sections.append((SECTION, line))
