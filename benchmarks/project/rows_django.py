"""The same test, for Django. Names in capitals are filled in for each variant (benchmarks/registry.py)."""

import os

import pytest
from shop.models import Accounts, Settings

ISOLATED = True
TRANSACTION = False

pytestmark = [pytest.mark.django_db(transaction=TRANSACTION)] if ISOLATED else []


@pytest.mark.parametrize("number", range(int(os.environ["BENCH_TESTS"])))
def test_row(number):
    seen = list(Settings.objects.values_list("value", flat=True))
    assert seen == ["golden"], "does not see exactly the golden's rows"
    found = Accounts.objects.values_list("id", flat=True).first()
    assert found is None or not ISOLATED, "sees a row of an earlier test"
    email = f"user{number}@example.org"
    Accounts.objects.create(email=email, name="Ada")
    assert Accounts.objects.get(email=email).name == "Ada"
