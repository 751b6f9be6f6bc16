"""The hero that every test starts with."""

from sqlalchemy import Engine
from sqlmodel import Session

from heroes import Hero


def fill(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Hero(name="Captain North America", age=93))
        session.commit()
