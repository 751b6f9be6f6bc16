"""Tests of the application: the finished database, seed included."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from invoices import Customer, Invoice, total_of


def test_a_customer_owes_the_sum_of_the_invoices(clone_session: Session) -> None:
    ada = clone_session.scalars(select(Customer)).one()
    clone_session.add_all([Invoice(customer=ada, cents=1999), Invoice(customer=ada, cents=1)])
    clone_session.commit()
    assert total_of(clone_session, "Ada") == 2000
