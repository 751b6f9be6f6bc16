"""Lines that are said while the work goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

from gallery.case import Group, Said, case, scenario
from gallery.shops import ORDERS, alembic_shop, ready_shop, sql_shop
from gallery.world import World, only_linux
from templatedb import TemplateDBError, load, lock
from templatedb.cache import Cache
from templatedb.cache_trust import open_cache
from templatedb.place import Storage
from templatedb.plan import Wishes
from templatedb.prune import prune_after_build
from templatedb.records import CloneKind
from templatedb.settings import Settings
from templatedb.slots.worker import WorkerSlots

_N = Group.NOTICES
_GOES_ON = "Nothing to do: the run goes on by itself."


def _damage(golden: Path) -> None:
    golden.chmod(0o600)
    golden.write_bytes(golden.read_bytes()[:-1] + b"x")


def _told_of_miss(world: World) -> Said:
    """Return the first line of looking for the golden without building it."""
    lines: list[str] = []
    try:
        load().golden(Wishes(require_hit=True, notice=lines.append)).close()
    except TemplateDBError:
        return world.notice(lines[0])
    raise AssertionError(lines)


@case(_N, "another process builds the golden", nothing_to_do=_GOES_ON)
def waiting(world: World) -> Said:
    alembic_shop(world)
    template = load().with_settings(strict=True, lock_timeout="1.1s")
    lines: list[str] = []
    with lock.hold(open_cache(world.cache).lock_path(template.key()), timeout_s=1, run="another"):
        world.error(lambda: template.golden(Wishes(notice=lines.append)))
    return world.notice(lines[0])


@case(_N, "the cache cannot be used")
def privately(world: World) -> Said:
    world.function("connection = sqlite3.connect(path)\nconnection.execute('create table users (id)')")
    world.cache.parent.mkdir()
    world.cache.touch()
    return world.notice(world.notices(load().golden)[0])


@case(
    _N,
    "an input is edited while the build runs",
    nothing_to_do="Nothing to do: the next run builds what is there then.",
)
def edited(world: World) -> Said:
    world.function(
        "connection = sqlite3.connect(path)\nconnection.execute('create table users (id)')\n"
        "open('prices.csv', 'a').write('3\\n')",
        'inputs = ["prices.csv"]\n',
    )
    world.write("prices.csv", "1\n2\n")
    return world.notice(world.notices(load().golden)[0])


@case(
    _N,
    "a golden is damaged",
    nothing_to_do="Nothing to do: it is built again. `templatedb prune` removes the damaged one in time.",
)
def golden_damaged(world: World) -> Said:
    _damage(ready_shop(world))
    return _told_of_miss(world)


@case(_N, "a golden is damaged again")
def golden_damaged_again(world: World) -> Said:
    golden = ready_shop(world)
    content = golden.read_bytes()
    _damage(golden)
    _told_of_miss(world)
    golden.write_bytes(content)
    _damage(golden)
    return _told_of_miss(world)


@case(_N, "a golden is damaged in a cache that cannot be written")
def golden_damaged_frozen(world: World) -> Said:
    _damage(ready_shop(world))
    world.freeze(world.cache)
    with world.as_nobody():
        return _told_of_miss(world)


@case(_N, "a link stands in the place of a golden")
def golden_is_link(world: World) -> Said:
    golden = ready_shop(world)
    golden.rename(world.tmp / "golden.sqlite")
    golden.symlink_to(world.tmp / "golden.sqlite")
    return _told_of_miss(world)


@case(_N, "a manifest is damaged", nothing_to_do="Nothing to do: the golden is built again.")
def manifest_damaged(world: World) -> Said:
    ready_shop(world)
    for path in world.cache.glob("v1/manifests/*/1.json"):
        path.write_bytes(b"")
    return world.notice(world.notices(load().golden)[0])


def _prune(world: World) -> Said:
    lines: list[str] = []
    prune_after_build(Cache(world.cache), Settings(root=world.shop), "", lines.append)
    return world.notice(lines[0])


@case(_N, "the cache is too big to be pruned beside a build")
def prune_out_of_time(world: World) -> Said:
    ready_shop(world)
    world.patch.setattr("templatedb.prune._AFTER_BUILD_S", 0.0)
    return _prune(world)


@case(_N, "the cache cannot be pruned after a build")
def prune_failed(world: World) -> Said:
    ready_shop(world)
    (world.cache / "v1/damaged").touch()
    return _prune(world)


@case(_N, "memory-backed storage has little room", cannot=only_linux)
def memory_small(world: World) -> Said:
    lines: list[str] = []
    storage = Storage(lambda: world.tmp, lines.append)
    world.patch.setattr(
        "os.statvfs", lambda path: os.statvfs_result((4096, 4096, 16000, 16000, 16000, 0, 0, 0, 0, 255))
    )
    storage.folder(57_000)
    return world.notice(lines[0])


@case(_N, "memory-backed storage is full", cannot=only_linux)
def memory_full(world: World) -> Said:
    ready_shop(world)
    lines: list[str] = []

    def full(*_: object) -> NoReturn:
        world.patch.setattr(os, "pwritev", write)  # elsewhere there is room
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with load().golden() as golden:
        slots = WorkerSlots(Storage(lambda: world.tmp, lines.append))
        write = os.pwritev
        world.patch.setattr(os, "pwritev", full)
        slots.of(golden.key, golden.image, CloneKind.FILE, large_bytes=8_000_000).fill("test_shop.py::test_orders")
        slots.close()
    return world.notice(lines[0])


@scenario
def _warned(world: World) -> list[str]:
    """Build a database about which there is much to say."""
    orders = ORDERS.replace('"user_id", sa.Integer', '"user_id", sa.Integer, sa.ForeignKey("users.id")')
    alembic_shop(world)
    rates = (
        "import socket\n"
        "with contextlib.suppress(OSError):\n    socket.create_connection(('127.0.0.1', 9), timeout=5)\n"
        'op.execute("insert into orders (user_id) values (99)")'
    )
    body = orders + "\n" + rates
    from gallery.shops import migration

    text = migration(2, "create orders", body).replace("import sqlalchemy", "import contextlib\n\nimport sqlalchemy")
    world.write("migrations/versions/0002_create_orders.py", text)
    world.write(
        "shop/models.py",
        "import sqlalchemy as sa\n\nmetadata = sa.MetaData()\n"
        'sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text),'
        ' sa.Column("name", sa.Text))\n'
        'sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True),'
        ' sa.Column("user_id", sa.ForeignKey("users.id")), sa.Column("total", sa.Integer))\n',
    )
    world.write("shop/__init__.py")
    world.settings('alembic = "alembic.ini"\nmodels = "shop.models:metadata"\n')
    return [world.notice(line).text for line in world.notices(load().golden)]


def _of_warned(part: str) -> Said:
    from gallery.case import NOTICE

    return Said(next(line for line in _warned() if part in line), NOTICE)


@case(_N, "a migration connects to another machine")
def connection_refused(world: World) -> Said:
    return _of_warned("tried to connect")


@case(_N, "the models differ from the database")
def models_differ(world: World) -> Said:
    return _of_warned("differ from")


@case(_N, "the history has several heads")
def several_heads(world: World) -> Said:
    from gallery.shops import migration

    alembic_shop(world)
    world.write("migrations/versions/0003_add_prices.py", migration(3, "add prices", "pass", after=1))
    return world.notice(world.notices(load().golden)[0])


def _of_sql(world: World, **files: str) -> Said:
    sql_shop(world, **files)
    return world.notice(world.notices(load().golden)[0])


_TABLE = "create table users (id integer);\n"


@case(_N, "two SQL files have the same number")
def sql_numbers_twice(world: World) -> Said:
    return _of_sql(world, _0001_users=_TABLE, _0002_orders="select 1;\n", _0002_prices="select 2;\n")


@case(_N, "SQL files are not golang-migrate's")
def sql_not_golang(world: World) -> Said:
    return _of_sql(world, _0001_users__up=_TABLE, notes="nothing\n")


@case(_N, "SQL files are not dbmate's")
def sql_not_dbmate(world: World) -> Said:
    return _of_sql(world, _0001_users=f"-- migrate:up\n{_TABLE}-- migrate:down\n", notes="-- nothing\n")


@case(_N, "the name of an SQL file ends in capital letters")
def sql_in_capitals(world: World) -> Said:
    world.write("db/migrations/0002_ORDERS.SQL", "create table orders (id integer);\n")
    return _of_sql(world, _0001_users=_TABLE)


@case(_N, "rows break a foreign key")
def orphans(world: World) -> Said:
    return _of_warned("break a foreign key")


def _function(world: World, *statements: str) -> Said:
    lines = [f"connection.execute({statement!r})" for statement in statements]
    known = "connection.create_function('is_even', 1, lambda number: number % 2 == 0, deterministic=True)"
    world.function("\n".join(["connection = sqlite3.connect(path)", known, *lines, "connection.commit()"]))
    return world.notice(world.notices(load().golden)[0])


@case(_N, "a foreign key leads to a column that is not unique")
def foreign_keys_unchecked(world: World) -> Said:
    return _function(
        world,
        "create table users (name text)",
        "create table orders (user text references users (name))",
        "insert into orders values ('ada')",
    )


@case(
    _N,
    "the schema uses a function of the application",
    nothing_to_do="Nothing to do: the golden is used; whether it is sound and keeps its foreign keys was not looked at.",
)
def extension_unknown(world: World) -> Said:
    return _function(
        world,
        "create table users (id integer check (is_even(id)))",
        "create index even on users (is_even(id))",
        "insert into users values (2)",
    )
