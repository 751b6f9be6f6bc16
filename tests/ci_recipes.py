"""The recipes for CI: where they are, and what stands on their page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGE = ROOT / "docs/how-to/ci.md"
RECIPES = ROOT / "docs/how-to/ci"
ACTION = ROOT / "action.yml"
ONE_JOB, SHARDS, BY_ACTION = (RECIPES / f"github-actions{kind}.yml" for kind in ("", "-shards", "-action"))
CIRCLECI, GITLAB, DOCKERFILE = RECIPES / "circleci.yml", RECIPES / "gitlab-ci.yml", RECIPES / "Dockerfile"


def block_with(text: str, language: str = "yaml", page: Path = PAGE) -> str:
    """Return the one block of the page that has *text* in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if text in block)
    return found
