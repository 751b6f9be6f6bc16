"""Invoices of customers."""

from __future__ import annotations

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Invoice(Base):
    __tablename__ = "invoice"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id", name="fk_invoice_customer"))
    cents: Mapped[int]
    customer: Mapped[Customer] = relationship()


def seed(session: Session) -> None:
    """Add the customer that all tests have."""
    session.add(Customer(name="Ada"))


def total_of(session: Session, name: str) -> int:
    """Return the cents that a customer owes."""
    query = select(func.sum(Invoice.cents)).join(Invoice.customer).where(Customer.name == name)
    return session.scalar(query) or 0
