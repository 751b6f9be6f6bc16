"""Requests in the session of the test: the second choice, and its price."""

import sqlite3

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from bank import Account


@pytest.fixture
def ada(clone_session: Session) -> Account:
    """Flushed, not committed: that is enough for requests in the same session."""
    ada = Account(owner="Ada", cents=500)
    clone_session.add_all([ada, Account(owner="Grace", cents=0)])
    clone_session.flush()
    return ada


def test_the_endpoint_works_on_the_object_of_the_test(client_in_session: TestClient, ada: Account) -> None:
    order = {"payer": "Ada", "payee": "Grace", "cents": 120}
    assert client_in_session.post("/transfers", json=order).status_code == 201
    assert ada.cents == 380


def test_a_refused_transfer_stays_until_the_test_rolls_back(
    client_in_session: TestClient, clone_session: Session, clone_connection: sqlite3.Connection, ada: Account
) -> None:
    """In production it would be gone with its request."""
    clone_session.commit()
    order = {"payer": "Ada", "payee": "Grace", "cents": 501}
    assert client_in_session.post("/transfers", json=order).status_code == 409
    assert client_in_session.get("/accounts/Grace").json() == 501
    assert clone_connection.execute("select * from account").fetchall() == [("Ada", 500), ("Grace", 0)]
    clone_session.rollback()
    assert ada.cents == 500
    assert client_in_session.get("/accounts/Grace").json() == 0
