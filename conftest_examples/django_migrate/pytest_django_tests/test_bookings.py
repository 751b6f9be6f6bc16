from collections.abc import Iterator

import pytest
from django.test import Client, TestCase
from pytest_django import DjangoCaptureOnCommitCallbacks

from rooms import views
from rooms.models import Booking, Room

HALL = "/rooms/Hall/bookings"
ON_MONDAY = {"day": "2024-05-06", "email": "ada@example.org"}


@pytest.fixture
def told() -> Iterator[list[Booking]]:
    """The bookings that listeners were told of."""
    bookings: list[Booking] = []

    def listen(booking: Booking, **_: object) -> None:
        bookings.append(booking)

    views.booked.connect(listen)
    yield bookings
    views.booked.disconnect(listen)


@pytest.mark.django_db
def test_a_booked_day_is_taken(client: Client) -> None:
    assert client.post(HALL, ON_MONDAY).status_code == 201
    assert client.get(HALL).json() == {"taken": ["2024-05-06"]}


@pytest.mark.django_db
def test_a_booking_would_be_told_when_it_is_committed(
    client: Client, told: list[Booking], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        client.post(HALL, ON_MONDAY)
    assert (len(callbacks), told) == (1, [])


@pytest.mark.django_db(transaction=True)
def test_a_booking_is_told_when_it_is_committed(client: Client, told: list[Booking]) -> None:
    client.post(HALL, ON_MONDAY)
    assert told == [Booking.objects.get()]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", [1, 2])
def test_what_the_migrations_wrote_is_there_in_each_test(run: int) -> None:
    assert list(Room.objects.order_by("name").values_list("name", "seats")) == [("Attic", 8), ("Hall", 80)]
    Room.objects.all().delete()


class Rooms(TestCase):
    """A class of Django's own has one clone; Django rolls back after each test, as always."""

    def test_a_room_is_shown_with_its_seats(self) -> None:
        assert str(Room.objects.get(name="Attic")) == "Attic (8)"
        Room.objects.all().delete()

    def test_a_deleted_room_is_back_in_the_next_test(self) -> None:
        assert Room.objects.count() == 2
        Room.objects.all().delete()
