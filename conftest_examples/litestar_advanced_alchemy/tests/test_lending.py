import sqlite3

from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy.ext.asyncio import AsyncSession

from lending.models import Tool
from lending.tools import Tools

Client = AsyncTestClient[Litestar]


async def test_tools_are_added_and_committed(client: Client, clone_connection: sqlite3.Connection) -> None:
    """The rows are looked at through another connection: without the commit they would not be there."""
    answer = await client.post("/tools", json=["Ladder", "Plane"])
    assert (answer.status_code, answer.json()) == (201, [1, 2])
    assert clone_connection.execute("select name from tool").fetchall() == [("Ladder",), ("Plane",)]


async def test_a_request_that_fails_is_rolled_back(client: Client) -> None:
    """The saw was written already when the second ladder was refused."""
    await client.post("/tools", json=["Ladder"])
    assert (await client.post("/tools", json=["Saw", "Ladder"])).status_code == 409
    assert (await client.get("/tools")).json() == {"Ladder": None}


async def test_a_tool_is_lent(client: Client, clone_async_session: AsyncSession) -> None:
    """The test has a session of its own on the same database, here for the repository."""
    tools = Tools(session=clone_async_session)
    await tools.add(Tool(name="Ladder"), auto_commit=True)
    assert (await client.put("/tools/Ladder/borrower", json="Ada")).status_code == 200
    ladder = await tools.get_one(name="Ladder")
    assert ladder.borrower == "Ada"
    assert (await client.put("/tools/Saw/borrower", json="Ada")).status_code == 404


async def test_nothing_is_left_of_other_tests(client: Client) -> None:
    assert (await client.get("/tools")).json() == {}


def test_migrations_are_remembered_in_the_table_of_advanced_alchemy(clone_connection: sqlite3.Connection) -> None:
    """An upgrade of a clone would find nothing to do."""
    assert clone_connection.execute("select version_num from alembic_versions").fetchall() == [("0002",)]
