"""What a file must be before it is a golden."""

import pytest

from projects import write
from templatedb import BuildError, Function, Template

FAULTS = {
    "nothing written": (
        "pass",
        (
            "the migrations ended without an error but wrote nothing into the database that they were to fill\n"
            "They must write to the path or URL that they are given; with create_all, import the modules of the models first."
        ),
    ),
    "empty file": (
        "open(path, 'w').close()",
        "the migrations ended without an error but wrote nothing into the database",
    ),
    "no table": (
        "connection = sqlite3.connect(path); connection.execute('pragma user_version = 3'); connection.commit()",
        "the migrations ended without an error but made no table",
    ),
    "not committed": (
        (
            "connection = sqlite3.connect(path, isolation_level=None); connection.execute('pragma user_version = 3')\n"
            "    connection.execute('begin'); connection.execute('create table t (x)')"
        ),
        (
            "the migrations ended without an error but made no table\n"
            "They may have written to another database, or not committed."
        ),
    ),
    "no database at all": (
        "open(path, 'wb').write(b'x' * 5000)",
        "the migrations left a file that SQLite cannot read: file is not a database",
    ),
    "a damaged page": (
        (
            "connection = sqlite3.connect(path)\n"
            "    connection.execute('create table t (x)'); connection.execute('create index i on t (x)')\n"
            "    connection.executemany('insert into t values (?)', [(n,) for n in range(500)]); connection.commit()\n"
            "    connection.close()\n"
            "    with open(path, 'r+b') as opened: opened.seek(4096 * 2 + 8); opened.write(b'\\0' * 40)"
        ),
        "the migrations left a ",
    ),
}


def function_project(project, body, settings=""):
    write(project / "factory.py", f"import sqlite3\n\n\ndef migrate(path):\n    {body}\n")
    write(project / "pyproject.toml", f"[tool.templatedb]\n{settings}")
    return Template(Function("factory:migrate"))


@pytest.mark.parametrize(
    ("url", "shown"), [("f'sqlite:///{path}'", ""), ("'sqlite:///shop.db'", " (as {project}/shop.db)")]
)
def test_a_database_that_was_opened_and_left_empty_is_told_as_such(project, url, shown):
    """create_all without models: the path is right, or was led to the right file."""
    body = f"from sqlalchemy import MetaData, create_engine; MetaData().create_all(create_engine({url}))"
    with pytest.raises(BuildError) as caught:
        function_project(project, body, 'function = "factory:migrate"').golden()
    assert str(caught.value) == (
        "the migrations ended without an error but wrote nothing into the database that they were to fill, although they"
        f" opened it{shown.format(project=project)}\n"
        "With create_all, import the modules of the models first; commit what is written."
    )


@pytest.mark.parametrize(("body", "message"), FAULTS.values(), ids=FAULTS)
def test_success_that_left_no_usable_database_is_an_error(project, cache, body, message):
    """The function returned, and still nothing is published."""
    with pytest.raises(BuildError) as caught:
        function_project(project, body, 'function = "factory:migrate"').golden()
    assert message in str(caught.value)
    assert not list(cache.glob("v1/goldens/*"))


ORPHAN = (
    "connection = sqlite3.connect(path)\n"
    "    connection.execute('create table users (id integer primary key)')\n"
    "    connection.execute('create table tokens (id integer, user_id integer references users (id))')\n"
    "    connection.execute('insert into tokens values (1, 99)')\n"
    "    connection.commit()"
)


def test_a_broken_foreign_key_is_a_warning_that_names_the_table(project):
    """Many histories have one; it is for the user to decide."""
    with function_project(project, ORPHAN, 'function = "factory:migrate"\n').golden() as golden:
        assert golden.manifest.warnings == (
            (
                "the migrations or seeds left rows that break a foreign key:\n"
                "    table tokens, row 1 (rowid): user_id points to a row of users that does not exist\n"
                "    (SQLite checks only where PRAGMA foreign_keys = ON was run: correct the migrations or seeds, or set"
                ' foreign_keys = "off")'
            ),
        )


def test_a_broken_foreign_key_is_an_error_where_the_settings_say_so(project):
    """foreign_keys = "error"."""
    with pytest.raises(BuildError, match=r"left rows that break a foreign key:\n    table tokens, row 1"):
        function_project(project, ORPHAN, 'function = "factory:migrate"\nforeign_keys = "error"\n').golden()


def test_foreign_keys_can_be_left_alone(project):
    """foreign_keys = "off"."""
    with function_project(project, ORPHAN, 'function = "factory:migrate"\nforeign_keys = "off"\n').golden() as golden:
        assert golden.manifest.warnings == ()


def test_a_foreign_key_that_cannot_be_checked_is_a_warning(project):
    """SQLite raises for a parent without a unique index."""
    body = (
        "connection = sqlite3.connect(path)\n"
        "    connection.execute('create table users (name)')\n"
        "    connection.execute('create table tokens (user references users (name))')\n"
        "    connection.execute('insert into tokens values (1)')\n"
        "    connection.commit()"
    )
    with function_project(project, body, 'function = "factory:migrate"').golden() as golden:
        (warning,) = golden.manifest.warnings
    assert warning.startswith("the foreign keys cannot be checked: foreign key mismatch")


def test_missing_tables_are_named_all_at_once(project):
    """The post-mortem's message."""
    settings = 'function = "factory:migrate"\nrequired_tables = ["users", "client_secret_versions", "sessions"]\n'
    with pytest.raises(
        BuildError, match="required table missing: client_secret_versions, sessions\nThe database has 2"
    ):
        function_project(project, ORPHAN, settings).golden()


def test_a_schema_that_needs_the_applications_extension_is_no_fault(project):
    """SQLite cannot check a CHECK with a function it does not know."""
    body = (
        "connection = sqlite3.connect(path)\n"
        "    connection.create_function('is_even', 1, lambda n: n % 2 == 0, deterministic=True)\n"
        "    connection.execute('create table t (x check (is_even(x)))')\n"
        "    connection.execute('create index i on t (is_even(x))')\n"
        "    connection.execute('insert into t values (2)')\n"
        "    connection.commit()"
    )
    with function_project(project, body, 'function = "factory:migrate"').golden() as golden:
        (warning,) = golden.manifest.warnings
    assert warning.startswith("the checks of the golden need an extension of the application and were left out: ")
    assert "is_even" in warning
