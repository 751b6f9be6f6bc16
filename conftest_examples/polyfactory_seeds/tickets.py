"""Tickets of a help desk, and the agents who work on them."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class State(enum.Enum):
    OPEN = "open"
    CLOSED = "closed"


class Base(DeclarativeBase):
    pass


class Agent(Base):
    __tablename__ = "agent"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    tickets: Mapped[list[Ticket]] = relationship(back_populates="agent")


class Ticket(Base):
    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    opened: Mapped[dt.date]
    state: Mapped[State]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    agent: Mapped[Agent | None] = relationship(back_populates="tickets")


def assign(session: Session, ticket: Ticket) -> None:
    """Give a ticket to the agent who has the fewest open ones; commits."""
    of_agent = (Ticket.agent_id == Agent.id) & (Ticket.state == State.OPEN)
    query = select(Agent).outerjoin(Ticket, of_agent).group_by(Agent.id).order_by(func.count(Ticket.id), Agent.id)
    ticket.agent = session.scalars(query.limit(1)).one()
    session.commit()
