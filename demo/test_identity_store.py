"""A small suite as an application has it: every test commits, none cleans up."""

import sqlite3
import threading

import pytest
from identity.models import Client, ClientSecretVersion, KeyRotationEvent, Session, User
from sqlalchemy import func, select


def add_user(session, number: int) -> User:
    email = f"user{number}@example.org"
    user = User(id=f"user-{number}", email=email, email_normalized=email)
    session.add(user)
    session.commit()
    return user


@pytest.mark.parametrize("number", range(1, 21))
def test_each_test_sees_only_its_own_user(clone_session, number):
    add_user(clone_session, number)
    assert clone_session.scalars(select(User.id)).all() == [f"user-{number}"]


def test_the_seeded_clients_are_there(clone_session):
    assert clone_session.scalar(select(func.count()).select_from(Client)) == 2


def test_deleting_everything_hurts_nobody(clone_session):
    for model in (KeyRotationEvent, ClientSecretVersion, Client):
        clone_session.query(model).delete()
    clone_session.commit()
    assert clone_session.scalar(select(func.count()).select_from(Client)) == 0


def test_a_second_connection_sees_what_the_first_committed(clone, clone_session):
    add_user(clone_session, 1)
    assert clone.connect().execute("select id from users").fetchall() == [("user-1",)]


def test_the_schema_may_change(clone_connection):
    clone_connection.execute("drop table sessions")
    with pytest.raises(sqlite3.OperationalError, match="no such table: sessions"):
        clone_connection.execute("select * from sessions")


def test_a_background_thread_writes_to_the_same_database(clone_engine, clone_session):
    from sqlalchemy.orm import Session as OrmSession

    def work() -> None:
        with OrmSession(clone_engine) as session:
            add_user(session, 7)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert clone_session.scalars(select(User.id)).all() == ["user-7"]


@pytest.mark.templatedb(clone="memory")
def test_in_memory_too(clone_session):
    add_user(clone_session, 1)
    assert clone_session.scalar(select(func.count()).select_from(Session)) == 0
