"""The table of changes, each row done for real: never stale, never built again for nothing, and the one true reason."""

import contextlib
import fnmatch
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import changes
from projects import canonical, run

SECOND_LOOK = """
import sys
from pathlib import Path
from templatedb.cli import main

{code}
project = sys.argv[1]
main(["explain", "--json", "--project", project])
print("---")
sys.exit(main(["build", "--json", "--project", project]))
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The project of the table, with packages beside it that the build can import."""
    folder = changes.make(tmp_path / "work" / "project")
    monkeypatch.setenv("PYTHONPATH", str(changes.site_packages(folder)))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "")
    return folder


def look(root, row):
    """Return what `explain` and then `build` say of the project in a process of its own."""
    variables = {**os.environ, "PYTHONPATH": str(changes.site_packages(root)), **row.variables}
    done = subprocess.run(
        [sys.executable, "-c", SECOND_LOOK.format(code=row.code), str(root)],
        cwd=root / row.folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    explained, built = done.stdout.split("---")
    return json.loads(explained), json.loads(built)


def dump(path):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        return canonical("\n".join(connection.iterdump()))


def built_first(root, row):
    row.before(root)
    if row.settings:
        path = root / "pyproject.toml"
        path.write_text(path.read_text().replace("[tool.templatedb]", f"[tool.templatedb]\n{row.settings}"))
    done = run("templatedb", "build", "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("row", changes.MUST_REBUILD, ids=lambda row: row.what)
def test_a_change_that_decides_builds_again_and_is_named(root, row):
    """Whatever the migrations read, import or are told."""
    first = built_first(root, row)
    row.do(root)
    explained, built = look(root, row)
    assert [
        fnmatch.fnmatchcase(*pair) for pair in zip(explained["reasons"], map(literal, row.reasons), strict=True)
    ] == [True] * len(row.reasons), explained["reasons"]
    assert (explained["hit"], built["outcome"]) == (False, "built")
    assert (built["digest"], built["built_at"]) != (first["digest"], first["built_at"])


def literal(pattern):
    """Let only the star be special."""
    return pattern.replace("[", "[[]")


@pytest.mark.parametrize("row", changes.MUST_HIT, ids=lambda row: row.what)
def test_a_change_that_decides_nothing_is_a_hit(root, row, tmp_path):
    """And the hit is right: a build without the cache gives the same schema and rows."""
    first = built_first(root, row)
    row.do(root)
    root = root if root.exists() else tmp_path / "elsewhere" / "project"
    explained, built = look(root, row)
    assert (explained["reasons"], explained["hit"], built["outcome"]) == ([], True, "hit")
    assert built["digest"] == first["digest"]
    fresh = run(
        "templatedb",
        "build",
        "--json",
        cwd=root,
        PYTHONPATH=str(changes.site_packages(root)),
        TEMPLATEDB_CACHE_DIR=str(tmp_path / "fresh"),
    )
    assert fresh.returncode == 0, fresh.stderr
    assert dump(json.loads(fresh.stdout)["path"]) == dump(built["path"])


def test_an_edit_in_disguise_runs_the_new_code(root):
    """Python itself would run the old byte code: size and time are the same."""
    row = next(row for row in changes.MUST_REBUILD if row.do is changes.edit_in_disguise)
    changes.compile_everything(root)
    built_first(root, row)
    row.do(root)
    _, built = look(root, row)
    with contextlib.closing(sqlite3.connect(f"file:{built['path']}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("select name from t2").fetchall() == [("ROW 2",)]


def test_the_naming_convention_really_changes_names(root):
    """Its value decides, whatever else is in the file."""
    names = []
    for old, new in (("uq_%", "uq_%"), ("uq_%", "unique_%")):
        changes.edit("app/conventions.py", old, new)(root)
        path = json.loads(run("templatedb", "build", "--json", cwd=root).stdout)["path"]
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            (sql,) = connection.execute("select sql from sqlite_master where name = 't3'").fetchone()
        names.append(sql.partition("CONSTRAINT ")[2].partition(" ")[0])
    assert names == ["uq_t3_code", "unique_t3_code"]


PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "invalidation.md"


def test_the_page_of_the_docs_shows_this_table():
    """Written by ``python tests/test_invalidation.py``."""
    assert PAGE.read_text() == with_table(PAGE.read_text())


def with_table(page):
    """Return the page with the rows of today."""
    begin, end = "<!-- table: tests/changes.py -->\n", "<!-- end of table -->"
    rows = ["| change | golden | `templatedb explain` says |", "|---|---|---|"]
    rows += [f"| {row.what} | built again | {'; '.join(map(shown, row.reasons))} |" for row in changes.MUST_REBUILD]
    rows += [f"| {row.what} | hit | |" for row in changes.MUST_HIT]
    return page.partition(begin)[0] + begin + "\n".join(rows) + "\n" + end + page.partition(end)[2]


def shown(reason):
    """Return a reason as code, with dots for a version that depends on what is installed."""
    return f"`{reason.replace('*', '...')}`"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
