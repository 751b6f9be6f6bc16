"""Milk is measured in litres."""

import sqlite3

from yoyo import step

__depends__ = {"0003.units"}


def in_litres(connection: sqlite3.Connection) -> None:
    connection.execute("update item set unit = 'l' where name = 'milk'")


def in_kilograms(connection: sqlite3.Connection) -> None:
    connection.execute("update item set unit = 'kg' where name = 'milk'")


step(in_litres, in_kilograms)
