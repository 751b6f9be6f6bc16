import asyncio

from httpx import AsyncClient


async def test_a_guest_waits(client: AsyncClient) -> None:
    await client.post("/guests", params={"name": "Ada"})
    assert (await client.get("/guests")).json() == ["Ada"]


async def test_many_come_at_once(client: AsyncClient) -> None:
    await asyncio.gather(*(client.post("/guests", params={"name": name}) for name in "abcde"))
    assert sorted((await client.get("/guests")).json()) == ["a", "b", "c", "d", "e"]


async def test_nothing_is_left_of_other_tests(client: AsyncClient) -> None:
    assert (await client.get("/guests")).json() == []
