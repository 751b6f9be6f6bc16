import asyncio
import sqlite3

from httpx import AsyncClient


async def test_a_stay_is_committed(client: AsyncClient, clone_connection: sqlite3.Connection) -> None:
    """The rows are looked at through another connection: without the commit they would not be there."""
    stay = {"room": "Attic", "days": ["2026-05-01", "2026-05-02"], "guest": "Ada"}
    answer = await client.post("/stays", json=stay)
    assert (answer.status_code, answer.json()) == (201, [1, 2])
    rows = clone_connection.execute("select day, guest from reservation order by day").fetchall()
    assert rows == [("2026-05-01", "Ada"), ("2026-05-02", "Ada")]


async def test_a_stay_that_meets_another_is_rolled_back(client: AsyncClient) -> None:
    """Its first day was free and written already: the end of the request took it back."""
    await client.post("/stays", json={"room": "Attic", "days": ["2026-05-02"], "guest": "Ada"})
    stay = {"room": "Attic", "days": ["2026-05-01", "2026-05-02"], "guest": "Grace"}
    answer = await client.post("/stays", json=stay)
    assert (answer.status_code, answer.json()["detail"]) == (409, "Attic is taken on 2026-05-02")
    assert (await client.get("/rooms/Attic")).json() == {"2026-05-02": "Ada"}


async def test_of_many_who_want_a_room_at_once_one_gets_it(client: AsyncClient) -> None:
    """Their requests run in sessions and connections of their own."""
    stays = [{"room": "Attic", "days": ["2026-05-01"], "guest": guest} for guest in ("Ada", "Grace", "Linus")]
    answers = await asyncio.gather(*(client.post("/stays", json=stay) for stay in stays))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len((await client.get("/rooms/Attic")).json()) == 1


async def test_nothing_is_left_of_other_tests(client: AsyncClient) -> None:
    assert (await client.get("/rooms/Attic")).json() == {}
