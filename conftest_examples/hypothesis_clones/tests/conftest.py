from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from templatedb import Clone

settings.register_profile("database", deadline=None)  # a disk has its moments: that is no finding
settings.load_profile("database")


@pytest.fixture(scope="session")
def new_session(clone_factory: Callable[[], Clone]) -> Iterator[Callable[[], AbstractContextManager[Session]]]:
    """Open a session on a database of its own: `with new_session() as session`, in each example."""
    engines: dict[str, Engine] = {}

    @contextmanager
    def session_on_a_clone() -> Iterator[Session]:
        with clone_factory() as clone:
            if clone.url not in engines:  # the next example's database stands at the same path: one engine does for all
                engines[clone.url] = create_engine(clone.url)
            with Session(engines[clone.url]) as session:
                yield session

    yield session_on_a_clone
    for engine in engines.values():
        engine.dispose()
