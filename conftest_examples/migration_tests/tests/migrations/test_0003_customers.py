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
    return templatedb.load(Path(__file__).parent).at("0002")


def test_a_name_in_several_spellings_is_one_customer(
    clone_connection: sqlite3.Connection, alembic_config: Config
) -> None:
    invoices = [("Ada", 1), (" ada ", 2), ("ADA", 3), ("Bob", 4)]
    clone_connection.executemany("insert into invoice (customer, cents) values (?, ?)", invoices)
    clone_connection.commit()
    command.upgrade(alembic_config, "0003")
    query = "select name, sum(cents) from invoice join customer on customer.id = customer_id group by name"
    assert clone_connection.execute(query).fetchall() == [("ADA", 6), ("Bob", 4)]


def test_without_invoices_there_are_no_customers(clone_connection: sqlite3.Connection, alembic_config: Config) -> None:
    command.upgrade(alembic_config, "0003")
    assert clone_connection.execute("select * from customer").fetchall() == []
