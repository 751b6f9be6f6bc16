import pytest
from templatedb import Clone


@pytest.fixture(autouse=True)
def database(clone: Clone) -> None:
    """Put the application's database back before each test."""
