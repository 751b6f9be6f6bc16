"""The tutorial is run from top to bottom, and says what its reader will see."""

import pytest

from pages import DOCS, ROOT, blocks, said_in, shell
from projects import builds_in

PAGE = (DOCS / "tutorial/from-an-empty-folder.md").read_text()


@pytest.mark.timeout(300)  # a dozen runs of pytest
def test_the_tutorial_can_be_followed(project, cache, monkeypatch):
    """Each command runs, in one folder, and says what is shown, but for the figures; so do the things to try."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -p no:asyncio")  # its reader has neither
    install, *steps = [block for block in blocks(PAGE) if block.language in ("sh", "text")]
    assert install.code == "python -m pip install . pytest-xdist\n"
    said = ""
    for block in steps:
        if block.language == "sh":
            said = shell(block.code, project)
        else:
            assert said_in(block.code.replace("/home/me/shop", str(project)), said) == [], said
    assert builds_in(cache) == 3

    models = project / "shop.py"
    models.write_text(
        models.read_text().replace("class Order(Base):", "class Order(Base):\n    note: Mapped[str | None]")
    )
    drifted = shell("templatedb build 2>&1 || echo failed", project)
    assert drifted.endswith("failed\n")
    assert "add_column('orders', sa.Column('note'" in drifted

    (project / "migrations/versions/0002_create_orders.py").unlink()
    (project / "pyproject.toml").unlink()
    assert " hit (1 revision" in shell("templatedb build", project)


def test_the_steps_for_github_are_those_of_the_readme():
    """Which are run in its own test."""
    (shown,) = [block.code for block in blocks(PAGE) if block.language == "yaml"]
    assert shown.removeprefix("# .github/workflows/test.yml\n") in (ROOT / "README.md").read_text()
