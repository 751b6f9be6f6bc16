"""Django's test database without isolation: rows pile up."""

import pytest
from django.test.utils import setup_databases, teardown_databases


@pytest.fixture(scope="session", autouse=True)
def database(django_test_environment, django_db_blocker):
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
        yield
        teardown_databases(made, verbosity=0)
