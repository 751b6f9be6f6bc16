"""A test that writes, commits and reads through a SQLAlchemy connection, on a database of any size."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

ISOLATED = True


@pytest.mark.parametrize("number", range(int(os.environ["BENCH_TESTS"])))
def test_row(engine, number):
    if number == 0:
        Path(os.environ["BENCH_WHERE"]).write_text(engine.url.database)
    with engine.connect() as connection:
        seen = connection.execute(text("select value from settings")).scalars().all()
        assert seen == ["golden"], "does not see exactly the golden's rows"
        found = connection.execute(text("select id from accounts limit 1")).scalar()
        assert found is None or not ISOLATED, "sees a row of an earlier test"
        email = f"user{number}-{os.getpid()}@example.org"
        connection.execute(text("insert into accounts (email, name) values (:email, 'Ada')"), {"email": email})
        connection.commit()
        row = connection.execute(text("select name from accounts where email = :email"), {"email": email})
        assert row.scalar_one() == "Ada"
