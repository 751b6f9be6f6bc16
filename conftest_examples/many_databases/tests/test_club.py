"""Tests that use both databases at once."""

import sqlite3

from sqlalchemy.orm import Session

from club import disagreements, join, leave


def test_a_member_is_in_both_databases(clone_session: Session, events: sqlite3.Connection) -> None:
    ada, bob = (join(clone_session, events, f"{name}@example.org") for name in ("ada", "bob"))
    leave(clone_session, events, "ada@example.org")
    rows = events.execute("select account_id, kind from event order by number").fetchall()
    assert rows == [(ada.id, "joined"), (bob.id, "joined"), (ada.id, "left")]
    assert disagreements(clone_session, events) == []


def test_an_event_that_was_lost_is_found(clone_session: Session, events: sqlite3.Connection) -> None:
    for name in ("ada", "bob"):
        join(clone_session, events, f"{name}@example.org")
    with events:
        events.execute("delete from event where number = 1")
    assert disagreements(clone_session, events) == ["ada@example.org"]


def test_nothing_is_left_of_other_tests(clone_session: Session, events: sqlite3.Connection) -> None:
    assert join(clone_session, events, "cleo@example.org").id == 1
    assert events.execute("select * from event").fetchall() == [(1, 1, "joined")]
