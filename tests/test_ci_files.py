"""The recipes for CI are what their systems read, and say the same as README and docs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ci_recipes import (
    ACTION,
    BY_ACTION,
    CIRCLECI,
    DOCKERFILE,
    GITLAB,
    ONE_JOB,
    PAGE,
    README,
    RECIPES,
    SHARDS,
)
from projects import write

GITHUB = (ONE_JOB, SHARDS, BY_ACTION, ACTION)


def tool(name: str, *arguments: object) -> None:
    """Run a linter of this environment; what it says is shown when it finds something."""
    command = [Path(sys.executable).parent / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", ACTION),
        *[("github-workflows", path) for path in (ONE_JOB, SHARDS, BY_ACTION)],
        ("gitlab-ci", GITLAB),
        ("circle-ci", CIRCLECI),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_a_recipe_is_what_its_system_reads(schema, file):
    """By the schemas that ship with check-jsonschema."""
    tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", file)


def test_the_recipes_for_github_have_no_known_weakness(tmp_path):
    """zizmor looks for injections, credentials that are left behind, permissions that are too wide."""
    config = write(
        tmp_path / "zizmor.yml",
        """
        rules:
          unpinned-uses:
            config:
              policies:
                actions/*: ref-pin  # GitHub's own, by major version
          self-repository:
            disable: true  # ./ is what all versions of GitHub's server know
        """,
    )
    tool("zizmor", "--offline", "--no-progress", "--config", config, *GITHUB)


def test_the_dockerfile_has_no_known_weakness():
    tool("hadolint", DOCKERFILE)


def test_no_recipe_is_left_out():
    """A new file has to be linted and run here."""
    assert {path.name for path in RECIPES.iterdir()} == {
        "Dockerfile",
        "circleci.yml",
        "github-actions-action.yml",
        "github-actions-shards.yml",
        "github-actions.yml",
        "gitlab-ci.yml",
    }
    assert all(f"(ci/{path.name})" in PAGE.read_text() for path in RECIPES.iterdir())


def test_the_block_to_paste_is_the_same_in_the_readme_the_page_and_the_workflow():
    """Word by word in the two texts, and step by step in the file."""
    (readme,), (page,) = (
        re.findall(r"^```yaml\n(steps:\n.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
        for path in (README, PAGE)
    )
    assert page == readme
    pasted = yaml.safe_load(readme)["steps"]
    assert yaml.safe_load(ONE_JOB.read_text())["jobs"]["tests"]["steps"][-len(pasted) :] == pasted


def test_all_name_the_same_major_version_of_the_cache_action():
    """A newer one is pinned in all places at once."""
    texts = [path.read_text() for path in (*GITHUB, PAGE, README)]
    assert len({version for text in texts for version in re.findall(r"actions/cache/\w+@(\S+)", text)}) == 1


def test_the_page_names_the_inputs_and_outputs_of_the_action():
    """With their defaults."""
    action, page = yaml.safe_load(ACTION.read_text()), PAGE.read_text()
    told = re.findall(r'^\| `([\w-]+)` \| `"?([\w.]+)"?` \|', page, re.MULTILINE)
    assert told == [(name, facts["default"]) for name, facts in action["inputs"].items()]
    (outputs,) = re.findall(r"^Its outputs are (.*)\.$", page, re.MULTILINE)
    assert sorted(re.findall(r"`([\w-]+)`", outputs)) == sorted(action["outputs"])
