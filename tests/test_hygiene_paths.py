"""Odd and long paths: the right database through every fixture, or our own words."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hygiene import has_passed, run_pytest, sql_project
from projects import builds_in, write

ODD = [
    "a b",
    "h#x",
    "q?r",
    "p%41q 50%",
    "quo'te\"s",
    "ünïcode 😀 dot.",
    "new\nline",
    "-dash; a:b@c&d=e $HOME back\\slash",
]
ON_DISK = """
    from templatedb import place

    place.Storage.__init__.__kwdefaults__["memory"] = None
    """
EVERY_FIXTURE = """
    import sqlite3
    import pytest
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine

    ASK = "select name from t1"

    @pytest.mark.parametrize("number", range(2))
    def test_it(clone_path, clone_url, clone_async_url, clone_connection, clone_session, clone_async_engine, number):
        import asyncio

        connection = sqlite3.connect(clone_path)
        connection.execute("insert into t1 values ('mine')")
        connection.commit()
        connection.close()
        expected = ["row 1", "mine"]
        assert [name for (name,) in clone_connection.execute(ASK)] == expected
        assert list(clone_session.scalars(sqlalchemy.text(ASK))) == expected
        engine = sqlalchemy.create_engine(clone_url)
        with engine.connect() as opened:
            assert list(opened.scalars(sqlalchemy.text(ASK))) == expected
        engine.dispose()

        async def look(engine):
            async with engine.connect() as opened:
                assert list(await opened.scalars(sqlalchemy.text(ASK))) == expected

        async def look_at_both():
            engine = create_async_engine(clone_async_url)
            await look(engine)
            await engine.dispose()
            await look(clone_async_engine)

        asyncio.run(look_at_both())

    def test_failing(clone_path, clone_connection):
        clone_connection.execute("insert into t1 values ('kept')")
        clone_connection.commit()
        assert False
    """


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_project_cache_and_temporary_folder(tmp_path, name):
    """Each fixture opens the right database, and the line for the sqlite3 program can be pasted."""
    project, temporary = tmp_path / name / "project", tmp_path / name / "tmp"
    sql_project(project)
    temporary.mkdir()
    write(project / "conftest.py", ON_DISK)
    write(project / "test_it.py", EVERY_FIXTURE)
    done = run_pytest(project, TMPDIR=str(temporary), TEMPLATEDB_CACHE_DIR=str(tmp_path / name / "cache"))
    assert "2 passed" in done.stdout, done.stdout
    assert "1 failed" in done.stdout
    assert builds_in(tmp_path / name / "cache") == 1
    # As a shell reads the line, where a newline may stand within quotes.
    pasted = done.stdout.partition("\n    sqlite3 ")[2]
    (path,) = shlex.split(pasted.partition("failed.sqlite")[0] + pasted.partition("failed.sqlite")[1] or pasted)[
        :1
    ] or [""]
    kept = project / ".pytest_cache/d/templatedb/failed/test_failing.sqlite"
    assert kept.exists()
    quoted = shlex.quote(str(kept))
    assert f"    sqlite3 {quoted}\n" in done.stdout, path


def deep(folder: Path, length: int) -> Path:
    """Return a folder below whose own path has that many bytes."""
    path = str(folder)
    while len(path) + 101 < length:
        path += "/" + "d" * 100
    path += "/" + "e" * (length - len(path) - 1)
    os.makedirs(path, mode=0o700)
    assert len(path) == length
    return Path(path)


LONG = [("all", length) for length in (400, 470, 495, 505)] + [
    (which, length) for which in ("project", "cache", "temporary folder") for length in (440, 600)
]


@pytest.mark.parametrize(("which", "length"), LONG)
def test_long_paths_work_or_say_that_they_are_too_long(tmp_path, which, length):
    """SQLite opens 504 bytes; "unable to open database file" helps nobody."""
    long = deep(tmp_path, length)
    places = {name: long / name[:1] if which in (name, "all") else tmp_path / name for name in ("project", "cache")}
    temporary = long if which in ("temporary folder", "all") else tmp_path / "temporary"
    temporary.mkdir(exist_ok=True)
    sql_project(places["project"])
    write(places["project"] / "conftest.py", ON_DISK)
    write(places["project"] / "test_it.py", EVERY_FIXTURE)
    done = run_pytest(places["project"], "--tb=short", TMPDIR=str(temporary), TEMPLATEDB_CACHE_DIR=str(places["cache"]))
    text = done.stdout + done.stderr
    assert "unable to open database file" not in text
    assert "INTERNALERROR" not in text
    says = "bytes, and SQLite opens at most 504: " in text
    if which in ("project", "cache") or length == 400:
        assert "2 passed" in text, text
    else:
        assert "2 passed" in text or says, text
    if length >= 505:
        assert says, text


def test_a_long_path_of_a_clone_in_the_library_is_told(tmp_path):
    """As an error of ours, before there is a file."""
    sql_project(tmp_path)
    folder = deep(tmp_path, 510)
    code = (
        "import sys\nfrom pathlib import Path\nfrom templatedb import CloneError, load\n"
        "with load().golden() as golden:\n    try:\n        golden.clone(folder=Path(sys.argv[1]))\n"
        "    except CloneError as error:\n        print(error.what)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "bytes, and SQLite opens at most 504: " in done.stdout, done.stderr
    assert os.listdir(folder) == []


def test_a_project_in_a_folder_with_an_odd_name_passes_with_workers(tmp_path):
    """Names travel to workers as text."""
    project = sql_project(tmp_path / "a b%41 😀")
    write(project / "test_it.py", EVERY_FIXTURE.partition("def test_failing")[0])
    assert has_passed(run_pytest(project, "-n", "2"), 2)
