"""Small projects that tests migrate, written into a folder of their own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

IDENTITY = Path(__file__).parents[1] / "migrations"

PLAIN_ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
engine = engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def env_with_engine(engine: str, imports: str = "") -> str:
    """Return an env.py that migrates on the engine of that expression."""
    return f"""
import sqlalchemy
from alembic import context
{imports}
with ({engine}).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def revision(
    number: int, body: str = "", *, after: str | None = "", identifier: str | None = None, extra: str = ""
) -> str:
    """Return a revision that makes the table ``t<number>`` with one row, unless *body* says otherwise."""
    previous = repr(f"r{number - 1}") if after == "" and number > 1 else repr(after or None)
    body = body or (
        f"op.create_table('t{number}', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(20)))\n"
        f"op.execute(\"insert into t{number} (name) values ('row {number}')\")"
    )
    return (
        f'"""make t{number}"""\n'
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        f"{extra}\n"
        f"revision = {(identifier or f'r{number}')!r}\n"
        f"down_revision = {previous}\n\n\n"
        "def upgrade():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n\n\ndef downgrade():\n    pass\n"
    )


def alembic_project(
    folder: Path,
    *,
    env: str = PLAIN_ENV,
    revisions: dict[str, str] | int = 2,
    ini: str = "script_location = %(here)s/scripts\nsqlalchemy.url = sqlite:///app.db\n",
    versions: str = "scripts/versions",
) -> Path:
    """Write an Alembic project into *folder* and return it."""
    write(folder / "alembic.ini", f"[alembic]\n{ini}")
    write(folder / "scripts/env.py", env)
    if isinstance(revisions, int):
        revisions = {f"r{number}.py": revision(number) for number in range(1, revisions + 1)}
    for name, text in revisions.items():
        write(folder / versions / name, text)
    return folder


def write(path: Path, text: str) -> Path:
    """Write *text*, making the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def tables(path: Path) -> set[str]:
    """Return the tables of the database file *path*."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        return {name for (name,) in rows}
    finally:
        connection.close()


def canonical(dump: str) -> list[str]:
    """Return a dump that is equal for equal databases: two builds differ by the order of constraints.

    See the definition lines of a table as a multiset, for batch mode walks sets.
    """
    statements = dump.split(";\n")
    return sorted("\n".join(sorted(line.strip(" ,\t") for line in part.splitlines())) for part in statements)


def run(*command: str, cwd: Path, timeout_s: float = 60, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of this environment to its end and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def builds_in(cache: Path) -> int:
    """Return how many builds were published in a cache directory."""
    return len(list(cache.glob("v1/manifests/*/*.json")))
