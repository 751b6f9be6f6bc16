from sqlalchemy import func, select
from sqlalchemy.orm import Session

from factories import CustomerFactory, PurchaseFactory
from shop import Customer, Purchase, best_customers


def count(session: Session, model: type[Customer | Purchase]) -> int | None:
    return session.scalar(select(func.count()).select_from(model))


def test_a_test_starts_with_the_seed(session: Session) -> None:
    assert (count(session, Customer), count(session, Purchase)) == (20, 200)


def test_a_factory_writes_to_the_clone_and_counts_on(session: Session) -> None:
    purchase = PurchaseFactory()
    session.commit()
    assert purchase.customer.email == "customer20@example.org"
    assert (count(session, Customer), count(session, Purchase)) == (21, 201)


def test_a_big_purchase_makes_the_best_customer(session: Session) -> None:
    ada = CustomerFactory(name="Ada")
    PurchaseFactory(customer=ada, cents=1_000_000)
    assert best_customers(session, 1) == [ada]


def test_nothing_is_left_of_other_tests(session: Session) -> None:
    assert CustomerFactory().email == "customer20@example.org"
