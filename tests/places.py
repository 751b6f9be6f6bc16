"""Small goldens, places that are restored from them, and whatever is open on those."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import sqlalchemy
from sqlalchemy import event

from templatedb.slots import Filled, Restored
from templatedb.slots.image import Image
from templatedb.slots.in_place import InPlaceSlot

PEOPLE = (
    "create table people (id integer primary key, name text not null, note text)",
    "create index people_by_note on people (note)",
    "create table pets (id integer primary key, name text)",
    "insert into people (name, note) values ('Ada', 'first'), ('Bob', 'second')",
)
ADD = "insert into people (name) values ('Eve')"
NAMES = "select name from people order by id"
GOLDEN_NAMES = [("Ada",), ("Bob",)]


class Bench:
    """A place in a folder, and everything that a test opens on it; closes all of it in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.stack = contextlib.ExitStack()
        self.image = self.golden(PEOPLE)
        self.path = self.folder / "slot.sqlite"
        self._slot: InPlaceSlot | None = None

    @property
    def slot(self) -> InPlaceSlot:
        if self._slot is None:
            self._slot = self.make("slot.sqlite")
        return self._slot

    def make(self, name: str) -> InPlaceSlot:
        slot = InPlaceSlot(self.folder / name, synchronous=False)
        self.stack.callback(slot.close)
        return slot

    def golden(self, statements: tuple[str, ...] = PEOPLE) -> Image:
        """Return the image of a golden that these statements make."""
        path = self.folder / f"golden-{len(list(self.folder.glob('golden-*')))}.sqlite"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
        descriptor = os.open(path, os.O_RDONLY)
        image = Image(descriptor, Path(path))
        self.stack.callback(os.close, descriptor)
        self.stack.callback(image.close)
        return image

    def restore(self, image: Image | None = None) -> Restored:
        return self.slot.restore(image or self.image)

    def connect(self, **options) -> sqlite3.Connection:
        """Open a raw connection of the application's own."""
        connection = sqlite3.connect(self.path, **{"timeout": 0.1, **options})
        self.stack.callback(connection.close)
        return connection

    def engine(self, *pragmas: str, **options) -> sqlalchemy.Engine:
        """Make an engine of the application's own, which sets these pragmas on connect."""
        options = {"connect_args": {"timeout": 0.1}, **options}
        engine = sqlalchemy.create_engine(f"sqlite:///{self.path}", **options)
        self.stack.callback(engine.dispose)

        @event.listens_for(engine, "connect")
        def set_pragmas(connection, record):
            for pragma in pragmas:
                connection.execute(pragma).close()

        return engine

    def other_process(self, *pragmas: str) -> OtherProcess:
        other = OtherProcess(self.path, pragmas)
        self.stack.callback(other.close)
        return other

    def close(self) -> None:
        self.stack.close()


class OtherProcess:
    """A connection in another process that answers statements; it stays open until it is told to end."""

    PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0.1)
for pragma in sys.argv[2:]:
    connection.execute(pragma)
for line in sys.stdin:
    word, _, rest = line.rstrip("\\n").partition(" ")
    answer = None
    try:
        if word == "dump":
            answer = "\\n".join(connection.iterdump())
        elif word in ("open", "close"):
            connection.close()
            if word == "open":
                connection = sqlite3.connect(rest, isolation_level=None, timeout=0.001)
        else:
            answer = connection.execute(line).fetchall()
    except (sqlite3.Error, OSError) as error:
        answer = f"{type(error).__name__}: {error}"
    print(repr(answer), flush=True)
"""

    def __init__(self, path: Path, pragmas: tuple[str, ...] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM, str(path), *pragmas],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.execute("pragma user_version")  # it has the file open from here on

    def execute(self, statement: str):
        """Run one statement there and return its rows, or the error's text."""
        self._process.stdin.write(statement.replace("\n", " ") + "\n")
        self._process.stdin.flush()
        return eval(self._process.stdout.readline())  # a repr of our own making

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


def dump(connection) -> str:
    """Return what a raw or a SQLAlchemy connection sees."""
    raw = connection if isinstance(connection, sqlite3.Connection) else connection.connection.driver_connection
    return "\n".join(raw.iterdump())


def dump_of(image: Image) -> str:
    """Return what a fresh copy of the golden has."""
    connection = sqlite3.connect(":memory:")
    image.back_up_to(connection)
    found = dump(connection)
    connection.close()
    return found


def names(target) -> list[tuple[str]]:
    """Return the people's names as an engine, a raw connection or a filled database shows them."""
    if isinstance(target, sqlalchemy.Engine):
        with target.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(NAMES)]
    if isinstance(target, Filled):
        with contextlib.closing(sqlite3.connect(target.path)) as connection:
            return connection.execute(NAMES).fetchall()
    return target.execute(NAMES).fetchall()


def run(target, *statements: str) -> None:
    """Run statements and commit."""
    if isinstance(target, sqlalchemy.Engine):
        with target.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()
        return
    for statement in statements:
        target.execute(statement)
    target.commit()


def sound(path: Path) -> bool:
    """Whether SQLite finds no fault with the file, looked at by a connection that never saw it before."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        except sqlite3.DatabaseError:
            return False
