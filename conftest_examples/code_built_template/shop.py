"""Customers and orders; SQLite checks foreign keys only on connections that ask for it."""

from __future__ import annotations

from sqlalchemy import Engine, ForeignKey, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Order(Base):
    __tablename__ = "order_"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))


def make_engine(url: str) -> Engine:
    """Return the engine of the application."""
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def check_foreign_keys(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine
