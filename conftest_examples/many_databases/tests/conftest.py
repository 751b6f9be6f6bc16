import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import templatedb
from templatedb import Golden

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def events_golden() -> Iterator[Golden]:
    """The golden of the second database, built once or found."""
    with templatedb.load(PROJECT / "events").golden() as golden:
        yield golden


@pytest.fixture
def events(events_golden: Golden) -> Iterator[sqlite3.Connection]:
    """A connection to a private database of events."""
    with events_golden.clone() as clone:
        yield clone.connect()
