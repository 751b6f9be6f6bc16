"""Accounts and transfers between them; each transfer costs a fee, which goes to the bank's own account."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

HOUSE = "the house"
FEE = 1


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(unique=True)
    cents: Mapped[int]


class NotEnoughError(Exception):
    """The sender has less than the amount and the fee."""


def open_account(session: Session, owner: str, cents: int = 0) -> None:
    """Open an account; commits."""
    session.add(Account(owner=owner, cents=cents))
    session.commit()


def transfer(session: Session, sender: str, receiver: str, cents: int) -> None:
    """Move an amount and pay the fee, all or nothing; commits. Raises NotEnoughError."""
    if account(session, sender).cents < cents + FEE:
        raise NotEnoughError(sender)
    account(session, sender).cents -= cents + FEE
    account(session, receiver).cents += cents
    account(session, HOUSE).cents += FEE
    session.commit()


def account(session: Session, owner: str) -> Account:
    """Return the account of that owner."""
    return session.scalars(select(Account).where(Account.owner == owner)).one()


def balances(session: Session) -> dict[str, int]:
    """Return the cents of each owner."""
    return dict(session.execute(select(Account.owner, Account.cents)).all())


def search(session: Session, words: str) -> list[str]:
    """Return the owners whose name contains the words, as they are written."""
    found = session.scalars(select(Account.owner).where(Account.owner.contains(words, autoescape=True)))
    return sorted(found)
