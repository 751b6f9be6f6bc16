import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shop import Customer, Order


def test_an_order_belongs_to_a_customer(clone_session: Session) -> None:
    clone_session.add(Customer(id=1, name="Ada"))
    clone_session.flush()
    clone_session.add(Order(customer_id=1))
    clone_session.commit()
    assert clone_session.scalars(select(Order.customer_id)).all() == [1]


def test_an_order_of_nobody_is_refused(clone_session: Session) -> None:
    clone_session.add(Order(customer_id=1))
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        clone_session.commit()
