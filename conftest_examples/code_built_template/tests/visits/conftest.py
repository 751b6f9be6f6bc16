import pytest
from templatedb import Function, Template


@pytest.fixture(scope="session")
def templatedb_template() -> Template:
    return Template(Function("visits:create_tables"))
