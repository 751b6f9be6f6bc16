"""Accounts and transfers between them; each request has a session of its own."""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, PositiveInt
from sqlalchemy import create_engine, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///bank.db"))
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"

    owner: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[int]


class Transfer(BaseModel):
    payer: str
    payee: str
    cents: PositiveInt


def get_session() -> Iterator[Session]:
    """Give a request its session; closing it rolls back what the request did not commit."""
    with Session(engine) as session:
        yield session


RequestSession = Annotated[Session, Depends(get_session)]


@app.get("/accounts/{owner}")
def balance(owner: str, session: RequestSession) -> int:
    """Return the cents of an account."""
    account = session.get(Account, owner)
    if account is None:
        raise HTTPException(404, f"{owner} has no account")
    return account.cents


@app.post("/transfers", status_code=201)
def transfer(order: Transfer, session: RequestSession) -> None:
    """Move money and commit; where the payer has too little, nothing happens."""
    change(session, order.payee, order.cents)
    if change(session, order.payer, -order.cents) < 0:
        raise HTTPException(409, f"{order.payer} has too little")
    session.commit()


def change(session: Session, owner: str, cents: int) -> int:
    """Write a change of an account, without a commit, and return what is then on it."""
    statement = update(Account).where(Account.owner == owner).values(cents=Account.cents + cents)
    now = session.scalar(statement.returning(Account.cents))
    if now is None:
        raise HTTPException(404, f"{owner} has no account")
    return now
