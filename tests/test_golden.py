"""One build for everybody, right answers whatever happens to locks, disks and processes."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from projects import alembic_project, builds_in, revision, run, tables, write
from templatedb import (
    BuildError,
    CacheError,
    Function,
    LockTimeoutError,
    MissError,
    Template,
    load,
    lock,
)
from templatedb.plan import Wishes
from templatedb.records import Outcome

COUNTING = """
import os, time
with open('builds.txt', 'a') as opened:
    opened.write('build\\n')
time.sleep(0.3)
op.create_table('t1', sa.Column('id', sa.Integer))
"""


def counted(project):
    path = project / "builds.txt"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_first_builds_and_the_second_hits(project, cache):
    """Outcomes, counted in the cache and in the build."""
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING)})
    outcomes = []
    for _ in range(3):
        with load().golden() as golden:
            outcomes.append(golden.outcome)
    assert (outcomes, builds_in(cache), counted(project)) == ([Outcome.BUILT, Outcome.HIT, Outcome.HIT], 1, 1)


def test_the_golden_is_read_only_and_named_by_its_digest(project, cache):
    """Content-addressed: 0400, never rewritten."""
    import hashlib

    alembic_project(project)
    with load().golden() as golden:
        assert golden.path == cache / "v1/goldens" / f"{golden.manifest.digest}.sqlite"
        assert golden.path.stat().st_mode & 0o777 == 0o400
        assert hashlib.sha256(golden.path.read_bytes()).hexdigest() == golden.manifest.digest
        assert golden.path.stat().st_size == golden.manifest.size_bytes


@pytest.fixture
def settle(monkeypatch):
    """Return what lets the clock that stamps are compared with run ahead: two seconds are long for a test."""
    return lambda: monkeypatch.setattr(time, "time_ns", lambda now=time.time_ns: now() + 10_000_000_000)


@pytest.fixture
def reads_of_goldens(monkeypatch):
    """Count how often a golden is read for its digest."""
    from templatedb import cache

    counted = []
    original = cache.digest_of
    monkeypatch.setattr(cache, "digest_of", lambda descriptor: counted.append(descriptor) or original(descriptor))
    return counted


def outcome():
    with load().golden() as golden, golden.clone() as clone:
        assert "t2" in tables(clone.path)
        return golden.outcome


def test_a_golden_is_read_for_its_digest_once_until_its_stamp_changes(project, settle, reads_of_goldens):
    """A large one would take longer to read than to clone."""
    alembic_project(project)
    load().golden().close()
    reads_of_goldens.clear()
    settle()
    assert [outcome() for _ in range(3)] == [Outcome.HIT] * 3
    assert len(reads_of_goldens) == 1
    with load().golden() as golden:
        path = golden.path
    path.chmod(0o600)
    assert (outcome(), len(reads_of_goldens)) == (Outcome.HIT, 2)


def test_a_young_golden_is_read_at_every_look(project, reads_of_goldens):
    """An edit could fall into the same tick of the filesystem's clock."""
    alembic_project(project)
    load().golden().close()
    reads_of_goldens.clear()
    assert [outcome() for _ in range(2)] == [Outcome.HIT] * 2
    assert len(reads_of_goldens) == 2


@pytest.mark.parametrize("way", ["written to", "replaced"])
def test_a_remembered_golden_that_is_damaged_with_its_time_put_back_is_seen(project, settle, way):
    """Same name, size and time of modification: the change time and the inode tell."""
    alembic_project(project)
    load().golden().close()
    settle()
    assert outcome() is Outcome.HIT
    with load().golden() as golden:
        path = golden.path
    times, data = path.stat(), bytearray(path.read_bytes())
    data[100:200] = bytes(100)
    target = path if way == "written to" else path.with_suffix(".new")
    if target.exists():
        target.chmod(0o600)
    target.write_bytes(data)
    target.chmod(0o400)
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    target.replace(path)
    assert outcome() is Outcome.BUILT


def test_a_warm_look_stats_each_input_once_and_reads_none(project, settle, monkeypatch):
    """One pass over the files that decide, in one listing of each folder that holds them."""
    alembic_project(project, revisions=30)
    load().golden().close()
    settle()
    load().golden().close()
    seen = {name: [] for name in ("stat", "scandir", "listdir", "open")}
    for name, paths in seen.items():
        original = getattr(os, name)

        def spy(path, *arguments, original=original, paths=paths, **options):
            paths.append(str(path))
            return original(path, *arguments, **options)

        monkeypatch.setattr(os, name, spy)
    with load().golden() as golden:
        assert golden.outcome is Outcome.HIT
    monkeypatch.undo()
    scripts = str(project / "scripts")
    below = {name: sorted(path for path in paths if path.startswith(scripts)) for name, paths in seen.items()}
    files = [f"{scripts}/env.py", *(f"{scripts}/versions/r{number}.py" for number in range(1, 31))]
    assert [path for path in below["stat"] if path.endswith(".py")] == sorted(files)
    assert (below["scandir"], below["listdir"], below["open"]) == ([scripts, f"{scripts}/versions"], [], [])


def test_threads_that_ask_at_once_share_one_build(project, cache):
    """Eight threads, one golden."""
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING)})
    found = []

    def ask():
        with load().golden() as golden:
            found.append((golden.key, golden.manifest.digest))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), counted(project)) == (8, 1, 1)


def test_processes_that_ask_at_once_share_one_build(project, cache):
    """Eight commands, cold."""
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING)})
    commands = [
        subprocess.Popen([sys.executable, "-m", "templatedb", "build"], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    lines = [command.communicate()[0] for command in commands]
    assert (counted(project), builds_in(cache)) == (1, 1)
    assert sum(" built in " in line and "another process" not in line for line in lines) == 1


WAITED = """
import sys
from templatedb import golden, load

look = golden.look
golden.look = lambda *words: setattr(golden, "look", look)  # the first look is too early
found = load().golden()
names = ("build.parent", "damaged", "private", "prune", "publish", "spoilt", "verify")
print(found.outcome, [name for name in names if f"templatedb.{name}" in sys.modules])
"""


def test_who_waited_for_a_colleagues_build_imports_nothing_that_builds(project, cache):
    """Seven of eight processes wait, and what they import takes the processor from the build."""
    alembic_project(project)
    load().golden().close()
    done = subprocess.run([sys.executable, "-c", WAITED], capture_output=True, text=True, check=True)
    assert done.stdout == "waited []\n"


def test_with_a_lock_that_does_not_lock_there_are_more_builds_and_right_answers(project, cache, monkeypatch):
    """Publishing is content-addressed; a lock saves work only."""

    @contextlib.contextmanager
    def lying_lock(path, **options):
        yield False

    monkeypatch.setattr(lock, "hold", lying_lock)
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING)})
    found = []

    def ask():
        with load().golden() as golden, golden.clone() as clone:
            found.append(tables(clone.path))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"alembic_version", "t1"}] * 6
    assert counted(project) > 1


def test_rebuild_builds_once_for_everybody_of_one_moment(project, cache):
    """Workers of one run share the moment, so they share the build."""
    alembic_project(project)
    load().golden().close()
    moment = time.time()
    outcomes = []
    for _ in range(2):
        with load().golden(Wishes(not_before=moment)) as golden:
            outcomes.append(golden.outcome)
    assert (outcomes, builds_in(cache)) == ([Outcome.BUILT, Outcome.HIT], 2)


def test_a_required_hit_that_is_none_names_the_key(project, cache):
    """And builds nothing."""
    alembic_project(project)
    with pytest.raises(MissError) as caught:
        load().golden(Wishes(require_hit=True))
    assert str(caught.value) == (
        f"no golden for key {load().key()} in {cache}: this project had none there before\n"
        "Run templatedb build first, or restore the cache under this key; templatedb explain tells more."
    )
    assert builds_in(cache) == 0


def test_a_failed_build_is_tried_once_by_a_test_run(project):
    """The others of the run get the same report at once; another run tries again."""
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING + "\nraise ValueError('no')")})
    reports = []
    for name in ("run-1", "run-1", "run-2"):
        with pytest.raises(BuildError) as caught:
            load().golden(Wishes(run=name))
        reports.append(caught.value.report)
    assert counted(project) == 2
    assert reports[0] == reports[1]
    assert "ValueError: no" in reports[0]


def test_callers_that_wait_for_a_failing_build_do_not_repeat_it(project):
    """Eight threads, one try: no stampede of the same traceback."""
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING + "\nraise ValueError('no')")})
    failures = []

    def ask():
        try:
            load().golden()
        except BuildError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(failures), len(set(failures)), counted(project)) == (8, 1, 1)
    with pytest.raises(BuildError):
        load().golden()
    assert counted(project) == 2, "who asks later tries again"


def damage(path: Path, how: str):
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    if how == "one bit":
        data[len(data) // 2] ^= 1
    elif how == "cut by one byte":
        data = data[:-1]
    elif how == "empty":
        data = bytearray()
    elif how == "zeros":
        data = bytearray(len(data))
    path.write_bytes(data)
    if how == "removed":
        path.unlink()
    elif how == "a link":
        path.rename(path.with_suffix(".moved"))
        path.symlink_to(path.with_suffix(".moved"))


@pytest.mark.parametrize("how", ["one bit", "cut by one byte", "empty", "zeros", "removed", "a link"])
def test_a_damaged_golden_is_never_used(project, cache, how):
    """An empty file is a valid database to SQLite; the digest is the proof."""
    alembic_project(project)
    with load().golden() as golden:
        path, expected = golden.path, golden.clone().dump()
    damage(path, how)
    with load().golden() as golden, golden.clone() as clone:
        assert (golden.outcome, clone.dump()) == (Outcome.BUILT, expected)


@pytest.mark.parametrize("data", [b"", b"{}", b"\0" * 200])
def test_a_damaged_manifest_is_a_miss(project, cache, data):
    """Never an error: it is set aside with one line, and the next run finds nothing wrong."""
    alembic_project(project)
    load().golden().close()
    (manifest,) = cache.glob("v1/manifests/*/1.json")
    manifest.write_bytes(data)
    said: list[str] = []
    with load().golden(Wishes(notice=said.append)) as golden:
        aside = cache / f"v1/damaged/{manifest.parent.name}-1.1.json"
        assert (golden.outcome, said) == (
            Outcome.BUILT,
            [f"the manifest {manifest} was damaged and is now in {aside.parent}"],
        )
    assert aside.read_bytes() == data
    said.clear()
    with load().golden(Wishes(notice=said.append)) as golden:
        assert (golden.outcome, said) == (Outcome.HIT, [])


def test_a_damaged_golden_is_set_aside_with_one_line(project, cache):
    """The second time of the same one says that something is wrong with the machine."""
    alembic_project(project)
    with load().golden() as golden:
        path = golden.path
    for number, more in ((1, ""), (2, "; not for the first time: look for what writes into the cache, or at its disk")):
        damage(path, "one bit")
        said: list[str] = []
        with load().golden(Wishes(notice=said.append)) as golden:
            aside = cache / f"v1/damaged/{path.stem}.{number}.sqlite"
            assert (golden.outcome, golden.path, said) == (
                Outcome.BUILT,
                path,
                [f"the golden {path} was damaged and is now in {aside.parent}{more}"],
            )
        assert aside.exists()


@pytest.mark.parametrize("later", ["", "sleep 0.03; "], ids=["at once", "its database first"])
def test_a_cache_that_is_deleted_during_a_build_costs_a_private_one(project, cache, later):
    """It is not blamed on the migrations, whatever file goes first."""
    write(
        project / "factory.py",
        f"""import os, sqlite3, subprocess
def migrate(path):
    connection = sqlite3.connect(path)
    connection.execute("create table t1 (id integer)")
    connection.close()
    if path.startswith({str(cache)!r}):
        os.unlink(path)
        subprocess.Popen(["sh", "-c", {later + 'rm -rf "$1"'!r}, "sh", {str(cache)!r}], start_new_session=True)
""",
    )
    said: list[str] = []
    with Template(Function("factory:migrate")).golden(Wishes(notice=said.append)) as golden, golden.clone() as clone:
        assert "create table t1" in clone.dump().lower()
        assert golden.outcome is Outcome.PRIVATE
    assert said == [
        (
            f"building privately, this run pays for it alone: the cache {cache} was deleted during a build."
            " The next run builds the golden again."
        )
    ]


def test_a_full_disk_under_the_cache_costs_a_private_build(project, cache):
    """Not blamed on the user's migration, and nothing is left half done."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare to make a small filesystem of its own")
    insert = 'op.execute("insert into t1 values (hex(randomblob(100000)))")'
    body = "op.create_table('t1', sa.Column('x', sa.Text))\n" + insert
    alembic_project(project, revisions={"r1.py": revision(1, body)})
    cache.mkdir(mode=0o700)
    script = (
        f"mount -t tmpfs -o size=96k,mode=700 tmpfs '{cache}' || exit 77; {sys.executable} -m templatedb build;"
        f" find '{cache}' -name '*.sqlite*'"
    )
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no filesystem of one's own here: {done.stderr.strip()}")
    assert f"building privately, this run pays for it alone: the disk of the cache {cache} failed: " in done.stderr
    assert done.stderr.endswith("the golden could not be kept in the cache\nA line above says why.\n")
    assert ".sqlite" not in done.stdout


def broken_cache(cache: Path, how: str):
    if how == "a file in its place":
        cache.touch()
    elif how == "open to others":
        cache.mkdir()
        cache.chmod(0o777)
    elif how == "a file in the place of a folder":
        (cache / "v1").mkdir(parents=True)
        (cache / "v1/locks").touch()


BROKEN = ["a file in its place", "open to others", "a file in the place of a folder"]


@pytest.mark.parametrize("how", BROKEN)
def test_a_cache_that_cannot_be_used_costs_a_private_build_and_one_line(project, cache, how):
    """A cache problem never fails a test."""
    alembic_project(project)
    broken_cache(cache, how)
    lines = []
    with load().golden(Wishes(notice=lines.append)) as golden, golden.clone() as clone:
        assert golden.outcome is Outcome.PRIVATE
        assert "t2" in tables(clone.path)
    (line,) = lines
    assert line.startswith("building privately, this run pays for it alone: ")
    assert str(cache) in line


@pytest.mark.parametrize("how", BROKEN)
def test_strict_makes_a_cache_problem_an_error(project, cache, how):
    """For those who would rather know."""
    alembic_project(project)
    broken_cache(cache, how)
    with pytest.raises(CacheError):
        load().with_settings(strict=True).golden()


def test_a_lock_held_for_too_long_ends_in_a_private_build(project, cache):
    """No lock hangs; the line names the holder."""
    alembic_project(project)
    template = load().with_settings(lock_timeout="1.5s")
    lines = []
    path = cache / "v1/locks" / f"{template.key()}.lock"
    path.parent.mkdir(parents=True, mode=0o700)
    cache.chmod(0o700)
    (cache / "v1").chmod(0o700)
    with lock.hold(path, timeout_s=1), template.golden(Wishes(notice=lines.append)) as golden:
        assert golden.outcome is Outcome.PRIVATE
    waiting, private = lines
    assert waiting.startswith(f"waiting for process {os.getpid()} on ")
    assert private.startswith(f"building privately, this run pays for it alone: the lock {path} is still held after")
    with lock.hold(path, timeout_s=1), pytest.raises(LockTimeoutError):
        template.with_settings(strict=True).golden()


def test_inputs_edited_during_the_build_are_not_published(project, cache):
    """This run uses the result; nobody else gets it under the wrong key."""
    edit = "import pathlib\npathlib.Path('scripts/versions/r2.py').open('a').write('# edited')\n"
    body = edit + "op.create_table('t1', sa.Column('id', sa.Integer))"
    alembic_project(project, revisions={"r1.py": revision(1, body), "r2.py": revision(2)})
    lines = []
    with load().golden(Wishes(notice=lines.append)) as golden, golden.clone() as clone:
        assert golden.outcome is Outcome.PRIVATE
        assert "t1" in tables(clone.path)
    assert lines == ["scripts/versions/r2.py was edited during the build: its result is used by this run only"]
    assert builds_in(cache) == 0


def test_branches_a_b_a_build_twice(project, cache):
    """Going back to a branch is a hit."""
    alembic_project(project)
    outcomes = []
    for text in ("# a", "# b", "# a"):
        write(project / "scripts/versions/r2.py", revision(2) + text)
        with load().golden() as golden:
            outcomes.append(golden.outcome)
    assert outcomes == [Outcome.BUILT, Outcome.BUILT, Outcome.HIT]


FACTORY = """
from alembic import command
from alembic.config import Config


def migrate(path):
    config = Config()
    config.set_main_option("script_location", {location!r})
    config.set_main_option("sqlalchemy.url", f"sqlite:///{{path}}".replace("%", "%%"))
    command.upgrade(config, "heads")
"""


@pytest.mark.parametrize("place", ["project", "installed"])
def test_a_history_behind_an_application_factory_is_never_stale(project, tmp_path, monkeypatch, place):
    """A revision added, edited or removed where only the application knows it: the manifest knows it too."""
    home = project if place == "project" else tmp_path / "site"
    alembic_project(home / "shop")
    write(project / "factory.py", FACTORY.format(location=str(home / "shop/scripts")))
    monkeypatch.setattr(sys, "path", [*sys.path, str(home)])
    template = Template(Function("factory:migrate"))
    outcomes = []

    def ask():
        with template.golden() as golden:
            outcomes.append((str(golden.outcome), golden.manifest.revisions))

    ask()
    ask()
    write(home / "shop/scripts/versions/r3.py", revision(3))
    ask()
    ask()
    write(home / "shop/scripts/versions/r3.py", revision(3) + "# edited")
    ask()
    (home / "shop/scripts/versions/r3.py").unlink()
    ask()
    assert outcomes == [("built", 2), ("hit", 2), ("built", 3), ("hit", 3), ("built", 3), ("hit", 2)]


def test_processes_that_wait_for_a_failing_build_do_not_repeat_it(project):
    """Four commands at once, one try."""
    alembic_project(project, revisions={"r1.py": revision(1, COUNTING + "\ntime.sleep(1)\nraise ValueError('no')")})
    commands = [
        subprocess.Popen([sys.executable, "-m", "templatedb", "build"], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [command.communicate()[1] for command in commands]
    assert [command.returncode for command in commands] == [1] * 4
    assert all("ValueError: no" in one for one in said)
    assert counted(project) == 1


def test_a_warning_of_the_build_is_said_on_each_hit_too(project):
    """A hit equals a miss."""
    body = "op.execute('create table a (id integer primary key, b references a (id))')\nop.execute('insert into a values (1, 9)')"
    alembic_project(project, revisions={"r1.py": revision(1, body)})
    said = []
    for _ in range(2):
        load().golden(Wishes(notice=said.append)).close()
    line = (
        "the migrations or seeds left rows that break a foreign key:\n"
        "    table a, row 1 (rowid): b points to a row of a that does not exist\n"
        "    (SQLite checks only where PRAGMA foreign_keys = ON was run: correct the migrations or seeds, or set"
        ' foreign_keys = "off")'
    )
    assert said == [line] * 2


ORPHANS = """
create table parents (x, y, primary key (x, y));
create table "odd ""name" (id integer primary key, p, q, r references gone, foreign key (p, q) references parents);
create table plain (id text primary key, p references parents (x)) without rowid;
create unique index x on parents (x);
insert into "odd ""name" values (7, 1, 2, null), (8, null, null, 3), (9, 1, 2, 3), (10, 4, 5, null);
insert into plain values ('a', 9);
"""


def test_rows_that_break_a_foreign_key_are_named_and_the_rest_counted(project):
    """Three are enough to find the line that wrote them."""
    write(
        project / "factory.py",
        f"import sqlite3\n\ndef migrate(path):\n    sqlite3.connect(path).executescript({ORPHANS!r})",
    )
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "factory:migrate"\nforeign_keys = "error"\n')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "the migrations or seeds left rows that break a foreign key:\n"
        '    table odd "name, row 7 (rowid): (p, q) points to a row of parents that does not exist\n'
        '    table odd "name, row 8 (rowid): r points to the table gone, which does not exist\n'
        '    table odd "name, row 9 (rowid): (p, q) points to a row of parents that does not exist\n'
        "    and 3 more\n"
        "SQLite checks only where PRAGMA foreign_keys = ON was run: correct the migrations or seeds, or set"
        ' foreign_keys = "warn".'
    )


def test_a_row_without_a_rowid_is_named_by_its_table(project):
    """There is no number to tell."""
    text = "create table a (id text primary key, b references a) without rowid; insert into a values ('x', 'y');"
    write(
        project / "factory.py",
        f"import sqlite3\n\ndef migrate(path):\n    sqlite3.connect(path).executescript({text!r})",
    )
    with Template(Function("factory:migrate")).golden() as golden:
        (line,) = golden.manifest.warnings
    assert line.splitlines()[1] == "    table a: b points to a row of a that does not exist"


def test_deleting_the_whole_cache_under_an_open_golden_hurts_nobody(project, cache):
    """Its descriptor keeps the bytes."""
    alembic_project(project)
    with load().golden() as golden:
        shutil.rmtree(cache)
        for kind in ("file", "memory"):
            with golden.clone(kind) as clone:
                assert clone.connect().execute("select name from t2").fetchone() == ("row 2",)
    with load().golden() as golden:
        assert golden.outcome is Outcome.BUILT


POINTS = ["build_folder", "build_and_verify", "verify", "publish", "write_atomically", "sync_folder"]

KILLED = """
import os, signal, sys
import templatedb.cache, templatedb.files, templatedb.private, templatedb.publish, templatedb.verify
from templatedb import load

point, when = sys.argv[1:]
patched = [templatedb.private, templatedb.publish, templatedb.verify, templatedb.files, templatedb.cache.Cache]
for module in patched:
    if hasattr(module, point):
        original = getattr(module, point)

        def die(*arguments, original=original, **options):
            if when == "after":
                original(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(module, point, die)
load().golden()
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_step_the_next_run_is_right_without_cleaning(project, cache, point, when):
    """A miss or a whole golden, never something in between."""
    alembic_project(project)
    if point == "write_atomically":  # so that the first one is the manifest's, not the README's
        from templatedb.cache_trust import open_cache

        open_cache(cache)
    done = subprocess.run([sys.executable, "-c", KILLED, point, when], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    with load().golden() as golden, golden.clone() as clone:
        assert "t2" in tables(clone.path)
        assert golden.outcome in (Outcome.BUILT, Outcome.HIT)


def test_one_project_gives_the_same_database_through_every_door(project, cache, tmp_path, monkeypatch):
    """Library, command, pytest and a worker of it, from another working directory: key, schema and rows."""
    alembic_project(project)
    write(
        project / "test_it.py",
        """
        from pathlib import Path

        def test_it(clone, templatedb_golden, worker_id="main"):
            Path("found.txt").write_text(templatedb_golden.key + "\\n" + clone.dump())
        """,
    )
    found = []

    def take(text):
        key, _, dump = text.partition("\n")
        found.append((key, sorted(dump.splitlines())))

    def fresh(name):
        return {"TEMPLATEDB_CACHE_DIR": str(tmp_path / name)}

    with load().golden() as golden, golden.clone() as clone:
        take(f"{golden.key}\n{clone.dump()}")
    for name, words in {"alone": [], "worker": ["-n", "1"]}.items():
        done = run("pytest", "-q", "-p", "no:randomly", "-p", "no:asyncio", *words, cwd=project, **fresh(name))
        assert done.returncode == 0, done.stdout
        take((project / "found.txt").read_text())
    (project / "deep").mkdir()
    copy = tmp_path / "copy.sqlite"
    done = run("templatedb", "clone", str(copy), cwd=project / "deep", **fresh("command"))
    assert done.returncode == 0, done.stderr
    import sqlite3

    with contextlib.closing(sqlite3.connect(copy)) as connection:
        key = run("templatedb", "key", cwd=project / "deep").stdout.strip()
        take(key + "\n" + "\n".join(connection.iterdump()))
    monkeypatch.chdir("/")
    with load(project).golden(Wishes(not_before=time.time())) as golden:
        assert golden.outcome is Outcome.BUILT
        take(f"{golden.key}\n{golden.clone().dump()}")
    assert len(found) == 5
    assert all(one == found[0] for one in found)
