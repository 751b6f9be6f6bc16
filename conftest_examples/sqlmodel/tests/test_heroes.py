from sqlalchemy import Engine
from sqlmodel import Session, select

from heroes import Hero, enlist, older_than


def test_old_heroes_are_found() -> None:
    enlist("Rusty-Man", 48)
    enlist("Spider-Boy")
    assert older_than(40) == ["Captain North America", "Rusty-Man"]


def test_a_session_of_the_test_sees_what_the_application_stored(clone_engine: Engine) -> None:
    assert enlist("Deadpond") == 2
    with Session(clone_engine) as session:
        assert session.exec(select(Hero.name)).all() == ["Captain North America", "Deadpond"]


def test_nothing_is_left_of_other_tests() -> None:
    assert older_than(0) == ["Captain North America"]
