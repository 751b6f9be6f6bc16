from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from templatedb import Clone


@pytest.fixture(scope="class")
def django_db_setup(clone_factory: Callable[[], Clone]) -> Iterator[None]:
    """pytest-django's own fixture, which migrates a test database once in a session.

    Here it is a clone for each test function, and one for the tests of a class, which Django keeps apart.
    """
    with clone_factory() as clone:
        connection.settings_dict["NAME"] = str(clone.path)
        yield
        connection.close()
        connection.settings_dict["NAME"] = ""
