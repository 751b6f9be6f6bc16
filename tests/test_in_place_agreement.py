"""Whatever tests do to a place, after a restore every connection sees exactly what a fresh copy of the golden has.

``TEMPLATEDB_SOAK=100000 pytest tests/test_in_place_agreement.py`` tries so many stories instead of a few;
``--hypothesis-seed`` repeats a run.
"""

import contextlib
import os
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
import sqlalchemy
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.pool import NullPool, StaticPool

from places import PEOPLE, Bench, OtherProcess, dump, dump_of, sound
from templatedb.slots import StuckError, Way, evict, locks
from templatedb.slots.image import Image, change_counter, schema_cookie

STORIES = int(os.environ.get("TEMPLATEDB_SOAK", "60"))
MANY = "with recursive a(n) as (select 1 union all select n + 1 from a limit {})"
STATEMENTS = [
    "insert into people (name, note) values ('Eve', 'new')",
    "insert into pets (name) values ('Rex')",
    "update people set note = 'changed'",
    "delete from people",
    "replace into people (id, name) values (1, 'Zoe')",
    MANY.format(60) + " insert into people (name) select hex(randomblob(900)) from a",
    MANY.format(300) + " insert into pets (name) select hex(randomblob(2000)) from a",
    "select count(*), max(name) from people",
    "select * from pets join people using (id)",
    "create table more (x, y)",
    "create table if not exists people (other)",
    "insert into more values (1, 2)",
    "drop table pets",
    "alter table people add column age integer",
    "alter table people rename to persons",
    "alter table people drop column note",
    "drop index people_by_note",
    "create index more_by_x on people (name)",
    "create view v as select name from people",
    "create trigger tr after insert on people begin delete from pets; end",
    "create temp table people (name)",
    "create temp table mine as select * from people",
    "create temp trigger tt after insert on main.people begin delete from main.pets; end",
    "attach ':memory:' as other",
    "detach other",
    "vacuum",
    "analyze",
    "pragma user_version = 9",
    "pragma application_id = 9",
    "pragma page_size = 512",
    "pragma page_size = 8192",
    "pragma auto_vacuum = 1",
    "pragma auto_vacuum = 2",
    "pragma incremental_vacuum",
    "pragma foreign_keys = off",
    "pragma foreign_keys = on",
    "pragma recursive_triggers = on",
    "pragma query_only = on",
    "pragma journal_mode = wal",
    "pragma journal_mode = delete",
    "pragma journal_mode = persist",
    "pragma journal_mode = memory",
    "pragma journal_mode = off",
    "pragma locking_mode = exclusive",
    "pragma locking_mode = normal",
    "pragma cache_size = 1",
    "pragma wal_checkpoint",
    "pragma wal_checkpoint(truncate)",
    "pragma wal_autocheckpoint = 1",
    "begin",
    "begin immediate",
    "begin exclusive",
    "savepoint s",
    "rollback to s",
    "commit",
    "rollback",
]
POOLED = ["plain", "keys", "one", "no pool", "wal"]
EVERYBODY = [*POOLED, "raw", "raw too", "other process"]
HOW = ["run", "run", "run", "run", "in a thread", "leave open", "half read"]
FILE = ["replace", "unlink", "empty", "copy back", "reconnect", "other golden"]

OWN = ["select count(*) from sqlite_temp_master", "pragma locking_mode"]
ORDERLY = [[(0,)], [("normal",)]]

OPERATION = st.one_of(
    st.tuples(st.sampled_from(HOW), st.sampled_from(EVERYBODY), st.sampled_from(STATEMENTS)),
    st.tuples(st.sampled_from(HOW), st.sampled_from(EVERYBODY), st.sampled_from(STATEMENTS)),
    st.tuples(st.sampled_from(HOW), st.sampled_from(EVERYBODY), st.sampled_from(STATEMENTS)),
    st.tuples(st.just("file"), st.sampled_from(FILE), st.just("")),
)
STORY = st.lists(st.lists(OPERATION, max_size=7), min_size=1, max_size=5)


class World:
    """A place, and everybody who is at it: pools of an application, raw connections, another process."""

    def __init__(self, folder: Path, other: OtherProcess, *, wal: bool) -> None:
        self.bench = Bench(folder)
        self.goldens = [self.bench.image, self.bench.golden(("pragma page_size = 1024", *PEOPLE, "drop table pets"))]
        self.expected = [dump_of(golden) for golden in self.goldens]
        self.number = 0
        self.bench.restore()
        self.saved = folder / "saved"
        self.saved.write_bytes(self.bench.path.read_bytes())  # nobody else has it open yet
        self.engines = {
            "plain": self.bench.engine(),
            "keys": self.bench.engine("pragma foreign_keys = on"),
            "one": self.bench.engine(poolclass=StaticPool),
            "no pool": self.bench.engine(poolclass=NullPool),
            "wal": self.bench.engine(*(["pragma journal_mode = wal"] if wal else [])),
        }
        self.raw: dict[str, sqlite3.Connection] = {}
        self.other = other
        self.other.execute(f"open {self.bench.path}")
        self.left: list[object] = []

    def raw_one(self, name: str) -> sqlite3.Connection:
        try:
            self.raw[name].total_changes  # noqa: B018
        except (KeyError, sqlite3.ProgrammingError):
            isolation = None if name == "raw" else ""
            self.raw[name] = self.bench.connect(isolation_level=isolation, check_same_thread=False, timeout=0.001)
        return self.raw[name]

    def do(self, how: str, who: str, statement: str) -> None:
        if how == "file":
            self.do_to_the_file(who)
        elif how == "in a thread":
            thread = threading.Thread(target=self.do, args=("run", who, statement))
            thread.start()
            thread.join()
        elif who == "other process":
            self.other.execute(statement)
        else:
            with contextlib.suppress(sqlite3.Error, sqlalchemy.exc.DBAPIError):
                self.do_here(how, who, statement)

    def do_here(self, how: str, who: str, statement: str) -> None:
        if who in self.engines:
            connection = self.engines[who].connect()
            try:
                raw = connection.connection.driver_connection
                if how == "half read":
                    cursor = raw.execute("select a.rowid from main.sqlite_master a, main.sqlite_master b")
                    cursor.fetchone()
                    self.left.append(cursor)
                elif how == "leave open":
                    self.left.append(connection)
                    raw.execute(statement).fetchone()
                else:
                    connection.exec_driver_sql(statement)
                    connection.commit()
            finally:
                if connection not in self.left:
                    connection.close()
        else:
            raw = self.raw_one(who)
            if how == "half read":
                cursor = raw.execute("select a.rowid from main.sqlite_master a, main.sqlite_master b")
                cursor.fetchone()
                self.left.append(cursor)
            else:
                raw.execute(statement).fetchall()
                if how == "run" and who == "raw too":
                    raw.commit()

    def do_to_the_file(self, what: str) -> None:
        path = self.bench.path
        if what == "replace":
            path.with_name("new").write_bytes(self.saved.read_bytes())
            os.replace(path.with_name("new"), path)
        elif what == "unlink":
            path.unlink(missing_ok=True)
        elif what == "empty":
            subprocess.run(["truncate", "--size=0", path], check=True)
        elif what == "copy back":  # by a program of its own: closing the file here would drop SQLite's locks
            subprocess.run(["cp", self.saved, path], check=True)
        elif what == "reconnect":
            for engine in self.engines.values():
                engine.dispose()
        else:
            self.number = 1 - self.number

    def restore(self) -> Way:
        self.abandon()
        try:
            return self.bench.restore(self.goldens[self.number]).way
        except StuckError:  # the other process holds it, in a transaction or as a file that was replaced
            self.other.execute("close")
            way = self.bench.restore(self.goldens[self.number]).way
            self.other.execute(f"open {self.bench.path}")
            return way

    def abandon(self) -> None:
        """Forget what was left open, so that only the place's own means can end it: half of it stays referenced."""
        del self.left[::2]

    def check(self) -> None:
        """Look through everybody's eyes."""
        expected = self.expected[self.number]
        for left in self.left:
            if isinstance(left, sqlalchemy.Connection):
                left.invalidate()
                left.close()
        self.left.clear()
        self.put_in_order()
        seen = {"a fresh connection": self.look_fresh(), "other process": self.other.execute("dump")}
        for name, engine in self.engines.items():
            with engine.connect() as connection:
                seen[name] = dump(connection)
                self.check_state(name, connection.connection.driver_connection)
        for name in self.raw:
            seen[name] = dump(self.raw_one(name))
        assert seen == dict.fromkeys(seen, expected)
        assert sound(self.bench.path)

    def look_fresh(self) -> str:
        with contextlib.closing(sqlite3.connect(self.bench.path)) as connection:
            assert connection.execute("pragma user_version").fetchone() == (0,)
            assert connection.execute("pragma application_id").fetchone() == (0,)
            return dump(connection)

    def put_in_order(self) -> None:
        """Nobody takes from a raw connection what is its own: temporary tables, settings, BEGIN without a lock."""
        for name in self.raw:
            raw = self.raw_one(name)
            raw.rollback()
            try:
                answers = [raw.execute(question).fetchall() for question in OWN]
            except sqlite3.OperationalError:
                answers = []
            if answers != ORDERLY:
                raw.close()
        self.other.execute("rollback")
        if [self.other.execute(question) for question in OWN] != ORDERLY:
            self.other.execute(f"open {self.bench.path}")

    def check_state(self, name: str, raw: sqlite3.Connection) -> None:
        found = [
            raw.execute(f"pragma {pragma}").fetchone()[0]
            for pragma in ("foreign_keys", "recursive_triggers", "query_only", "locking_mode")
        ]
        assert found == [int(name == "keys"), 0, 0, "normal"]
        files = [row[1] for row in raw.execute("pragma database_list") if row[1] != "temp"]
        assert files == ["main"]
        assert raw.execute("select count(*) from sqlite_temp_master").fetchone() == (0,)

    def tell(self, story: list[list[tuple[str, str, str]]]) -> None:
        for test in story:
            for operation in test:
                self.do(*operation)
            self.restore()
            self.check()

    def close(self) -> None:
        self.left.clear()
        self.other.execute("close")
        self.bench.close()


@pytest.fixture(scope="module")
def other_process(tmp_path_factory):
    """One for all stories: starting Python costs more than a story."""
    other = OtherProcess(tmp_path_factory.mktemp("other") / "nothing.sqlite")
    yield other
    other.close()


@pytest.fixture
def no_waiting(monkeypatch):
    """What is left open here is left for good."""
    monkeypatch.setattr(evict, "_STEPS", 1)
    monkeypatch.setattr(evict, "_STEP_S", 0)


@contextlib.contextmanager
def a_world(other, *, wal):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        world = World(Path(folder), other, wal=wal)
        try:
            yield world
        finally:
            world.close()


@settings(
    max_examples=STORIES,
    deadline=None,
    derandomize="TEMPLATEDB_SOAK" not in os.environ,  # the same few stories each time; a soak tells new ones
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(story=STORY, wal=st.booleans(), by_backup=st.booleans())
@pytest.mark.timeout(0 if "TEMPLATEDB_SOAK" in os.environ else 120)
def test_after_any_story_everybody_sees_the_golden(other_process, no_waiting, story, wal, by_backup):
    """Commits, schemas, pragmas, temporary tables, attached files, WAL, threads, leaks, files: nothing of it stays."""
    with pytest.MonkeyPatch.context() as patch, a_world(other_process, wal=wal) as world:
        if by_backup:  # as where there are no locks but SQLite's
            patch.setattr(locks, "ARE_SUPPORTED", False)
        world.tell(story)


ADD_EVE = "insert into people (name, note) values ('Eve', 'new')"


def test_a_copy_put_back_under_an_application_in_wal_mode_with_results_half_read(other_process, no_waiting):
    """The next connection that asks for WAL is not locked out by our own; found by a story told at random."""
    with a_world(other_process, wal=True) as world:
        leaks = [(what, "plain", ADD_EVE) for what in ("half read", "leave open")]
        world.tell([[], [("run", "plain", ADD_EVE), ("file", "copy back", ""), *leaks]])


def without(monkeypatch, **wrong):
    """Write a number of the header as it stands in the file instead of one that it never had."""
    right = Image.write_to

    def write_to(self, destination, **numbers):
        header = os.pread(destination, 100, 0)
        if header:
            numbers |= {name: number(header) for name, number in wrong.items()}
        return right(self, destination, **numbers)

    monkeypatch.setattr(Image, "write_to", write_to)


@pytest.mark.parametrize(
    "story",
    [
        [[("run", "raw", "select count(*), max(name) from people"), ("run", "plain", "delete from people"), ("run", "raw", "select count(*), max(name) from people")]],
        [[("run", "other process", "delete from people")]],
    ],
)  # fmt: skip
def test_without_the_counters_bump_cached_rows_are_wrong(other_process, monkeypatch, story):
    """The proof that the story above would notice: the same machinery, and an idle connection shows old rows."""
    with a_world(other_process, wal=False) as world:
        world.tell(story)
    without(monkeypatch, counter=change_counter)
    with a_world(other_process, wal=False) as world, pytest.raises(AssertionError):
        world.tell(story)


@pytest.mark.parametrize("who", ["raw", "plain", "other process"])
def test_without_the_cookies_bump_the_schema_is_wrong(other_process, monkeypatch, who):
    """The same for connections that have parsed a schema that is gone."""
    story = [[("run", who, "alter table people add column age integer"), ("run", who, "select age from people")]]
    with a_world(other_process, wal=False) as world:
        world.tell(story)
    without(monkeypatch, cookie=schema_cookie)
    with a_world(other_process, wal=False) as world, pytest.raises(AssertionError):
        world.tell(story)


def test_without_a_counter_that_is_new_a_later_test_reads_rows_of_an_earlier_one(tmp_path, monkeypatch):
    """The golden's own number is not enough: both tests commit once, and a connection that was idle cannot tell."""

    def second_test(bench):
        did, idle = bench.connect(), bench.connect()
        for name in ("Joe", "Eve", "Zoe"):
            did.execute("insert into people (name) values (?)", (name,))
            did.commit()
            seen = idle.execute("select name from people where id = 3").fetchall()
            bench.restore()
        return seen

    for numbers, seen in (({}, [("Zoe",)]), ({"counter": lambda header: 7}, [("Eve",)])):
        with contextlib.closing(Bench(tmp_path)) as bench:
            without(monkeypatch, **numbers)
            bench.restore()
            bench.restore()
            assert second_test(bench) == seen
