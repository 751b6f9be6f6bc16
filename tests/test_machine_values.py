"""Values that are true on one machine only are found in every kind of table, and nothing else is."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from templatedb import machine_values
from templatedb.machine_values import MachineValue, marks_of

MARKS = {"/home/me": "the home folder", "/home/me/shop": "the project's folder", "db": "the name of this machine"}


def found(path, script):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return machine_values.machine_values(path, MARKS)


def test_a_row_is_told_by_its_longest_mark(tmp_path):
    """The project's folder is in the home, too."""
    script = """
        create table t (a text, b text);
        insert into t values ('/home/me/shop/x.csv', 'at /home/me/.config'), ('/home/me/shop', null), ('shop', '/home/you');
    """
    assert found(tmp_path / "a.sqlite", script) == (
        MachineValue("t", "a", "the project's folder", 2),
        MachineValue("t", "b", "the home folder", 1),
    )


def test_a_short_name_of_a_machine_counts_as_a_whole_value_only(tmp_path):
    """Else each word with these letters would be one."""
    script = "create table t (a); insert into t values ('db'), ('the db of it'), ('dbase');"
    assert found(tmp_path / "a.sqlite", script) == (MachineValue("t", "a", "the name of this machine", 1),)


def test_odd_tables_and_values_are_looked_at(tmp_path):
    """Names with quotes, no rowid, blobs; generated columns that are computed, and the bytes of an index, are not."""
    script = """
        create table "a ""table" ("a ""column" blob primary key, n as ('/home/me')) without rowid;
        insert into "a ""table" values (x'2f686f6d652f6d65'), (1), (1.5);
        create virtual table texts using fts5(body);
        insert into texts values ('/home/me');
    """
    assert found(tmp_path / "a.sqlite", script) == (
        MachineValue('a "table', 'a "column', "the home folder", 1),
        MachineValue("texts_content", "c0", "the home folder", 1),
    )


def test_what_needs_the_application_is_left_out(tmp_path):
    """A column with a collation that only the application has is no fault of the file."""
    with contextlib.closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        connection.create_collation("own", lambda a, b: (a > b) - (a < b))
        connection.executescript(
            "create table t (a text collate own, b text); insert into t values ('/home/me', '/home/me');"
        )
    assert MachineValue("t", "b", "the home folder", 1) in machine_values.machine_values(tmp_path / "a.sqlite", MARKS)


def test_a_damaged_file_is_an_error(tmp_path):
    """Of SQLite, by its own name."""
    (tmp_path / "a.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    with pytest.raises(sqlite3.DatabaseError):
        machine_values.machine_values(tmp_path / "a.sqlite", MARKS)


@pytest.mark.parametrize(("name", "home"), [("localhost", None), ("localhost", "/")])
def test_marks_that_say_nothing_are_left_out(monkeypatch, name, home):
    """Every machine is called localhost by itself, and everything is below the root folder."""
    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert marks_of(Path("/srv/shop"), home) == {"/srv/shop": "the project's folder"}
