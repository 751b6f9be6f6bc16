"""Customers and what they buy."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)


class Purchase(Base):
    __tablename__ = "purchase"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    day: Mapped[dt.date]
    cents: Mapped[int]
    customer: Mapped[Customer] = relationship()


def best_customers(session: Session, count: int) -> list[Customer]:
    """Return those who spent most, the best first."""
    spent = func.sum(Purchase.cents)
    query = select(Customer).join(Purchase.customer).group_by(Customer.id).order_by(spent.desc(), Customer.id)
    return list(session.scalars(query.limit(count)))
