"""Factories of the help desk's models, for the seed of the golden and for tests."""

from __future__ import annotations

import datetime as dt
from typing import Generic, TypeVar

from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory

from tickets import Agent, Ticket

T = TypeVar("T")


class Base(SQLAlchemyFactory[T], Generic[T]):
    __is_base_factory__ = True
    __set_primary_key__ = False  # the database counts: random ones would meet those of the seed some day
    __set_foreign_keys__ = False
    __set_relationships__ = False


class AgentFactory(Base[Agent]):
    @classmethod
    def name(cls) -> str:
        return cls.__faker__.name()


class TicketFactory(Base[Ticket]):
    """The title and the state are polyfactory's: any text that fits, any state."""

    @classmethod
    def opened(cls) -> dt.date:
        return cls.__faker__.date_between(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
