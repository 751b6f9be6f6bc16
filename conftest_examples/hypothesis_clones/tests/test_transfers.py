"""Examples that write: each has a database of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from bank import HOUSE, NotEnoughError, account, balances, open_account, transfer

NewSession = Callable[[], AbstractContextManager[Session]]

owners = st.sampled_from(["Ada", "Bob", "Cleo"])
cents = st.integers(0, 1000)


@given(
    at_first=st.fixed_dictionaries({"Ada": cents, "Bob": cents, "Cleo": cents}),
    transfers=st.lists(st.tuples(owners, owners, cents), max_size=10),
)
def test_money_is_neither_made_nor_lost(
    new_session: NewSession, at_first: dict[str, int], transfers: list[tuple[str, str, int]]
) -> None:
    with new_session() as session:
        for owner, amount in at_first.items():
            open_account(session, owner, amount)
        for sender, receiver, amount in transfers:
            with suppress(NotEnoughError):
                transfer(session, sender, receiver, amount)
        assert sum(balances(session).values()) == sum(at_first.values())


@given(owner=st.text().filter(lambda name: name != HOUSE))
def test_an_account_is_found_by_any_name(new_session: NewSession, owner: str) -> None:
    with new_session() as session:
        assert balances(session) == {HOUSE: 0}  # whatever the examples before this one have committed
        open_account(session, owner, 5)
        assert account(session, owner).cents == 5
