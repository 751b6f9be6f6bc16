from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from factories import Base


@pytest.fixture
def session(clone_session: Session) -> Iterator[Session]:
    """A session on the golden's rows, in which the factories write."""
    Base.__session__ = clone_session
    yield clone_session
    Base.__session__ = None
