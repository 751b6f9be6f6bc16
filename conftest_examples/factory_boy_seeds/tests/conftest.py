import pytest
from sqlalchemy.orm import Session

from factories import write_to


@pytest.fixture
def session(clone_session: Session) -> Session:
    """A session on the golden's rows, in which the factories write."""
    write_to(clone_session)
    return clone_session
