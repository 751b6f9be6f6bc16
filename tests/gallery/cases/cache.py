"""Caches that cannot be used, and what is wrong in them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gallery.case import Group, Said, case
from gallery.shops import alembic_shop, ready_shop, sql_shop
from gallery.world import NOBODY, World, only_root
from templatedb import Function, Template, load, lock
from templatedb.cache_trust import directory, open_cache
from templatedb.plan import Wishes
from templatedb.settings import Settings

_C = Group.CACHE
_FILLS = "connection = sqlite3.connect(path)\nconnection.execute('create table users (id)')\nconnection.close()\n"


def _strict(world: World) -> Said:
    return world.error(load().with_settings(strict=True).golden)


@case(_C, "a user without a home, as in a container", cannot=only_root)
def home_missing(world: World) -> Said:
    world.patch.delenv("HOME")
    os.setresuid(12345, 12345, 0)  # whom the system does not know
    try:
        return world.error(lambda: directory(Settings(root=world.shop), {}))
    finally:
        os.setresuid(0, 0, 0)


@case(_C, "the cache folder is a file")
def cache_is_file(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.parent.mkdir()
    world.cache.touch()
    return _strict(world)


@case(_C, "the cache folder stands where this user may not write", cannot=only_root)
def cache_not_made(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.parent.mkdir()
    with world.as_nobody():
        return _strict(world)


@case(_C, "the cache folder is one's own, and read-only", cannot=only_root)
def cache_read_only(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.mkdir(parents=True)
    os.chown(world.cache, NOBODY, NOBODY)
    world.cache.chmod(0o500)
    with world.as_nobody():
        return _strict(world)


@case(_C, "the cache folder stands where this user may not look", cannot=only_root)
def cache_unreachable(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.parent.mkdir(mode=0o700)
    with world.as_nobody():
        return world.command("status")


@case(_C, "others may write to the cache folder")
def cache_open(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.mkdir(parents=True)
    world.cache.chmod(0o777)
    return _strict(world)


@case(_C, "the cache folder is a link")
def cache_is_link(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.parent.mkdir()
    world.cache.symlink_to(world.tmp)
    return _strict(world)


@case(_C, "the cache folder belongs to another user", cannot=only_root)
def cache_of_stranger(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.cache.mkdir(parents=True)
    os.chown(world.cache, NOBODY, NOBODY)
    return _strict(world)


@case(_C, "the path of the cache folder is too long")
def cache_path_too_long(world: World) -> Said:
    sql_shop(world, _1_users="")
    world.set(TEMPLATEDB_CACHE_DIR=world.tmp / "x" / "/".join(["y" * 100] * 5))
    return _strict(world)


@case(_C, "a folder stands where the cache keeps a lock")
def cache_failed(world: World) -> Said:
    sql_shop(world, _1_users="")
    open_cache(world.cache).lock_path(load().key()).mkdir()
    return _strict(world)


@case(_C, "the cache cannot be written, and has no golden for these migrations")
def cache_frozen(world: World) -> Said:
    ready_shop(world)
    world.write("migrations/versions/0003_add_prices.py", 'revision, down_revision = "0003", "0002"\n')
    world.freeze(world.cache)
    with world.as_nobody():
        return _strict(world)


@case(_C, "the cache is deleted during a build")
def cache_deleted(world: World) -> Said:
    world.function(f"import shutil\nshutil.rmtree({str(world.cache)!r})")
    return _strict(world)


@case(_C, "the disk of the cache is full")
def cache_full(world: World) -> Said:
    # SQLite itself says so, of a limit that is easier to bring about than a full disk.
    limit = "connection = sqlite3.connect(path)\nconnection.execute('pragma max_page_count = 1')\n"
    world.function(f"{limit}connection.execute('create table users (id)')")
    return _strict(world)


@case(_C, "a golden is removed while it is published")
def golden_removed(world: World) -> Said:
    world.function(_FILLS)
    replace = os.replace

    def replace_and_remove(old: str, new: str | Path) -> None:
        replace(old, new)
        if "manifests" in str(new):
            for golden in world.cache.glob("v1/goldens/*"):
                golden.unlink()

    world.patch.setattr(os, "replace", replace_and_remove)
    return _strict(world)


@case(_C, "neither the cache nor a temporary folder can be written")
def nowhere_to_build(world: World) -> Said:
    world.function(_FILLS)
    world.cache.parent.mkdir()
    world.cache.touch()
    # Python would look into /tmp, /var/tmp and the working directory as well.
    world.patch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(world.tmp / "gone")])
    return world.error(load().golden)


@case(_C, "another process holds the lock for too long")
def lock_held(world: World) -> Said:
    alembic_shop(world)
    template = load().with_settings(strict=True, lock_timeout="0.01s")
    path = open_cache(world.cache).lock_path(template.key())
    with lock.hold(path, timeout_s=1):
        return world.error(template.golden)


@case(_C, "a hit is required, and the project never had a golden")
def required_first(world: World) -> Said:
    alembic_shop(world)
    return world.error(lambda: load().golden(Wishes(require_hit=True)))


@case(_C, "a hit is required, and a migration was added")
def required_changed(world: World) -> Said:
    ready_shop(world)
    world.write("migrations/versions/0003_add_prices.py", 'revision, down_revision = "0003", "0002"\n')
    return world.error(lambda: load().golden(Wishes(require_hit=True)))


@case(_C, "other users cannot get to a cache that is to be shared")
def share_closed(world: World) -> Said:
    ready_shop(world)
    world.shop.parent.chmod(0o700)
    return world.command("build", "--shared")


@case(_C, "the golden could not be kept")
def golden_not_kept(world: World) -> Said:
    world.function(_FILLS)
    world.cache.mkdir(parents=True)
    world.cache.chmod(0o777)
    return world.command("build")


@case(_C, "a cache that cannot be written is pruned")
def prune_frozen(world: World) -> Said:
    ready_shop(world)
    world.freeze(world.cache)
    with world.as_nobody():
        return world.command("prune")


@case(_C, "something cannot be pruned")
def prune_left(world: World) -> Said:
    golden = ready_shop(world)
    goldens = golden.parent
    world.freeze(goldens)
    for path in (world.cache, *world.cache.rglob("*")):
        if not path.is_relative_to(goldens):
            _give(path)
    with world.as_nobody():
        return world.command("prune", "--all")


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@case(_C, "the current golden is to stay, and there is none")
def prune_ci_none(world: World) -> Said:
    alembic_shop(world)
    return world.command("prune", "--ci")


@case(_C, "a golden is asked for from within a build")
def within_build(world: World) -> Said:
    world.set(TEMPLATEDB_BUILDING="templatedb1-" + "3f9c2a1b" * 8)
    return world.error(Template(Function("templatedb_build:migrate"), root=world.shop).golden)
