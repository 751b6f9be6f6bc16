"""What a suite does with the package's database: every test commits, none cleans up.

Copied into the project as a test module, beside a ``facts.py`` with the table to write to.
"""

import sqlite3

import pytest
from facts import INSERT, TABLE, TABLES
from sqlalchemy import text

COUNT = f"select count(*) from {TABLE}"
NAMES = "select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'"


@pytest.mark.parametrize("number", range(10))
def test_each_test_has_the_table_to_itself(clone_connection, number):
    assert clone_connection.execute(COUNT).fetchone() == (0,)
    clone_connection.execute(INSERT)
    clone_connection.commit()
    with pytest.raises(sqlite3.IntegrityError):
        clone_connection.execute(INSERT)


@pytest.mark.parametrize("number", range(4))
def test_a_session_commits_and_another_connection_sees_it(clone, clone_session, number):
    clone_session.execute(text(INSERT))
    clone_session.commit()
    assert clone.connect().execute(COUNT).fetchone() == (1,)


@pytest.mark.parametrize("number", range(4))
def test_the_schema_may_change(clone, number):
    connection = clone.connect()
    assert len(connection.execute(NAMES).fetchall()) == TABLES
    connection.execute(f"drop table {TABLE}")
    connection.commit()
    assert len(clone.connect().execute(NAMES).fetchall()) == TABLES - 1


@pytest.mark.templatedb(clone="memory")
def test_in_memory_too(clone_session):
    clone_session.execute(text(INSERT))
    clone_session.commit()
    assert clone_session.scalar(text(COUNT)) == 1


def test_the_database_knows_its_version(clone_connection):
    (number,) = clone_connection.execute("select count(*) from alembic_version").fetchone()
    assert number >= 1


def test_the_database_is_sound(clone_connection):
    assert clone_connection.execute("pragma integrity_check").fetchall() == [("ok",)]
