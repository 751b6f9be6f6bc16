from sqlalchemy import func, select
from sqlalchemy.orm import Session

from factories import AgentFactory, TicketFactory
from tickets import Agent, State, Ticket, assign


def count(session: Session, model: type[Agent | Ticket]) -> int | None:
    return session.scalar(select(func.count()).select_from(model))


def test_a_test_starts_with_the_seed(session: Session) -> None:
    assert (count(session, Agent), count(session, Ticket)) == (5, 105)


def test_a_factory_writes_to_the_clone(session: Session) -> None:
    TicketFactory.create_sync(title="The printer is on fire")
    ticket = session.scalars(select(Ticket).where(Ticket.title == "The printer is on fire")).one()
    assert ticket.id == 106


def test_a_ticket_goes_to_the_agent_without_work(session: Session) -> None:
    new_agent = AgentFactory.create_sync()
    ticket = TicketFactory.create_sync(state=State.OPEN)
    assign(session, ticket)
    assert new_agent.tickets == [ticket]


def test_nothing_is_left_of_other_tests(session: Session) -> None:
    assert AgentFactory.create_sync().id == 6
