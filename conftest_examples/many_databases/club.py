"""A club: the accounts of its members are in one database, what they did is in another."""

from __future__ import annotations

import sqlite3

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(default=True)


def join(accounts: Session, events: sqlite3.Connection, email: str) -> Account:
    """Add a member and the event; commits both."""
    account = Account(email=email)
    accounts.add(account)
    accounts.commit()
    _record(events, account, "joined")
    return account


def leave(accounts: Session, events: sqlite3.Connection, email: str) -> None:
    """Have a member leave; commits both."""
    account = accounts.scalars(select(Account).where(Account.email == email)).one()
    account.active = False
    accounts.commit()
    _record(events, account, "left")


def _record(events: sqlite3.Connection, account: Account, kind: str) -> None:
    with events:
        events.execute("insert into event (account_id, kind) values (?, ?)", [account.id, kind])


def disagreements(accounts: Session, events: sqlite3.Connection) -> list[str]:
    """Return the members whose last event does not say what their account says."""
    last = dict(events.execute("select account_id, kind from event group by account_id having number = max(number)"))
    expected = {True: "joined", False: "left"}
    found = accounts.scalars(select(Account).order_by(Account.email))
    return [account.email for account in found if last.get(account.id) != expected[account.active]]


def replicate(source: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Copy the accounts that the target does not have yet; return their number."""
    (last,) = target.execute("select coalesce(max(id), 0) from account").fetchone()
    with target:
        rows = source.execute("select id, email, active from account where id > ?", [last])
        return target.executemany("insert into account values (?, ?, ?)", rows).rowcount
