"""A folder of SQL files becomes the database that its own tool would make of it."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import IDENTITY
from templatedb.errors import BuildError, InputsError
from templatedb.inputs import file, setting
from templatedb.migrators.bench import Bench, Ledger, Target, Way
from templatedb.migrators.sql import SqlFolder
from templatedb.migrators.sql_statements import Statement, split
from templatedb.settings import Settings
from templatedb.steps import Progress, Steps

GOOSE_TABLE = (
    "CREATE TABLE goose_db_version (\n\t\tid INTEGER PRIMARY KEY AUTOINCREMENT,\n\t\tversion_id INTEGER NOT NULL,\n"
    "\t\tis_applied INTEGER NOT NULL,\n\t\ttstamp TIMESTAMP DEFAULT (datetime('now'))\n\t)"
)
DOWN = "-- migrate:down\n"
UP = "-- +goose Up\n"
BEGIN, END = "-- +goose StatementBegin\n", "-- +goose StatementEnd\n"


@pytest.fixture
def root(tmp_path):
    """The folder of the settings, with the folder of SQL files in it."""
    (tmp_path / "sql").mkdir()
    return tmp_path


def put(root, files):
    for name, text in files.items():
        path = root / "sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def migrate(root, files=None, *, steps=None, folder="sql", notices=None):
    """Migrate ``made.db`` from *files* and return the ledger."""
    put(root, files or {})
    target = Target(path=root / "made.db", root=root, import_folders=(), way=Way.PLAIN)
    bench = Bench(
        steps=steps or Steps(),
        revisions=None,
        replaces=lambda url: None,
        home={},
        covers=lambda path: None,
        notice=(notices if notices is not None else []).append,
    )
    return SqlFolder(folder).migrate(target, bench)


def ask(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def schema(root):
    rows = ask(root / "made.db", "select sql from sqlite_master where sql is not null and name not like 'sqlite_%'")
    return [sql for (sql,) in rows]


def failure(root, files, kind=BuildError):
    """Return the error of *files*, with the folder's own path taken out."""
    with pytest.raises(kind) as caught:
        migrate(root, files)
    return caught.value, str(caught.value).replace(f"{root}/", "<root>/")


# --- the four dialects ---------------------------------------------------------------------------------------------


def test_golang_migrate_runs_by_number_and_leaves_its_table(root):
    """2 before 10, one clean row, and the definitions of the real driver."""
    ledger = migrate(
        root,
        {
            "10_add_name.up.sql": "alter table users add name text;",
            "10_add_name.down.sql": "nonsense",
            "2_create_users.up.sql": "create table users (id integer);",
            "schema.sql": "a dump, which golang-migrate does not look at",
        },
    )
    assert ledger == Ledger(table="schema_migrations", columns=("version", "dirty"), rows=((10, 0),))
    assert ask(root / "made.db", "select version, dirty from schema_migrations") == [(10, 0)]
    assert schema(root) == [
        "CREATE TABLE schema_migrations (version uint64,dirty bool)",
        "CREATE UNIQUE INDEX version_unique ON schema_migrations (version)",
        "CREATE TABLE users (id integer, name text)",
    ]


def test_golang_migrate_counts_a_version_that_only_has_a_way_back(root):
    """It runs nothing, and is what the table holds: so does golang-migrate."""
    assert migrate(root, {"0_a.up.sql": "", "7_b.down.sql": "nonsense"}).rows == ((7, 0),)
    assert ask(root / "made.db", "select * from schema_migrations") == [(7, 0)]


def test_dbmate_runs_by_name_and_leaves_its_table(root):
    """10 before 2, as dbmate sorts; a row for each version, as text; other names are passed over."""
    ledger = migrate(
        root,
        {
            "10_users.sql": f"-- hello\n\n-- migrate:up\ncreate table users (id integer);\n{DOWN}drop table users;\n",
            "2_name.sql": "--migrate:up\nalter table users add name text\n--migrate:down",
            "empty.sql": "select nonsense;",
            "30.sql": f"-- migrate:up\n{DOWN}",
        },
    )
    rows = (("10",), ("2",), ("30",))
    assert ledger == Ledger(table="schema_migrations", columns=("version",), rows=rows)
    assert tuple(ask(root / "made.db", "select version from schema_migrations order by 1")) == rows
    assert schema(root) == [
        'CREATE TABLE "schema_migrations" (version varchar(128) primary key)',
        "CREATE TABLE users (id integer, name text)",
    ]


def test_goose_runs_by_number_and_leaves_its_table(root):
    """The row of version 0 and one for each file, in the table of goose's own definition."""
    ledger = migrate(
        root,
        {
            "00010_name.sql": f"{UP}alter table users add name text;\n-- +goose Down\nnonsense",
            "2_users.sql": "-- a comment\n-- +goose up\r\ncreate table users (\r\n id integer);\r\n",
            "3_log.sql": f"{UP}{BEGIN}create trigger log after insert on users begin\nselect 1;\nend;\n{END}",
            "helpers.go": "package migrations",
            "2_users_test.go": "package migrations",
        },
    )
    rows = ((0, 1), (2, 1), (3, 1), (10, 1))
    assert ledger == Ledger(table="goose_db_version", columns=("version_id", "is_applied"), rows=rows)
    assert tuple(ask(root / "made.db", "select version_id, is_applied from goose_db_version order by id")) == rows
    assert schema(root) == [
        GOOSE_TABLE,
        "CREATE TABLE users (\n id integer, name text)",
        "CREATE TRIGGER log after insert on users begin\nselect 1;\nend",
    ]


def test_plain_files_run_in_natural_order_without_a_table(root):
    """Leading numbers first and as numbers, then the rest of the name; ways back of others are passed over."""
    names = ["V1__a.sql", "2_b.sql", "02_c.sql", "v10_d.sql", "1.5.sql", "seed.sql", "R__views.sql"]
    back = dict.fromkeys(["2_b.down.sql", "seed.undo.sql", "02_c.rollback.sql", "U1__a.sql"], "nonsense")
    files = {name: f"create table if not exists ran (name); insert into ran values ('{name}')" for name in names}
    assert migrate(root, files | back | {".hidden.sql": "nonsense"}) is None
    ran = [name for (name,) in ask(root / "made.db", "select name from ran")]
    assert ran == ["1.5.sql", "V1__a.sql", "2_b.sql", "02_c.sql", "v10_d.sql", "R__views.sql", "seed.sql"]
    assert len(schema(root)) == 1


def told(root, files):
    notices = []
    migrate(root, files, notices=notices)
    return notices


TWINS = {
    "two": (
        ["002_b.sql", "1.sql", "002_a.sql", "3.sql"],
        "002_a.sql before 002_b.sql",
    ),
    "as numbers": (["2_b.sql", "02_c.sql", "v002_a.sql"], "v002_a.sql before 2_b.sql before 02_c.sql"),
    "four pairs": (
        [f"{number}_{name}.sql" for number in range(1, 5) for name in "ab"],
        "1_a.sql before 1_b.sql; 2_a.sql before 2_b.sql; 3_a.sql before 3_b.sql; and 1 more",
    ),
    "five of one number": (
        [f"1_{name}.sql" for name in "abcde"],
        "1_a.sql before 1_b.sql before 1_c.sql before 2 more",
    ),
    "days": (["2024_01_02_a.sql", "2024_01_02_b.sql"], "2024_01_02_a.sql before 2024_01_02_b.sql"),
}


@pytest.mark.parametrize(("names", "order"), TWINS.values(), ids=TWINS)
def test_files_that_share_a_number_are_told_in_their_order(root, names, order):
    """Two branches of work took the same one: which runs first may be luck."""
    (line,) = told(root, dict.fromkeys(names, "select 1;"))
    assert line == f"SQL files share a number in sql, and ran in this order: {order} (give each its own)"


def test_numbers_of_several_parts_are_compared_whole(root):
    """Nor is a name that goes on with a digit a part of the number."""
    names = ["2024_01_01_a.sql", "2024_01_02_b.sql", "1.1_c.sql", "1.2_d.sql", "V3__e.sql", "V3_1__f.sql"]
    names += ["7_2fa.sql", "8a_g.sql", "8b_h.sql", "R__views.sql", "seed.sql", "9users.sql", "9orders.sql"]
    assert told(root, dict.fromkeys(names, "select 1;")) == []


PASSED_OVER = {
    "plain": (
        {"1_a.sql": "", "2_b.SQL": "", "3_c.sql.bak": "", ".4.sql": "", "1_a.down.sql": "", "sub.sql/x.sql": ""},
        "2_b.SQL (only names that end with .sql, in small letters, run)",
    ),
    "golang-migrate": (
        {"1_a.up.sql": "", "1_a.down.sql": "", "2_b.down.sql": "", **dict.fromkeys(["d.sql", "c.sql", "f.sql"], "")}
        | {"e.sql": "", "g.sql": ""},
        "c.sql, d.sql, e.sql and 2 more (golang-migrate runs names such as 0001_users.up.sql)",
    ),
    "dbmate": (
        {"1.sql": f"-- migrate:up\n{DOWN}", "seed.sql": "", "x.sql": f"-- migrate:up\n{DOWN}"},
        "seed.sql, x.sql (dbmate runs names that begin with a number and end with .sql)",
    ),
    "goose": ({"1_a.sql": UP, "2_b.SQL": UP}, "2_b.SQL (only names that end with .sql, in small letters, run)"),
}


@pytest.mark.parametrize(("files", "said"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_sql_files_that_do_not_run_are_told_with_the_reason(root, files, said):
    """Ways back and hidden files are nobody's slip."""
    assert told(root, files) == [f"SQL files in sql were not run: {said[:-1]}: give what is a migration such a name)"]


def test_plain_files_have_their_own_transactions_and_pragmas(root):
    """BEGIN, COMMIT and foreign_keys mean what they say."""
    rebuild = (
        "pragma foreign_keys = on; create table a (id integer primary key); create table b (a references a on delete cascade);"
        "insert into a values (1); insert into b values (1);\n"
        "pragma foreign_keys = off; begin; drop table a; create table a (id integer primary key, name); commit;"
    )
    migrate(root, {"1.sql": rebuild})
    assert ask(root / "made.db", "select count(*) from b") == [(1,)]


def test_steps_tell_each_file_by_version_and_title(root):
    """Whoever waits sees how many there are, and which one runs."""
    told = []
    steps = Steps(told.append)
    migrate(root, {"0001_create_users.up.sql": "", "2_add-name.up.sql": ""}, steps=steps)
    assert told == [
        Progress(done=0, total=2, step="migration 1 (create users)", identity="1", name="create users"),
        Progress(done=1, total=2),
        Progress(done=1, total=2, step="migration 2 (add name)", identity="2", name="add name"),
        Progress(done=2, total=2),
    ]
    assert (steps.migrations, steps.current) == (2, None)


def test_a_select_runs_to_its_last_row(root):
    """One that fails there has failed: only its first row is computed at once."""
    text = "create table t (x);\ninsert into t values (1), (-9223372036854775808);\nselect abs(x) from t;"
    assert (
        failure(root, {"1_a.sql": text})[1] == f"migration 1_a.sql failed: integer overflow (sql/1_a.sql, line 3){TAIL}"
    )


def test_a_byte_order_mark_is_passed_over(root):
    """Editors on Windows write it."""
    migrate(root, {"1_a.sql": b"\xef\xbb\xbf-- migrate:up\r\ncreate table a (x);\r\n-- migrate:down\r\n"})
    assert schema(root)[1] == "CREATE TABLE a (x)"


def test_dbmate_and_goose_can_run_outside_of_a_transaction(root):
    """As their marks say: VACUUM would fail inside of one."""
    migrate(root, {"1.sql": f"-- migrate:up transaction:false other:x\nvacuum;\n{DOWN}"})
    shutil.rmtree(root / "sql")
    os.unlink(root / "made.db")
    assert migrate(root, {"1_a.sql": f"{UP}-- +goose NO TRANSACTION\nvacuum;\n"}).rows == ((0, 1), (1, 1))


@pytest.mark.skipif(shutil.which("dbmate") is None, reason="no dbmate on PATH (npm install dbmate)")
def test_dbmate_itself_makes_the_same_and_has_nothing_left_to_do(root):
    """Schema, rows and status, by the real program."""
    migrate(
        root,
        {
            "1_users.sql": f"-- migrate:up\ncreate table users (id integer primary key);\n{DOWN}drop table users;\n",
            "2_log.sql": f"-- migrate:up transaction:false\nbegin; insert into users values (1); commit;\n{DOWN}",
        },
    )

    def dbmate(name, verb):
        command = ["dbmate", "-u", f"sqlite:{root}/{name}", "-d", "sql", "--no-dump-schema", verb]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout

    dbmate("real.db", "up")
    made, real = (sqlite3.connect(root / name) for name in ("made.db", "real.db"))
    assert list(made.iterdump()) == list(real.iterdump())
    made.close()
    real.close()
    assert dbmate("made.db", "up") == ""
    assert dbmate("made.db", "status") == "[X] 1_users.sql\n[X] 2_log.sql\n\nApplied: 2\nPending: 0\n"


# --- the sample history --------------------------------------------------------------------------------------------


def described(connection):
    """Return what a database is, whatever the text of its definitions."""

    def rows(sql):
        return connection.execute(sql).fetchall()

    ledgers = ("alembic_version", "schema_migrations")
    master = rows("select type, name from sqlite_master where name not like 'sqlite_%' order by 1, 2")
    tables = [name for kind, name in master if kind == "table" and name not in ledgers]
    found = {"triggers": [name for kind, name in master if kind == "trigger"], "tables": tables}
    for table in [*tables, "sqlite_sequence"]:
        indexes = rows(f"pragma index_list({table})")
        found[table] = {
            "columns": rows(f"pragma table_xinfo({table})"),
            "foreign keys": sorted(key[2:] for key in rows(f"pragma foreign_key_list({table})")),
            "indexes": sorted((index[1:], rows(f"pragma index_xinfo({index[1]})")) for index in indexes),
            "partial": sorted(
                rows(f"select sql from sqlite_master where tbl_name = '{table}' and sql like '% WHERE %'")
            ),
            "checks": sorted(
                re.findall(r"CONSTRAINT (ck_\w+)", str(rows(f"select sql from sqlite_master where name = '{table}'")))
            ),
            "rows": rows(f"select * from {table}"),
        }
    return found


def plain_text(found):
    """Take formatting out of the definitions in *found*."""
    for table in found["tables"]:
        found[table]["partial"] = [" ".join(sql.split()) for (sql,) in found[table]["partial"] if "INDEX" in sql]
    return found


def test_the_sample_history_as_sql_files_leads_to_the_same_store(root, identity):
    """Tables, columns, indexes, keys, checks, triggers and rows of the Alembic history."""
    assert migrate(root, folder=IDENTITY / "sql").rows == ((12, 0),)
    with identity.clone() as clone, clone.connect() as alembic, sqlite3.connect(root / "made.db") as made:
        assert plain_text(described(made)) == plain_text(described(alembic))
    made.close()
    alembic.close()


# --- failures ------------------------------------------------------------------------------------------------------


def test_a_half_failed_file_leaves_what_golang_migrate_leaves(root):
    """The file is rolled back, its version marked dirty, and the error names the statement."""
    steps = Steps()
    put(root, {"1_users.up.sql": "create table users (id);", "2_add_name.up.sql": BROKEN})
    with pytest.raises(BuildError) as caught:
        migrate(root, steps=steps)
    error = caught.value
    assert error.what == (
        "migration 2 (add name) failed: no such table: nowhere (sql/2_add_name.up.sql, in the statement that starts in"
        " line 5)"
    )
    assert error.remedy == f"Nothing was published. Correct {root}/sql/2_add_name.up.sql"
    assert error.revision == "2"
    assert error.traceback == (
        f'  File "{root}/sql/2_add_name.up.sql", in the statement that starts in line 5\n'
        "    insert into nowhere\n      values (1);\n"
    )
    assert ask(root / "made.db", "select * from schema_migrations") == [(2, 1)]
    assert ask(root / "made.db", "pragma table_info(users)") == [(0, "id", "", 0, None, 0)]
    assert not (root / "made.db-journal").exists()
    assert (steps.done, steps.current.identity) == (1, "2")


BROKEN = """alter table users add name text;

-- a comment
/* and one more */ -- here
insert into nowhere
  values (1);
drop table users;
"""


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"-- migrate:up\ncreate table a (x); nonsense;\n{DOWN}", "schema_migrations"),
        (f"{UP}create table a (x); nonsense;", "goose_db_version where version_id > 0"),
    ],
    ids=["dbmate", "goose"],
)
def test_a_half_failed_file_is_rolled_back(root, text, rows):
    """Neither its statements nor its version stay."""
    error, _ = failure(root, {"1_a.sql": text})
    assert error.what == 'migration 1 (a) failed: near "nonsense": syntax error (sql/1_a.sql, line 2)'
    assert ask(root / "made.db", f"select count(*) from {rows}") == [(0,)]
    assert ask(root / "made.db", "select count(*) from sqlite_master where name = 'a'") == [(0,)]


SLIPS = {
    "a word that is there twice": (
        "create table a (\n  id integer,\n  name textt default default\n);",
        'near "default"',
        None,
    ),
    "a word in a later line": ("create table a (\n  id integer,\n  name text not nul,\n  age integer\n);", '"nul"', 4),
    "a comma too many": ("create table a (\n  id integer,\n);", '")"', 4),
    "a comma too few": ("create table a (\n  id integer not null\n  name text\n);", '"name"', 4),
    "in a comment and in a text besides": (
        "select -- fro\n '/* fro */', \"fro\", [fro], `fro`, xfro, 1.5 /* fro */,\n 2\nfro\nt;",
        '"t"',
        6,
    ),
    "a text": ("select 1\n  as x,\n  2 y 'it''s\nlong';", "'it''s long'", 4),
    "a number that is a part of another": ("select 1.5,\n  a 5\n from t;", '"5"', 3),
    "a single line": ("select 1 a a a;", '"a"', 2),
    "nothing of the statement": ("select (\n  1;", '";"', 3),
    "a quote that is not closed": ("select 1,\n  2,\n 'three\n  from t;", "unrecognized token", 4),
    "its end": ("select (\n  1", "incomplete input", None),
    "no such table": ("select 1\n  from nowhere;", "no such table", None),
}


@pytest.mark.parametrize(("text", "reason", "line"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_named_by_its_line_where_that_is_certain(root, text, reason, line):
    """SQLite names the word only: the line is that word's if it is there once, else it is one of the statement's."""
    error, _ = failure(root, {"1_a.sql": f"select 1;\n{text}"})
    place = f"line {line}" if line else "in the statement that starts in line 2"
    assert reason in error.what
    assert error.what.endswith(f"(sql/1_a.sql, {place})")
    assert error.traceback.startswith(f'  File "{root}/sql/1_a.sql", {place}\n')


def test_a_long_statement_is_shown_with_its_middle_cut_out(root):
    """A dump of a thousand rows must not bury the message."""
    values = ",\n".join(f"({number}, '{'x' * 300}')" for number in range(100))
    error, _ = failure(root, {"1_a.sql": f"insert into nowhere values\n{values};"})
    lines = error.traceback.splitlines()
    assert lines[:2] == [
        f'  File "{root}/sql/1_a.sql", in the statement that starts in line 1',
        "    insert into nowhere values",
    ]
    assert (len(lines), lines[8]) == (16, "    [... 87 lines ...]")
    assert max(map(len, lines[1:])) < 180


TAIL = "\nNothing was published. Correct <root>/sql/1_a.sql"
FAILURES = {
    "unterminated string": ("select 1;\n\nselect 'a;\nselect 2;", """unrecognized token: "'a; select 2;" (sql/1_a.sql, line 3)""" + TAIL),
    "unterminated name": ("select [a;\n", 'unrecognized token: "[a; " (sql/1_a.sql, line 1)' + TAIL),
    "unterminated trigger": (
        "create table a (x);\ncreate trigger b after insert on a begin\n  select 1;\n",
        "incomplete input (sql/1_a.sql, in the statement that starts in line 2)" + TAIL,
    ),
    "open transaction": ("begin;\nselect 1;", "the transaction that it begins is still open at its end (sql/1_a.sql)" + TAIL),
    "dbmate without up": (DOWN, "dbmate needs a line '-- migrate:up' (sql/1_a.sql)" + TAIL),
    "dbmate without down": (
        "\n-- migrate:up\n",
        "dbmate needs a line '-- migrate:down' after '-- migrate:up' (sql/1_a.sql, line 2)" + TAIL,
    ),
    "dbmate with two downs": (
        f"-- migrate:up\n{DOWN}{DOWN}",
        "dbmate needs a line '-- migrate:up' before each '-- migrate:down' (sql/1_a.sql, line 3)" + TAIL,
    ),
    "dbmate with a statement first": (
        f"-- x\n/* y */\n-- migrate:up\n{DOWN}",
        "dbmate allows no statement before '-- migrate:up' (sql/1_a.sql, line 2)" + TAIL,
    ),
    "dbmate with two ups": (
        f"-- migrate:up\n{DOWN}-- migrate:up\n{DOWN}",
        "UNIQUE constraint failed: schema_migrations.version (sql/1_a.sql)" + TAIL,
    ),
    "dbmate with a transaction inside": (
        f"-- migrate:up\nbegin;\n{DOWN}",
        "cannot start a transaction within a transaction (sql/1_a.sql, line 2)" + TAIL
        + "\ndbmate puts a transaction around each file, unless its mark says transaction:false.",
    ),
    "dbmate ending its transaction": (
        f"-- migrate:up\ncommit;\n{DOWN}",
        "cannot commit - no transaction is active (sql/1_a.sql)" + TAIL
        + "\ndbmate puts a transaction around each file, unless its mark says transaction:false.",
    ),
    "dbmate with an open transaction": (
        f"-- migrate:up transaction:false\nbegin;\n{DOWN}",
        "the transaction that it begins is still open at its end (sql/1_a.sql)" + TAIL,
    ),
    "goose without up": ("-- x\n-- +goose NO TRANSACTION\n", "goose needs a line '-- +goose Up' (sql/1_a.sql)" + TAIL),
    "goose with down first": ("-- +goose Down\n", "goose does not expect '-- +goose Down' here (sql/1_a.sql, line 1)" + TAIL),
    "goose with two ups": (UP + UP, "goose allows only one '-- +goose Up' (sql/1_a.sql, line 2)" + TAIL),
    "goose with a statement first": (
        f"\nselect 1;\n{UP}",
        "goose allows no statement before '-- +goose Up' (sql/1_a.sql, line 2)" + TAIL,
    ),
    "goose without a semicolon": (
        f"{UP}select 1\n-- +goose Down\n{BEGIN}{END}",
        "goose needs a semicolon at the end of this statement's last line (sql/1_a.sql, line 2)" + TAIL,
    ),
    "goose with an unknown annotation": (
        f"{UP}-- see +goose's documentation\n",
        "goose knows no annotation \"-- see +goose's documentation\" (sql/1_a.sql, line 2)" + TAIL,
    ),
    "goose with an indented annotation": (
        f" {UP}",
        "goose knows no annotation ' -- +goose Up' (sql/1_a.sql, line 1)" + TAIL,
    ),
    "goose with an open block": (
        f"{UP}{BEGIN}select 1;",
        "goose needs a line '-- +goose StatementEnd' after '-- +goose StatementBegin' (sql/1_a.sql)" + TAIL,
    ),
    "goose with an end only": (f"{UP}{END}", "goose does not expect '-- +goose StatementEnd' here (sql/1_a.sql, line 2)" + TAIL),
    "goose with a line after an empty block": (
        f"{UP}{BEGIN}{END}\nselect 1;\n",
        "goose passes over this line, because the block before it is empty (sql/1_a.sql, line 5)" + TAIL,
    ),
    "goose with variables": (
        f"-- +goose ENVSUB ON\n{UP}",
        "environment variables in migrations (ENVSUB) are not supported (sql/1_a.sql, line 1)" + TAIL
        + "\nOr let goose itself run them, by the setting 'command'.",
    ),
    "goose with a trigger outside of a block": (
        f"{UP}create table a (x);\ncreate trigger b after insert on a begin\n  select 1;\nend;\n",
        "incomplete input (sql/1_a.sql, in the statement that starts in line 3)" + TAIL
        + "\nFor goose, a statement with semicolons inside needs StatementBegin and StatementEnd around it.",
    ),
    "goose with a transaction inside": (
        f"{UP}begin;\n",
        "cannot start a transaction within a transaction (sql/1_a.sql, line 2)" + TAIL
        + "\ngoose puts a transaction around each file, unless it says NO TRANSACTION.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAILURES.values(), ids=FAILURES)
def test_a_file_that_its_tool_would_refuse_is_refused(root, text, message):
    """With the reason, the line, and what to do."""
    name = "1 (a)" if "migrate:" in text or "+goose" in text else "1_a.sql"
    assert failure(root, {"1_a.sql": text})[1] == f"migration {name} failed: {message}"


def test_golang_migrate_files_have_no_transactions_of_their_own(root):
    """Its driver puts one around each file, and says so in its README."""
    assert failure(root, {"1_a.up.sql": "begin;"})[1] == (
        "migration 1 (a) failed: cannot start a transaction within a transaction (sql/1_a.up.sql, line 1)\n"
        "Nothing was published. Correct <root>/sql/1_a.up.sql\n"
        "golang-migrate puts a transaction around each file, unless x-no-tx-wrap is set: let it run them itself then,"
        " by the setting 'command'."
    )


KEEP_ONE = "\nKeep one kind, and move the others out of this folder."
REFUSED = {
    "nothing": ({}, "no .sql files in <root>/sql\nCorrect the setting 'sql': only files directly in the folder count."),
    "subfolders": (
        {"sqlite/1.sql": "", "postgres/1.sql": "", "readme.txt": ""},
        ("no .sql files in <root>/sql\n"
        "Name <root>/sql/postgres or <root>/sql/sqlite: only files directly in the folder count."),
    ),
    "golang and plain": (
        {"1_a.up.sql": "", "2_b.sql": ""},
        "<root>/sql mixes migrations: 1_a.up.sql is golang-migrate's, 2_b.sql is plain SQL" + KEEP_ONE,
    ),
    "golang and goose": (
        {"1_a.up.sql": "", "2_b.sql": UP},
        "<root>/sql mixes migrations: 1_a.up.sql is golang-migrate's, 2_b.sql is goose's" + KEEP_ONE,
    ),
    "dbmate and goose": (
        {"1_a.sql": UP, "2_b.sql": DOWN},
        "<root>/sql mixes migrations: 1_a.sql is goose's, 2_b.sql is dbmate's" + KEEP_ONE,
    ),
    "dbmate and plain": (
        {"1_a.sql": DOWN, "2_b.sql": ""},
        "<root>/sql mixes migrations: 1_a.sql is dbmate's, 2_b.sql is plain SQL" + KEEP_ONE,
    ),
    "goose and plain": (
        {"1_a.sql": UP, "notes.sql": ""},
        "<root>/sql mixes migrations: 1_a.sql is goose's, notes.sql is plain SQL" + KEEP_ONE,
    ),
    "golang twins": (
        {"1_a.up.sql": "", "01_b.up.sql": ""},
        ("two files in <root>/sql have version 1: 01_b.up.sql and 1_a.up.sql\n"
        "Give one of them another version: golang-migrate refuses both."),
    ),
    "golang twins that lead back": (
        {"1_a.up.sql": "", "1_a.down.sql": "", "01_b.down.sql": ""},
        ("two files in <root>/sql have version 1: 01_b.down.sql and 1_a.down.sql\n"
        "Give one of them another version: golang-migrate refuses both."),
    ),
    "dbmate twins": (
        {"1_a.sql": DOWN, "1b.sql": DOWN},
        ("two files in <root>/sql have version 1: 1_a.sql and 1b.sql\n"
        "Give one of them another version: dbmate refuses both."),
    ),
    "goose twins": (
        {"1_a.sql": UP, "01_b.sql": UP},
        ("two files in <root>/sql have version 1: 01_b.sql and 1_a.sql\n"
        "Give one of them another version: goose refuses both."),
    ),
    "golang version too large": (
        {f"{2**63}_a.up.sql": ""},
        (f"<root>/sql/{2**63}_a.up.sql has no version: its name begins with a number from 0 to 2^63 - 1 and an"
        " underscore\nRename it, or move it out of this folder."),
    ),
    "goose version 0": (
        {"0_a.sql": UP},
        ("<root>/sql/0_a.sql has no version: its name begins with a number from 1 to 2^63 - 1 and an underscore\n"
        "Rename it, or move it out of this folder."),
    ),
    "goose without a version": (
        {"a.sql": UP},
        ("<root>/sql/a.sql has no version: its name begins with a number from 1 to 2^63 - 1 and an underscore\n"
        "Rename it, or move it out of this folder."),
    ),
    "goose in Go": (
        {"1_a.sql": UP, "2_b.go": "package migrations"},
        ("<root>/sql/2_b.go is a migration in Go, which only the project's own program can run\n"
        "Use the setting 'command', with the command that runs it, instead of 'sql'."),
    ),
    "dbmate without a number": (
        {"a.sql": DOWN},
        "no migrations in <root>/sql: for dbmate their names begin with a number\nRename a.sql.",
    ),
    "a way back on its own": (
        {"1_a.sql": "", "2_b.down.sql": ""},
        ("<root>/sql/2_b.down.sql is a way back, and no file beside it leads there\n"
        "Add 2_b.sql, or give the file another name."),
    ),
    "Latin-1": (
        {"1_a.sql": "select 1;\n-- café".encode("latin-1")},
        "<root>/sql/1_a.sql is not UTF-8 text: byte 0xe9 in line 2\nSave it as UTF-8.",
    ),
    "UTF-16": (
        {"1_a.sql": "select 1;".encode("utf-16-le")},
        "<root>/sql/1_a.sql is not UTF-8 text: byte 0x00 in line 1\nSave it as UTF-8.",
    ),
    "UTF-16 of golang-migrate": (
        {"1_a.up.sql": "select 1;".encode("utf-16")},
        "<root>/sql/1_a.up.sql is not UTF-8 text: byte 0xff in line 1\nSave it as UTF-8.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "message"), REFUSED.values(), ids=REFUSED)
def test_a_folder_that_no_one_tool_would_run_is_refused(root, files, message):
    """With the files, and what to do; a key is refused as well, unless only the text is at fault."""
    error, text = failure(root, files, InputsError)
    assert text.replace(str(root), "<root>") == message
    if "UTF-16 of" not in message and "1_a.up.sql is not" not in message:
        with pytest.raises(InputsError, match=re.escape(error.what)):
            list(SqlFolder("sql").inputs(Settings(root=root)))


def test_a_folder_that_is_not_there_is_named(root):
    """With the setting to correct."""
    for folder, reason in {"typo": "No such file or directory", "file.sql": "Not a directory"}.items():
        (root / "file.sql").touch()
        with pytest.raises(InputsError) as caught:
            list(SqlFolder(folder).inputs(Settings(root=root)))
        assert str(caught.value) == (
            f"cannot read the folder of SQL files {root}/{folder}: {reason}\nCorrect the setting 'sql'."
        )


def test_a_file_that_cannot_be_read_is_named(root):
    """Such as a link that leads nowhere: it would be missing from the database."""
    put(root, {"1_a.sql": ""})
    os.symlink("nowhere", root / "sql/2_b.sql")
    with pytest.raises(InputsError, match=r"cannot read .*/sql/2_b\.sql: No such file or directory"):
        migrate(root)


# --- inputs --------------------------------------------------------------------------------------------------------


def test_inputs_are_the_dialect_and_the_files_that_decide(root):
    """Ways back and passed-over names do not count."""
    put(root, {"2_b.up.sql": "b", "2_b.down.sql": "x", "10_a.up.sql": "a", "3_c.down.sql": "c", "notes.sql": "n"})
    found = [(one, one.path) for one in SqlFolder("sql").inputs(Settings(root=root))]
    names = ("2_b.up.sql", "3_c.down.sql", "10_a.up.sql")
    assert found == [
        (setting("sql", "golang-migrate"), None),
        *((file(f"sql/{name}", root / "sql" / name), str(root / "sql" / name)) for name in names),
    ]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [("select 1", "plain SQL"), (DOWN, "dbmate"), (UP, "goose")],
    ids=["plain", "dbmate", "goose"],
)
def test_marks_decide_whose_files_they_are(root, text, dialect):
    """The whole file counts."""
    put(root, {"1_a.sql": text})
    assert list(SqlFolder("sql").inputs(Settings(root=root))) == [
        setting("sql", dialect),
        file("sql/1_a.sql", root / "sql/1_a.sql"),
    ]


def test_inputs_import_nothing_heavy(root):
    """A warm start computes the key in every process."""
    put(root, {"1_a.sql": UP})
    code = (
        "import sys; from pathlib import Path; from templatedb.migrators.sql import SqlFolder;"
        "from templatedb.settings import Settings; list(SqlFolder('sql').inputs(Settings(root=Path())));"
        "print([name for name in ('sqlite3', 'sqlalchemy', 'alembic', 'pytest') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_folder_is_text_and_is_named_by_its_last_parts(root):
    """It travels to the build, and stands in messages."""
    folder = SqlFolder(root / "db" / "migrations")
    assert (folder.folder, str(folder)) == (f"{root}/db/migrations", "db/migrations")


# --- statements ----------------------------------------------------------------------------------------------------

SPLITS = {
    "nothing": ("", []),
    "comments only": ("-- a;\n/* b; */ ;; /* never closed;", []),
    "no last semicolon": ("select 1;\nselect 2", [("select 1;", 1), ("select 2", 2)]),
    "lines are counted to the first word": (
        "\n\n-- a\n/* b\n\n*/ select\n1; select 2;\r\n\r\n-- c\r\nselect 3",
        [("select\n1;", 6), ("select 2;", 7), ("select 3", 10)],
    ),
    "quotes hide semicolons": (
        """select ';''--', "a;""b", `c;`, [d;'], x';' /* ; ' */ -- ; "\n; select '"';""",
        [("""select ';''--', "a;""b", `c;`, [d;'], x';' /* ; ' */ -- ; "\n;""", 1), ("""select '"';""", 2)],
    ),
    "triggers end with END": (
        "create temp trigger a after insert on b begin select 'end;'; select case when 1 then 2 end; -- end;\nEnd /* */ ; select 1",
        [
            ("create temp trigger a after insert on b begin select 'end;'; select case when 1 then 2 end; -- end;\nEnd /* */ ;", 1),
            ("select 1", 2),
        ],
    ),
    "a comment that looks closed": ("select 1 /*/; select 2 */; select 3;", [("select 1 /*/; select 2 */;", 1), ("select 3;", 1)]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "statements"), SPLITS.values(), ids=SPLITS)
def test_statements_end_where_sqlite_ends_them(text, statements):
    """Each with the line of its first word."""
    assert list(split(text)) == [Statement(*statement) for statement in statements]


SPACE = st.sampled_from(["", " ", "\n", "\r\n", "\t", "-- a; b\n", "/* ;' */", "/**/", "--'\n", "/* \n*/ "])
VALUES = st.one_of(
    st.integers(0, 99).map(str),
    st.text(alphabet="a;'\"`[]-/*\n é", max_size=8).map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.sampled_from(["x'3b'", "case when 1 then ';' else 2 end", "'/*'", "'--'"]),
)
NAMES = st.sampled_from(["x", '"x"', "[x]", "`x`", '"x;"', "[x;']", '`x"`', '"x""y"'])


@st.composite
def scripts(draw):
    """Random scripts: tables, triggers and rows, with everything that may hide a semicolon."""
    parts = []
    for number in range(draw(st.integers(0, 5))):
        column, space, value = draw(NAMES), draw(SPACE), draw(VALUES)
        parts.append(f"create{space or ' '}table t{number} ({column}{space}, y default ({value}));")
        if draw(st.booleans()):
            end = draw(st.sampled_from(["end", "END", "eNd"]))
            body = "".join(
                f"insert into log values ({draw(VALUES)}){draw(SPACE)};" for _ in range(draw(st.integers(1, 3)))
            )
            parts.append(
                f"create trigger{space or ' '}g{number} after insert on t{number} begin {body}{draw(SPACE)}{end}{draw(SPACE)};"
            )
        parts.append(f"insert into t{number} values ({draw(VALUES)}, {draw(VALUES)}){draw(SPACE)};{draw(SPACE)}")
    return "create table log (x);" + draw(SPACE).join(parts) + draw(SPACE)


@given(scripts())
def test_splitting_runs_what_sqlite_runs_from_the_whole_text(text):
    """Same schema, same rows as executescript, and every statement begins in the line it says."""
    whole, split_up = (sqlite3.connect(":memory:", isolation_level=None) for _ in range(2))
    try:
        whole.executescript(text)
        for statement in split(text):
            split_up.execute(statement.text)
            assert statement.text.split("\n")[0] in text.split("\n")[statement.line - 1]
        assert list(split_up.iterdump()) == list(whole.iterdump())
    finally:
        whole.close()
        split_up.close()


LARGE = {
    "a row a line": ("".join(f"insert into t values ({number}, 'some text in here');\n" for number in range(110_000)), 110_000),
    "one string of semicolons": (f"insert into t values ('{';' * 2_000_000}');", 1),
    "a trigger that never ends": ("create trigger a after insert on b begin\n" + "select 1;\n" * 200_000, 1),
    "a quote that never ends": ("select 1;" * 1000 + "select '" + "a;" * 1_000_000, 1001),
}  # fmt: skip


@pytest.mark.parametrize(("text", "count"), LARGE.values(), ids=LARGE)
def test_large_files_are_split_in_seconds(text, count):
    """The work grows with the size, not with its square."""
    began = time.perf_counter()
    assert sum(1 for _ in split(text)) == count
    assert time.perf_counter() - began < 10
