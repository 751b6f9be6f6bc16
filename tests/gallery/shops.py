"""The projects of the gallery: a shop with users and orders, and a cache that has its golden."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
import textwrap
import time
from pathlib import Path

from gallery.world import BASE, World
from templatedb import load
from templatedb.cache import Cache
from templatedb.records import Key
from templatedb.uses import FOLDER

_DAY_S = 86400.0
ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
engine = engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
USERS = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text))'
ORDERS = (
    'op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("user_id", sa.Integer),'
    ' sa.Column("total", sa.Integer))\n'
    "op.execute(\"insert into users (email) values ('ada@example.org')\")"
)


def migration(number: int, name: str, body: str, *, after: int | None = None) -> str:
    """Return the text of a migration."""
    previous = after if after is not None else number - 1
    return (
        f'"""{name}"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision = "{number:04}"\ndown_revision = {f"{previous:04}" if previous else None!r}\n\n\n'
        f"def upgrade():\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
    )


def alembic_shop(world: World, *, env: str = ENV, ini: str = "script_location = %(here)s/migrations\n") -> None:
    """Write a shop with two Alembic migrations."""
    world.write("alembic.ini", f"[alembic]\n{ini}")
    world.write("migrations/env.py", env)
    world.write("migrations/versions/0001_create_users.py", migration(1, "create users", USERS))
    world.write("migrations/versions/0002_create_orders.py", migration(2, "create orders", ORDERS))


def third(world: World, body: str) -> None:
    """Write an Alembic shop with a third migration."""
    alembic_shop(world)
    world.write("migrations/versions/0003_add_prices.py", migration(3, "add prices", body))


def sql_shop(world: World, **files: str) -> None:
    """Write a shop with SQL files; a double underscore in a name stands for a dot."""
    world.settings('sql = "db/migrations"\n')
    for name, text in files.items():
        world.write(f"db/migrations/{name.removeprefix('_').replace('__', '.')}.sql", text)


@functools.cache
def _built() -> Path:
    """Return a cache with the golden of the Alembic shop, built once in this process."""
    with World() as world:
        alembic_shop(world)
        load().golden().close()
        return keep(world.cache)


def keep(cache: Path) -> Path:
    """Copy a cache to a place that stays until this process ends, and return that."""
    kept = Path(tempfile.mkdtemp(prefix="gallery-cache-", dir=BASE))
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    shutil.copytree(cache, kept / "cache")
    return kept / "cache"


USED_DAYS = 0.13
"""How long ago the golden of `ready_shop` was used."""


def date_uses(golden: Path) -> None:
    """Have the uses of *golden* noted when it was used."""
    for file in (golden.parent.parent / FOLDER).iterdir():
        os.utime(file, (time.time() - USED_DAYS * _DAY_S - 60,) * 2)


def ready_shop(world: World, *, days: float = 2) -> Path:
    """Write the Alembic shop and a cache that has had its golden for so many days; return the golden's path."""
    kept = _built()
    alembic_shop(world)
    shutil.copytree(kept, world.cache, dirs_exist_ok=True)
    world.cache.chmod(0o700)
    return age(world, load().key(), days=days, used_days=USED_DAYS)


def age(world: World, key: Key, *, days: float, used_days: float, project: Path | None = None) -> Path:
    """Have the newest golden of *key* stand in the cache for so many days, and return its path.

    What was measured when it was built is replaced by figures of a bigger project.
    """
    cache = Cache(world.cache)
    stored = next(cache.stored(key))
    aged = stored.manifest._replace(
        built_at=time.time() - days * _DAY_S - 60,
        duration_s=2.31,
        migration_s=1.98,
        project=str(project or world.shop),
    )
    stored.path.write_bytes(aged.to_json())
    os.utime(stored.path, (time.time() - used_days * _DAY_S - 60,) * 2)
    return cache.golden_path(aged.digest)
