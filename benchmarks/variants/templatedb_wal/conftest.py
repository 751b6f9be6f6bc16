"""templatedb with an application that sets WAL on connect."""

import pytest
from sqlalchemy import create_engine, event


@pytest.fixture(scope="session")
def templatedb_engine_factory():
    def make(url):
        engine = create_engine(url)

        @event.listens_for(engine, "connect")
        def configure(connection, _record):
            mode = connection.execute("pragma journal_mode=WAL").fetchone()
            assert mode == ("wal",), f"the journal mode is {mode}"
            connection.execute("pragma synchronous=OFF").close()

        return engine

    return make
