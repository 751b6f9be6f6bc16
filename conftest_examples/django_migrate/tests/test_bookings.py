import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client

from rooms import views
from rooms.models import Booking, Room

pytestmark = pytest.mark.usefixtures("database")

HALL = "/rooms/Hall/bookings"
ON_MONDAY = {"day": "2024-05-06", "email": "ada@example.org"}


def test_a_booked_day_is_taken(client: Client) -> None:
    assert client.post(HALL, ON_MONDAY).status_code == 201
    assert client.get(HALL).json() == {"taken": ["2024-05-06"]}


def test_a_day_is_booked_once(client: Client) -> None:
    answers = [client.post(HALL, ON_MONDAY).status_code for _ in range(2)]
    assert (answers, Booking.objects.count()) == ([201, 409], 1)


def test_a_booking_is_told_when_it_is_committed(client: Client, told: list[Booking]) -> None:
    client.post(HALL, ON_MONDAY)
    assert told == [Booking.objects.get()]


def test_a_thread_of_the_site_has_the_same_database(client: Client) -> None:
    client.post(HALL, ON_MONDAY)
    seen = []

    def look() -> None:
        seen.extend(Booking.objects.values_list("email", flat=True))
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == ["ada@example.org"]


@pytest.mark.parametrize("run", [1, 2])
def test_what_the_migrations_wrote_is_there_in_each_test(run: int) -> None:
    assert list(Room.objects.order_by("name").values_list("name", "seats")) == [("Attic", 8), ("Hall", 80)]
    Room.objects.all().delete()


@pytest.fixture
def told() -> Iterator[list[Booking]]:
    """The bookings that listeners were told of."""
    bookings: list[Booking] = []

    def listen(booking: Booking, **_: object) -> None:
        bookings.append(booking)

    views.booked.connect(listen)
    yield bookings
    views.booked.disconnect(listen)


@pytest.fixture
def client() -> Client:
    return Client()
