"""The rows that every test starts with; they are written once, into the golden."""

from sqlalchemy.orm import Session

from factories import AgentFactory, Base, TicketFactory
from tickets import State


def fill(session: Session) -> None:
    Base.__session__ = session
    Base.seed_random(1)
    for agent in AgentFactory.create_batch_sync(5):
        TicketFactory.create_batch_sync(20, agent=agent)
        TicketFactory.create_sync(agent=agent, state=State.OPEN)
