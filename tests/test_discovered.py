"""What a build read beyond its declared inputs is recorded, by the name that other checkouts have, and nothing else."""

import json
import os
import sqlite3
import subprocess
import sys
import textwrap

import pytest

import templatedb
from projects import PLAIN_ENV, alembic_project, builds_in, revision, run, write
from templatedb import Function, Metadata, Template, load
from templatedb.plan import Wishes
from templatedb.records import Outcome

TABLE = "op.create_table('t1', sa.Column('id', sa.Integer))\n"


def discovered(template=None):
    """Build and return what the manifest holds, names of folders decoded."""
    with (template or load()).golden() as golden:
        assert golden.outcome is Outcome.BUILT
        return set(golden.manifest.discovered)


def one_revision(body="", extra="", env=PLAIN_ENV):
    """A project of one revision with that body."""
    return {
        "env": env,
        "revisions": {"r1.py": revision(1, TABLE + textwrap.dedent(body), extra=textwrap.dedent(extra))},
    }


@pytest.mark.parametrize("name", [".venv", "venv"])
def test_a_virtual_environment_in_the_projects_folder_is_no_part_of_the_project(project, name):
    """Most are there. An edited model must not lead to a look through all that is installed."""
    import sysconfig
    import venv

    venv.create(project / name, with_pip=False)
    python = project / name / "bin/python"
    below = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    packages = project / name / below
    write(
        packages / "ours.pth",
        sysconfig.get_path("purelib") + "\n" + os.path.dirname(os.path.dirname(templatedb.__file__)) + "\n",
    )
    write(
        packages / "orders/__init__.py",
        "from sqlalchemy import MetaData\nfrom orders import names\nmetadata = MetaData()\n",
    )
    write(packages / "orders/names.py", "NAMES = {'pk': 'pk_%(table_name)s'}\n")
    write(
        packages / "orders/more.py",
        "from sqlalchemy import MetaData\nother = MetaData(naming_convention={'pk': 'x'})\n",
    )
    write(
        project / "models.py", "from orders import metadata\nmetadata.naming_convention = {'pk': 'pk_%(table_name)s'}\n"
    )
    env = PLAIN_ENV.replace("connection=connection", "connection=connection, target_metadata=metadata")
    alembic_project(project, env=f"from models import metadata\n{env}", revisions=2)

    def says(*words):
        done = subprocess.run(
            [python, "-m", "templatedb", *words], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    says("build")
    (_, *listed) = says("explain", "--all").split("discovered by the build")
    assert [line for line in listed[0].splitlines() if below in line and not line.startswith("searched")] == []
    assert "convention" in listed[0]
    write(
        project / "models.py",
        "from orders import metadata, more, names\nmetadata.naming_convention = {'pk': 'pk_%(table_name)s'}\n",
    )
    assert "golden: built" in says("explain")
    assert " hit" in says("build")


READS = {
    "open": ("open('data.txt').read()", {"file data.txt"}),
    "pathlib": ("import pathlib; pathlib.Path('data.txt').read_bytes()", {"file data.txt"}),
    "os.open": ("import os; os.close(os.open('data.txt', os.O_RDONLY))", {"file data.txt"}),
    "io.open_code": ("import io; io.open_code(os.path.abspath('data.txt')).close()", {"file data.txt"}),
    "exec of a file": ("exec(open('data.txt').read().replace('text', ''))", {"file data.txt"}),
    "run by path": ("import runpy; runpy.run_path('script.py')", {"file script.py"}),
    "loaded by path": (
        (
            "import importlib.util as u; s = u.spec_from_file_location('x', 'script.py'); m = u.module_from_spec(s);"
            " s.loader.exec_module(m)"
        ),
        {"file script.py"},
    ),
    "read and closed by a thread": (
        "import threading; t = threading.Thread(target=lambda: open('data.txt').read()); t.start(); t.join()",
        {"file data.txt"},
    ),
    "absent": ("try:\n    open('missing.txt')\nexcept OSError: pass", {"absent missing.txt"}),
    "exists": ("os.path.exists('data.txt'); os.path.exists('missing.txt')", {"present data.txt", "absent missing.txt"}),
    "is_dir of pathlib": ("import pathlib; pathlib.Path('missing').is_dir()", {"absent missing"}),
    "exists, then read": ("os.path.exists('data.txt') and open('data.txt').read()", {"file data.txt"}),
    "listdir": ("os.listdir('folder')", {"folder folder"}),
    "scandir": ("list(os.scandir('folder'))", {"folder folder"}),
    "walk": ("list(os.walk('folder'))", {"folder folder", "folder folder/deep"}),
    "iterdir": ("import pathlib; list(pathlib.Path('folder').iterdir())", {"folder folder"}),
    "glob": ("import glob; glob.glob('folder/*.txt')", {"glob folder/*.txt"}),
    "glob of pathlib": ("import pathlib; list(pathlib.Path('folder').glob('*.txt'))", {"glob folder/*.txt"}),
    "rglob": ("import pathlib; list(pathlib.Path('folder').rglob('*.txt'))", {"glob folder/**/*.txt"}),
    "written in the same run": ("open('made.txt', 'w').close(); open('made.txt').read()", set()),
    "gone after the run": ("open('made.txt', 'w').close(); open('made.txt').read(); os.remove('made.txt')", set()),
    "moved into place": (
        "open('made.tmp', 'w').close(); os.replace('made.tmp', 'made.txt'); open('made.txt').read()",
        set(),
    ),
    "temporary file": ("import tempfile; f = tempfile.NamedTemporaryFile(); open(f.name).read(); f.close()", set()),
    "of the system": ("open('/etc/passwd').read(); open(os.devnull).read()", set()),
    "of the standard library": ("import email.mime.text, this", set()),
    "in HOME": ("os.path.exists(os.path.expanduser('~/.netrc')); os.listdir(os.path.expanduser('~'))", set()),
    "file beside a temporary one": (
        "import tempfile; tempfile.NamedTemporaryFile(dir='folder').close(); open('folder/a.txt').read()",
        {"file folder/a.txt"},
    ),
    "file below the folder of a temporary one": (
        "import tempfile; tempfile.NamedTemporaryFile(dir='..').close(); open('data.txt').read()",
        {"file data.txt"},
    ),
    "a warning that shows source": ("import warnings, script; warnings.warn('x', stacklevel=1)", {"file script.py"}),
    "the settings of logging": ("import logging.config; logging.config.fileConfig('alembic.ini')", set()),
    "the revision itself": ("open(__file__).read()", set()),
    "the versions folder": ("os.listdir(os.path.dirname(__file__))", {"folder scripts/versions"}),
    "access": ("os.access('missing.txt', os.R_OK)", {"absent missing.txt"}),
    "folder of its own": (
        "os.mkdir('made'); import subprocess; subprocess.run(['touch', 'made/x'])\nopen('made/x').read(); os.listdir('made')",
        set(),
    ),
    "folder that was there": (
        "os.makedirs('folder', exist_ok=True); open('folder/a.txt').read()",
        {"file folder/a.txt"},
    ),
    "read and written": ("open('data.txt', 'r+').read()", {"file data.txt"}),
    "link to it": (
        "os.path.lexists('l') or os.symlink('data.txt', 'l')\nopen('l').read()",
        {"file data.txt"},
    ),
    "absent folder": ("try:\n    os.listdir('none')\nexcept OSError: pass", {"absent none"}),
    "opened folder": ("os.close(os.open('folder', os.O_RDONLY))", {"present folder"}),
    "optional module of a package": (
        "try:\n    from space import local\nexcept ImportError: pass",
        {"file space/__init__.py", "absent space/local.py", "absent space/local/__init__.py"},
    ),
    "glob upwards": ("import glob; glob.glob('folder/../*.txt')", {"glob *.txt"}),
    "socket": (
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind('sock'); s.close()\ntry:\n    open('sock')\nexcept OSError: pass",
        {"present sock"},
    ),
    "links that lead back": (
        (
            "import glob\n[os.symlink('..', f'folder/deep/up{n}') for n in range(3) if not os.path.lexists(f'folder/deep/up{n}')]\n"
            "import pathlib; list(pathlib.Path('folder').rglob('*.txt'))"
        ),
        {"glob folder/**/*.txt"},
    ),
    "to be new, and there": (
        "try:\n    open('data.txt', 'x')\nexcept FileExistsError: open('data.txt').read()",
        {"file data.txt"},
    ),
    "touched, then read": ("open('data.txt', 'a').close(); open('data.txt').read()", {"file data.txt"}),
    "added to": ("open('data.txt', 'a').write('x'); os.listdir('folder')", {"folder folder"}),
    "read, then written as it was": (
        "text = open('data.txt').read(); open('data.txt', 'w').write(text)",
        {"file data.txt"},
    ),
    "read, then replaced by the same": (
        "text = open('data.txt').read(); open('d', 'w').write(text); os.replace('d', 'data.txt')",
        {"file data.txt"},
    ),
    "in a folder that could not be removed": (
        "os.makedirs('folder/x/y'); os.removedirs('folder/x/y'); open('folder/a.txt').read()",
        {"file folder/a.txt"},
    ),
    "in a folder that is no file to remove": (
        "try:\n    os.remove('folder')\nexcept OSError: open('folder/a.txt').read()",
        {"file folder/a.txt"},
    ),
    "in a folder where no link could be put": (
        "try:\n    os.symlink('x', 'folder')\nexcept OSError: open('folder/a.txt').read()",
        {"file folder/a.txt"},
    ),
    "in a folder that nothing was moved to": (
        "try:\n    os.rename('none', 'folder')\nexcept OSError: open('folder/a.txt').read()",
        {"file folder/a.txt"},
    ),
    "through a link to its folder": (
        "os.path.lexists('l') or os.symlink('folder', 'l')\nopen('l/a.txt').read(); os.listdir('l')\nimport glob; glob.glob('l/*.txt')",
        {"file folder/a.txt", "folder folder", "glob folder/*.txt"},
    ),
    "absent in a folder of its own": (
        "os.makedirs('made', exist_ok=True); os.path.exists('made/x'); open('made/y', 'w').close()",
        {"absent made/x"},
    ),
    "line by line": ("import linecache; linecache.getline('data.txt', 1)", {"file data.txt"}),
}


@pytest.mark.parametrize(("body", "expected"), READS.values(), ids=READS)
def test_what_a_migration_looks_at_is_recorded(project, body, expected):
    """Each way of reading, and nothing that is not the project's."""
    alembic_project(project, **one_revision(body, extra="import os"))
    write(project / "alembic.ini", (project / "alembic.ini").read_text() + LOGGING)
    write(project / "data.txt", "text")
    write(project / "script.py", "X = 1\n")
    write(project / "folder/a.txt", "a")
    write(project / "folder/deep/b.txt", "b")
    write(project / "space/__init__.py", "")
    assert discovered() == expected
    with load().golden() as golden:
        assert golden.outcome is Outcome.HIT


POOL = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
with ThreadPoolExecutor() as pool:
    list(pool.map(Path.read_text, [Path("data.txt")]))
"""


@pytest.mark.parametrize(
    "project_of_one",
    [
        one_revision(env=POOL + PLAIN_ENV),
        one_revision(
            env="import asyncio\nfrom pathlib import Path\n"
            "async def load(): await asyncio.to_thread(Path('data.txt').read_text)\nasyncio.run(load())\n" + PLAIN_ENV
        ),
        one_revision(extra=POOL),
    ],
    ids=["env.py", "env.py, asyncio", "revision"],
)
def test_what_a_pool_reads_is_read_by_who_waits_for_it(project, project_of_one):
    """Its thread runs a function of Python only: no code of the project is around it."""
    alembic_project(project, **project_of_one)
    write(project / "data.txt", "text")
    assert discovered() == {"file data.txt"}


def test_rows_that_stand_in_the_log_of_a_read_database_only_build_again(project, cache):
    """Another program that has the database open in WAL mode writes there; an empty log that a reader left is none."""
    body = """
        import sqlite3
        reader = sqlite3.connect("file:reference.db?mode=ro", uri=True)
        reader.execute("select * from t").fetchall()
        reader.close()
    """
    alembic_project(project, **one_revision(body))
    writer = sqlite3.connect("reference.db")
    try:
        writer.execute("pragma journal_mode = wal")
        writer.execute("create table t (x)")
        writer.commit()
        writer.close()
        assert discovered() == {"file reference.db", "absent reference.db-wal"}
        with load().golden() as golden:
            assert golden.outcome is Outcome.HIT
        writer = sqlite3.connect("reference.db")
        writer.execute("insert into t values (1)")
        writer.commit()
        assert discovered() == {"file reference.db", "file reference.db-wal"}
    finally:
        writer.close()


LOGGING = (
    "\n[loggers]\nkeys = root\n[handlers]\nkeys =\n[formatters]\nkeys =\n[logger_root]\nlevel = WARN\nhandlers =\n"
)

IMPORTS = {
    "module": ("import helper", {"file helper.py", "file deep.py"}),
    "name of a module": ("from helper import X", {"file helper.py", "file deep.py"}),
    "module of a package": ("from package import inner", {"file package/__init__.py", "file package/inner.py"}),
    "module of a package, dotted": ("import package.inner", {"file package/__init__.py", "file package/inner.py"}),
    "relative import below": (
        "import package.outer",
        {f"file package/{name}.py" for name in ("__init__", "outer", "inner")},
    ),
    "namespace package": ("import space.inner", {"file space/inner.py"}),
    "by name": ("import importlib; importlib.import_module('helper')", {"file helper.py", "file deep.py"}),
    "inside of a function": ("def get():\n    import helper\nget()", {"file helper.py", "file deep.py"}),
    "for type checkers only": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import helper", set()),
    "optional and absent": (
        "try:\n    import absent\nexcept ImportError: pass",
        {"absent absent.py", "absent absent/__init__.py"},
    ),
    "with dots in its name": ("import runpy; runpy.run_path('a.b.py')", {"file a.b.py"}),
}


@pytest.mark.parametrize("first", [False, True], ids=["first here", "imported by env.py before"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm byte code"])
@pytest.mark.parametrize(("statement", "expected"), IMPORTS.values(), ids=IMPORTS)
def test_what_a_revision_imports_is_recorded(project, statement, expected, warm, first):
    """Also where env.py, which does not count, had imported it before."""
    before = "import everything\n" if first else ""
    alembic_project(project, **one_revision(extra=statement, env=before + PLAIN_ENV))
    write(project / "everything.py", "import helper, package.outer, space.inner\n")
    write(project / "helper.py", "from deep import X\n")
    write(project / "deep.py", "X = 1\n")
    write(project / "a.b.py", "X = 1\n")
    write(project / "package/__init__.py", "")
    write(project / "package/inner.py", "X = 1\n")
    write(project / "package/outer.py", "from . import inner\n")
    write(project / "space/inner.py", "X = 1\n")
    if warm:
        run("compileall", "-q", ".", cwd=project)
    assert discovered() == expected


def test_the_body_of_a_helper_reads_for_its_revision(project):
    """A module that env.py imported first, and that read a file then: the revision needs it too."""
    alembic_project(project, **one_revision(extra="import helper", env="import app\n" + PLAIN_ENV))
    write(project / "app.py", "import helper\nopen('apps.txt').read()\n")
    write(project / "helper.py", "TEXT = open('helpers.txt').read()\n")
    write(project / "apps.txt", "x")
    write(project / "helpers.txt", "x")
    assert discovered() == {"file helper.py", "file helpers.txt"}


def test_what_env_py_reads_itself_counts_but_not_what_it_imports(project):
    """A file that it opens decides, or that a module opens whose names it uses; what that module imports does not."""
    env = "import app, os\nopen('env.txt').read()\nos.listdir('folder')\napp.load()\n" + PLAIN_ENV
    alembic_project(project, **one_revision(env=env))
    write(project / "app.py", "import views\nopen('apps.txt').read()\n\ndef load():\n    open('loaded.txt').read()\n")
    write(project / "views.py", "")
    for name in ("env.txt", "apps.txt", "loaded.txt", "folder/a"):
        write(project / name, "x")
    assert discovered() == {"file env.txt", "file app.py", "file apps.txt", "file loaded.txt", "folder folder"}


def test_who_runs_the_migrations_counts(project):
    """A helper of env.py that configures and starts Alembic."""
    alembic_project(project, env="from driver import go\ngo()\n", revisions={"r1.py": revision(1, TABLE)})
    write(project / "driver.py", "import unrelated\n\ndef go():\n" + textwrap.indent(PLAIN_ENV, "    "))
    write(project / "unrelated.py", "")
    assert discovered() == {"file driver.py"}


@pytest.mark.parametrize("who", ["env.py", "an import of env.py"])
def test_code_that_writes_beside_the_revisions_counts_with_all_it_imports(project, who):
    """It decides the database as much as a revision does."""
    call = "\nimport app\napp.fill(engine)\n"
    alembic_project(project, **one_revision(env=PLAIN_ENV + call))
    write(
        project / "app.py",
        "import rows\nimport sqlalchemy\n\ndef fill(engine):\n    with engine.begin() as connection:\n"
        "        connection.execute(sqlalchemy.text('create table more (id)'))\n",
    )
    write(project / "rows.py", "ROWS = 1\n")
    assert discovered() == {"file app.py", "file rows.py"}


def test_setting_up_the_version_table_is_not_writing_beside_the_revisions(project):
    """Alembic does it, and so do env.py files that want longer identifiers."""
    wide = "connection.exec_driver_sql('create table if not exists alembic_version (version_num varchar(99))'); connection.commit()\n"
    env = "import app\n" + PLAIN_ENV.replace("    context.configure", f"    {wide}    context.configure", 1)
    alembic_project(project, **one_revision(env=env))
    write(project / "app.py", "")
    assert discovered() == set()


def test_all_keeps_everything_of_the_project(project):
    """track = "all"."""
    alembic_project(project, **one_revision(env="import app\n" + PLAIN_ENV))
    write(project / "app.py", "import views\nopen('apps.txt').read()\n")
    write(project / "views.py", "")
    write(project / "apps.txt", "x")
    write(project / "pyproject.toml", '[tool.templatedb]\ntrack = "all"\n')
    assert discovered() == {"file app.py", "file views.py", "file apps.txt"}


def test_a_function_counts_with_all_it_imports_and_reads(project):
    """It is the migration."""
    write(project / "factory.py", FILL)
    write(project / "schema/__init__.py", "")
    write(project / "schema/read.py", "def read():\n    return open('schema.sql').read()\n")
    write(project / "schema.sql", "create table t1 (id)")
    assert discovered(Template(Function("factory:migrate"))) == {
        "file schema/__init__.py",
        "file schema/read.py",
        "file schema.sql",
    }


FILL = """
import sqlite3
from schema.read import read

def migrate(path):
    connection = sqlite3.connect(path)
    connection.executescript(read())
    connection.close()
"""


def test_a_function_that_only_runs_alembic_counts_as_its_revisions_do(project):
    """An application factory imports the whole application: its views decide nothing."""
    alembic_project(
        project, env="import app\n" + PLAIN_ENV, revisions={"r1.py": revision(1, TABLE, extra="import helper")}
    )
    write(project / "app/__init__.py", "import app.views\n" + UPGRADE)
    write(project / "app/views.py", "")
    write(project / "helper.py", "")
    found = discovered(Template(Function("app:migrate")))
    assert found == {
        "file scripts/env.py",
        "file scripts/versions/r1.py",
        "file alembic.ini",
        "file helper.py",
        "folder scripts/versions",
    }


UPGRADE = """
def migrate(path):
    from alembic import command
    from alembic.config import Config

    config = Config("alembic.ini")
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    command.upgrade(config, "heads")
"""


def test_models_of_other_modules_count_for_metadata(project):
    """create_all makes what was imported."""
    write(project / "models/__init__.py", "from models.base import Base\nimport models.users\n")
    write(project / "models/base.py", "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n")
    write(
        project / "models/users.py",
        "from models.base import Base\nfrom sqlalchemy import Column, Integer\n"
        "class User(Base):\n    __tablename__ = 'users'\n    id = Column(Integer, primary_key=True)\n",
    )
    assert discovered(Template(Metadata("models:Base.metadata"))) == {"file models/base.py", "file models/users.py"}


@pytest.mark.parametrize("kind", ["folder on the path", "finder"])
def test_an_editable_install_counts_as_files_of_the_project(project, tmp_path, monkeypatch, kind):
    """Its version does not move when it is edited."""
    home = tmp_path / "library/src"
    write(home / "library/__init__.py", "X = 1\n")
    site = tmp_path / "site-packages"
    write(site / "library-1.0.dist-info/METADATA", "Name: library\nVersion: 1.0\n")
    write(site / "library-1.0.dist-info/direct_url.json", '{"url": "file:///x", "dir_info": {"editable": true}}')
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{home}")
    alembic_project(project, **one_revision(extra="import library"))
    path = home / "library/__init__.py"
    assert discovered() == {f"file {path}"}
    path.write_text("X = 2\n")
    assert discovered() == {f"file {path}"}


def test_a_module_that_no_distribution_installed_counts_by_its_content(project, tmp_path, monkeypatch):
    """Somebody put it there."""
    site = tmp_path / "site-packages"
    write(site / "loose.py", "X = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    alembic_project(project, **one_revision(extra="import loose"))
    assert discovered() == {f"file {site}/loose.py"}


def test_a_package_counts_with_the_packages_it_needs(project, tmp_path, monkeypatch):
    """By their versions."""
    site = tmp_path / "site-packages"
    for name, text in {"outer": "import inner", "inner": "", "other": ""}.items():
        write(site / f"{name}/__init__.py", text)
        write(site / f"{name}-1.0.dist-info/RECORD", f"{name}/__init__.py,,\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    alembic_project(project, **one_revision(extra="import outer", env="import other\n" + PLAIN_ENV))
    assert discovered() == {"version outer", "version inner"}


def test_names_in_the_same_repository_are_relative_and_others_are_not(project, tmp_path):
    """So that another checkout has the same, and another machine does not guess."""
    service = project / "service"
    alembic_project(
        service, **one_revision(f"open('../shared.txt').read(); open({str(tmp_path / 'far.txt')!r}).read()")
    )
    (project / ".git").mkdir()
    write(project / "shared.txt", "x")
    write(tmp_path / "far.txt", "x")
    assert discovered(load(service)) == {"file ../shared.txt", f"file {tmp_path}/far.txt"}


EDITS = {
    "helper": ("helper.py", "open('helper.py', 'a').write('# edited')", "import helper"),
    "data file": ("data.txt", "open('data.txt').read(); subprocess.run(['sh', '-c', 'echo more >> data.txt'])", ""),
    "listed folder": ("folder", "os.listdir('folder'); subprocess.run(['touch', 'folder/new'])", ""),
    "globbed folder": ("folder/*", "import glob; glob.glob('folder/*'); subprocess.run(['touch', 'folder/new'])", ""),
}


@pytest.mark.parametrize(("name", "body", "extra"), EDITS.values(), ids=EDITS)
def test_an_input_that_is_edited_during_the_build_is_not_published(project, cache, name, body, extra):
    """This run uses the result, one line says so, and the next run builds again."""
    alembic_project(project, **one_revision(body, extra=f"import os, subprocess\n{extra}"))
    write(project / "data.txt", "text")
    write(project / "helper.py", "X = 1\n")
    write(project / "folder/a", "a")
    lines = []
    with load().golden(Wishes(notice=lines.append)) as golden:
        outcome = golden.outcome
    assert (outcome, builds_in(cache)) == (Outcome.PRIVATE, 0)
    assert lines == [f"{name} was edited during the build: its result is used by this run only"]


def test_a_declared_input_edited_and_put_back_is_not_published(project, cache):
    """The build may have read what it was in between."""
    edit = (
        "import pathlib, subprocess\n"
        "subprocess.run(['sh', '-c', 'cp scripts/versions/r2.py x; echo >> scripts/versions/r2.py; cat x > scripts/versions/r2.py'])"
    )
    alembic_project(project, revisions={"r1.py": revision(1, f"{TABLE}{edit}"), "r2.py": revision(2)})
    lines = []
    with load().golden(Wishes(notice=lines.append)) as golden:
        assert golden.outcome is Outcome.PRIVATE
    assert lines == ["scripts/versions/r2.py was edited during the build: its result is used by this run only"]


def test_an_entry_of_a_kind_from_the_future_is_a_miss(project, cache):
    """A newer release wrote it, and knows why."""
    alembic_project(project)
    load().golden().close()
    (path,) = cache.glob("v1/manifests/*/1.json")
    facts = json.loads(path.read_bytes())
    path.write_text(json.dumps({**facts, "discovered": {"smell kitchen": "toast"}}))
    with load().golden() as golden:
        assert golden.outcome is Outcome.BUILT


def test_shutil_still_removes_trees_in_its_safe_way(project):
    """It asks whether os.stat is among the functions that take a descriptor."""
    body = "import shutil; assert shutil.rmtree.avoids_symlink_attacks\nos.makedirs('a/b'); shutil.rmtree('a')"
    alembic_project(project, **one_revision(body, extra="import os"))
    assert discovered() == set()


def test_models_that_were_edited_are_parsed_once(project, cache):
    """For their naming convention; the manifest is brought up to date, and stays right."""
    env = "import app\n" + PLAIN_ENV.replace(
        "connection=connection", "connection=connection, target_metadata=app.metadata"
    )
    alembic_project(project, **one_revision(env=env))
    write(project / "app.py", "from sqlalchemy import MetaData\nmetadata = MetaData()\nX = 1\n")
    load().golden().close()
    (path,) = cache.glob("v1/manifests/*/*.json")
    records = [path.read_bytes()]
    for text in ("X = 2\n", "from other import Y\n"):
        write(project / "other.py", "Y = 1\n")
        write(project / "app.py", f"from sqlalchemy import MetaData\nmetadata = MetaData()\n{text}")
        with load().golden() as golden:
            assert golden.outcome is Outcome.HIT
        records.append(path.read_bytes())
        with load().golden() as golden:
            assert golden.outcome is Outcome.HIT
        assert path.read_bytes() == records[-1]
    assert [json.loads(record)["discovered"].keys() for record in records] == [
        {"convention app.py"},
        {"convention app.py"},
        {"convention app.py", "convention other.py"},
    ]
    write(
        project / "other.py",
        "Y = 1\nfrom app import metadata\nmetadata.naming_convention = {'pk': 'pk_%(table_name)s'}\n",
    )
    with load().golden() as golden:
        assert (golden.outcome, golden.reason) == (Outcome.BUILT, "the naming convention in other.py changed")


MODELS = "from app.base import Base\nfrom sqlalchemy import Column, Integer\n\nclass Row(Base):\n    __tablename__ = 'rows'\n    id = Column(Integer, primary_key=True)\n"


@pytest.mark.parametrize(
    "create",
    [
        "from app.base import Base\nBase.metadata.create_all(op.get_bind())",
        "from app.base import Base\nBase.metadata.tables['rows'].create(op.get_bind())",
        "op.get_context().opts['target_metadata'].create_all(op.get_bind())",
    ],
    ids=["all of a base", "one table", "all of target_metadata"],
)
def test_modules_that_define_the_tables_of_a_revision_count(project, create):
    """The revision imports the base at most; env.py imported the models."""
    env = "import app.rows, app.views\nfrom app.base import Base\n" + PLAIN_ENV.replace(
        "connection=connection", "connection=connection, target_metadata=Base.metadata"
    )
    alembic_project(project, env=env, revisions={"r1.py": revision(1, create)})
    write(project / "app/base.py", "from sqlalchemy.orm import declarative_base\nBase = declarative_base()\n")
    write(project / "app/rows.py", MODELS)
    write(project / "app/views.py", "X = 1\n")
    found = {label for label in discovered() if label.startswith("file ")}
    assert found == {"file app/base.py", "file app/rows.py"}


USES = {
    "constant": ("from settings import SCHEMA", "print(SCHEMA)", True),
    "module": ("import settings", "print(settings.SCHEMA)", True),
    "renamed": ("import settings as s", "s.SCHEMA", True),
    "function": ("from settings import get", "get()", True),
    "passed to configure": ("from settings import SCHEMA", "context.config.attributes['schema'] = SCHEMA", True),
    "never used": ("from settings import SCHEMA", "pass", False),
    "for target_metadata": ("from settings import Base", "target_metadata = Base.metadata", False),
    "metadata, by another name": (
        "from settings import Base",
        "metadata = Base.metadata; target_metadata = metadata",
        False,
    ),
    "metadata itself": ("from settings import metadata", "target_metadata = [metadata]", False),
    "as a keyword": ("from settings import metadata", "dict(target_metadata=metadata)", False),
}


def test_what_a_settings_module_reads_and_looks_for_counts(project):
    """Its values are those of a file and of an optional module of one's own: env.py passes them on."""
    alembic_project(project, **one_revision(env=f"from settings import SCHEMA\n{PLAIN_ENV}\nprint(SCHEMA)\n"))
    lines = "SCHEMA = open('schema.txt').read()\ntry:\n    from local import SCHEMA\nexcept ImportError:\n    pass\n"
    write(project / "settings.py", lines)
    write(project / "schema.txt", "main")
    absent = {"absent local.py", "absent local/__init__.py"}
    assert discovered() == {"file settings.py", "file schema.txt"} | absent


@pytest.mark.parametrize("name", [".tox", ".venv"])
def test_a_checkout_below_a_tools_folder_is_looked_at_like_any_other(tmp_path, monkeypatch, name):
    """tox and nox copy projects to such places: what a migration looked for there decides all the same."""
    folder = tmp_path / name / "checkout"
    alembic_project(folder, **one_revision("os.path.exists('flag.txt')", extra="import os"))
    write(folder / "pyproject.toml", '[tool.templatedb]\nalembic = "alembic.ini"\n')
    monkeypatch.chdir(folder)
    assert discovered() == {"absent flag.txt"}


@pytest.mark.parametrize(("statement", "use", "counts"), USES.values(), ids=USES)
def test_what_env_py_uses_counts_unless_it_is_for_target_metadata(project, statement, use, counts):
    """A constant that it passes on decides; models that it only compares with do not."""
    alembic_project(project, **one_revision(env=f"{statement}\n{PLAIN_ENV}\n{use}\n"))
    write(project / "settings.py", SETTINGS)
    assert discovered() == ({"file settings.py"} if counts else set())


SETTINGS = (
    "import unrelated\nfrom sqlalchemy.orm import declarative_base\nSCHEMA = 'main'\nBase = declarative_base()\n"
    "metadata = Base.metadata\n\ndef get():\n    return SCHEMA\n"
)


@pytest.fixture(autouse=True)
def unrelated(project):
    """A module that the settings import."""
    write(project / "unrelated.py", "")


def test_what_a_function_that_runs_alembic_uses_counts(project):
    """Not what the module around it uses."""
    alembic_project(project, revisions={"r1.py": revision(1, TABLE)})
    write(
        project / "app.py", "import views\nfrom settings import SCHEMA\n" + UPGRADE + "    print(SCHEMA)\n\nviews.X\n"
    )
    write(project / "views.py", "X = 1\n")
    write(project / "settings.py", SETTINGS)
    found = discovered(Template(Function("app:migrate")))
    assert {"file settings.py"} == {label for label in found if label in ("file settings.py", "file views.py")}


def test_a_model_that_is_gone_after_the_build_keeps_it_from_being_published(project, cache):
    """A branch was switched while it ran: what the model said of the naming convention is not known any more."""
    env = "import app\n" + PLAIN_ENV.replace(
        "connection=connection", "connection=connection, target_metadata=app.metadata"
    )
    alembic_project(project, **one_revision("import subprocess; subprocess.run(['rm', 'app.py'])", env=env))
    write(project / "app.py", "from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    lines = []
    with load().golden(Wishes(notice=lines.append)) as golden:
        assert (golden.outcome, builds_in(cache)) == (Outcome.PRIVATE, 0)
    assert lines == ["app.py was edited during the build: its result is used by this run only"]
