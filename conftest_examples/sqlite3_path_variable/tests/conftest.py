import pytest
from templatedb import Clone


@pytest.fixture(autouse=True)
def database(clone: Clone) -> None:
    """Put the file that the application opens back before each test."""
