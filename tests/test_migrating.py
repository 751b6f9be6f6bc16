"""Each page of docs/migrating/: its project, with the set-up before and the one after, has the tests that it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pages import DOCS, ROOT, files, section
from projects import builds_in, write

PEERS = ROOT / ".venv-docs"
"""Where the plugins are that two pages start from: pytest loads them wherever they are installed."""
ENV = """
from alembic import context
from sqlalchemy import engine_from_config

{metadata}
engine = engine_from_config(context.config.get_section("alembic"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = '''
"""{title}"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{number:04}", {previous!r}


def upgrade():
    op.{up}


def downgrade():
    op.{down}
'''
USERS = "'users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String(320), nullable=False)"
QUIET = ("-q", "-rA", "--tb=short", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:asyncio")


def needs_peer(module: str) -> pytest.MarkDecorator:
    """Skip where the environment of the documentation is not there: `make docs` prepares it."""
    found = list(PEERS.glob(f"lib/python*/site-packages/{module}")) and (PEERS / "bin/python").exists()
    return pytest.mark.skipif(not found, reason=f"{module} is not in .venv-docs, which `make docs` prepares")


class Project:
    """A folder that is filled from sections of a page, and whose tests are run."""

    def __init__(
        self, folder: Path, page: str, *, python: str = sys.executable, metadata: str = "target_metadata = None"
    ):
        self.folder = folder
        self.python = python
        self.text = (DOCS / "migrating" / f"{page}.md").read_text()
        write(folder / "alembic.ini", "[alembic]\nscript_location = migrations\nsqlalchemy.url = sqlite:///shop.db\n")
        write(folder / "migrations/env.py", ENV.format(metadata=metadata))
        self.add_revision(1, f"create_table({USERS})", "drop_table('users')")
        self.take("The project")

    def add_revision(self, number: int, up: str, down: str = "f()") -> None:
        """Write one revision."""
        previous = f"{number - 1:04}" if number > 1 else None
        text = REVISION.format(title=f"step {number}", number=number, previous=previous, up=up, down=down)
        write(self.folder / f"migrations/versions/{number:04}.py", text.lstrip())

    def take(self, *titles: str) -> None:
        """Write the files that are shown in these sections of the page."""
        for title in titles:
            shown = files(section(self.text, title))
            assert shown
            for name, code in shown.items():
                write(self.folder / name, code)

    def outcomes(self, *words: str) -> dict[str, str]:
        """Run its tests and return the outcome of each, by its name."""
        said = self.run(*words)
        return {name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", said, re.MULTILINE)}

    def run(self, *words: str) -> str:
        """Run pytest and return what it said."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            [self.python, "-m", "pytest", *QUIET, *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        return done.stdout + done.stderr


BOTH = {"test_a_user_is_added": "PASSED", "test_another_test_does_not_see_it": "PASSED"}


def test_from_a_copied_file(project, cache):
    """The same tests pass, on one golden; and a log is no longer silenced by the migrations."""
    page = Project(project, "a-copied-file")
    env = project / "migrations/env.py"
    write(
        project / "test_log.py",
        """
        import logging

        log = logging.getLogger("shop")


        def test_what_is_logged_is_caught(session, caplog):
            log.warning("sold out")
            assert caplog.messages == ["sold out"]
        """,
    )
    write(
        project / "log.ini", "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n"
    )
    env.write_text("from logging.config import fileConfig\n\nfileConfig('log.ini')\n" + env.read_text())
    page.take("Before")
    assert page.outcomes() == {**BOTH, "test_what_is_logged_is_caught": "FAILED"}
    assert builds_in(cache) == 0
    page.take("After")
    assert page.outcomes() == {**BOTH, "test_what_is_logged_is_caught": "PASSED"}
    assert page.outcomes("--templatedb-require-hit") == {**BOTH, "test_what_is_logged_is_caught": "PASSED"}
    assert builds_in(cache) == 1


def test_from_savepoint_and_rollback(project, cache):
    """A second connection sees what is committed only afterwards."""
    page = Project(project, "savepoint-and-rollback")
    page.take("Before")
    assert page.outcomes() == {**BOTH, "test_another_connection_sees_what_is_committed": "FAILED"}
    page.take("After")
    assert page.outcomes() == {**BOTH, "test_another_connection_sees_what_is_committed": "PASSED"}
    assert builds_in(cache) == 1


@needs_peer("pytest_alembic")
def test_from_pytest_alembic(project, cache):
    """Its own tests go on beside ours, also from a late revision."""
    page = Project(project, "pytest-alembic", python=str(PEERS / "bin/python"))
    page.add_revision(2, "add_column('users', sa.Column('name', sa.String(80)))", "drop_column('users', 'name')")
    migrations = [
        "test_model_definitions_match_ddl",
        "test_single_head_revision",
        "test_up_down_consistency",
        "test_upgrade",
        "test_users_keep_their_address",
    ]
    expected = dict.fromkeys([*migrations, "test_a_user_is_added"], "PASSED")
    alone = ("-p", "no:sqlalchemy-alembic")
    page.take("Before")
    assert (page.outcomes(*alone), builds_in(cache)) == (expected, 0)
    page.take("After")
    assert (page.outcomes(*alone), builds_in(cache)) == (expected, 1)
    page.take("A test that starts at a late revision")
    expected["test_users_keep_their_address_without_the_way_up"] = "PASSED"
    assert (page.outcomes(*alone), builds_in(cache)) == (expected, 2)


@pytest.mark.timeout(300)  # seven runs of pytest
@needs_peer("pytest_sqlalchemy_alembic")
def test_from_pytest_sqlalchemy_alembic(project, cache):
    """Tests that share a database, then tests that do not; a failing migration is green before, and not after."""
    metadata = "from shop import Base\n\ntarget_metadata = Base.metadata"
    page = Project(project, "pytest-sqlalchemy-alembic", python=str(PEERS / "bin/python"), metadata=metadata)
    registered, nobody = "test_a_user_is_registered", "test_nobody_is_registered_yet"
    broken = project / "migrations/versions/0002.py"
    page.take("Before")
    assert page.outcomes("--create-db") == {registered: "PASSED", nobody: "FAILED"}
    assert page.outcomes() == {registered: "PASSED", nobody: "FAILED"}
    page.add_revision(2, "execute('insert into nowhere values (1)')")
    assert "1 passed, 1 deselected, 1 warning" in page.run("--create-db", "-k", registered)
    broken.unlink()

    without = ("-p", "no:sqlalchemy-alembic")
    for title in ("After", "After, where the URL is fixed in the code"):
        page.take(title)
        assert page.outcomes(*without) == {registered: "PASSED", nobody: "PASSED"}
        page.add_revision(2, "execute('insert into nowhere values (1)')")
        assert page.outcomes(*without) == {registered: "ERROR", nobody: "ERROR"}
        broken.unlink()
    assert builds_in(cache) == 1
