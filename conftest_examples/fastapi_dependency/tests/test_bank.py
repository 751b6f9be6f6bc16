"""Each request has a session of its own: the first choice."""

import sqlite3

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from bank import Account


@pytest.fixture(autouse=True)
def two_accounts(clone_session: Session) -> None:
    """Committed: requests see nothing else."""
    clone_session.add_all([Account(owner="Ada", cents=500), Account(owner="Grace", cents=0)])
    clone_session.commit()


def test_a_transfer_is_committed(client: TestClient, clone_connection: sqlite3.Connection) -> None:
    """The row is looked at through another connection: without the commit it would not be there."""
    order = {"payer": "Ada", "payee": "Grace", "cents": 120}
    assert client.post("/transfers", json=order).status_code == 201
    assert clone_connection.execute("select * from account").fetchall() == [("Ada", 380), ("Grace", 120)]


def test_a_request_sees_the_commit_of_another(client: TestClient) -> None:
    order = {"payer": "Ada", "payee": "Grace", "cents": 500}
    assert client.post("/transfers", json=order).status_code == 201
    assert client.get("/accounts/Grace").json() == 500
    assert client.post("/transfers", json=order).status_code == 409


@pytest.mark.parametrize(
    ("payer", "status"),
    [("Ada", 409), ("Linus", 404)],
    ids=["too little", "no account"],
)
def test_a_refused_transfer_is_rolled_back(
    client: TestClient, clone_connection: sqlite3.Connection, payer: str, status: int
) -> None:
    """Grace had the money already when the payer was refused: the end of the request took it back."""
    order = {"payer": payer, "payee": "Grace", "cents": 501}
    assert client.post("/transfers", json=order).status_code == status
    assert client.get("/accounts/Grace").json() == 0
    assert clone_connection.execute("select * from account").fetchall() == [("Ada", 500), ("Grace", 0)]
