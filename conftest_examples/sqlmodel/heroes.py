"""Heroes, stored through an engine that is made at import."""

import os

from sqlmodel import Field, Session, SQLModel, create_engine, select

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///heroes.db"))


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    age: int | None = None


def enlist(name: str, age: int | None = None) -> int | None:
    """Store a hero and return the number."""
    with Session(engine) as session:
        hero = Hero(name=name, age=age)
        session.add(hero)
        session.commit()
        return hero.id


def older_than(age: int) -> list[str]:
    """Return the names of heroes of more than that *age*."""
    with Session(engine) as session:
        return [hero.name for hero in session.exec(select(Hero).where(Hero.age > age))]
