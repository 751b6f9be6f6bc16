"""The recipes for CI are run, on played machines with played caches."""

import shutil
import tempfile
from pathlib import Path

import pytest
import yaml

from ci_machines import Machine, Store
from ci_recipes import ACTION, BY_ACTION, CIRCLECI, DOCKERFILE, GITLAB, ONE_JOB, SHARDS, block_with
from ci_systems import GitLab, build_image, run_circleci, run_image
from projects import alembic_project, revision, write
from workflow import Expression, GitHub

VENDORED = ".github/actions/templatedb"


@pytest.fixture
def shop(tmp_path):
    """A project whose database shows which helper its migrations ran with, and whose tests would see an old one."""
    folder = tmp_path / "shop"
    insert = "op.execute(f\"insert into t1 (name) values ('{prices.NAME}')\")"
    alembic_project(folder, revisions={"r1.py": revision(1), "r2.py": revision(2, insert, extra="import prices")})
    write(folder / "prices.py", "NAME = 'euro'\n")
    write(folder / "pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['.']\n")
    write(folder / "requirements.txt", "pytest-templatedb\npytest-xdist\n")
    for name in ("accounts", "orders"):
        write(
            folder / f"tests/{name}/test_{name}.py",
            """
            import prices

            def test_it(clone_connection):
                names = [name for (name,) in clone_connection.execute("select name from t1")]
                assert names == ["row 1", prices.NAME]
            """,
        )
    (folder / VENDORED).mkdir(parents=True)
    shutil.copy(ACTION, folder / VENDORED)
    return folder


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "machine")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def open_machine():
    """A machine in a folder that every user can get to."""
    folder = Path(tempfile.mkdtemp(prefix="image-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield Machine(folder / "machine")
    for path in folder.rglob("*/"):  # a cache that was made read-only can be removed by root alone
        path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def image(open_machine, shop):
    """The image that the Dockerfile makes of the project."""
    open_machine.start()
    return build_image(DOCKERFILE, shop, open_machine.home / "image", open_machine)


def edit_a_migration(shop: Path) -> None:
    write(shop / "scripts/versions/r3.py", revision(3))


def edit_a_helper(shop: Path, name: str) -> None:
    """The key stays: that r2 imports it is known once it has run."""
    write(shop / "prices.py", f"NAME = {name!r}\n")


def key_of(name: str) -> str:
    return name.rpartition("-")[0]


def folders_in(store: Store, name: str) -> set[str]:
    """Return the folders of the cache that are packed under that name."""
    return {parts[parts.index("v1") + 1] for parts in (Path(path).parts for path in store.members(name))}


def dated(folder: Path) -> dict[Path, int]:
    """Return when each thing in *folder* was changed."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def workflow_with(action: str, **inputs: object) -> dict:
    """Return a workflow of one job, which does nothing but use the *action* and hand on all that it says."""
    outputs = {name: f"${{{{ steps.it.outputs.{name} }}}}" for name in ("key", "save-key", "hit", "built", "path")}
    steps = [{"uses": "actions/checkout@v5"}, {"id": "it", "uses": action, "with": inputs}]
    return {"jobs": {"job": {"outputs": outputs, "steps": steps}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'True' == 'true' && 'a' != 'b'", True),  # GitHub does not mind case
        ("'' || 'it''s'", "it's"),
        ("!inputs.save", False),  # the text 'false' is true
        ("(inputs.save == 'true' || false) && 'yes'", False),
    ],
)
def test_expressions_mean_what_they_mean_to_github(text, value):
    """Where the played one were wrong, so would be the tests below."""
    assert Expression(text, {"inputs": {"save": "false"}}).value() == value


def test_what_github_would_read_as_empty_is_an_error_here():
    """A misspelt output."""
    with pytest.raises(AssertionError, match="there is no 'save_key', only"):
        Expression("steps.build.outputs.save_key", {"steps": {"build": {"outputs": {"save-key": "x"}}}}).value()


@pytest.mark.parametrize("recipe", [ONE_JOB, workflow_with(f"./{VENDORED}")], ids=["one job", "action"])
def test_a_job_builds_once_and_then_hits_until_what_decides_the_database_changes(recipe, shop, machine, store):
    """Fresh machines, one store; an edited helper has the key of before, and is saved under another name."""
    github = GitHub(machine, store)

    def run() -> tuple[str, int]:
        (job,) = github.run(recipe, shop).values()
        assert job.passed, job.log
        return job.goldens[0], len(job.saved)

    cold, warm = ("built", 1), ("hit", 0)
    assert [run(), run()] == [cold, warm]
    edit_a_helper(shop, "krone")
    assert [run(), run()] == [cold, warm]
    edit_a_migration(shop)
    assert [run(), run()] == [cold, warm]
    of_euro, of_krone, of_three = store.names
    assert key_of(of_euro) == key_of(of_krone) != key_of(of_three)
    assert folders_in(store, of_euro) == folders_in(store, of_krone) == {"goldens", "manifests"}


def test_what_the_action_says_of_itself_is_right(shop, machine, store):
    """Its outputs, as a later step gets them."""
    github = GitHub(machine, store)
    told = [github.run(workflow_with(f"./{VENDORED}"), shop)["job"].outputs for _ in range(2)]
    (saved,) = store.names
    facts = {"key": key_of(saved), "save-key": saved, "path": f"{machine.cache}/v1/[gm]*"}
    assert told == [{**facts, "hit": "false", "built": "true"}, {**facts, "hit": "true", "built": "false"}]


@pytest.mark.parametrize(
    ("inputs", "passed", "saved", "said"),
    [
        ({}, True, 1, " built in "),
        ({"save": False}, True, 0, " built in "),
        ({"require-hit": True}, False, 0, ": this project had none there before\nRun templatedb build first, or "),
        ({"prune": "yes"}, False, 0, "::error::templatedb: the input 'prune' must be 'true' or 'false'.\n"),
        (
            {"command": "poetry run templatedb"},
            False,
            0,
            "::error::templatedb: 'poetry' is not installed: install what the tests need in a step before.\n",
        ),
        ({"command": "uv run templatedb", "project": "."}, True, 1, " built in "),
        ({"project": "tests"}, True, 1, " built in "),
    ],
    ids=str,
)
def test_the_inputs_of_the_action(shop, machine, store, inputs, passed, saved, said):
    """Where nothing was saved before."""
    job = GitHub(machine, store).run(workflow_with(f"./{VENDORED}", **inputs), shop)["job"]
    assert (job.passed, len(job.saved)) == (passed, saved), job.log
    assert said in job.log


def test_the_action_saves_what_it_built_alone_when_it_is_told_to_prune(shop, machine, store):
    """Without it, the golden of the helper before is in the entry too."""
    github, packed = GitHub(machine, store), []
    for prune in ("false", "false", "true"):
        edit_a_helper(shop, f"coin {len(packed)}")
        job = github.run(workflow_with(f"./{VENDORED}", prune=prune), shop)["job"]
        packed.append([path.endswith(".sqlite") for path in store.members(*job.saved)].count(True))
    assert packed == [1, 2, 1]


def test_a_damaged_golden_is_built_again_and_saved_beside_it(shop, machine, store):
    """The digest is the proof; the next run finds the newest entry, which is sound."""
    github = GitHub(machine, store)
    github.run(ONE_JOB, shop)
    store.damage(*store.names)
    mended, after = (github.run(ONE_JOB, shop)["tests"] for _ in range(2))
    assert (mended.passed, mended.goldens[:2], len(mended.saved)) == (True, ["built", "hit"], 1), mended.log
    assert (after.passed, after.goldens[:2], len(after.saved)) == (True, ["hit", "hit"], 0), after.log


def test_a_runner_whose_umask_lets_a_group_in_is_trusted(shop, tmp_path, store):
    """What unpacking makes would be open to the group, so the folder is made before."""
    github = GitHub(Machine(tmp_path / "loose", umask=0o002), store)
    jobs = [github.run(recipe, shop)["tests"] for recipe in (ONE_JOB, ONE_JOB, BY_ACTION)]
    assert [job.passed for job in jobs] == [True] * 3, jobs[-1].log
    assert [job.goldens[:2] for job in jobs] == [["built", "hit"], ["hit", "hit"], ["hit", "hit"]]


def test_shards_never_build(shop, machine, store):
    """One job makes sure of the golden, cold and warm, and each shard hits; they restore the very golden of that job."""
    github = GitHub(machine, store)
    for outcome in ("built", "hit"):
        jobs = github.run(SHARDS, shop)
        assert [job.passed for job in jobs.values()] == [True] * 3, jobs
        assert [job.goldens[0] for job in jobs.values()] == [outcome, "hit", "hit"]
        assert [job.restored[0] for job in list(jobs.values())[1:]] == store.names * 2
    assert len(store.names) == 1


def test_shards_take_the_golden_of_their_own_run(shop, machine, store):
    """Not the newest of the same migrations, which a run of another commit saved meanwhile, with another helper."""
    github, jobs = GitHub(machine, store), yaml.safe_load(SHARDS.read_text())["jobs"]
    mine = github.run({"jobs": {"golden": jobs["golden"]}}, shop)["golden"]
    edit_a_helper(shop, "krone")
    github.run({"jobs": {"golden": jobs["golden"]}}, shop)
    edit_a_helper(shop, "euro")
    done = github.run({"jobs": {**jobs, "golden": {"steps": [], "outputs": mine.outputs}}}, shop)
    assert [job.restored for job in done.values()] == [[], mine.saved, mine.saved]
    assert all(job.passed for job in done.values()), done


def test_shards_without_a_golden_fail_and_say_what_to_do(shop, machine, store):
    """As in a run that may not save: the proof of the hit is what fails, with its reason."""
    jobs = GitHub(machine, store, may_save=False).run(SHARDS, shop)
    assert [job.passed for job in jobs.values()] == [True, False, False]
    assert jobs["golden"].log.endswith("Warning: Cache save failed.\n")
    said = jobs["tests (tests/orders)"].log
    assert "this project had none there before" in said
    assert "Run templatedb build first, or restore the cache under this key; templatedb explain tells more." in said


def test_a_pull_request_hits_what_main_saved_and_main_never_sees_what_it_saved(shop, machine, store):
    """GitHub's scopes: also from a fork."""
    main, pull = GitHub(machine, store), GitHub(machine, store, scopes=("refs/pull/7/merge", "main"))
    workflow = workflow_with(f"./{VENDORED}")
    assert [github.run(workflow, shop)["job"].outputs["hit"] for github in (main, pull)] == ["false", "true"]
    edit_a_migration(shop)
    assert [github.run(workflow, shop)["job"].outputs["hit"] for github in (pull, pull)] == ["false", "true"]
    assert [len(store.of_scope(scope)) for scope in ("main", "refs/pull/7/merge")] == [1, 1]
    assert main.run(workflow, shop)["job"].outputs["hit"] == "false"


def test_a_run_that_may_not_save_builds_each_time_and_passes(shop, machine, store):
    """A token that only reads: the tests still use what was built a moment ago."""
    github = GitHub(machine, store, may_save=False)
    jobs = [github.run(recipe, shop)["tests"] for recipe in (ONE_JOB, BY_ACTION)]
    assert [(job.passed, job.goldens[:2], job.saved) for job in jobs] == [(True, ["built", "hit"], [])] * 2


def test_a_cache_folder_in_the_project_is_saved_and_found(shop, machine, store):
    """The block of the page: nothing is in the home that several projects share."""
    workflow = yaml.safe_load(ONE_JOB.read_text())
    workflow["jobs"]["tests"] |= yaml.safe_load(block_with("TEMPLATEDB_CACHE_DIR"))
    jobs = [GitHub(machine, store).run(workflow, shop)["tests"] for _ in range(2)]
    assert [job.goldens[:2] for job in jobs] == [["built", "hit"], ["hit", "hit"]]
    assert [folder.exists() for folder in (machine.cache, machine.workspace / ".templatedb/v1")] == [False, True]


def test_a_job_whose_proof_fails_explains_itself(shop, machine, store):
    """The block of the page, in a shard that found the golden of another helper."""
    github, workflow = GitHub(machine, store), yaml.safe_load(SHARDS.read_text())
    workflow["jobs"]["tests"]["steps"] += yaml.safe_load(block_with("templatedb explain"))
    jobs = github.run(workflow, shop)
    assert [(job.passed, "$ templatedb explain" in job.log) for job in jobs.values()] == [(True, False)] * 3
    edit_a_helper(shop, "krone")
    workflow["jobs"]["golden"] = {"steps": [], "outputs": {"save-key": store.names[0]}}
    failed = github.run(workflow, shop)["tests (tests/orders)"]
    assert not failed.passed
    assert failed.log.endswith(" s ago:\n    prices.py changed\n")


def test_the_two_commands_for_another_system_write_what_it_needs(shop, machine):
    """The first file stays as long as the key does, the second as long as the golden."""
    machine.start()
    machine.check_out(shop)
    before, after = block_with("build --write", "sh").splitlines()
    written = []
    for helper in ("euro", "euro", "krone"):
        edit_a_helper(machine.workspace, helper)
        for command in (before, after):
            assert machine.run("sh", "-c", command).returncode == 0
        written.append([(machine.workspace / name).read_text() for name in (".templatedb-key", ".templatedb-save-key")])
    assert written[0] == written[1]
    assert [one == other for one, other in zip(written[1], written[2], strict=True)] == [True, False]


def test_circleci_builds_once_and_then_hits_until_what_decides_the_database_changes(shop, machine, store):
    """As on GitHub; a hit saves nothing, because its name is there."""
    counts, outcomes = [], []
    for edit in (lambda _: None, lambda shop: edit_a_helper(shop, "krone"), edit_a_migration):
        edit(shop)
        for _ in range(2):
            ran = run_circleci(CIRCLECI, shop, machine, store)
            assert ran.passed, ran.log
            outcomes.append(ran.goldens[:2])
            counts.append(len(store.names))
    assert outcomes == [["built", "hit"], ["hit", "hit"]] * 3
    assert counts == [1, 1, 2, 2, 3, 3]
    assert folders_in(store, store.names[0]) == {"goldens", "manifests"}


def test_gitlab_keeps_the_goldens_of_several_migrations_under_one_name(shop, machine, tmp_path):
    """Back on a branch that was built before is a hit; unpacked with umask 0, it is trusted all the same."""
    gitlab, outcomes = GitLab(tmp_path / "caches", machine), []

    def run() -> None:
        ran = gitlab.run(GITLAB, shop)
        assert ran.passed, ran.log
        outcomes.append(ran.goldens[:2])

    run()
    run()
    edit_a_migration(shop)
    run()
    (shop / "scripts/versions/r3.py").unlink()
    edit_a_helper(shop, "krone")
    run()
    edit_a_helper(shop, "euro")
    run()
    built, hit = ["built", "hit"], ["hit", "hit"]
    assert outcomes == [built, hit, built, built, hit]
    packed = gitlab.members("templatedb")
    assert {Path(path).parts[2] for path in packed} == {"goldens", "manifests"}
    assert [path.endswith(".sqlite") for path in packed].count(True) == 3


def test_an_image_has_the_golden_for_a_user_who_may_write_nothing(image, open_machine):
    """Built by root, read by the user of the image, in a cache that is read-only; nothing in it changes."""
    before = dated(image.path("opt/templatedb"))
    ran = run_image(image, open_machine)
    assert (ran.passed, set(ran.goldens), image.user) == (True, {"hit"}, 1000), ran.log
    assert dated(image.path("opt/templatedb")) == before


def test_a_migration_edited_after_the_image_was_made_fails_the_proof(image, open_machine):
    """The message names the file."""
    write(image.folder / "scripts/versions/r3.py", revision(3))
    ran = run_image(image, open_machine)
    assert (ran.passed, ran.goldens) == (False, [])
    assert "scripts/versions/r3.py added" in ran.log
