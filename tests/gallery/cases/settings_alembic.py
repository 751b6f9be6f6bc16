"""Alembic configurations that cannot be understood."""

from __future__ import annotations

import os
import subprocess
import sys

from gallery.case import COMMAND, Group, Said, case
from gallery.shops import alembic_shop
from gallery.world import World
from templatedb import Alembic, Template, load
from templatedb.migrators import versions

_S = Group.SETTINGS


def _old_alembic() -> str:
    is_new = versions.as_numbers(versions.installed("alembic")) >= (1, 16)
    return "" if is_new else "Alembic before 1.16 reads no pyproject.toml"


@case(_S, "there is no Alembic configuration at that path")
def ini_missing(world: World) -> Said:
    world.settings('alembic = "db/alembic.ini"\n')
    return world.error(lambda: load().key())


@case(_S, "the Alembic configuration names no folder of scripts")
def ini_without_location(world: World) -> Said:
    world.write("alembic.ini", "[alembic]\nsqlalchemy.url = sqlite:///shop.db\n")
    return world.error(lambda: load().key())


@case(_S, "the Alembic configuration is Flask-Migrate's")
def ini_of_flask(world: World) -> Said:
    world.write("migrations/alembic.ini", "[alembic]\n")
    world.write("migrations/env.py", "from flask import current_app\n")
    return world.error(Template(Alembic("migrations/alembic.ini")).key)


@case(_S, "a relative folder of scripts is there twice")
def ini_ambiguous(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "backend/alembic.ini"\n')
    world.write("backend/alembic.ini", "[alembic]\nscript_location = migrations\n")
    world.write("backend/migrations/env.py")
    return world.error(lambda: load().key())


@case(_S, "the Alembic configuration is no ini file")
def ini_unreadable(world: World) -> Said:
    world.write("alembic.ini", "script_location = migrations\n")
    return world.error(lambda: load().key())


@case(_S, "an option of the Alembic configuration has a stray percent sign")
def ini_percent(world: World) -> Said:
    world.write("alembic.ini", "[alembic]\nscript_location = 100%/migrations\n")
    return world.error(lambda: load().key())


@case(_S, "the Alembic configuration names a separator that there is not", cannot=_old_alembic)
def ini_separator(world: World) -> Said:
    alembic_shop(
        world,
        ini="script_location = %(here)s/migrations\npath_separator = comma\nversion_locations = a,b\n",
    )
    return world.error(lambda: load().key())


@case(_S, "an option in [tool.alembic] has a stray percent sign", cannot=_old_alembic)
def toml_percent(world: World) -> Said:
    world.write("pyproject.toml", '[tool.alembic]\nscript_location = "100%/migrations"\n')
    return world.error(lambda: load().key())


@case(_S, "the installed Alembic does not read pyproject.toml")
def toml_for_old_alembic(world: World) -> Said:
    world.settings('alembic = "pyproject.toml"\n')
    (world.tmp / "alembic-1.15.2.dist-info").mkdir()  # the first one on the import path is the installed one
    done = subprocess.run(
        [sys.executable, "-m", "templatedb", "key"],
        env={**os.environ, "PYTHONPATH": str(world.tmp)},
        capture_output=True,
        text=True,
        check=False,
    )
    return world.said(done.stderr, COMMAND)
