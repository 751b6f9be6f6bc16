"""Rooms, and who has booked them on which day."""

from __future__ import annotations

from django.db import models


class Room(models.Model):
    name = models.CharField(max_length=50, unique=True)
    seats = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.name} ({self.seats})"


class Booking(models.Model):
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="bookings")
    day = models.DateField()
    email = models.EmailField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["room", "day"], name="one_booking_a_day"),)

    def __str__(self) -> str:
        return f"{self.room} on {self.day}"
