"""A clone is private, equal to the golden whatever its kind, and leaves nothing behind."""

import gc
import os
import sqlite3
import threading
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import IDENTITY, canonical, run, write
from templatedb import Alembic, Clone, CloneError, Function, Template
from templatedb.records import CloneKind
from templatedb.slots.image import Image

KINDS = pytest.mark.parametrize("kind", list(CloneKind))


@KINDS
def test_a_clone_is_writable_and_private(identity, kind):
    """What one test commits, the next does not see."""
    with identity.clone(kind) as first, identity.clone(kind) as second:
        before = second.dump()
        assert first.dump() == before
        connection = first.connect()
        connection.execute("delete from key_rotation_events")
        connection.execute("drop table sessions")
        connection.commit()
        assert second.dump() == before != first.dump()
        with identity.clone(kind) as third:
            assert third.dump() == before


@KINDS
def test_connections_and_threads_share_one_clone(identity, kind):
    """Eight threads, each with a connection of its own."""

    def work(number):
        connection = clone.connect(timeout=30)
        connection.execute("insert into users (id, email, email_normalized) values (?, ?, ?)", (f"user-{number}",) * 3)
        connection.commit()

    with identity.clone(kind) as clone:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = clone.connect().execute("select id from users order by id").fetchall()
    assert rows == [(f"user-{number}",) for number in range(8)]


def test_all_kinds_agree_with_a_migration_of_ones_own(identity, tmp_path):
    """Canonically: batch mode walks sets, so two builds differ by the order of constraints."""
    path = tmp_path / "plain.sqlite"
    done = run(
        "alembic",
        "-c",
        str(IDENTITY / "alembic.ini"),
        "upgrade",
        "heads",
        cwd=tmp_path,
        DATABASE_URL=f"sqlite:///{path}",
    )
    assert done.returncode == 0, done.stderr
    connection = sqlite3.connect(path)
    plain = canonical("\n".join(connection.iterdump()))
    connection.close()
    for kind in CloneKind:
        with identity.clone(kind) as clone:
            assert canonical(clone.dump()) == plain


def test_what_a_file_stores_beside_tables_is_cloned(project):
    """Pragmas that live in the file, AUTOINCREMENT's counter, blobs, views, triggers, FTS5."""
    write(
        project / "factory.py",
        """
        import sqlite3

        def migrate(path):
            connection = sqlite3.connect(path)
            connection.executescript('''
                pragma page_size = 8192;
                pragma encoding = 'UTF-16le';
                pragma auto_vacuum = incremental;
                pragma user_version = 42;
                pragma application_id = 7;
                create table t (id integer primary key autoincrement, body blob);
                insert into t (body) values (x'00ff'), (null);
                delete from t;
                create view v as select body from t;
                create trigger r after insert on t begin select 1; end;
                create virtual table f using fts5(words);
                insert into f values ('hello world');
            ''')
            connection.close()
        """,
    )
    pragmas = ["page_size", "encoding", "auto_vacuum", "user_version", "application_id"]

    def facts(connection):
        found = [connection.execute(f"pragma {name}").fetchone()[0] for name in pragmas]
        found.append(connection.execute("select * from sqlite_sequence").fetchall())
        found.append(connection.execute("select words from f where f match 'hello'").fetchall())
        return found, list(connection.iterdump())

    with (
        Template(Function("factory:migrate")).golden() as golden,
        golden.clone("file") as file,
        golden.clone("memory") as memory,
    ):
        assert facts(file.connect()) == facts(memory.connect())
        assert facts(file.connect())[0] == [8192, "UTF-16le", 2, 42, 7, [("t", 2)], [("hello world",)]]


def test_a_file_has_a_path_and_two_urls(identity, tmp_path):
    """Absolute, and named by process and counter."""
    with identity.clone("file", folder=tmp_path) as clone:
        assert clone.path.parent == tmp_path
        assert clone.path.name.startswith(f"clone-{os.getpid()}-")
        assert (clone.url, clone.async_url) == (f"sqlite:///{clone.path}", f"sqlite+aiosqlite:///{clone.path}")
        assert clone.path.stat().st_mode & 0o777 == 0o600


def test_a_clone_in_memory_has_no_path_and_says_what_to_do(identity):
    """An error with the remedy."""
    with identity.clone("memory") as clone, pytest.raises(CloneError) as caught:
        _ = clone.path
    assert str(caught.value) == (
        "a clone in memory has no path\n"
        'Use its url, or ask for a file: @pytest.mark.templatedb(clone="file"), or the setting clone = "file".'
    )


def test_a_closed_clone_leaves_nothing_behind(identity, tmp_path):
    """Not even what WAL mode puts beside it."""
    clone = identity.clone("file", folder=tmp_path)
    connection = clone.connect()
    connection.execute("pragma journal_mode = wal")
    connection.execute("delete from key_rotation_events")
    connection.commit()
    reader = clone.connect()
    reader.execute("select * from users").fetchall()
    assert len(os.listdir(tmp_path)) == 3
    clone.close()
    clone.close()
    assert os.listdir(tmp_path) == []
    with pytest.raises(CloneError, match="is closed"):
        clone.connect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        reader.execute("select 1")


def test_a_file_that_the_test_removed_itself_is_no_fault(identity, tmp_path):
    """Some applications do."""
    with identity.clone("file", folder=tmp_path) as clone:
        clone.path.unlink()
    assert os.listdir(tmp_path) == []


@KINDS
def test_an_open_clone_outlives_its_golden(identity_cache, monkeypatch, kind):
    """Closed by its with block, or forgotten at once."""
    monkeypatch.setenv("TEMPLATEDB_CACHE_DIR", str(identity_cache))
    template = Template(Alembic(IDENTITY / "alembic.ini"))
    with template.golden() as golden:
        first = golden.clone(kind)
    second = template.golden().clone(kind)
    gc.collect()
    for clone in (first, second):
        with clone:
            assert clone.connect().execute("select count(*) from clients").fetchone() == (2,)


def test_a_connection_for_one_thread_only_does_not_spoil_the_end(identity):
    """The others are closed, nothing is raised."""
    clone = identity.clone()
    thread = threading.Thread(target=lambda: clone.connect(check_same_thread=True))
    thread.start()
    thread.join()
    other = clone.connect()
    clone.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        other.execute("select 1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_a_closed_golden_makes_no_clones(project):
    """The number of its descriptor may belong to another golden by now."""
    write(
        project / "factory.py",
        """
        import sqlite3

        def one(path):
            sqlite3.connect(path).executescript("create table one (x)")

        def two(path):
            sqlite3.connect(path).executescript("create table two (x)")
        """,
    )
    first = Template(Function("factory:one")).golden()
    first.close()
    first.close()
    with Template(Function("factory:two")).golden():
        for kind in CloneKind:
            with pytest.raises(CloneError, match=r"is closed\nClone before its with block ends"):
                first.clone(kind)


def test_another_kind_is_refused_with_the_two_there_are(identity):
    """Not with an enum's words."""
    with pytest.raises(CloneError, match='a clone cannot be \'disk\'; allowed: "file" or "memory"'):
        identity.clone("disk")


def test_memory_is_given_back_with_the_clone(identity):
    """The name is free again and empty."""
    clone = identity.clone("memory")
    assert isinstance(clone, Clone)
    name = clone.url.partition("file:")[2].partition("?")[0]
    clone.close()
    connection = sqlite3.connect(f"file:{name}?vfs=memdb", uri=True)
    assert connection.execute("select count(*) from sqlite_master").fetchone() == (0,)
    connection.close()


def test_descriptors_stay_constant_over_many_clones(identity):
    """A thousand clones, no leak."""
    before = len(os.listdir("/proc/self/fd"))
    for kind in CloneKind:
        for _ in range(500):
            with identity.clone(kind) as clone:
                clone.connect().execute("select 1")
    # One more for the memory slot's private copy would still be in memory: it has no descriptor.
    assert len(os.listdir("/proc/self/fd")) == before


# No statement may take the clock's default: the kinds run one after the other, perhaps in two seconds.
STATEMENTS = st.lists(
    st.sampled_from(
        [
            "insert into users (id, email, email_normalized, created_at) values ('u1', 'a', 'a', '2024')",
            "insert into users (id, email, email_normalized, created_at) values ('u2', 'b', 'b', '2024')",
            "update clients set name = 'changed'",
            "delete from key_rotation_events",
            "create table extra (x)",
            "drop table if exists sessions",
            "alter table users add column extra text",
            "pragma user_version = 5",
            "savepoint s",
            "rollback to s",
            "release s",
            "insert into no_such_table values (1)",
        ]
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STATEMENTS)
def test_the_same_statements_lead_to_the_same_database_in_every_kind(identity, statements):
    """Kinds of clones must agree, errors included; and the golden stays what it was."""
    results = []
    for kind in CloneKind:
        with identity.clone(kind) as clone:
            connection, errors = clone.connect(isolation_level=None), []
            for statement in statements:
                try:
                    connection.execute(statement)
                except sqlite3.Error as error:
                    errors.append(str(error))
            connection.close()
            results.append((errors, clone.dump()))
    assert results[0] == results[1]


def test_a_golden_that_cannot_be_read_is_named(tmp_path):
    """Its disk is broken, or its file system gone."""
    path = tmp_path / "golden.sqlite"
    path.write_bytes(b"x" * 512)
    descriptor = os.open(path, os.O_WRONLY)  # reading fails
    try:
        with pytest.raises(CloneError, match=f"the golden {path} cannot be read: Bad file descriptor") as caught:
            Image(descriptor, path).header  # noqa: B018
    finally:
        os.close(descriptor)
    assert caught.value.remedy == "Is the disk sound? Remove the file, and it is built again."
