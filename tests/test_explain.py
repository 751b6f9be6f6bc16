"""`templatedb explain` and `verify`: what the key is made of, why a golden is none any more, what is not reproducible."""

import hashlib
import json
import re
import shutil
import sys

import pytest

from projects import PLAIN_ENV, alembic_project, revision, run, write
from templatedb import MissError, digests, load
from templatedb.cli import main
from templatedb.plan import Wishes
from templatedb.records import Outcome


@pytest.fixture
def small(project):
    """An Alembic project with a helper and a golden."""
    alembic_project(project, revisions={"r1.py": revision(1, extra="import helper"), "r2.py": revision(2)})
    write(project / "helper.py", "X = 1\n")
    load().golden().close()
    return project


def said(capsys, *words):
    """Run the command; return its exit code and what it printed."""
    code = main([*words])
    return code, capsys.readouterr().out


def test_a_hit_is_explained_as_one(small, capsys):
    """With what was compared."""
    assert said(capsys, "explain") == (
        0,
        (
            f"key: {load().key()}\nmade of 3 files, 12 settings, 5 versions (each: templatedb explain --all)\n"
            "golden: built 0 s ago; nothing changed, nor did 1 discovered input\n"
        ),
    )


def test_a_first_build_has_nothing_to_compare_with(project, capsys):
    """It says so."""
    alembic_project(project)
    assert said(capsys, "explain")[1].splitlines()[-1] == "golden: none yet of this project in this cache"


def test_every_reason_is_told_on_a_line_of_its_own(small, capsys):
    """The header has room for the first one only."""
    write(small / "helper.py", "X = 2\n")
    write(small / "scripts/versions/r3.py", revision(3))
    assert said(capsys, "explain")[1].splitlines()[2:] == [
        "golden: none for these inputs; since the one built 0 s ago:",
        "    scripts/versions/r3.py added",
        "    helper.py changed",
    ]
    assert said(capsys, "build")[1].partition("(")[2].startswith("scripts/versions/r3.py added and 1 more, 3 revisions")


def test_only_versions_are_told_to_be_only_versions(small, capsys, monkeypatch):
    """The migrations are the same: nobody needs to look at them."""
    monkeypatch.setattr("_sqlite3.sqlite_version", "9.9")
    assert said(capsys, "explain")[1].splitlines()[3:] == [
        f"    sqlite changed ({_sqlite_version()}, now 9.9)",
        "    only versions differ: the migrations are the same",
    ]


def _sqlite_version():
    import sqlite3

    return sqlite3.sqlite_version


def test_what_is_printed_is_what_was_hashed(small, capsys):
    """The key can be computed from the list."""
    facts = json.loads(said(capsys, "explain", "--all", "--json")[1])
    digest = hashlib.sha256()
    for piece in facts["inputs"]:
        for part in (piece["label"], piece["name"], piece["digest"]):
            digest.update(f"{len(part.encode())}:{part}".encode())
    assert f"templatedb1-{digest.hexdigest()}" == facts["key"] == load().key()
    assert facts["discovered"].keys() == {"file helper.py"}


def test_all_lists_each_input_with_its_hash(small, capsys):
    """Names, not values: there may be a password in a URL."""
    lines = said(capsys, "explain", "--all")[1].splitlines()[3:]
    text = (small / "scripts/versions/r1.py").read_bytes()
    assert f"file        {hashlib.sha256(text).hexdigest()} scripts/versions/r1.py" in lines
    assert not [line for line in lines if "app.db" in line]
    assert lines[-1] == f"file        {digests.of_bytes(b'X = 1' + bytes([10]))} helper.py"
    assert lines[-2] == "discovered by the build, compared one by one:"


def test_all_names_sql_files_as_other_lines_do(project, capsys):
    """By the path from the project, also where the settings stand in a folder below; JSON has the names hashed."""
    write(project / "app/db/0001.sql", "create table t (x);\n")
    write(project / "app/data.csv", "1\n")
    write(project / "app/templatedb.toml", 'sql = "db"\ninputs = ["data.csv"]\n')
    lines = said(capsys, "explain", "--all", "--project", "app")[1].splitlines()
    facts = json.loads(said(capsys, "explain", "--json", "--project", "app")[1])
    assert [line.split(" ")[-1] for line in lines if line.startswith("file")] == ["data.csv", "db/0001.sql"]
    named = [piece["name"] for piece in facts["inputs"] if piece["label"] == "file"]
    assert named == ["inputs/data.csv", "sql/0001.sql"]


def test_all_says_what_counts_of_a_module_with_a_naming_convention(project, capsys):
    """The kind that a manifest has is no word for people; JSON keeps it."""
    alembic_project(project, env=f"import models\n{PLAIN_ENV}".replace("connection=connection", CONFIGURED))
    write(
        project / "models.py",
        "import sqlalchemy as sa\n\nmetadata = sa.MetaData(naming_convention={'pk': 'pk_%(table_name)s'})\n",
    )
    load().golden().close()
    lines = said(capsys, "explain", "--all")[1].splitlines()
    assert lines[-1].startswith("naming      ")
    assert lines[-1].endswith(" models.py (only its naming convention counts)")
    facts = json.loads(said(capsys, "explain", "--json")[1])
    assert facts["discovered"].keys() == {"convention models.py"}


def test_models_that_are_set_are_told_by_that_name(small, capsys):
    """The setting 'drift', which counts with them only, was not touched."""
    table = "sa.Table('t1', metadata, sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(20)))"
    write(small / "models.py", f"import sqlalchemy as sa\n\nmetadata = sa.MetaData()\n{table}\n")
    write(small / "pyproject.toml", '[tool.templatedb]\nmodels = "models:metadata"\n')
    assert said(capsys, "explain")[1].splitlines()[3:] == ["    setting models changed"]
    load().golden().close()
    write(small / "pyproject.toml", '[tool.templatedb]\nmodels = "models:metadata"\ndrift = "off"\n')
    assert said(capsys, "explain")[1].splitlines()[3:] == ["    setting drift changed"]


def test_explain_imports_nothing_of_the_project_and_builds_nothing(small, cache):
    """It is asked for where things are broken."""
    write(small / "scripts/env.py", "raise SystemExit('imported')")
    before = sorted(path.name for path in cache.rglob("*.sqlite"))
    done = run("templatedb", "explain", cwd=small)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "    scripts/env.py changed"
    assert sorted(path.name for path in cache.rglob("*.sqlite")) == before


def test_a_required_hit_that_is_none_says_why(small, capsys):
    """In CI there is nobody to try things out."""
    write(small / "helper.py", "X = 2\n")
    with pytest.raises(MissError) as caught:
        load().golden(Wishes(require_hit=True))
    assert caught.value.reasons == ("helper.py changed",)
    assert caught.value.what.endswith(": helper.py changed")
    assert main(["build", "--require-hit"]) == 1
    assert ": helper.py changed\nRun templatedb build first" in capsys.readouterr().err


def test_a_run_that_requires_a_hit_says_why_it_has_none(small, suite):
    """Once, in the summary."""
    write(small / "helper.py", "X = 2\n")
    write(small / "test_it.py", "def test_it(clone): pass\n")
    done = run("pytest", "--templatedb-require-hit", "-p", "no:asyncio", cwd=small)
    assert done.returncode == 1
    assert done.stdout.count(": helper.py changed\n") == 1


def test_of_two_earlier_goldens_the_nearer_one_is_compared_with(small, capsys):
    """Coming back from a branch, its changes are no reason."""
    write(small / "scripts/versions/r3.py", revision(3))
    load().golden().close()
    (small / "scripts/versions/r3.py").unlink()
    write(small / "helper.py", "X = 2\n")
    assert said(capsys, "explain")[1].splitlines()[3:] == ["    helper.py changed"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "the file of the golden is gone"),
        (lambda path: (path.chmod(0o600), path.write_bytes(b"")), "the file of the golden is damaged"),
    ],
    ids=["gone", "damaged"],
)
def test_a_golden_whose_file_is_no_good_is_explained(small, capsys, spoil, reason):
    """Everything else is as it was."""
    with load().golden() as golden:
        path = golden.path
    spoil(path)
    assert said(capsys, "explain")[1].splitlines()[3:] == [f"    {reason}"]
    with load().golden() as golden:
        assert (golden.outcome, golden.reason) == (Outcome.BUILT, reason)


def test_a_golden_is_built_again_when_it_is_too_old(small, capsys, cache):
    """max_age: for seeds that store the time. One from the future has no known age."""
    write(small / "pyproject.toml", '[tool.templatedb]\nmax_age = "12h"\n')
    (path,) = cache.glob("v1/manifests/*/1.json")
    facts = json.loads(path.read_bytes())
    outcomes = []
    for age_s in (0, 11 * 3600, 13 * 3600, -3 * 3600):
        path.write_text(json.dumps({**facts, "built_at": facts["built_at"] - age_s}))
        outcomes.append(said(capsys, "explain")[1].splitlines()[3:])
    assert outcomes == [[], [], ["    older than max_age (12 h)"], ["    older than max_age (12 h)"]]
    with load().golden() as golden:
        assert (golden.outcome, golden.reason) == (Outcome.BUILT, "older than max_age (12 h)")


def test_all_workers_of_a_run_agree_on_an_age(small):
    """One moment counts for all of them: one build."""
    write(small / "pyproject.toml", '[tool.templatedb]\nmax_age = "1s"\n')
    body = "import time\n\ndef test_it(clone, tmp_path): time.sleep(0.2)\n"
    for number in range(4):
        write(small / f"test_{number}.py", body)
    done = run("pytest", "-n", "4", "-p", "no:asyncio", "-p", "no:randomly", cwd=small)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" built in ") <= 2  # once in the header, once in the summary


CONFIGURED = "connection=connection, target_metadata=models.metadata"
VERIFY_ENV = (
    """
import os, app
from pathlib import Path

os.path.exists(os.path.expanduser("~/.ssh/id_rsa"))
"""
    + PLAIN_ENV
)


@pytest.fixture
def unsure(project):
    """A project whose rows are not reproducible."""
    alembic_project(project, env=VERIFY_ENV, revisions=1)
    write(project / "app.py", "import models\n")
    write(project / "models.py", "X = 1\n")
    body = (
        "op.create_table('t2', sa.Column('id', sa.Integer, primary_key=True), sa.Column('at', sa.String), sa.Column('key', sa.String))\n"
        "op.execute(f\"insert into t2 (at, key) values ('{datetime.now().isoformat()}', '{uuid.uuid4()}')\")"
    )
    write(project / "scripts/versions/r2.py", revision(2, body, extra="from datetime import datetime\nimport uuid"))
    return project


def test_verify_names_what_is_not_reproducible(unsure, capsys):
    """Columns that differ, files that do not count, what was looked for in HOME; rows alone are no failure."""
    code, text = said(capsys, "verify")
    lines = text.splitlines()
    assert code == 0
    assert lines[1:3] == [
        "schema: the same in both builds",
        "rows: differ; tests see those of the golden until it is built again",
    ]
    assert lines[3].startswith("    t2: ")
    assert all(word in lines[3] for word in ("at (looks like a clock)", "key (looks like a random identifier)"))
    short = load().key().short
    assert re.fullmatch(rf"golden {short}: /.*/goldens/[0-9a-f]{{64}}\.sqlite", lines[0])
    assert lines[4:7] == [
        "read, but not tracked: app.py, models.py",
        "    which is right unless a migration's outcome depends on them: no edit of them leads to a",
        "    new golden; track = \"all\" counts the project's own, or name them in the setting 'inputs'",
    ]
    assert lines[-1] == "looked for in HOME, which is empty in a build: .ssh/id_rsa"


def test_verify_fails_when_the_schemas_differ(unsure, capsys):
    """A table whose name is made up differs each time."""
    body = "op.create_table(f't_{uuid.uuid4().hex}', sa.Column('id', sa.Integer))"
    write(unsure / "scripts/versions/r3.py", revision(3, body, extra="import uuid"))
    code, text = said(capsys, "verify")
    assert code == 1
    assert "schema: differs" in text
    facts = json.loads(said(capsys, "verify", "--json")[1])
    assert {one["kind"] for one in facts["schema"]} == {"table"}
    assert (facts["key"], facts["path"]) == (load().key(), text.partition(": ")[2].partition("\n")[0])
    assert (facts["untracked"], facts["home"]) == (["app.py", "models.py"], [".ssh/id_rsa"])


def test_verify_names_what_only_this_machine_has(project, capsys):
    """The same in both builds of one machine, and wrong on the next that gets the golden."""
    body = (
        "op.create_table('t2', sa.Column('id', sa.Integer, primary_key=True), sa.Column('value', sa.String))\n"
        "for value in (__file__, os.getcwd(), socket.gethostname(), 'data/export.csv'):\n"
        "        op.get_bind().execute(sa.text('insert into t2 (value) values (:value)'), {'value': value})"
    )
    revisions = {"r1.py": revision(1), "r2.py": revision(2, body, extra="import os, socket")}
    alembic_project(project, revisions=revisions)
    code, text = said(capsys, "verify")
    assert (code, text.splitlines()[1:]) == (
        0,
        [
            "schema: the same in both builds",
            "rows: the same in both builds",
            "true on this machine only:",
            "    t2.value holds the project's folder (2 rows)",
            "    t2.value holds the name of this machine (1 row)",
            "    a golden in a CI system's cache or in an image carries it to other machines: store what is the same there",
        ],
    )


def test_verify_names_what_a_build_does_besides_its_database(project, capsys):
    """A hit does not do it: files that it leaves, and programs that it starts."""
    extra = "import os, pathlib, subprocess, sys, tempfile"
    body = (
        "pathlib.Path('var/reports').mkdir(parents=True)\n"
        "pathlib.Path('var/reports/done.txt').write_text('done')\n"
        "pathlib.Path('log.txt').write_text('done')\n"
        "with tempfile.NamedTemporaryFile() as gone: gone.write(b'x')\n"
        "subprocess.run([sys.executable, '-c', ''], check=True)\n"
        "os.system('true')"
    )
    alembic_project(project, revisions={"r1.py": revision(1, body, extra=extra)})
    said(capsys, "build")
    (project / "log.txt").unlink()
    shutil.rmtree(project / "var")
    facts = json.loads(said(capsys, "verify", "--json")[1])
    assert (facts["written"], facts["programs"]) == (["log.txt", "var"], [sys.executable, "true"])


def test_verify_is_quiet_about_a_reproducible_project(project, capsys):
    """Two lines, and where the golden is."""
    alembic_project(project)
    code, text = said(capsys, "verify")
    assert (code, text.splitlines()[1:]) == (0, ["schema: the same in both builds", "rows: the same in both builds"])


def test_a_first_build_is_not_blamed_on_another_small_project(tmp_path, monkeypatch, capsys):
    """Both have the files that `alembic init` writes, and little else."""
    for name in ("shop", "library"):
        folder = alembic_project(
            tmp_path / name, revisions={f"{name}.py": revision(1, f"op.execute('create table {name} (x)')")}
        )
        monkeypatch.chdir(folder)
        with load().golden() as golden:
            assert (golden.outcome, golden.reason) == (Outcome.BUILT, "")


def test_another_checkout_of_the_project_is_compared_with(tmp_path, monkeypatch):
    """Its goldens are as good as one's own: most files are the same."""
    for name in ("first", "second"):
        folder = alembic_project(tmp_path / name, revisions=6)
        monkeypatch.chdir(folder)
        if name == "second":
            write(folder / "scripts/versions/r7.py", revision(7))
        with load().golden() as golden:
            assert golden.reason == ("" if name == "first" else "scripts/versions/r7.py added")
