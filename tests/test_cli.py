"""The command: output, exit codes, and help that teaches."""

import glob
import json
import os
import sqlite3

import pytest

from projects import alembic_project, builds_in, revision, write
from templatedb.cache import Cache
from templatedb.cache_trust import open_cache
from templatedb.cli import main
from templatedb.cli.ci import saved_pattern


@pytest.fixture
def small(project):
    return alembic_project(project)


def test_key_prints_the_key_and_nothing_else(small, capsys, cache):
    """Pasteable into anything; builds nothing."""
    assert main(["key"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("templatedb1-")
    assert (len(out), err, cache.exists()) == (len("templatedb1-") + 65, "", False)


def test_key_writes_a_file_only_when_it_differs(small, capsys, tmp_path):
    """For CI systems that checksum a file."""
    path = tmp_path / ".db-key"
    main(["key", "--write", str(path)])
    first = path.stat().st_mtime_ns
    main(["key", "--write", str(path)])
    assert path.read_text() == capsys.readouterr().out.splitlines()[0] + "\n"
    assert path.stat().st_mtime_ns == first


def test_key_and_build_write_the_outputs_of_a_github_step(small, capsys, tmp_path, monkeypatch, cache):
    """key= and path= to restore; save-key= and built= to save."""
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    main(["key", "--github-output"])
    key = capsys.readouterr().out.strip()
    assert outputs.read_text() == f"key={key}\npath={cache}/v1/[gm]*\n"
    for built in ("true", "false"):
        outputs.unlink()
        main(["build", "--github-output"])
        facts = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        save_key = facts.pop("save-key")
        assert facts == {"key": key, "path": f"{cache}/v1/[gm]*", "built": built}
        assert save_key.startswith(f"{key}-")
        assert len(save_key) == len(key) + 17


def test_what_ci_saves_leaves_out_locks_builds_and_failures(cache):
    """One pattern for actions/cache, the same before and after the folder is made."""
    before = saved_pattern(Cache(cache))
    opened = open_cache(cache)
    assert saved_pattern(opened) == before
    assert sorted(os.path.basename(path) for path in glob.glob(before)) == ["goldens", "manifests"]


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("plain", "plain"),
        ("a [b] c", "a [[]b] c"),
        ("st*r and q?", "st[*]r and q[?]"),
        ("back\\slash", "back\\\\slash"),
        ("gone/../beside", "beside"),
    ],
)
def test_wildcards_in_the_name_of_the_cache_are_no_wildcards_of_the_pattern(tmp_path, folder, pattern):
    """GitHub's cache action reads them as its @actions/glob does, and refuses a path with two dots in it."""
    assert saved_pattern(Cache(tmp_path / folder)) == f"{tmp_path}/{pattern}/v1/[gm]*"


def test_the_outputs_of_the_key_come_with_a_private_folder(small, tmp_path, monkeypatch, cache):
    """Unpacking would make it with the umask of the runner, and what others may write to is not trusted."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    before = os.umask(0o002)
    try:
        assert main(["key", "--github-output"]) == 0
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (cache, cache / "v1")] == [0o700, 0o700]


@pytest.mark.parametrize("verb", ["key", "build"])
def test_a_cache_that_would_write_another_output_is_refused(small, capsys, tmp_path, monkeypatch, verb):
    """A path with a line end could say that nothing was built, or name another key."""
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    folder = f"{tmp_path}/a\nbuilt=false"
    assert main([verb, "--github-output", "--cache-dir", folder]) == 1
    assert capsys.readouterr().err.endswith(
        f"templatedb: the output 'path' would have a line end in it: {folder + '/v1/[gm]*'!r}\n"
        "GitHub reads one output from each line. Set TEMPLATEDB_CACHE_DIR to a path without line ends.\n"
    )
    assert not outputs.exists()


def test_build_writes_the_save_key_into_a_file_only_when_it_differs(small, capsys, tmp_path, monkeypatch):
    """For CI systems that checksum a file: the same at a hit, another after another build, as GitHub gets it."""
    path, outputs = tmp_path / ".db-save", tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    assert main(["build", "--write", str(path), "--github-output"]) == 0
    first, written_at = path.read_text(), path.stat().st_mtime_ns
    assert f"\nsave-key={first}" in outputs.read_text()
    main(["build", "--write", str(path)])
    assert (path.read_text(), path.stat().st_mtime_ns) == (first, written_at)
    main(["build", "--write", str(path), "--rebuild"])
    assert path.read_text() != first
    assert path.read_text().rpartition("-")[0] == first.rpartition("-")[0]


def test_github_output_outside_of_github_says_what_to_use(small, capsys, monkeypatch):
    """One line and its remedy, exit code 1."""
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    assert main(["key", "--github-output"]) == 1
    assert capsys.readouterr().err == (
        "templatedb: --github-output needs the environment variable GITHUB_OUTPUT, which is not set\n"
        "It is set in a step of GitHub Actions; elsewhere use --write FILE.\n"
    )


def test_build_says_built_then_hit(small, capsys, cache):
    """And again built when told to."""
    said = []
    for words in ([], [], ["--rebuild"]):
        assert main(["build", *words]) == 0
        said.append(capsys.readouterr().out.split()[3])
    assert (said, builds_in(cache)) == (["built", "hit", "built"], 2)


def test_build_as_json_has_the_facts(small, capsys):
    """For programs."""
    assert main(["build", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {name: facts[name] for name in ("outcome", "revisions", "heads", "warnings")} == {
        "outcome": "built", "revisions": 2, "heads": ["r2"], "warnings": [],
    }  # fmt: skip


def test_a_required_hit_that_is_none_is_exit_code_1(small, capsys, cache):
    """Proof in CI that the cache works."""
    assert main(["build", "--require-hit"]) == 1
    assert capsys.readouterr().err.startswith("templatedb: no golden for key templatedb1-")
    assert builds_in(cache) == 0


def test_a_failing_migration_is_told_once_and_whole(project, capsys):
    """Revision, the user's traceback, captured output; exit code 1."""
    alembic_project(project, revisions={"r1.py": revision(1, "print('hello')\nraise ValueError('no')")})
    assert main(["build"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("templatedb: migration r1 (make t1) failed: ValueError: no\nNothing was published. Correct ")
    assert err.count("ValueError: no") == 2
    assert "--- output of the build ---\nhello" in err


def test_the_reason_of_a_build_is_told(small, capsys):
    """Which input changed, appeared or went since the last golden of this project."""
    said = []
    for change in (
        lambda: None,
        lambda: write(small / "scripts/versions/r3.py", revision(3)),
        lambda: write(small / "scripts/versions/r3.py", revision(3) + "# edited"),
        lambda: (small / "scripts/versions/r3.py").rename(small / "scripts/versions/z3.py"),
    ):
        change()
        main(["build"])
        said.append(capsys.readouterr().out.partition("(")[2].partition(", ")[0])
    assert said == [
        "2 revisions",
        "scripts/versions/r3.py added",
        "scripts/versions/r3.py changed",
        "scripts/versions/r3.py renamed to scripts/versions/z3.py",
    ]


def test_a_build_that_cannot_be_kept_is_exit_code_1(small, capsys, cache):
    """In CI the next step would build again."""
    cache.touch()
    assert main(["build"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("templatedb: building privately, this run pays for it alone: ")
    assert err.endswith("the golden could not be kept in the cache\nA line above says why.\n")


@pytest.mark.parametrize("words", [["key", "--write", "no/such/folder/key"], ["clone", "--force", "scripts"]])
def test_a_path_that_cannot_be_written_is_exit_code_1(small, capsys, words):
    """A mistake of the user's, not a bug."""
    assert main(words) == 1
    assert "bug" not in capsys.readouterr().err


def test_path_is_the_path_and_nothing_else(small, capsys, cache):
    """Exit code 1 when there is none."""
    assert main(["path"]) == 1
    main(["build"])
    capsys.readouterr()
    assert main(["path"]) == 0
    out = capsys.readouterr().out
    assert out.strip() == str(next(cache.glob("v1/goldens/*.sqlite")))


def test_clone_writes_a_writable_copy_and_refuses_to_overwrite(small, capsys, tmp_path):
    """With --force old side files go too: SQLite would replay them into the new file."""
    destination = tmp_path / "dev.sqlite"
    assert main(["clone", str(destination)]) == 0
    connection = sqlite3.connect(destination)
    connection.execute("delete from t1")
    connection.commit()
    connection.close()
    assert main(["clone", str(destination)]) == 1
    assert capsys.readouterr().err.endswith("is there already\nChoose another name, or use --force.\n")
    write(tmp_path / "dev.sqlite-wal", "old")
    assert main(["clone", "--force", str(destination)]) == 0
    connection = sqlite3.connect(destination)
    assert connection.execute("select name from t1").fetchall() == [("row 1",)]
    connection.close()
    assert not (tmp_path / "dev.sqlite-wal").exists()
    assert destination.stat().st_mode & 0o600 == 0o600


def test_clone_into_a_folder_that_is_missing_says_so(small, capsys, tmp_path):
    """Before anything is built."""
    assert main(["clone", str(tmp_path / "no/dev.sqlite")]) == 1
    assert capsys.readouterr().err == f"templatedb: there is no folder {tmp_path}/no\nMake it first.\n"


def test_status_marks_the_current_golden(small, capsys, cache):
    """Old ones are listed too."""
    main(["build"])
    write(small / "scripts/versions/r3.py", revision(3))
    main(["build"])
    capsys.readouterr()
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"cache: {cache}"
    assert lines[2].split() == [
        "golden",
        "revisions",
        "size",
        "age",
        "last",
        "used",
        "hits",
        "saved",
        "so",
        "far",
        "state",
    ]
    assert [line[:2] for line in lines[3:5]] == ["->", "  "]
    assert [line.removeprefix("->").split()[1] for line in lines[3:5]] == ["3", "2"]
    assert lines[3].endswith("current")
    assert lines[4].endswith("scripts/versions/r3.py added")
    assert lines[5] == "2 goldens, 45 kB of 2.0 GB, 0 hits"
    assert main(["status", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [(golden["current"], golden["state"], golden["reasons"]) for golden in facts["goldens"]] == [
        (True, "current", []),
        (False, "scripts/versions/r3.py added", ["scripts/versions/r3.py added"]),
    ]


def test_status_says_why_goldens_are_stale_and_which_other_projects_there_are(tmp_path, monkeypatch, capsys):
    """None is current: what to do; other projects have one line each."""
    for name in ("one", "two"):
        alembic_project(tmp_path / name, revisions={f"{name}{n}.py": revision(n) for n in (1, 2)})
        monkeypatch.chdir(tmp_path / name)
        main(["build"])
    write(tmp_path / "two/scripts/versions/two3.py", revision(3))
    capsys.readouterr()
    assert main(["status"]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[3].endswith("scripts/versions/two3.py added")
    assert lines[4] == (
        "no golden for the inputs as they are now: scripts/versions/two3.py added; run templatedb build, or pytest"
    )
    assert lines[5].split() == ["goldens", "size", "last", "used", "hits", "saved", "so", "far", "other", "project"]
    assert lines[6].split()[-1] == str(tmp_path / "one")


def test_status_tells_of_goldens_whose_file_is_gone_and_of_those_that_were_built_again(small, capsys, cache):
    """A manifest alone is no golden."""
    main(["build"])
    main(["build", "--rebuild"])
    capsys.readouterr()
    main(["status", "--json"])
    assert [one["state"] for one in json.loads(capsys.readouterr().out)["goldens"]] == ["current", "built again since"]
    for golden in cache.glob("v1/goldens/*"):
        golden.unlink()
    main(["status", "--json"])
    assert [one["state"] for one in json.loads(capsys.readouterr().out)["goldens"]] == ["its file is gone"] * 2


def test_the_last_line_of_status_counts_the_goldens_that_are_listed(tmp_path, monkeypatch, capsys):
    """Two keys may share a file, and a file may be gone: files are told apart from goldens then."""
    for name in ("billing", "shop", "stock"):
        folder = tmp_path / name
        monkeypatch.chdir(write(folder / "db/1.sql", f"create table {name} (x);\n").parents[1])
        write(folder / "templatedb.toml", 'sql = "db"\n')
        main(["build", "--json"])
        path = json.loads(capsys.readouterr().out)["path"]
    write(tmp_path / "stock/templatedb.toml", 'sql = "db"\nbuild_env = {A = "1"}\n')
    main(["build"])
    capsys.readouterr()
    main(["status"])
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.split()[-1].startswith(str(tmp_path))][-2:] == ["1", "1"]
    assert last.startswith("4 goldens in 3 files, 25 kB of 2.0 GB, ")
    os.unlink(path)
    main(["status"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("4 goldens in 2 files, 16 kB of 2.0 GB, ")


def test_status_tells_of_damaged_files(small, capsys, cache):
    """They are set aside when they are met, and stay to be looked at."""
    main(["build"])
    (golden,) = cache.glob("v1/goldens/*")
    golden.chmod(0o600)
    golden.write_bytes(b"no database")
    main(["build"])
    capsys.readouterr()
    assert main(["status"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == f"1 damaged file set aside in {cache}/v1/damaged, until a prune finds them old"
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["damaged"] == [f"{cache}/v1/damaged/{golden.stem}.1.sqlite"]


def test_status_outside_of_a_project_still_lists_the_cache(tmp_path, monkeypatch, capsys):
    """And says why no golden is marked."""
    monkeypatch.chdir(tmp_path)
    assert main(["status"]) == 0
    assert "no project here: no settings found from" in capsys.readouterr().out


def test_the_project_can_be_named(small, capsys, monkeypatch, tmp_path):
    """From anywhere."""
    main(["key"])
    here = capsys.readouterr().out
    monkeypatch.chdir("/")
    main(["key", "--project", str(small)])
    assert capsys.readouterr().out == here


@pytest.mark.parametrize("words", [[], ["bild"], ["key", "--writ"], ["clone"]])
def test_wrong_usage_is_exit_code_2(words, capsys):
    """With a line that says what is missing."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: templatedb" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["key", "--wrong"], ["key", "too", "much"], ["clone"], ["prune", "--max-size", "?"]])
def test_what_is_wrong_with_a_verb_is_told_with_the_usage_of_that_verb(words, capsys):
    """The options that it has are what is looked for."""
    with pytest.raises(SystemExit):
        main(words)
    usage, *_, said = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: templatedb {words[0]} [-h]")
    assert said.startswith(f"templatedb {words[0]}: error: ")


def test_a_bug_is_exit_code_3(small, capsys, monkeypatch):
    """The traceback, and that it is ours."""
    monkeypatch.setattr("templatedb.cli.key.key_of", lambda inputs: 1 / 0)
    assert main(["key"]) == 3
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert err.endswith("templatedb: this is a bug in templatedb; please report the lines above\n")


@pytest.mark.parametrize("verb", ["key", "build", "path", "status", "clone", "prune"])
def test_the_help_of_each_verb_teaches_by_example(verb, capsys):
    """What it does, its options, and lines to paste."""
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"examples:\n  templatedb {verb}" in out
    assert "--cache-dir DIR" in out


def test_help_and_version_of_the_command(capsys):
    """Exit codes are part of the help."""
    for words, part in ((["--help"], "exit codes:"), (["--version"], "templatedb ")):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 0
        assert part in capsys.readouterr().out


@pytest.mark.parametrize("words", [["status"], ["explain"], ["prune"], ["prune", "--dry-run"], ["key"]])
def test_who_only_looks_leaves_no_cache_behind(small, cache, capsys, words):
    """A folder that appears at a look is a surprise, and in an image a layer."""
    assert main(words) == 0
    assert (cache.exists(), capsys.readouterr().err) == (False, "")
