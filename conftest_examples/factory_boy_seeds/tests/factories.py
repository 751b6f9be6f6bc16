"""Factories of the shop's models, for the seed of the golden and for tests."""

from __future__ import annotations

import datetime as dt

from factory import Faker, Sequence, SubFactory
from factory.alchemy import SQLAlchemyModelFactory
from factory.fuzzy import FuzzyInteger
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from shop import Customer, Purchase

current = scoped_session(sessionmaker())


def write_to(session: Session) -> None:
    """Have all factories write to *session* from now on."""
    current.registry.set(session)
    for one in (CustomerFactory, PurchaseFactory):
        one.reset_sequence()


class Base(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session = current
        sqlalchemy_session_persistence = "flush"

    @classmethod
    def _setup_next_sequence(cls) -> int:
        """Count on from the rows that are there: the seed has used the first numbers."""
        return current.scalar(select(func.count()).select_from(cls._meta.model)) or 0


class CustomerFactory(Base):
    class Meta:
        model = Customer

    name = Faker("name")
    email = Sequence(lambda number: f"customer{number}@example.org")


class PurchaseFactory(Base):
    class Meta:
        model = Purchase

    customer = SubFactory(CustomerFactory)
    day = Faker("date_between", start_date=dt.date(2024, 1, 1), end_date=dt.date(2024, 12, 31))
    cents = FuzzyInteger(100, 50_000)
