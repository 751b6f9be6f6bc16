"""pytest-sqla on a file that was migrated before: sqla_schema = none."""

import pytest
from support import copy_golden


@pytest.fixture(scope="session")
def sqla_url(tmp_path_factory):
    return f"sqlite:///{copy_golden(tmp_path_factory.mktemp('sqla') / 'one.sqlite')}"
