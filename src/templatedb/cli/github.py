"""Outputs of a step of GitHub Actions."""

from __future__ import annotations

import os

from templatedb.errors import TemplateDBError


def write_outputs(**outputs: str) -> None:
    """Append ``name=value`` lines to the file that ``GITHUB_OUTPUT`` names; an underscore becomes a dash.

    Raises TemplateDBError outside of GitHub Actions, where the variable is not set.
    """
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        raise TemplateDBError(
            what="--github-output needs the environment variable GITHUB_OUTPUT, which is not set",
            remedy="It is set in a step of GitHub Actions; elsewhere use --write FILE.",
        )
    with open(path, "a", encoding="utf-8") as opened:
        opened.writelines(f"{name.replace('_', '-')}={value}\n" for name, value in outputs.items())
