"""``templatedb init``: the lines of pytest's own configuration, without which the first ``pytest`` cannot run."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from projects import alembic_project, revision, write
from templatedb.cli import main
from test_examples import needs

NOTES = "op.create_table('notes', sa.Column('text', sa.String, primary_key=True))"
APPLICATION = {
    "app/__init__.py": "",
    "app/db.py": """
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

        engine = create_async_engine("sqlite+aiosqlite:///app.db")

        async def get_db():
            async with AsyncSession(engine) as session:
                yield session
    """,
    "app/main.py": """
        from fastapi import Depends, FastAPI
        from sqlalchemy import text

        from app.db import get_db

        app = FastAPI()

        @app.get("/notes")
        async def notes(db=Depends(get_db)):
            return (await db.execute(text("select count(*) from notes"))).scalar()
    """,
}
TEST = """
    async def test_there_are_no_notes(client):
        assert (await client.get("/notes")).json() == 0
"""
MARKED = f"    import pytest\n    pytestmark = pytest.mark.asyncio\n{TEST}"
PATH = '# so that pytest finds app, which is not installed\npythonpath = ["."]\n'
AUTO = '# without this each asynchronous test needs @pytest.mark.asyncio\nasyncio_mode = "auto"\n'
IN_PYPROJECT = "[tool.pytest.ini_options]"


def sources(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        write(folder / name, textwrap.dedent(text).lstrip())


@pytest.fixture
def notes(project):
    """An asynchronous application of FastAPI in the project's folder, with a history and one test."""
    alembic_project(project, revisions={"r1.py": revision(1, NOTES)})
    sources(project, {**APPLICATION, "tests/test_notes.py": TEST, "pyproject.toml": "[project]\nname = 'app'\n"})
    return project


@pytest.fixture
def init(capsys):
    """Run ``templatedb init --json`` here and return what it says."""

    def init(*words: str) -> dict:
        assert main(["init", "--json", *words]) == 0
        return json.loads(capsys.readouterr().out)

    return init


def plain_pytest() -> subprocess.CompletedProcess[str]:
    """Run ``pytest`` here, as people type it: without the working folder on the import path."""
    command = [Path(sys.executable).with_name("pytest"), "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs("fastapi", "httpx")
def test_the_lines_that_are_shown_let_the_first_run_pass(notes, init):
    """Without them it ends at the import of the application; with the first alone, at a test that nothing awaits."""
    said = init()
    write(notes / said["conftest"]["path"], said["conftest"]["text"])
    assert said["pytest"] == {
        "path": "pyproject.toml",
        "section": IN_PYPROJECT,
        "text": f"{IN_PYPROJECT}\n{PATH}{AUTO}",
    }
    done = plain_pytest()
    assert (done.returncode, "No module named 'app'" in done.stdout + done.stderr) == (4, True), done.stdout
    pyproject = notes / "pyproject.toml"
    pyproject.write_text(f"[project]\nname = 'app'\n\n{IN_PYPROJECT}\n{PATH}")
    done = plain_pytest()
    assert (done.returncode, "async def functions are not natively supported" in done.stdout) == (1, True), done.stdout
    pyproject.write_text(f"[project]\nname = 'app'\n\n{said['pytest']['text']}")
    done = plain_pytest()
    assert done.returncode == 0, done.stdout + done.stderr
    assert init()["pytest"] is None


@needs("fastapi", "httpx")
@pytest.mark.parametrize(
    ("files", "is_shown"),
    [
        ({}, True),
        ({"tests/__init__.py": ""}, False),
        ({"conftest.py": ""}, False),
        ({"conftest.py": "", "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n"}, True),
        ({"conftest.py": "", "__init__.py": ""}, True),
        ({"tests/conftest.py": "import sys\nsys.path.insert(0, '.')\n"}, False),
        ({"pytest.ini": "[pytest]\npythonpath = tests/..\n"}, False),
    ],
    ids=["nothing", "a package of tests", "a conftest here", "importlib", "a package here", "by hand", "another spelling"],
)  # fmt: skip
def test_an_import_path_is_proposed_where_pytest_alone_has_none(notes, init, files, is_shown):
    """As pytest itself goes about it: the proposed conftest is imported or not."""
    sources(notes, {"tests/test_notes.py": MARKED, **files})
    said = init()
    assert (said["pytest"] is not None) == is_shown
    path = notes / said["conftest"]["path"]
    path.write_text((path.read_text() if path.is_file() else "") + said["conftest"]["text"])
    done = plain_pytest()
    assert ("No module named 'app'" in done.stdout + done.stderr) == is_shown, done.stdout + done.stderr
    assert done.returncode == (4 if is_shown else 0)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"pytest.ini": "[pytest]\naddopts = -q\n"},
            {
                "path": "pytest.ini",
                "section": "[pytest]",
                "text": "# so that pytest finds app, which is not installed\npythonpath = .\n"
                "# without this each asynchronous test needs @pytest.mark.asyncio\nasyncio_mode = auto\n",
            },
        ),
        (
            {"tox.ini": "[tox]\n[pytest]\npythonpath = lib\nasyncio_mode = strict\n"},
            {
                "path": "tox.ini",
                "section": "[pytest]",
                "text": "# so that pytest finds app, which is not installed; in place of the pythonpath that is there\n"
                "pythonpath = lib .\n",
            },
        ),
        (
            {"setup.cfg": "[tool:pytest]\naddopts = --asyncio-mode=auto\n"},
            {
                "path": "setup.cfg",
                "section": "[tool:pytest]",
                "text": "# so that pytest finds app, which is not installed\npythonpath = .\n",
            },
        ),
        (
            {"pyproject.toml": "[tool.pytest.ini_options]\nasyncio_mode = 'auto'\n", "tox.ini": "[pytest]\n"},
            {"path": "pyproject.toml", "section": IN_PYPROJECT, "text": PATH},
        ),
        (
            {"pyproject.toml": "[tool.pytest]\nasyncio_mode = 'auto'\n"},
            {"path": "pyproject.toml", "section": "[tool.pytest]", "text": PATH},
        ),
        ({"tests/test_notes.py": MARKED}, {"path": "pyproject.toml", "section": IN_PYPROJECT, "text": f"{IN_PYPROJECT}\n{PATH}"}),
    ],
    ids=["pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "native TOML", "marked tests"],
)  # fmt: skip
def test_the_lines_are_for_the_file_that_pytest_reads(notes, init, files, said):
    """In its way of writing; what is said there already is not said again."""
    sources(notes, files)
    assert init()["pytest"] == said


def test_without_any_configuration_a_new_file_is_named(notes, init):
    """A pyproject.toml would make a Python project of the folder."""
    (notes / "pyproject.toml").unlink()
    said = init()["pytest"]
    assert (said["path"], said["section"]) == ("pytest.ini", "[pytest]")
    assert said["text"].startswith("[pytest]\n# so that pytest finds app")


def test_the_configuration_above_gets_the_lines_where_pytest_reads_it(notes, init):
    """One of this folder's own would take its place."""
    (notes / "pyproject.toml").unlink()
    (notes / "service").mkdir()
    for name in ("app", "tests", "scripts", "alembic.ini"):
        (notes / name).rename(notes / "service" / name)
    write(notes / "pytest.ini", "[pytest]\nasyncio_mode = auto\n")
    assert init("--project", "service")["pytest"] == {
        "path": str(notes / "pytest.ini"),
        "section": "[pytest]",
        "text": "# so that pytest finds app, which is not installed\npythonpath = service\n",
    }


def test_an_installed_package_needs_no_import_path(notes, init, monkeypatch):
    """As after an editable installation; the working folder of python -m is none."""
    monkeypatch.setattr(sys, "path", [str(notes), *sys.path])
    assert PATH in init()["pytest"]["text"]
    monkeypatch.setattr(sys, "path", [*sys.path[1:], str(notes)])
    assert PATH not in init()["pytest"]["text"]


def test_a_fixture_whose_library_is_missing_says_so(notes, init, monkeypatch):
    """Until the project names it."""
    note = "the fixture needs pytest-asyncio, which is not installed here, nor named by the project."
    assert note not in init()["notes"]
    monkeypatch.setattr("templatedb.proposals.pytest_lines._is_installed", lambda name: name == "app")
    assert note in init()["notes"]
    write(notes / "pyproject.toml", "[dependency-groups]\ndev = ['pytest-asyncio']\n")
    assert note not in init()["notes"]


def test_a_fixture_of_a_test_module_that_hides_the_proposed_one_is_named(notes, init):
    """FastAPI's own documentation puts a ``client`` there: with it the tests would go on in the developer's file."""
    own = "import pytest\n\n@pytest.fixture\ndef client():\n    return None\n"
    write(notes / "tests/test_notes.py", own)
    line = "tests/test_notes.py:4: a fixture client of its own hides the one of conftest.py: take it out."
    assert line in init()["notes"]


def test_files_that_no_test_has_to_import_need_no_import_path(project, init):
    """SQL files, and scripts beside them."""
    write(project / "db/001.sql", "create table notes (text text);\n")
    write(project / "noxfile.py", "import nox\n")
    write(project / "tests/test_it.py", "def test_it(clone): pass\n")
    assert init()["pytest"] is None


def test_people_see_the_lines_and_the_file_that_they_belong_in(notes, capsys):
    """Nothing writes them."""
    before = (notes / "pyproject.toml").read_bytes()
    assert main(["init", "--yes"]) == 0
    out = capsys.readouterr().out
    shown = f"\nFor pyproject.toml, under {IN_PYPROJECT}, by your hand:\n\n{IN_PYPROJECT}\n{PATH}{AUTO}\n"
    assert shown in out
    assert "Next: add the lines to pyproject.toml, add the lines to tests/conftest.py, templatedb build" in out
    assert (notes / "pyproject.toml").read_bytes() == before
