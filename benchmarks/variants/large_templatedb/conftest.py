"""templatedb's clone_engine."""

import pytest


@pytest.fixture
def engine(clone_engine):
    return clone_engine
