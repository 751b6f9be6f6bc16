"""Two databases compared as what they mean: every difference is named, and the order of sets is none."""

import contextlib
import copy
import dataclasses
import itertools
import shutil
import sqlite3
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templatedb.comparison import Comparison, RowDifference, SchemaDifference, compare

NUMBERS = itertools.count()
USERS = "create table users (id integer primary key, name text, born text);"
SAME = Comparison((), (), (), same_bytes=False)


def in_memory_has(statement: str) -> bool:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            return False
    return True


NEEDS_FTS5 = pytest.mark.skipif(not in_memory_has("create virtual table x using fts5(a)"), reason="no FTS5")
NEEDS_STRICT = pytest.mark.skipif(not in_memory_has("create table x (a text) strict"), reason="SQLite before 3.37")


def database(path: Path, sql: str, *rows: tuple) -> Path:
    """Make the database that *sql* describes; *rows* are a statement and the parameters of each call of it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"pragma synchronous = off; {sql}")
        for statement, *parameters in rows:
            connection.executemany(statement, parameters)
        connection.commit()
    return path


@pytest.fixture
def compared(tmp_path):
    """Compare the databases of two scripts."""

    def compared(first, second, **names):
        return compare(database(tmp_path / "first", first), database(tmp_path / "second", second), **names)

    return compared


def schema(*differences: tuple[str, str, str]) -> Comparison:
    return Comparison(tuple(SchemaDifference(*each) for each in differences), (), (), same_bytes=False)


def rows(*differences: tuple[str, tuple[str, ...], str]) -> Comparison:
    return Comparison((), tuple(RowDifference(*each) for each in differences), (), same_bytes=False)


# --- What is no difference ---


def both(*parts: str) -> list[str]:
    """Return two tables with the same parts, the constraints turned round."""
    column, *constraints = parts
    return [f"create table t ({', '.join([column, *order])});" for order in (constraints, list(reversed(constraints)))]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(*both("a, b", "unique (a)", "unique (b)", "check (a > 0)"), id="constraints-without-a-name"),
        pytest.param(*both("a, b", "constraint one unique (a)", "constraint two check (b)"), id="named-constraints"),
        pytest.param(*both("a, b", "primary key (a)", "unique (a)", "unique (a, b)"), id="a-key-that-is-unique-too"),
        pytest.param(
            *both("a, b", "foreign key (b) references p (x) on delete cascade", "foreign key (a) references p (x)"),
            id="foreign-keys",
        ),
        pytest.param(
            *both("a", "check (a in ('x, (y', \"it's\", 'z)', 'it''s'))", "check (length(a) < max(1, (2 + 3)))"),
            id="commas-parentheses-and-quotes-in-checks",
        ),
        pytest.param(
            *both('[a, (b] text, `c)` int, "d,""e" int', "unique ([a, (b])", 'unique (`c)`, "d,""e")'),
            id="commas-parentheses-and-quotes-in-names",
        ),
        pytest.param(*both("a", "check (a != x'2c29')", "unique (a)"), id="blob-literals"),
        pytest.param(
            "create table t (a int, -- the (first, one\n b text /* isn't, ) it */, unique (a), check (b));",
            "create table t(\n\ta int,b text,\n check(b) , unique(a) );",
            id="comments-and-white-space",
        ),
        pytest.param(
            "create table t (a varchar( 20 ) default ( 1  +  2 ));",
            "create table t (a varchar(20) default (1 + 2));",
            id="white-space-in-types-and-defaults",
        ),
        pytest.param('create table t (a int, "b" int);', "create table t ([a] int, b int);", id="quotes-of-columns"),
        pytest.param(
            "create table t (a, unique (a)); alter table t add column b int;",
            "create table t (a, b int, unique (a));",
            id="an-added-column",
        ),
        pytest.param(
            "create table t (a, b); create index x on t (a); create unique index y on t (b) where a > 1;",
            "create table t (a, b); create unique index y on t(b)  where a>1; create index x on t (a);",
            id="order-of-indexes",
        ),
        pytest.param(
            "create table t (a); create view v as select a from t; create table u (a);",
            "create table u (a); create table t (a); create view v as\n  select a -- all\n  from t;",
            id="order-of-tables-and-text-of-views",
        ),
        pytest.param(
            "create table t (a); insert into t values (1), (2), (2), (null);",
            "create table t (a); insert into t values (null), (2), (7), (1), (2); delete from t where a = 7;",
            id="order-and-rowid-of-rows",
        ),
        pytest.param(
            "create table t (a text primary key, b) without rowid; insert into t values ('x', 1), ('y', 2);",
            "create table t (a text primary key, b) without rowid; insert into t values ('y', 2), ('x', 1);",
            id="without-rowid",
        ),
        pytest.param("create table t (a); analyze;", "create table t (a); create index x on t (a); drop index x;", id="statistics"),
        pytest.param(
            "create table t (a); create index x on t (a); insert into t values (1); analyze;",
            "create table t (a); create index x on t (a); insert into t values (1);",
            id="rows-of-statistics",
        ),
        pytest.param(
            "pragma journal_mode = wal; create table t (a);", "create table t (a); create table u (a); drop table u;",
            id="journal-mode-free-pages-and-counters",
        ),
        pytest.param(
            "create table t (a integer primary key autoincrement); insert into t values (3);",
            "create table t (a integer primary key autoincrement); insert into t values (2), (3); delete from t where a = 2;",
            id="the-same-sequence",
        ),
    ],
)  # fmt: skip
def test_what_means_the_same_is_the_same(compared, tmp_path, first, second):
    """Set order, white space, comments and the layout of the file are nobody's difference."""
    assert compared(first, second) == SAME
    assert compare(tmp_path / "second", tmp_path / "first") == SAME


# --- Differences of the schema ---

T = "create table t (a int, b text);"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(
            "create table users (id int, email varchar(320) not null);",
            "create table users (id int, email text);",
            [("table", "users", "column email: varchar(320) not null in the first, text in the second")],
            id="type-of-a-column",
        ),
        pytest.param(
            "create table t (a);", "create table t (a int);",
            [("table", "t", "column a: nothing in the first, int in the second")],
            id="no-type",
        ),
        pytest.param(
            "create table t (a text default 'x  y');", "create table t (a text default 'x y');",
            [("table", "t", "column a: text default 'x  y' in the first, text default 'x y' in the second")],
            id="white-space-in-a-text",
        ),
        pytest.param(
            T, "create table t (b text, a int);",
            [("table", "t", "order of the columns: a, b in the first, b, a in the second")],
            id="order-of-columns",
        ),
        pytest.param(
            "create table t (a, b as (a + 1), c as (a) stored);", "create table t (a, b as (a + 2), c as (a) virtual);",
            [
                ("table", "t", "column b: as (a + 1) in the first, as (a + 2) in the second"),
                ("table", "t", "column c: as (a) stored in the first, as (a) virtual in the second"),
            ],
            id="generated-columns",
        ),
        pytest.param(
            "create table t (a, unique (a), check (a > 0), check (a > 0));", "create table t (a, check (a > 0), check (a > 1));",
            [
                ("table", "t", "unique (a): only in the first"),
                ("table", "t", "check (a > 0): only in the first"),
                ("table", "t", "check (a > 1): only in the second"),
            ],
            id="constraints",
        ),
        pytest.param(
            "create table t (a text primary key) without rowid;", "create table t (a text primary key);",
            [("table", "t", "options: WITHOUT ROWID in the first, nothing in the second")],
            id="without-rowid",
        ),
        pytest.param(
            "create table t (a text primary key) strict;", "create table t (a text primary key) without rowid, strict;",
            [("table", "t", "options: STRICT in the first, STRICT, WITHOUT ROWID in the second")],
            marks=NEEDS_STRICT, id="strict",
        ),
        pytest.param(
            T + "create index x on t (a); create trigger y after insert on t begin select 1; end;", "",
            [("table", "t", "only in the first")],
            id="a-table-with-all-that-belongs-to-it",
        ),
        pytest.param(
            T + "create index x on t (a);", T + "create unique index x on t (a); create index y on t (b);",
            [
                ("index", "x", "CREATE INDEX x on t (a) in the first, CREATE UNIQUE INDEX x on t (a) in the second"),
                ("index", "y", "only in the second"),
            ],
            id="indexes",
        ),
        pytest.param(
            T + "create trigger x after insert on t begin select 'a -- b'; end;",
            T + "create trigger x after insert on t begin select 'a -- c'; end;",
            [(
                "trigger", "x",
                "CREATE TRIGGER x after insert on t begin select 'a -- b'; end in the first, CREATE TRIGGER x after insert on t begin select 'a -- c'; end in the second",
            )],
            id="triggers",
        ),
        pytest.param(
            T + f"create view v as select {'a, ' * 60} 1 as b from t;", T + f"create view v as select {'a, ' * 60} 2 as b from t;",
            [("view", "v", "... , a , a , a , a , a , a , a , 1 as b from t in the first, ... , a , a , a , a , a , a , a , 2 as b from t in the second")],
            id="long-texts-are-cut-to-where-they-differ",
        ),
        pytest.param(
            "create table t (x); create view v as select x '61' from t;", "create table t (x); create view v as select x'61' from t;",
            [("view", "v", "CREATE VIEW v as select x '61' from t in the first, CREATE VIEW v as select x'61' from t in the second")],
            id="a-column-with-another-name-and-a-blob",
        ),
        pytest.param(
            "create table x (a);", "create view x as select 1 as a;",
            [("table", "x", "only in the first"), ("view", "x", "only in the second")],
            id="a-table-and-a-view",
        ),
        pytest.param(
            "pragma page_size = 4096; pragma user_version = 3; pragma application_id = 7;",
            "pragma page_size = 8192; pragma auto_vacuum = 1; pragma encoding = 'UTF-16le'; create table x (a); drop table x;",
            [
                ("database", "application_id", "7 in the first, 0 in the second"),
                ("database", "auto_vacuum", "0 in the first, 1 in the second"),
                ("database", "encoding", "UTF-8 in the first, UTF-16le in the second"),
                ("database", "page_size", "4096 in the first, 8192 in the second"),
                ("database", "user_version", "3 in the first, 0 in the second"),
            ],
            id="settings-of-the-database",
        ),
        pytest.param(
            'create table "odd ""name" (a);', "",
            [("table", 'odd "name', "only in the first")],
            id="odd-names",
        ),
    ],
)  # fmt: skip
def test_each_difference_of_the_schema_has_its_line(compared, first, second, expected):
    """Nothing but what differs is named, in words."""
    assert compared(first, second) == schema(*expected)


def test_the_texts_use_the_names_that_are_given(compared):
    """``verify`` has a golden and a rebuild, ``diff`` a golden and a kept database."""
    found = compared(
        T + USERS, USERS + "insert into users values (1, 'x', 'y');", first_name="golden", second_name="rebuild"
    )
    assert found == Comparison(
        (SchemaDifference("table", "t", "only in the golden"),),
        (RowDifference("users", (), "0 rows in the golden, 1 in the rebuild: 1 only in the rebuild"),),
        (),
        same_bytes=False,
    )


def test_rows_of_a_changed_table_are_compared_by_the_columns_that_both_have(compared):
    """A column that is only on one side is one difference, not one in every row."""
    first = "create table t (a, b); insert into t values (1, 2), (3, 4);"
    second = "create table t (c, a); insert into t values (0, 3), (0, 9);"
    assert compared(first, second) == Comparison(
        (
            SchemaDifference("table", "t", "column b: only in the first"),
            SchemaDifference("table", "t", "column c: only in the second"),
        ),
        (RowDifference("t", ("a",), "1 of 2 rows: a"),),
        ("table t: only the columns that both have are compared in its rows",),
        same_bytes=False,
    )


def test_another_primary_key_matches_no_rows(compared):
    """The rows are compared by the values alone."""
    first = "create table t (a int primary key, b int); insert into t values (1, 2), (2, 1);"
    second = "create table t (a int, b int primary key); insert into t values (1, 1), (2, 2);"
    assert compared(first, second) == Comparison(
        (
            SchemaDifference("table", "t", "column a: int primary key in the first, int in the second"),
            SchemaDifference("table", "t", "column b: int in the first, int primary key in the second"),
        ),
        (RowDifference("t", (), "2 of 2 rows: the same values, paired differently"),),
        (),
        same_bytes=False,
    )


# --- Differences of rows ---

NOW = time.time()
IDENTIFIERS = [str(uuid.uuid4()) for _ in range(8)]
PAIRS = "create table t (a, b);"
KEYED = "create table t (id integer primary key, a, b);"


@pytest.mark.parametrize(
    ("table", "first", "second", "columns", "what"),
    [
        pytest.param("create table t (a);", "(1)", "(1.0)", ("a",), "1 of 1 row: a", id="integer-and-real"),
        pytest.param("create table t (a);", "(1)", "('1')", ("a",), "1 of 1 row: a", id="integer-and-text"),
        pytest.param("create table t (a);", "('ab')", "(x'6162')", ("a",), "1 of 1 row: a", id="text-and-blob"),
        pytest.param("create table t (a);", "(null)", "('None')", ("a",), "1 of 1 row: a", id="null-and-text"),
        pytest.param("create table t (a);", "(9e999), (null)", "(-9e999), (null)", ("a",), "1 of 2 rows: a", id="infinity"),
        pytest.param("create table t (a);", "(x'00ff00')", "(x'00ff01')", ("a",), "1 of 1 row: a", id="blobs"),
        pytest.param("create table t (a);", "(zeroblob(99999))", "(zeroblob(99998))", ("a",), "1 of 1 row: a", id="long-values"),
        pytest.param(
            "create table t (a);", "(cast(x'ff61' as text))", "(cast(x'fe61' as text))", ("a",), "1 of 1 row: a",
            id="text-that-is-not-utf-8",
        ),
        pytest.param(
            "create table t (a);", "(1), (1), (2)", "(1), (2), (2)", ("a",), "1 of 3 rows: a", id="how-often-a-row-is-there",
        ),
        pytest.param(
            "create table t (a);", "(1), (2)", "(1), (2), (2), (3)", (),
            "2 rows in the first, 4 in the second: 2 only in the second", id="missing-rows",
        ),
        pytest.param(
            PAIRS, "(1, 2), (3, 4)", "(1, 4), (3, 2)", (), "2 of 2 rows: the same values, paired differently",
            id="the-same-values-in-other-pairs",
        ),
        pytest.param(KEYED, "(1, 2, 3), (2, 3, 4)", "(1, 2, 3), (2, 3, 5)", ("b",), "1 of 2 rows: b", id="matched-by-key"),
        pytest.param(
            KEYED, "(1, 'x', 0), (2, 'y', 0), (3, 'z', 0)", "(1, 'y', 0), (2, 'x', 0), (3, 'z', 0)", ("id",),
            "2 of 3 rows: the same values under other keys (id)", id="ids-that-follow-the-order-of-a-set",
        ),
        pytest.param(
            KEYED, "(1, 2, 3), (2, 3, 4)", "(1, 2, 5), (3, 3, 4), (4, 3, 4)", ("id", "b"),
            "2 rows in the first, 3 in the second: 1 only in the first, 2 only in the second, 1 changed; id, b",
            id="changed-and-missing",
        ),
        pytest.param(
            "create table t (a, b, c, primary key (b, a)) without rowid;", "(1, 2, 3), (2, 2, 3)", "(1, 2, 4), (2, 2, 3)", ("c",),
            "1 of 2 rows: c", id="key-of-two-columns",
        ),
        pytest.param(
            "create table t (a text primary key, b, c);", "(null, 1, 1), (null, 2, 2)", "(null, 1, 2), (null, 2, 1)", (),
            "2 of 2 rows: the same values, paired differently",
            id="keys-that-are-null",
        ),
        pytest.param(
            "create table t (id char(36) primary key, name);",
            ", ".join(f"('{each}', {number})" for number, each in enumerate(IDENTIFIERS[:4])),
            ", ".join(f"('{each}', {number})" for number, each in enumerate(IDENTIFIERS[4:])),
            ("id",), "4 of 4 rows: id (looks like a random identifier)", id="uuid-keys",
        ),
        pytest.param(
            "create table t (id char(32) primary key, name, made);",
            f"('{uuid.uuid4().hex}', 'x', '2026-01-02 03:04:05.678')", f"('{uuid.uuid4().hex}', 'x', '2026-01-02 03:05:00.123')",
            ("id", "made"), "1 of 1 row: id (looks like a random identifier), made (looks like a clock)", id="uuid-keys-and-a-clock",
        ),
        pytest.param(
            "create table t (a, b, c, d, e);",
            f"('2026-01-02T03:04:05Z', {NOW}, {NOW * 1000:.0f}, '2026-01-02', x'{uuid.uuid4().hex}')",
            f"('2026-01-03T03:04:05+00:00', {NOW + 9}, {(NOW + 9) * 1000:.0f}, '2026-01-03', x'{uuid.uuid4().hex}')",
            ("a", "b", "c", "d", "e"),
            "1 of 1 row: a (looks like a clock), b (looks like a clock), c (looks like a clock), d (looks like a clock),"
            " e (looks like a random identifier)",
            id="clocks-of-all-kinds",
        ),
        pytest.param(
            "create table t (a, b, c, d);",
            "('/tmp/one/x', 'sqlite:////tmp/one', 'https://one/x', 1234567890)", "('/tmp/two/x', 'sqlite:////tmp/two', 'https://two/x', 1234567891)",
            ("a", "b", "c", "d"), "1 of 1 row: a (looks like a path of the machine), b (looks like a path of the machine), c, d",
            id="paths-and-what-only-resembles-one",
        ),
        pytest.param(
            "create table t (a, b);", "('2026-01-02 03:04:05', 1), (null, 2)", "('2026-01-02 03:04:06', 1), ('2026-01-02 03:04:06', 2)",
            ("a",), "2 of 2 rows: a (looks like a clock)", id="null-is-no-reason-against-a-guess",
        ),
        pytest.param(
            "create table t (a, b);", "('2026-01-02 03:04:05', 1), (null, 2)", "('2026-01-02 03:04:06', 1), ('never', 2)",
            ("a",), "2 of 2 rows: a", id="no-guess-when-one-value-does-not-fit",
        ),
        pytest.param(
            f"create table t ({', '.join(f'c{number}' for number in range(10))});",
            f"({', '.join('1' * 10)})", f"({', '.join('2' * 10)})", tuple(f"c{number}" for number in range(10)),
            "1 of 1 row: c0, c1, c2, c3, c4, c5, c6, c7, and 2 more", id="many-columns",
        ),
        pytest.param(
            'create table t ("odd ""name", [select]);', "(1, 2)", "(1, 3)", ("select",), "1 of 1 row: select", id="odd-names",
        ),
    ],
)  # fmt: skip
def test_differing_rows_are_counted_and_their_columns_named(compared, table, first, second, columns, what):
    """The line says how many, where, and why that may be."""
    inserts = [f"insert into t values {values};" for values in (first, second)]
    assert compared(table + inserts[0], table + inserts[1]) == rows(("t", columns, what))


def test_generated_columns_are_rows_when_they_are_stored(compared):
    """Those computed when they are read follow from the others."""
    table = "create table t (a, b as (a * 2), c as (a * 3) stored); insert into t (a) values ({});"
    assert compared(table.format(1), table.format(2)) == rows(("t", ("a", "c"), "1 of 1 row: a, c"))


def test_the_sequence_of_autoincrement_is_rows(compared):
    """The next row would get another id."""
    table = "create table t (a integer primary key autoincrement); insert into t values (1);"
    assert compared(table, table + "insert into t values (9); delete from t where a = 9;") == rows(
        ("sqlite_sequence", ("seq",), "1 of 1 row: seq")
    )


def test_a_million_rows_are_compared_without_being_held(tmp_path):
    """Sums of hashes find what differs; the line says that no more is known."""
    script = """
    create table t (id integer primary key, name text, made);
    with recursive n (x) as (select 1 union all select x + 1 from n where x < 1000000)
    insert into t select x, 'name ' || x, '2026-01-02 03:04:05' from n {};
    """
    first = database(tmp_path / "first", script.format(""))
    second = database(tmp_path / "second", script.format("") + "update t set made = made || '.1' where id = 777777;")
    expected = rows(("t", ("made",), "1,000,000 rows, too many to tell which: made (looks like a clock)"))
    assert compare(first, second) == expected
    database(second, "update t set made = '2026-01-02 03:04:05' where id = 777777")
    assert compare(first, second) == SAME


@pytest.mark.parametrize(
    ("change", "columns", "what"),
    [
        ("insert into t values (9, 9)", (), "3 rows in the first, 4 in the second; too many to tell which"),
        (
            "update t set b = 7 - a where a < 3",
            (),
            "3 rows, too many to tell which: the same values, paired differently",
        ),
        ("update t set b = 1.0 where a = 3", ("b",), "3 rows, too many to tell which: b"),
    ],
    ids=["counts", "pairs", "values"],
)
def test_what_the_sums_of_a_large_table_tell(compared, monkeypatch, change, columns, what):
    """Columns are named as far as they alone differ."""
    monkeypatch.setattr("templatedb.comparison.contents.LIMIT", 2)
    table = "create table t (a, b); insert into t values (1, 5), (2, 6), (3, 1);"
    assert compared(table, f"{table} {change};") == rows(("t", columns, what))


# --- What SQLite here does not know ---


@NEEDS_FTS5
def test_a_virtual_table_is_compared_by_its_definition_and_the_values_that_it_keeps(compared):
    """The bytes of its index depend on the order of the rows, so only the content is looked at."""
    script = "create virtual table docs using fts5(body); insert into docs (rowid, body) values {};"
    note = "virtual table docs (fts5): its rows are not compared, but those of docs_config and docs_content are"
    one = script.format("(1, 'a b'), (2, 'c')")
    other_order = script.format("(2, 'c')") + "insert into docs (rowid, body) values (1, 'a b');"
    assert compared(one, other_order) == Comparison((), (), (note,), same_bytes=False)


@NEEDS_FTS5
def test_another_definition_or_content_of_a_virtual_table_is_found(compared):
    """Its own tables follow from it and are not named one by one."""
    first = "create virtual table docs using fts5(body); insert into docs values ('a'); create virtual table d2 using fts5(x);"
    second = "create virtual table docs using fts5(body, tokenize = porter); insert into docs values ('b');"
    note = "virtual table docs (fts5): its rows are not compared, but those of docs_config and docs_content are"
    assert compared(first, second) == Comparison(
        (
            SchemaDifference("virtual table", "d2", "only in the first"),
            SchemaDifference(
                "virtual table",
                "docs",
                "CREATE VIRTUAL TABLE docs using fts5(body) in the first,"
                " CREATE VIRTUAL TABLE docs using fts5(body, tokenize = porter) in the second",
            ),
        ),
        (RowDifference("docs_content", ("c0",), "1 of 1 row: c0"),),
        (note,),
        same_bytes=False,
    )


@NEEDS_FTS5
def test_an_index_over_a_table_of_its_own_keeps_no_values(compared):
    """Its rows are those of the table."""
    script = "create table t (a); create virtual table i using fts5(a, content = t); insert into i (rowid, a) values (1, 'x'); {}"
    note = "virtual table i (fts5): its rows are not compared, but those of i_config are"
    assert compared(
        script.format("insert into t values (1);"), script.format("insert into t values (2);")
    ) == Comparison((), (RowDifference("t", ("a",), "1 of 1 row: a"),), (note,), same_bytes=False)


def with_statement(path: Path, kind: str, name: str, sql: str, base: str = "") -> Path:
    """Write a statement into the schema that this SQLite would refuse."""
    values = (kind, name, name, 0, sql)
    return database(
        path,
        base + "pragma writable_schema = on;",
        ("insert into sqlite_schema (type, name, tbl_name, rootpage, sql) values (?, ?, ?, ?, ?)", values),
    )


def test_a_virtual_table_of_an_unknown_module_is_compared_by_its_text(tmp_path):
    """The application brings the module; comparing must not need it."""
    base = "create table t (a); insert into t values (1);"
    text = "CREATE VIRTUAL TABLE vectors USING vec0(v float[{}])"
    first, second = (
        with_statement(tmp_path / f"{size}", "table", "vectors", text.format(size), base) for size in (3, 4)
    )
    assert compare(first, second) == Comparison(
        (
            SchemaDifference(
                "virtual table", "vectors", f"{text.format(3)} in the first, {text.format(4)} in the second"
            ),
        ),
        (),
        ("virtual table vectors (vec0): its rows are not compared",),
        same_bytes=False,
    )


def test_functions_and_collations_of_the_application_are_not_needed(tmp_path):
    """Checks, indexes, stored values and what is computed when read are compared by their text and by what is stored."""

    def made(name: str, value: int) -> Path:
        path = tmp_path / name
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.create_function("twice", 1, lambda number: number * 2, deterministic=True)
            connection.create_collation("backwards", lambda one, two: (one < two) - (one > two))
            connection.executescript(
                "create table t (a text collate backwards unique, b as (twice(a)), c as (twice(a)) stored,"
                " check (twice(a) != 7)); create index x on t (twice(a));"
            )
            connection.execute("insert into t (a) values (?)", (value,))
            connection.execute("insert into t (a) values ('z')")
            connection.commit()
        return path

    assert compare(made("first", 1), made("second", 2)) == rows(("t", ("a", "c"), "1 of 2 rows: a, c"))


@pytest.mark.parametrize(
    ("table", "note"),
    [
        ("q__ (a)", r"table q\xff\xfe: no column that both have can be read, so its rows are not compared"),
        ("t (a, q__)", r"table t: its rows cannot be read: no such column: t.q\xff\xfe"),
    ],
    ids=["table", "column"],
)
def test_names_that_are_not_utf_8_are_written_with_backslashes(tmp_path, table, note):
    """Reading such a schema must not raise; the rows of such a table are left out, and noted."""

    def made(name: str, value: int) -> Path:
        path = database(
            tmp_path / name, f"create table {table}; insert into {table} values ({value}{', 0' * (',' in table)})"
        )
        path.write_bytes(path.read_bytes().replace(b"q__", b"q\xff\xfe"))
        return path

    assert compare(made("first", 1), made("second", 2)) == Comparison((), (), (note,), same_bytes=False)


def test_a_fault_of_the_disk_is_an_error(compared, monkeypatch):
    """It must not pass for a function of the application that is not known here."""

    def faulty(*_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    monkeypatch.setattr("templatedb.comparison.row_difference", faulty)
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        compared(T, T + USERS)


# --- Files ---


@pytest.mark.parametrize("name", ["a#b?c%d e.db", 'it\'s "quoted".db', "ünï%20code&mode=rwc", "file:x?mode=memory"])
def test_any_path_is_opened_and_nothing_is_written(tmp_path, monkeypatch, name):
    """Also a relative one, and a database in WAL mode, which SQLite opens with side files otherwise."""
    monkeypatch.chdir(tmp_path)
    folder = Path("100% #1?")
    folder.mkdir()
    first = database(folder / name, "pragma journal_mode = wal; create table t (a);")
    second = database(folder / f"{name}2", "create table u (a);")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in (first, second):
        path.chmod(0o400)
    assert compare(first, second) == schema(("table", "t", "only in the first"), ("table", "u", "only in the second"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_same_bytes_are_said_to_be_the_same(tmp_path):
    """Then there is nothing to compare."""
    first = database(tmp_path / "first", USERS)
    second = Path(shutil.copyfile(first, tmp_path / "second"))
    assert compare(first, second) == compare(first, first) == Comparison((), (), (), same_bytes=True)


def test_changes_in_a_write_ahead_log_are_noted(tmp_path):
    """They belong to the database, but reading them would write."""
    first = database(tmp_path / "first", "create table t (a);")
    second = database(tmp_path / "second", "pragma journal_mode = wal; create table t (a);")
    (tmp_path / "second-wal").write_bytes(b"not empty")
    note = "the second has unfinished changes in second-wal, which are not compared"
    assert compare(first, second) == Comparison((), (), (note,), same_bytes=False)


@pytest.mark.parametrize("damage", [b"no database at all, but long enough for one" * 99, None], ids=["text", "missing"])
@pytest.mark.parametrize("swapped", [False, True])
def test_what_is_no_database_is_an_error(tmp_path, damage, swapped):
    """Also when both are the same."""
    paths = [database(tmp_path / "first", USERS), tmp_path / "second"]
    if damage:
        paths[1].write_bytes(damage)
    with pytest.raises(sqlite3.DatabaseError):
        compare(*(reversed(paths) if swapped else paths))
    with pytest.raises(sqlite3.DatabaseError):
        compare(paths[1], paths[1])
    assert damage or not paths[1].exists()


def test_a_damaged_table_is_an_error(tmp_path):
    """It must not pass for a table that only an extension can read."""
    first = database(tmp_path / "first", "create table t (a); insert into t values (1);")
    second = tmp_path / "second"
    second.write_bytes(first.read_bytes()[:4096] + b"\xff" * 4096)
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        compare(first, second)


def test_an_empty_file_is_an_empty_database(tmp_path):
    """SQLite makes it so."""
    (tmp_path / "first").touch()
    second = database(tmp_path / "second", "create table t (a);")
    assert compare(tmp_path / "first", second) == schema(("table", "t", "only in the second"))


# --- Any small database ---

NAMES = ["a", "b", "d e", "f,(g", 'h"i', "j]k"]
TYPES = ["", " integer", " varchar(20)", " decimal(4, 2)", " text not null default 'x, (y'"]
CHECKS = [
    "check ({0} != ',' or 1)",
    "check (1 or {0} is not '(')",
    "unique (k, {0})",
    "constraint n check ((9 + 90) or {0})",
]
VALUES = st.one_of(st.integers(-9, 9), st.floats(-2, 2), st.text(max_size=3), st.binary(max_size=3))


@st.composite
def designs(draw):
    """Draw the columns, constraints, indexes and rows of a table; ``k`` tells the rows apart."""
    names = ["k", *draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))]
    wanted = draw(st.lists(st.tuples(st.sampled_from(CHECKS), st.sampled_from(names[1:])), max_size=5))
    return {
        "columns": [[name, draw(st.sampled_from(TYPES))] for name in names],
        "constraints": [check.format(quoted(name)) for check, name in wanted],
        "indexes": [[f"x{number}", quoted(name)] for number, name in enumerate(names)],
        "rows": [[number, *(draw(VALUES) for _ in names[1:])] for number in range(draw(st.integers(1, 4)))],
        "trigger": "select 1, ');'",
        "user_version": 1,
    }


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def built(folder: Path, design: dict) -> Path:
    parts = [quoted(name) + kind for name, kind in design["columns"]] + design["constraints"]
    indexes = "".join(f"create index {name} on t ({column});" for name, column in design["indexes"])
    return database(
        folder / f"{next(NUMBERS)}",
        f"create table t ({', '.join(parts)}); {indexes} pragma user_version = {design['user_version']};"
        f"create trigger g after delete on t begin {design['trigger']}; end;",
        (f"insert into t values ({', '.join('?' * len(design['columns']))})", *design["rows"]),
    )


def compared_designs(folder: Path, first: dict, second: dict) -> Comparison:
    paths = built(folder, first), built(folder, second)
    found = compare(*paths)
    for path in paths:
        path.unlink()
    return dataclasses.replace(found, same_bytes=False)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@settings(deadline=None)
@given(design=designs(), randomly=st.randoms(use_true_random=False))
def test_the_order_in_which_a_database_is_made_does_not_matter(scratch, design, randomly):
    """Constraints, indexes and rows may come in any order; columns may not."""
    parts = ("constraints", "indexes", "rows")
    shuffled = {**design, **{part: randomly.sample(design[part], len(design[part])) for part in parts}}
    assert compared_designs(scratch, design, shuffled) == SAME


CHANGES = {
    "type": lambda design: design["columns"].__setitem__(-1, [design["columns"][-1][0], " blob"]),
    "default": lambda design: design["columns"].__setitem__(0, ["k", " default (1 + 2)"]),
    "name": lambda design: design["columns"][-1].__setitem__(0, "other"),
    "order": lambda design: design["columns"].reverse(),
    "constraint": lambda design: design["constraints"].append("check (k < 99)"),
    "value": lambda design: design["rows"][0].__setitem__(-1, f"{design['rows'][0][-1]!r}?"),
    "missing row": lambda design: design["rows"].pop(),
    "more rows": lambda design: design["rows"].append([99, *design["rows"][0][1:]]),
    "index column": lambda design: design["indexes"][0].__setitem__(1, "k desc"),
    "missing index": lambda design: design["indexes"].pop(),
    "trigger": lambda design: design.__setitem__("trigger", "select 1, ') ;'"),
    "user_version": lambda design: design.__setitem__("user_version", 2),
}


@settings(deadline=None)
@given(design=designs(), change=st.sampled_from(sorted(CHANGES)), randomly=st.randoms(use_true_random=False))
def test_any_single_change_is_found(scratch, design, change, randomly):
    """Whatever else was made in another order."""
    changed = copy.deepcopy(design)
    for part in ("constraints", "indexes", "rows"):
        randomly.shuffle(changed[part])
    if change == "name":  # what names the column would not be there
        for part in ("constraints", "indexes"):
            design[part].clear()
            changed[part].clear()
    CHANGES[change](changed)
    found = compared_designs(scratch, design, changed)
    is_of_rows = change in ("value", "missing row", "more rows")
    assert bool(found.schema) != is_of_rows
    assert found.rows or not is_of_rows  # another type may change what is stored, too
