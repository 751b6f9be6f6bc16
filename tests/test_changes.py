"""What became of which rows: from the golden to what a test left, or between any two files."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templatedb.changes import Changes, between
from templatedb.changes.records import Cell, Kind, Row, Sequence, TableChanges
from templatedb.changes.words import brief, lines
from templatedb.comparison import SchemaDifference

NAMES = ("golden", "test's database")
NOTHING = Changes((), (), (), (), ())


def has(statement: str) -> bool:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError:
            return False
    return True


NEEDS_FTS5 = pytest.mark.skipif(not has("create virtual table x using fts5(a)"), reason="no FTS5")
NEEDS_R_TREE = pytest.mark.skipif(not has("create virtual table x using rtree(a, b, c)"), reason="no R-Tree")


@pytest.fixture
def changed(tmp_path):
    """Make a database of *before*, do *what* to a copy of it, and return how they differ."""

    def changed(before: str, what: str, **options) -> Changes:
        paths = tmp_path / "before.sqlite", tmp_path / "after.sqlite"
        for path in paths:
            path.unlink(missing_ok=True)
            execute(path, before)
        execute(paths[1], what)
        return between(*paths, names=NAMES, **options)

    return changed


def execute(path: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"pragma synchronous = off; {sql}")
        connection.commit()


def table(name: str, *rows: Row, **facts) -> TableChanges:
    counts = {kind: sum(row.kind is kind for row in rows) for kind in Kind}
    whole = {"added": counts[Kind.ADDED], "removed": counts[Kind.REMOVED], "changed": counts[Kind.CHANGED]}
    return TableChanges(name, **{**whole, "rows": rows, "is_complete": True, **facts})


USERS = """
create table users (id integer primary key, name text, age);
insert into users values (1, 'Ada', 36), (2, 'Grace', 85), (3, 'Joan', null);
"""


def test_nothing_changed(changed):
    """Also when rows went and came back as they were."""
    assert changed(USERS, "delete from users where id = 2; insert into users values (2, 'Grace', 85)") == NOTHING


def test_rows_that_were_added_removed_and_changed_are_told_by_their_key(changed):
    """Column by column."""
    what = "insert into users values (4, 'Mary', 61); delete from users where id = 2; update users set age = 37 where id = 1"
    assert changed(USERS, what).tables == (
        table(
            "users",
            Row(Kind.ADDED, (("id", 4),), (("name", "Mary"), ("age", 61))),
            Row(Kind.REMOVED, (("id", 2),), (("name", "Grace"), ("age", 85))),
            Row(Kind.CHANGED, (("id", 1),), (("name", "Ada"), ("age", 36)), (Cell("age", 36, 37),)),
        ),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [("1", "1.0"), ("1", "'1'"), ("null", "0"), ("'a'", "x'61'"), ("''", "null"), ("'a'", "'A'"), ("0", "x''")],
)
def test_values_of_other_kinds_are_other_values(changed, before, after):
    """SQLite's own comparison takes some of them for equal."""
    found = changed(f"create table t (id integer primary key, x collate nocase); insert into t values (1, {before})", f"update t set x = {after}")  # fmt: skip
    assert [(one.table, one.changed) for one in found.tables] == [("t", 1)]


def test_a_key_that_a_collation_takes_for_equal_is_a_changed_row(changed):
    """The row is the same one, its key is written differently."""
    found = changed("create table tags (name text primary key collate nocase); insert into tags values ('a')", "update tags set name = 'A'")  # fmt: skip
    assert found.tables == (table("tags", Row(Kind.CHANGED, (("name", "a"),), (), (Cell("name", "a", "A"),))),)


def test_a_table_without_rowid_has_its_key(changed):
    """Of two columns."""
    before = "create table pairs (a, b, c, primary key (b, a)) without rowid; insert into pairs values (1, 2, 3)"
    found = changed(before, "update pairs set c = 4; insert into pairs values (5, 6, 7)")
    assert found.tables == (
        table(
            "pairs",
            Row(Kind.ADDED, (("b", 6), ("a", 5)), (("c", 7),)),
            Row(Kind.CHANGED, (("b", 2), ("a", 1)), (("c", 3),), (Cell("c", 3, 4),)),
        ),
    )


LOG = "create table log (line); insert into log values ('a'), ('b'), ('b'), ('c');"


def test_without_a_primary_key_the_rowid_tells_rows_apart(changed):
    """An update is a change, not one row less and another one more."""
    found = changed(LOG, "update log set line = 'x' where line = 'c'")
    assert found.tables == (
        table("log", Row(Kind.CHANGED, (("rowid", 4),), (("line", "c"),), (Cell("line", "c", "x"),))),
    )


def test_rows_that_only_have_another_rowid_did_not_change(changed):
    """Removed and added again, and renumbered by VACUUM."""
    assert changed(LOG, "delete from log where rowid = 1; insert into log values ('a'); vacuum") == NOTHING
    found = changed(LOG, "delete from log where rowid = 2; vacuum; insert into log values ('d')")
    assert [(one.added, one.removed, one.changed) for one in found.tables] == [(1, 1, 0)]


def test_a_key_with_null_is_not_used(changed):
    """Two rows may have it."""
    before = "create table t (k text primary key, x); insert into t values (null, 1), (null, 2), ('a', 3)"
    found = changed(before, "update t set x = 4 where x = 2")
    assert found.tables == (
        table("t", Row(Kind.CHANGED, (("rowid", 2),), (("k", None), ("x", 2)), (Cell("x", 2, 4),))),
    )


def test_a_table_that_hides_its_rowid_is_compared_by_whole_rows(changed):
    """All three names of it may be columns."""
    before = "create table odd (rowid, _rowid_, oid); insert into odd values (1, 2, 3), (1, 2, 3), (4, 5, 6)"
    found = changed(before, "update odd set oid = 7 where rowid = 4; insert into odd values (1, 2, 3)")
    (one,) = found.tables
    assert sorted(map(repr, one.rows)) == sorted(
        repr(Row(kind, (), tuple(zip(("rowid", "_rowid_", "oid"), values, strict=True))))
        for kind, values in ((Kind.ADDED, (1, 2, 3)), (Kind.ADDED, (4, 5, 7)), (Kind.REMOVED, (4, 5, 6)))
    )


def test_generated_columns_are_told_when_they_are_stored(changed):
    """A virtual one follows from the others."""
    before = "create table t (id integer primary key, x, twice as (x * 2), half as (x / 2) stored); insert into t (x) values (4)"
    found = changed(before, "update t set x = 6")
    assert found.tables[0].rows[0].cells == (Cell("x", 4, 6), Cell("half", 2, 3))


@NEEDS_FTS5
def test_a_full_text_table_is_told_by_its_own_rows(changed):
    """Not by those of the five tables in which it keeps them."""
    before = (
        "create virtual table docs using fts5(title, body); insert into docs values ('a', 'first'), ('b', 'second')"
    )
    found = changed(before, "update docs set body = 'other' where rowid = 2")
    cells = (Cell("body", "second", "other"),)
    assert found == Changes(
        (),
        (table("docs", Row(Kind.CHANGED, (("rowid", 2),), (("title", "b"), ("body", "second")), cells)),),
        (),
        (),
        (),
    )


@NEEDS_R_TREE
def test_an_r_tree_is_told_by_its_own_rows(changed):
    """Its nodes are bytes."""
    before = "create virtual table boxes using rtree(id, low, high); insert into boxes values (1, 0, 10)"
    found = changed(before, "insert into boxes values (2, 5, 6)")
    assert [(one.table, one.added, one.removed, one.changed) for one in found.tables] == [("boxes", 1, 0, 0)]


def test_schema_settings_and_sequences_are_told(changed):
    """A column that only one side has is not compared."""
    before = "create table t (id integer primary key autoincrement, x); insert into t (x) values (1)"
    found = changed(
        before,
        "insert into t (x) values (2); alter table t add column y; create index i on t (x); pragma user_version = 7",
    )
    assert found.schema == (
        SchemaDifference("database", "user_version", "0 in the golden, 7 in the test's database"),
        SchemaDifference("table", "t", "column y: only in the test's database"),
        SchemaDifference("index", "i", "only in the test's database"),
    )
    assert found.sequences == (Sequence("t", 1, 2),)
    assert found.notes == ("of the rows of t only the columns that both databases have are compared",)
    assert found.tables == (table("t", Row(Kind.ADDED, (("id", 2),), (("x", 2),))),)


def test_what_needs_the_application_is_noted(tmp_path):
    """A collation that only its connections have."""
    paths = tmp_path / "before", tmp_path / "after"
    for number, path in enumerate(paths):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.create_collation("german", lambda a, b: (a > b) - (a < b))
            connection.executescript("create table t (k text primary key collate german, x); create table u (x)")
            connection.execute("insert into t values ('a', ?)", (number,))
            connection.execute("insert into u values (?)", (number,))
            connection.commit()
    found = between(*paths, names=NAMES)
    assert [one.table for one in found.tables] == ["u"]
    assert found.notes == ("the rows of t cannot be read: no such collation sequence: german",)


def test_what_stands_in_a_write_ahead_log_counts(tmp_path):
    """As for any reader; and nothing is written beside a file in WAL mode that has none."""
    before, after = tmp_path / "before", tmp_path / "after"
    for path in (before, after):
        execute(path, f"pragma journal_mode = wal; {USERS}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "before"]
    with contextlib.closing(sqlite3.connect(after)) as writer:
        writer.execute("delete from users where id = 1")
        assert between(before, after, names=NAMES) == NOTHING
        writer.commit()
        assert [one.removed for one in between(before, after, names=NAMES).tables] == [1]
    assert between(before, before, names=NAMES) == NOTHING
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "before"]


def test_a_million_rows_are_compared_without_holding_them(tmp_path):
    """All are counted, the first ones held."""
    before, after = tmp_path / "before", tmp_path / "after"
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) insert into big select i, 'x' || i from n"
    for path, verb in ((before, ""), (after, "; update big set x = 'y' where id > 1000")):
        execute(path, f"create table big (id integer primary key, x); {many}{verb}")
    found = between(before, after, names=NAMES, shown=2)
    assert [(one.changed, len(one.rows), one.is_complete) for one in found.tables] == [(299_000, 2, True)]


def test_when_the_time_is_over_the_rest_is_named(tmp_path):
    """Bounded, and it says so."""
    before, after = tmp_path / "before", tmp_path / "after"
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) insert into {} select i, 1 from n;"
    for path in (before, after):
        execute(path, "".join(f"create table {name} (id integer primary key, x); {many.format(name)}" for name in "ab"))
    found = between(before, after, names=NAMES, time_limit_s=0)
    assert found == Changes((), (), (), ("a", "b"), ())
    assert [line.text for line in lines(found)] == ["not compared, for the time was over: a, b"]


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be read as one" * 20])
def test_a_file_that_is_no_database_is_an_error(tmp_path, content):
    """An empty file is an empty database."""
    path, other = tmp_path / "x", tmp_path / "y"
    path.write_bytes(content)
    execute(other, "create table t (x)")
    if content:
        with pytest.raises(sqlite3.DatabaseError):
            between(other, path, names=NAMES)
    else:
        (one,) = between(other, path, names=NAMES).schema
        assert one == SchemaDifference("table", "t", "only in the golden")


def test_a_writer_is_not_waited_for_long(tmp_path):
    """One second, then SQLite's own error."""
    path = tmp_path / "x"
    execute(path, USERS)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            between(path, path, names=NAMES)


def test_a_golden_is_read_without_a_lock(tmp_path):
    """It is never written, and other processes must not see a lock of ours on it."""
    golden, after = tmp_path / "golden", tmp_path / "after"
    execute(golden, USERS)
    execute(after, USERS)
    golden.chmod(0o400)
    holder = sqlite3.connect(f"{golden.as_uri()}?mode=ro", uri=True)
    try:
        before = os.stat(golden)
        assert between(golden, after, names=NAMES) == NOTHING
        assert os.stat(golden) == before
    finally:
        holder.close()


# --- Applied to the first, they give the second ---

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=5).filter(lambda text: "\0" not in text),
    st.binary(max_size=5),
    st.sampled_from(["a", "A", 1, 1.0, "1", 0, 0.0]),
)
ROWS = st.dictionaries(st.integers(1, 6), st.tuples(VALUES, VALUES), max_size=6)
SCHEMAS = {
    "keyed": "create table t (id integer primary key, a, b)",
    "named": "create table t (id text primary key not null, a, b collate nocase)",
    "without rowid": "create table t (id, a, b, primary key (id)) without rowid",
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(before=ROWS, after=ROWS)
@settings(max_examples=60, deadline=None)
def test_changes_applied_to_the_one_give_the_other(tmp_path_factory, schema, before, after):
    """Whatever the values."""
    folder = tmp_path_factory.mktemp("pair")
    known = []
    for name, rows in (("before", before), ("after", after)):
        with contextlib.closing(sqlite3.connect(folder / name)) as connection:
            connection.execute(schema)
            connection.executemany("insert into t values (?, ?, ?)", [(key, *values) for key, values in rows.items()])
            connection.commit()
            known.append({repr(row[0]): repr(row) for row in connection.execute("select * from t")})
    found = between(folder / "before", folder / "after", names=NAMES, shown=100)
    rows = {key: list(_values(text)) for key, text in known[0].items()}
    for one in found.tables:
        for row in one.rows:
            key = repr(row.key[0][1])
            if row.kind is Kind.REMOVED:
                del rows[key]
            elif row.kind is Kind.ADDED:
                rows[key] = [row.key[0][1], *(value for _, value in row.values)]
            else:
                for cell in row.cells:
                    place = ("id", "a", "b").index(cell.column)
                    assert repr(rows[key][place]) == repr(cell.before)
                    rows[key][place] = cell.after
    assert {key: repr(tuple(values)) for key, values in rows.items()} == known[1]


def _values(text: str) -> tuple:
    return eval(text, {"inf": float("inf")})


# --- In words ---


def test_lines_show_tables_first_and_cut_what_is_long(changed):
    """Nothing of a value ends the line."""
    found = changed(
        USERS,
        "insert into users values (4, 'O''Neill' || char(10) || char(27) || 'x', x'00ff'), (5, printf('%.100c', 'z'), zeroblob(3000));"
        "update users set age = 1.5 where id = 1; delete from users where id = 3; create view v as select 1",
    )
    assert [line.text for line in lines(found)] == [
        "users: 2 rows added, 1 removed, 1 changed",
        r"  + id=4: name='O''Neill\n\x1bx', age=x'00ff'",
        f"  + id=5: name='{'z' * 40}...' (100 letters), age=x'{'00' * 10}...' (3 kB)",
        "  - id=3: name='Joan', age=NULL",
        "  ~ id=1: age 36 -> 1.5",
        "view v: only in the test's database",
    ]


def test_a_brief_report_has_every_table_and_as_many_rows_as_fit(changed):
    """Of each kind its part; the rest is counted."""
    schema = "create table a (id integer primary key, x); create table b (id integer primary key, x); insert into b values (99, 0);"
    many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 30) insert into {} select i, i from n;"
    found = changed(schema, many.format("a") + many.format("b") + "delete from b where id = 99")
    assert brief(found, at_most=10) == [
        "a: 30 rows added",
        "  + id=1: x=1",
        "  + id=2: x=2",
        "  + id=3: x=3",
        "    and 27 more",
        "b: 30 rows added, 1 removed",
        "  + id=1: x=1",
        "  + id=2: x=2",
        "  - id=99: x=0",
        "    and 28 more",
    ]


def test_a_brief_report_of_many_tables_says_how_many_lines_are_missing(changed):
    """Ten lines are ten lines."""
    names = [f"t{number:02}" for number in range(30)]
    found = changed(
        "".join(f"create table {name} (id integer primary key);" for name in names),
        "".join(f"insert into {name} values (1);" for name in names),
    )
    assert brief(found, at_most=10) == [*(f"{name}: 1 row added" for name in names[:9]), "and 21 more lines"]
