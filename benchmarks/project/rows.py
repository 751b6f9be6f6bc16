"""The same test for everyone. Names in capitals are filled in for each variant (benchmarks/registry.py)."""

import os

import pytest
from models import Accounts, Settings
from sqlalchemy import select

ISOLATED = True
READ_ONLY = False


@pytest.mark.parametrize("number", range(int(os.environ["BENCH_TESTS"])))
def test_row(session, number):
    assert session.scalars(select(Settings.value)).all() == ["golden"], "does not see exactly the golden's rows"
    found = session.scalars(select(Accounts.id).limit(1)).first()
    assert found is None or not ISOLATED, "sees a row of an earlier test"
    if READ_ONLY:
        return
    email = f"user{number}@example.org"
    session.add(Accounts(email=email, name="Ada"))
    session.commit()
    assert session.scalars(select(Accounts).where(Accounts.email == email)).one().name == "Ada"
