"""What the command refuses."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time

from gallery.case import COMMAND, Group, Said, case
from gallery.shops import alembic_shop, ready_shop, third
from gallery.world import World

_C = Group.COMMAND


@case(_C, "the file to write is there already")
def clone_there(world: World) -> Said:
    ready_shop(world)
    world.write("dev.sqlite")
    return world.command("clone", "dev.sqlite")


@case(_C, "the folder of the file to write is not there")
def clone_nowhere(world: World) -> Said:
    ready_shop(world)
    return world.command("clone", "data/dev.sqlite")


@case(_C, "there is no golden for the migrations as they are now")
def path_none(world: World) -> Said:
    ready_shop(world)
    world.write("migrations/versions/0003_add_prices.py", 'revision, down_revision = "0003", "0002"\n')
    return world.command("path")


@case(_C, "no test has failed")
def diff_none(world: World) -> Said:
    ready_shop(world)
    return world.command("diff")


@case(_C, "the file to compare is not there")
def diff_missing(world: World) -> Said:
    ready_shop(world)
    return world.command("diff", "dev.sqlite")


@case(_C, "the file to compare is no database")
def diff_no_database(world: World) -> Said:
    ready_shop(world)
    world.write("notes.txt", "This is no database.\n" * 100)
    return world.command("diff", "notes.txt")


@case(_C, "the file to compare is in a transaction")
def diff_locked(world: World) -> Said:
    ready_shop(world)
    world.run("clone", "dev.sqlite")
    connection = sqlite3.connect("dev.sqlite")
    connection.execute("begin exclusive")
    said = world.command("diff", "dev.sqlite")
    connection.close()
    return said


@case(_C, "the golden of a kept database is gone")
def diff_golden_gone(world: World) -> Said:
    golden = ready_shop(world)
    world.write("test_shop.py", "def test_orders(clone_path):\n    assert False\n")
    world.pytest()
    world.write("migrations/versions/0003_add_prices.py", 'revision, down_revision = "0003", "0002"\n')
    body = (world.shop / "migrations/versions/0002_create_orders.py").read_text()
    prices = body.replace('"0002"', '"0003"').replace('"0001"', '"0002"').replace('"orders"', '"prices"')
    world.write("migrations/versions/0003_add_prices.py", prices)
    golden.unlink()
    return world.command("diff")


@case(_C, "outputs for GitHub outside of GitHub Actions")
def github_outside(world: World) -> Said:
    alembic_shop(world)
    return world.command("key", "--github-output")


@case(
    _C,
    "a file cannot be written",
    nothing_to_do="These are the system's own words: what to do depends on them.",
)
def key_not_written(world: World) -> Said:
    alembic_shop(world)
    return world.command("key", "--write", "ci/.db-key")


def _status(world: World) -> Said:
    code, out, _ = world.run("status")
    assert code == 0
    return world.said(out.splitlines()[1], COMMAND)


@case(
    _C, "the cache is listed outside of a project", nothing_to_do="Nothing to do: the goldens in the cache are listed."
)
def status_outside(world: World) -> Said:
    return _status(world)


@case(_C, "the cache is listed in a project that cannot be built")
def status_unbuildable(world: World) -> Said:
    alembic_shop(world)
    world.settings('inputs = ["data/*.csv"]\n')
    return _status(world)


@case(_C, "an option has a wrong value")
def option_wrong(world: World) -> Said:
    said = world.command("prune", "--older-than", "7")
    return said._replace(text=said.text.splitlines()[-1])


@case(_C, "Ctrl-C during a build", nothing_to_do="Nothing to do: the next run begins anew.")
def interrupted(world: World) -> Said:
    third(world, "import time, pathlib\npathlib.Path('started').touch()\ntime.sleep(60)")
    command = [sys.executable, "-m", "templatedb", "build"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (world.shop / "started").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    return world.said(process.communicate(timeout=30)[1], COMMAND)


@case(_C, "a bug in templatedb")
def bug(world: World) -> Said:
    alembic_shop(world)
    world.patch.setattr("templatedb.cli.key.key_of", lambda inputs: 1 / 0)
    said = world.command("key")
    return said._replace(text="\n".join(["...", *said.text.splitlines()[-2:]]))
