"""Any sequence of calls: the bank against a dictionary. Each sequence has a database of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from bank import FEE, HOUSE, NotEnoughError, balances, open_account, transfer


class Bank(RuleBasedStateMachine):
    owners = Bundle("owners")

    def __init__(self, new_session: Callable[[], AbstractContextManager[Session]]) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.session = self.stack.enter_context(new_session())
        self.expected = {HOUSE: 0}

    def teardown(self) -> None:
        self.stack.close()

    @rule(target=owners, cents=st.integers(0, 100))
    def open_another(self, cents: int) -> str:
        owner = f"owner {len(self.expected)}"
        open_account(self.session, owner, cents)
        self.expected[owner] = cents
        return owner

    @rule(sender=owners, receiver=owners, cents=st.integers(0, 100))
    def move(self, sender: str, receiver: str, cents: int) -> None:
        if self.expected[sender] < cents + FEE:
            with pytest.raises(NotEnoughError):
                transfer(self.session, sender, receiver, cents)
            return
        transfer(self.session, sender, receiver, cents)
        self.expected[sender] -= cents + FEE
        self.expected[receiver] += cents
        self.expected[HOUSE] += FEE

    @invariant()
    def all_is_as_expected(self) -> None:
        assert balances(self.session) == self.expected


def test_the_bank_does_as_the_dictionary(new_session: Callable[[], AbstractContextManager[Session]]) -> None:
    run_state_machine_as_test(lambda: Bank(new_session), settings=settings(max_examples=30, stateful_step_count=20))
