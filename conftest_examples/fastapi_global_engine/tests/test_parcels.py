import threading

from fastapi.testclient import TestClient
from sqlalchemy import text

from parcels import engine, print_label


def test_a_parcel_gets_its_label_in_a_thread(client: TestClient) -> None:
    assert client.post("/parcels", params={"address": "Baker Street 221b"}).json() == {"id": 1}
    found = client.get("/parcels/1").json()
    assert found["address"] == "Baker Street 221b"
    assert found["label"].startswith("1: Baker Street 221b, printed by ")
    assert "MainThread" not in found["label"]


def test_numbers_start_again_in_each_test(client: TestClient) -> None:
    for number in (1, 2):
        assert client.post("/parcels", params={"address": "Pier 39"}).json() == {"id": number}
    assert client.get("/parcels").json() == ["Pier 39", "Pier 39"]


def test_a_thread_of_the_application_writes_to_the_same_database(client: TestClient) -> None:
    with engine.begin() as connection:
        connection.execute(text("insert into parcel (address) values ('here')"))
    thread = threading.Thread(target=print_label, args=(1,), name="printer")
    thread.start()
    thread.join()
    assert client.get("/parcels/1").json()["label"] == "1: here, printed by printer"


def test_nothing_is_left_of_other_tests(client: TestClient) -> None:
    assert client.get("/parcels").json() == []
    assert client.get("/parcels/1").status_code == 404
