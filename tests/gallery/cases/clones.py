"""Clones that cannot be made, or cannot do what is asked of them."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import NoReturn

from gallery.case import Group, Said, case
from gallery.shops import ready_shop
from gallery.world import World
from templatedb import Golden, load
from templatedb.place import Storage, temporary_folder
from templatedb.records import CloneKind
from templatedb.slots import Slot
from templatedb.slots.large import RewoundSlot
from templatedb.slots.reused import ReusedSlots
from templatedb.slots.worker import WorkerSlots

_C = Group.CLONES


def _golden(world: World) -> Golden:
    ready_shop(world)
    return load().golden()


def _slot(world: World, golden: Golden, storage: Storage, *, exported: Path | None = None) -> Slot:
    slots = WorkerSlots(storage, exported=exported)
    world.at_end(slots.close)
    return slots.of(
        golden.key, golden.image, CloneKind.FILE, large_bytes=8_000_000, for_application=exported is not None
    )


def _fails(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


@case(_C, "a clone is used after its block")
def clone_closed(world: World) -> Said:
    with _golden(world) as golden, golden.clone() as clone:
        pass
    return world.error(clone.connect)


@case(_C, "a golden is used after its block")
def golden_closed(world: World) -> Said:
    with _golden(world) as golden:
        pass
    return world.error(golden.clone)


@case(_C, "a clone in memory is asked for its path")
def memory_path(world: World) -> Said:
    with _golden(world) as golden, golden.clone("memory") as clone:
        return world.error(lambda: clone.path)


@case(_C, "a kind of clone that there is not")
def clone_kind(world: World) -> Said:
    with _golden(world) as golden:
        return world.error(lambda: golden.clone("disk"))


@case(_C, "there is no temporary folder for clones")
def clones_nowhere(world: World) -> Said:
    with _golden(world) as golden:
        world.patch.setattr("templatedb.place._shared", {})
        world.patch.setattr(tempfile, "tempdir", str(world.tmp / "gone"))
        return world.error(golden.clone)


@case(_C, "the folder for a clone is gone")
def clone_not_written(world: World) -> Said:
    with _golden(world) as golden:
        return world.error(lambda: golden.clone(folder=world.tmp / "gone"))


@case(_C, "the path of a clone is too long")
def clone_path_too_long(world: World) -> Said:
    with _golden(world) as golden:
        return world.error(lambda: golden.clone(folder=world.tmp / "x" / "/".join(["y" * 100] * 5)))


@case(_C, "somebody wrote into the golden itself")
def golden_changed(world: World) -> Said:
    with _golden(world) as golden:
        golden.path.chmod(0o600)
        connection = sqlite3.connect(golden.path)
        connection.execute("insert into users (email) values ('bob@example.org')")
        connection.commit()
        connection.close()
        return world.error(golden.clone)


@case(_C, "the disk of the golden fails")
def golden_unreadable(world: World) -> Said:
    with _golden(world) as golden:
        world.patch.setattr(os, "pread", lambda *_: _fails(errno.EIO))
        return world.error(lambda: golden.clone("memory"))


@case(_C, "there is no folder for the databases of tests")
def slots_nowhere(world: World) -> Said:
    with _golden(world) as golden:
        storage = Storage(lambda: temporary_folder("templatedb-clones-", world.tmp / "gone"), print, memory=None)
        return world.error(_slot(world, golden, storage).fill)


@case(_C, "the disk of the databases of tests is full")
def slots_full(world: World) -> Said:
    with _golden(world) as golden:
        slot = _slot(world, golden, Storage(lambda: world.tmp, print, memory=None))
        world.patch.setattr(os, "pwritev", lambda *_: _fails(errno.ENOSPC))
        return world.error(slot.fill)


@case(_C, "the application's database is asked for twice at once")
def exported_twice(world: World) -> Said:
    with _golden(world) as golden:
        storage = Storage(lambda: world.tmp, print, memory=None)
        slot = _slot(world, golden, storage, exported=world.tmp / "clone.sqlite")
        slot.fill("test_shop.py::test_orders")
        return world.error(slot.fill)


@case(_C, "something writes to the clone of a large golden")
def large_intruded(world: World) -> Said:
    with _golden(world) as golden:
        path = world.tmp / "clone.sqlite"
        slots = ReusedSlots(golden.image, lambda: RewoundSlot(path))
        world.at_end(slots.close)
        slots.empty(slots.fill("test_shop.py::test_orders"))
        write = os.pwrite

        def write_and_intrude(descriptor: int, data: bytes, offset: int) -> int:
            """Be the thread of an earlier test that connects the moment the new clone is there."""
            written = write(descriptor, data, offset)
            connection = sqlite3.connect(path, isolation_level=None)
            world.at_end(connection.close)
            connection.execute("create table if not exists intruder (id)")
            return written

        world.patch.setattr(os, "pwrite", write_and_intrude)
        path.unlink()
        return world.error(slots.fill)
