"""What the site answers."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404

from rooms.models import Booking, Room

booked = Signal()
"""Sent when a booking is committed: whoever writes letters to people listens to it."""


def bookings(request: HttpRequest, name: str) -> JsonResponse:
    """List the days on which a room is taken, or book it: 409 for a day that is taken already."""
    room = get_object_or_404(Room, name=name)
    if request.method != "POST":
        return JsonResponse({"taken": list(room.bookings.order_by("day").values_list("day", flat=True))})
    try:
        with transaction.atomic():
            booking = room.bookings.create(day=request.POST["day"], email=request.POST["email"])
            transaction.on_commit(lambda: booked.send(Booking, booking=booking))
    except IntegrityError:
        return JsonResponse({"error": "taken"}, status=409)
    return JsonResponse({}, status=201)
