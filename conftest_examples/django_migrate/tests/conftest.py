import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connection
from django.test.utils import setup_test_environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seminars.settings")
django.setup()
setup_test_environment()

DATABASE = connection.settings_dict  # one dictionary, which all threads connect by
DATABASE["NAME"] = ""  # a test without the fixture gets an error, not the database of the developer


@pytest.fixture
def database(clone_path: Path) -> Iterator[None]:
    """Django's database, for one test on a clone."""
    DATABASE["NAME"] = str(clone_path)
    yield
    connection.close()
    DATABASE["NAME"] = ""
