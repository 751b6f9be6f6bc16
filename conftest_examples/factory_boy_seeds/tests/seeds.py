"""The rows that every test starts with; they are written once, into the golden."""

from factory.random import reseed_random
from sqlalchemy.orm import Session

from factories import CustomerFactory, PurchaseFactory, write_to


def fill(session: Session) -> None:
    write_to(session)
    reseed_random("any text, always the same")
    for customer in CustomerFactory.create_batch(20):
        PurchaseFactory.create_batch(10, customer=customer)
