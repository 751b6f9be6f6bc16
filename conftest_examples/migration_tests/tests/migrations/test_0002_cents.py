import logging
import sqlite3
from pathlib import Path

import pytest
import templatedb
from alembic import command
from alembic.config import Config
from templatedb import Template


@pytest.fixture(scope="session")
def templatedb_template() -> Template:
    """The golden before the revision that is tested."""
    return templatedb.load(Path(__file__).parent).at("0001")


INVOICES = [("Ada", 19.99), ("Ada", 0.29), ("Bob", 1.005), ("Bob", -4.35)]


@pytest.fixture
def invoices(clone_connection: sqlite3.Connection) -> sqlite3.Connection:
    clone_connection.executemany("insert into invoice (customer, amount) values (?, ?)", INVOICES)
    clone_connection.commit()
    return clone_connection


def test_amounts_are_rounded_to_cents(invoices: sqlite3.Connection, alembic_config: Config) -> None:
    command.upgrade(alembic_config, "0002")
    rows = invoices.execute("select customer, cents from invoice order by id").fetchall()
    assert rows == [("Ada", 1999), ("Ada", 29), ("Bob", 100), ("Bob", -435)]


def test_the_way_back_has_the_amounts_again(invoices: sqlite3.Connection, alembic_config: Config) -> None:
    command.upgrade(alembic_config, "0002")
    command.downgrade(alembic_config, "0001")
    rows = invoices.execute("select customer, amount from invoice order by id").fetchall()
    assert rows == [("Ada", 19.99), ("Ada", 0.29), ("Bob", 1.0), ("Bob", -4.35)]


def test_old_rows_survive_all_that_came_later(invoices: sqlite3.Connection, alembic_config: Config) -> None:
    command.upgrade(alembic_config, "head")
    query = "select name, sum(cents) from invoice join customer on customer.id = customer_id group by name"
    assert invoices.execute(query).fetchall() == [("Ada", 2028), ("Bob", -335)]


def test_the_loggers_of_the_tests_are_left_alone(alembic_config: Config) -> None:
    logger = logging.getLogger("invoices")
    command.upgrade(alembic_config, "head")
    assert not logger.disabled
