"""What pytest shows of tests that cannot have their database, and its header and summary."""

from __future__ import annotations

import itertools

from gallery.case import PYTEST, Group, Said, case, scenario
from gallery.page import between
from gallery.shops import alembic_shop, ready_shop, third
from gallery.world import World
from templatedb import load, lock
from templatedb.cache_trust import open_cache

_P, _C = Group.PYTEST, Group.CLONES
_TEMPLATES = {
    "other": 'return Template(Alembic("alembic.ini"), revision="0001")',
    "wrong_type": 'return Alembic("alembic.ini")',
    "misspelt": 'return Template(Alembic("alembic.ini"), required_table=["users"])',
    "broken": "return Template(Broken())",
}
_OVERRIDE = """
import pytest
from templatedb import Alembic, Template


class Broken:
    kind = "function"

    def inputs(self, settings):
        raise ZeroDivisionError("division by zero")


@pytest.fixture(scope="session")
def templatedb_template():
    {body}


def test_it({fixture}):
    pass
"""
_SLIPS = """
import pytest


@pytest.mark.templatedb(clone="disk")
def test_marker(clone):
    pass


@pytest.mark.templatedb("memory")
def test_marker_by_place(clone):
    pass


@pytest.mark.templatedb(clone="memory")
def test_path(clone_path):
    pass


def test_async(clone_async_engine):
    pass
"""


@scenario
def _slips(world: World) -> list[str]:
    ready_shop(world)
    world.write("conftest.py", "import sys\n\nsys.modules['aiosqlite'] = None  # as if it were not installed\n")
    world.write("test_a.py", _SLIPS)
    world.write("test_z.py", "def test_session(clone_factory):\n    pass\n")
    for name, body in _TEMPLATES.items():
        fixture = "clone_factory" if name == "other" else "clone"
        world.write(f"test_{name}.py", _OVERRIDE.format(body=body, fixture=fixture))
    output = world.pytest("-q", "test_z.py", "test_a.py", *(f"test_{name}.py" for name in _TEMPLATES))
    return world.said(output, PYTEST).text.splitlines()


def _slip(part: str) -> Said:
    found = [line for line in _slips() if line.startswith("templatedb: ") and part in line]
    assert found, "\n".join(_slips())
    told = _slips()[_slips().index(found[0]) :]
    return Said("\n".join(itertools.takewhile(lambda line: not line.startswith(("-", "_", "=")), told)), PYTEST)


@case(_C, "the marker of a test names a kind of clone that there is not")
def marker_value(world: World) -> Said:
    return _slip("not 'disk'")


@case(_C, "the marker of a test has an argument without a name")
def marker_argument(world: World) -> Said:
    return _slip("not 'memory'")


@case(_C, "a test asks for the path of a clone in memory")
def marker_path(world: World) -> Said:
    return _slip("in memory has no path")


@case(_C, "a test asks for an async engine, and its driver is not installed")
def async_missing(world: World) -> Said:
    return _slip("clone_async_engine")


@case(_C, "the factory of clones is used under another template")
def factory_foreign(world: World) -> Said:
    return _slip("clone_factory lives")


@case(_P, "templatedb_template returns a migrator instead of a template")
def template_type(world: World) -> Said:
    return _slip("must return")


@case(_P, "a setting in templatedb_template is misspelt")
def template_misspelt(world: World) -> Said:
    return _slip("unknown setting")


@case(_P, "a bug in templatedb, or in a migrator of one's own")
def unforeseen(world: World) -> Said:
    lines = _slips()
    start = next(number for number, line in enumerate(lines) if line.startswith("an error that templatedb"))
    end = next(number for number in range(start, len(lines)) if lines[number].startswith("ZeroDivisionError"))
    return Said("\n".join([*lines[start : start + 3], "...", lines[end]]), PYTEST)


@case(_P, "two options contradict each other")
def options_contradict(world: World) -> Said:
    return world.line(world.pytest("--templatedb-rebuild", "--templatedb-require-hit"), "contradict")


_APPLICATION = """
import os
import sqlite3
import subprocess
import sys

import pytest

program = '''
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("begin immediate")
print("ready", flush=True)
sys.stdin.read()
'''


@pytest.mark.templatedb(clone="memory")
def test_memory(clone):
    pass


def test_process(clone):
    command = [sys.executable, "-c", program, clone.path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    sys.process = process


def test_after(clone):
    pass


def test_end():
    sys.process.communicate()
"""


@scenario
def _exporting(world: World) -> list[str]:
    ready_shop(world)
    world.settings('alembic = "alembic.ini"\nexport = {DATABASE_URL = "url"}\n')
    world.write("conftest.py", 'import os\n\nos.environ["DATABASE_URL"] = "sqlite:///dev.sqlite"\n')
    world.write("test_shop.py", _APPLICATION)
    return world.said(world.pytest("-q"), PYTEST).text.splitlines()


def _exported(part: str) -> Said:
    found = [line for line in _exporting() if part in line]
    assert found, "\n".join(_exporting())
    return Said(found[0], PYTEST)


@case(_C, "a test asks for a clone in memory, and the application has a file")
def export_memory(world: World) -> Said:
    return _exported("in memory is not what")


@case(_C, "the application's database is held by a process that a test left")
def export_held(world: World) -> Said:
    return _exported("cannot be restored")


@case(Group.NOTICES, "a conftest sets an exported variable itself")
def export_undone(world: World) -> Said:
    return _exported("had exported it")


@case(Group.NOTICES, "the settings with an export are below pytest's folder")
def export_unread(world: World) -> Said:
    ready_shop(world)
    world.write(
        "backend/pyproject.toml", '[tool.templatedb]\nalembic = "../alembic.ini"\nexport = {DATABASE_URL = "url"}\n'
    )
    override = "import pytest\nimport templatedb\n\n\n@pytest.fixture(scope='session')\ndef templatedb_template():\n"
    world.write("conftest.py", f"{override}    return templatedb.load('backend')\n")
    world.write("test_shop.py", "def test_orders(clone):\n    pass\n")
    return world.line(world.pytest("-q"), "the setting 'export'")


@case(_P, "an export is a URL of which the application can make no async engine")
def export_async(world: World) -> Said:
    world.settings('alembic = "alembic.ini"\nexport = {DATABASE_URL = "url"}\n')
    engine = 'create_async_engine(os.environ["DATABASE_URL"])'
    world.write("conftest.py", f"import os\n\nfrom sqlalchemy.ext.asyncio import create_async_engine\n\n{engine}\n")
    first, *_, error, hint = world.pytest().strip().splitlines()
    return world.said(f"{first}\n...\n{error}\n{hint}", PYTEST)


@case(_P, "an export is wrong")
def export_wrong(world: World) -> Said:
    world.settings('alembic = "alembic.ini"\nexport = {DATABASE_URL = "uri"}\n')
    return world.line(world.pytest(), "ERROR")


@case(_P, "an export, and the option for clones in memory")
def export_option(world: World) -> Said:
    world.settings('alembic = "alembic.ini"\nexport = {DATABASE_URL = "url"}\n')
    return world.line(world.pytest("--templatedb-clone=memory"), "ERROR")


@case(_P, "a migration fails: once in the summary, and in one line for each test")
def tests_without_database(world: World) -> Said:
    third(world, 'op.execute("insert into price (amount) values (3)")')
    world.write("test_shop.py", "def test_users(clone):\n    pass\n\n\ndef test_orders(clone):\n    pass\n")
    return world.said(between(world.pytest("-q"), "= ERRORS =", "= short test summary"), PYTEST)


@case(_P, "a hit is required, and there is none: once in the summary, and in one line for each test")
def required_hit(world: World) -> Said:
    alembic_shop(world)
    world.write("test_shop.py", "def test_users(clone):\n    pass\n")
    output = world.pytest("-q", "--templatedb-require-hit")
    return world.said(between(output, "= ERRORS =", "= short test summary"), PYTEST)


@case(_P, "another run holds the lock for too long, and the cache is left alone")
def run_beside(world: World) -> Said:
    alembic_shop(world)
    world.settings('alembic = "alembic.ini"\nlock_timeout = "0.01s"\n')
    world.write("test_shop.py", "def test_users(clone):\n    pass\n")
    with lock.hold(open_cache(world.cache).lock_path(load().key()), timeout_s=1, run="another"):
        output = world.pytest("-q")
    return world.said(between(output, "= templatedb", "1 passed"), PYTEST)


@case(_P, "a database of a failed test cannot be kept", nothing_to_do="What to do depends on what the system says.")
def not_kept(world: World) -> Said:
    ready_shop(world)
    world.write(".pytest_cache/d/templatedb", "a file")
    world.write("test_shop.py", "def test_users(clone):\n    assert False\n")
    return world.line(world.pytest("-q"), "could not be kept")


@case(
    _P, "what a failed test changed cannot be told", nothing_to_do="Nothing to do: the database is kept all the same."
)
def not_compared(world: World) -> Said:
    ready_shop(world)
    body = "    templatedb_golden.path.unlink()\n    assert False\n"
    world.write("test_shop.py", f"def test_users(clone, templatedb_golden):\n{body}")
    return world.line(world.pytest("-q"), "cannot be told")
