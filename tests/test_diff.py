"""What a failed test did to its database: in its report, and by ``templatedb diff``."""

import contextlib
import json
import os
import sqlite3
from pathlib import Path

import pytest

from projects import alembic_project, run, write
from templatedb.cli import main

SCHEMA = """
create table users (id integer primary key, email text not null, seen integer);
create table tags (name text primary key) without rowid;
insert into users values (1, 'ada@example.org', 0), (2, 'grace@example.org', 0);
"""
TESTS = """
def test_that_fails(clone_connection):
    clone_connection.execute("insert into users values (3, 'joan@example.org', 0)")
    clone_connection.execute("update users set seen = 1 where id = 1")
    clone_connection.commit()
    assert False
"""


@pytest.fixture
def users(project):
    """A folder of SQL files, and a suite with one test that fails."""
    write(project / "pyproject.toml", '[tool.templatedb]\nsql = "sql"\n')
    write(project / "sql/1.sql", SCHEMA)
    write(project / "test_it.py", TESTS)
    return project


def pytest_says(folder: Path, *words: str) -> str:
    return run("pytest", "-p", "no:randomly", *words, cwd=folder).stdout


def section(said: str) -> list[str]:
    """Return the lines of the report's section about the database."""
    lines = said.split("- templatedb -")[1].splitlines()[1:]
    return lines[: next(number for number, line in enumerate(lines) if line.startswith("==="))]


def change(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_the_report_of_a_failed_test_says_what_it_changed(users):
    """Against the golden; then where the database is, and how to look at it."""
    path = users / ".pytest_cache/d/templatedb/failed/test_that_fails.sqlite"
    assert section(pytest_says(users)) == [
        "changed by the test, against the golden:",
        "    users: 1 row added, 1 changed",
        "      + id=3: email='joan@example.org', seen=0",
        "      ~ id=1: seen 0 -> 1",
        f"database kept: {path}",
        f"    sqlite3 {path}",
        f"    templatedb diff {path}",
    ]


def test_a_report_has_at_most_ten_lines_of_changes(users):
    """The rest is for the command."""
    many = "; ".join(f"create table t{number} (x)" for number in range(30))
    write(users / "test_it.py", f"def test_that_fails(clone_connection):\n    clone_connection.executescript('{many}')\n    assert 0\n")  # fmt: skip
    lines = section(pytest_says(users))
    assert lines[10] == "    and 21 more lines"
    assert lines[11].startswith("database kept: ")
    assert len(lines) == 14


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_test_that_left_nothing_changed_says_so(users, kind):
    """Whatever the kind of its clone: many have rolled back by then."""
    write(users / "test_it.py", "def test_that_fails(clone):\n    assert False\n")
    assert [line.split(" /")[0] for line in section(pytest_says(users, f"--templatedb-clone={kind}"))] == [
        "the test committed no change to its database: it made none, rolled it back or left it open",
        "database kept:",
        "    sqlite3",
        "    templatedb diff",
    ]


def test_without_a_name_the_last_kept_database_is_shown(users, capsys):
    """Against the golden that it was cloned from, though the migrations have changed since."""
    pytest_says(users)
    write(users / "sql/2.sql", "create table later (x);")
    assert main(["diff"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("from golden ")
    assert first.endswith(" to test_it.py::test_that_fails")
    assert rest == [
        "users: 1 row added, 1 changed",
        "  + id=3: email='joan@example.org', seen=0",
        "  ~ id=1: seen 0 -> 1",
    ]


def test_a_kept_database_is_found_by_its_name_and_from_a_subfolder(users, capsys, monkeypatch):
    """The last one is the default; how many others there are is said."""
    write(users / "test_it.py", "import pytest\n@pytest.mark.parametrize('n', [1, 2, 3])\ndef test_n(clone_connection, n):\n    clone_connection.execute(f'pragma user_version = {n}')\n    assert 0\n")  # fmt: skip
    pytest_says(users)
    (users / "deep").mkdir()
    monkeypatch.chdir(users / "deep")
    assert main(["diff", "test_n[2]"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "database user_version: 0 in the golden, 2 in the database",
        f"2 more databases kept in {users / '.pytest_cache/d/templatedb/failed'}:",
        "    templatedb diff 'test_n[3]'",
        "    templatedb diff 'test_n[1]'",
    ]
    assert main(["diff"]) == 0
    assert "3 in the database" in capsys.readouterr().out


def test_of_many_kept_databases_the_last_ones_are_named(users, capsys):
    """As commands to paste; the folder has all."""
    write(users / "test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_n(clone, n):\n    assert 0\n")  # fmt: skip
    pytest_says(users)
    assert main(["diff"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "no difference",
        f"8 more databases kept in {users / '.pytest_cache/d/templatedb/failed'}:",
        *(f"    templatedb diff 'test_n[{number}]'" for number in (7, 6, 5, 4, 3)),
        "    and 3 more",
    ]


def test_pytests_own_cache_folder_is_heeded(users, capsys):
    """As its configuration names it."""
    write(users / "pytest.ini", "[pytest]\ncache_dir = made/up\n")
    pytest_says(users)
    assert main(["diff"]) == 0
    assert "users: 1 row added, 1 changed" in capsys.readouterr().out


def test_a_copy_is_compared_with_the_projects_golden(users, capsys):
    """Any file; the golden is built when there is none."""
    main(["clone", "dev.sqlite"])
    assert main(["diff", "--exit-code", "dev.sqlite"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no difference"
    change(Path("dev.sqlite"), "insert into tags values ('new')")
    assert main(["diff", "--exit-code", "dev.sqlite"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["tags: 1 row added", "  + name='new'"]


def test_any_two_files_are_compared(users, capsys):
    """Called by their names, in the order in which they stand; no project is needed."""
    for name, value in (("old.sqlite", "a"), ("new.sqlite", "b")):
        change(users / name, "create table t (id integer primary key, x)", f"insert into t values (1, '{value}')")
    assert main(["diff", "old.sqlite", "new.sqlite"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "from old.sqlite to new.sqlite",
        "t: 1 row changed",
        "  ~ id=1: x 'a' -> 'b'",
    ]


def test_json_has_everything_with_whole_values(users, capsys):
    """Blobs as hexadecimal digits."""
    main(["clone", "dev.sqlite"])
    change(
        Path("dev.sqlite"), "insert into users values (9, 'x', x'00ff')", "update users set email = 'y' where id = 1"
    )
    change(Path("dev.sqlite"), "create view v as select 1")
    capsys.readouterr()
    assert main(["diff", "--json", "dev.sqlite"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts.pop("before").endswith(".sqlite")
    assert facts == {
        "after": "dev.sqlite",
        "test": None,
        "tables": [
            {
                "table": "users",
                "added": 1,
                "removed": 0,
                "changed": 1,
                "complete": True,
                "rows": [
                    {"kind": "added", "key": {"id": 9}, "values": {"email": "x", "seen": {"hex": "00ff"}}},
                    {
                        "kind": "changed",
                        "key": {"id": 1},
                        "cells": [{"column": "email", "before": "ada@example.org", "after": "y"}],
                    },
                ],
            }
        ],
        "schema": [{"kind": "view", "name": "v", "what": "only in the database"}],
        "sequences": [],
        "not_compared": [],
        "notes": [],
    }


def test_more_rows_and_a_time_limit_can_be_asked_for(users, capsys):
    """Twenty rows of a table are the default."""
    main(["clone", "dev.sqlite"])
    change(Path("dev.sqlite"), "with recursive n(i) as (select 10 union all select i + 1 from n where i < 39) insert into users select i, 'x', 0 from n")  # fmt: skip
    capsys.readouterr()
    for words, shown in (([], 20), (["--rows", "50"], 30), (["--rows", "0"], 0)):
        main(["diff", "dev.sqlite", *words])
        out = capsys.readouterr().out
        assert (out.count("  + id="), "    and 10 more" in out) == (shown, shown == 20)
    with pytest.raises(SystemExit) as stopped:
        main(["diff", "--time-limit", "soon", "dev.sqlite"])
    assert (stopped.value.code, "argument --time-limit: " in capsys.readouterr().err) == (2, True)


def test_colours_are_for_terminals(users):
    """Plain in a pipe; NO_COLOR and FORCE_COLOR are heeded."""
    run("templatedb", "clone", "dev.sqlite", cwd=users)
    change(users / "dev.sqlite", "insert into tags values ('new')")
    plain = run("templatedb", "diff", "dev.sqlite", cwd=users).stdout
    coloured = run("templatedb", "diff", "dev.sqlite", cwd=users, FORCE_COLOR="1", TERM="xterm").stdout
    assert "\x1b" not in plain
    assert "\x1b[32m  + name='new'\x1b[0m" in coloured


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["diff"], "no database of a failed test in {here}/.pytest_cache/d/templatedb/failed\nName a file: "),
        (["diff", "gone.sqlite"], "there is no file gone.sqlite\nName a SQLite database, or a kept one by its test."),
        (["diff", "text.txt"], "and text.txt cannot be compared: file is not a database\nName two SQLite databases"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_its_remedy(users, capsys, words, said):
    """Exit code 1."""
    write(users / "text.txt", "no database " * 50)
    assert main(words) == 1
    assert said.format(here=users) in capsys.readouterr().err


def test_a_golden_that_was_pruned_since_is_not_replaced_by_another(users, capsys):
    """What would be shown is what the migrations changed, not the test."""
    pytest_says(users)
    write(users / "sql/2.sql", "create table later (x);")
    main(["prune", "--all"])
    capsys.readouterr()
    assert main(["diff"]) == 1
    said = capsys.readouterr().err
    assert "was cloned from is gone" in said
    assert "Run the test again" in said
    (users / "sql/2.sql").unlink()
    assert main(["diff"]) == 0
    assert "users: 1 row added, 1 changed" in capsys.readouterr().out


def test_a_locked_database_is_not_waited_for_long(users, capsys):
    """And nothing of it is guessed."""
    main(["clone", "dev.sqlite"])
    with contextlib.closing(sqlite3.connect("dev.sqlite", isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        assert main(["diff", "dev.sqlite"]) == 1
    assert "database is locked\nSomebody writes to it: wait until" in capsys.readouterr().err


def test_what_a_run_kept_is_gone_with_the_next(users):
    """Also the notes about what it was cloned from."""
    pytest_says(users)
    folder = users / ".pytest_cache/d/templatedb"
    assert sorted(os.listdir(folder)) == ["failed", "origins"]
    write(users / "test_it.py", "def test_it(): pass")
    pytest_says(users)
    assert [sorted(os.listdir(folder / name)) for name in ("failed", "origins") if (folder / name).exists()] == []


def test_an_alembic_project_needs_nothing_else(project, capsys):
    """The version table is told like any other."""
    alembic_project(project)
    main(["clone", "dev.sqlite"])
    change(Path("dev.sqlite"), "delete from alembic_version")
    capsys.readouterr()
    main(["diff", "dev.sqlite"])
    assert capsys.readouterr().out.splitlines()[1:] == ["alembic_version: 1 row removed", "  - version_num='r2'"]


def test_a_name_that_was_not_kept_is_told_with_those_that_were(users, capsys):
    """A misspelt test is the likely reason."""
    pytest_says(users)
    assert main(["diff", "test_that_fail"]) == 1
    assert capsys.readouterr().err == (
        "templatedb: there is no file test_that_fail\nName a SQLite database, or a kept one by its test. Kept are test_that_fails.\n"
    )


def test_without_pytests_cache_the_folder_stays_out_of_version_control(users):
    """Whoever switched the cache off does not look for the folder."""
    pytest_says(users, "-p", "no:cacheprovider")
    assert (users / ".pytest_cache/.gitignore").read_text() == "*\n"
