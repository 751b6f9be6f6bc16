"""Examples that only read: one database for all of them, and the health check is told so."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from bank import open_account, search

OWNERS = ["100% Wool", "Ada Lovelace", "snake_case", "the house"]


@pytest.fixture
def customers(clone_session: Session) -> Session:
    for owner in OWNERS[:-1]:
        open_account(clone_session, owner)
    return clone_session


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(string.ascii_letters + string.punctuation + " ", max_size=3))
def test_signs_of_the_query_language_stand_for_themselves(customers: Session, words: str) -> None:
    assert search(customers, words) == [owner for owner in OWNERS if words.lower() in owner.lower()]
