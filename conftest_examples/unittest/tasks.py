"""A list of tasks."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Task(Base):
    __tablename__ = "task"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)


def add(session: Session, *titles: str) -> None:
    """Add tasks; commits."""
    session.add_all(Task(title=title) for title in titles)
    session.commit()


def finish(session: Session, title: str) -> None:
    """Mark a task as done; commits."""
    session.scalars(select(Task).where(Task.title == title)).one().done = True
    session.commit()


def still_to_do(session: Session) -> list[str]:
    """Return the titles of the tasks that are not done."""
    return list(session.scalars(select(Task.title).where(~Task.done).order_by(Task.id)))
