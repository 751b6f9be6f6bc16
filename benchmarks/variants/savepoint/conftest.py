"""SQLAlchemy's recipe, "Joining a Session into an External Transaction", with its listeners for pysqlite."""

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from support import copy_golden, engine_on


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    engine = engine_on(copy_golden(tmp_path_factory.mktemp("savepoint") / "one.sqlite"))

    @event.listens_for(engine, "connect")
    def leave_begin_to_us(connection, _record):
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN")

    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()
