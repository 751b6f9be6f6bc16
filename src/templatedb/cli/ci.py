"""What CI systems read: the outputs of a step of GitHub Actions, and files that others take a checksum of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from templatedb.errors import TemplateDBError

if TYPE_CHECKING:
    from templatedb.cache import Cache


def write_outputs(**outputs: str) -> None:
    """Append ``name=value`` lines to the file that ``GITHUB_OUTPUT`` names; an underscore becomes a dash.

    Raises TemplateDBError outside of GitHub Actions, where the variable is not set; and for a value with a line end,
    which would be read as another output: nothing is written then.
    """
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        raise TemplateDBError(
            what="--github-output needs the environment variable GITHUB_OUTPUT, which is not set",
            remedy="It is set in a step of GitHub Actions; elsewhere use --write FILE.",
        )
    for name, value in outputs.items():
        if "\n" in value or "\r" in value:
            raise TemplateDBError(
                what=f"the output {name!r} would have a line end in it: {value!r}",
                remedy="GitHub reads one output from each line. Set TEMPLATEDB_CACHE_DIR to a path without line ends.",
            )
    with open(path, "a", encoding="utf-8") as opened:
        opened.writelines(f"{name.replace('_', '-')}={value}\n" for name, value in outputs.items())


def saved_pattern(cache: Cache) -> str:
    """Return what a CI system saves: the manifests and the goldens, not the locks, builds and failures beside them.

    A pattern of GitHub's cache action: wildcards in the names of folders are escaped, and ``..``, which it refuses, is
    resolved.
    """
    import glob

    bucket = cache.folder("goldens").parent
    folder = str(bucket.resolve() if ".." in bucket.parts else bucket)
    return glob.escape(folder.replace("\\", "\\\\")) + "/[gm]*"


def write_when_it_differs(path: Path, text: str) -> None:
    """Write *text*; leave a file that is right already alone: its time stamp may decide about other caches."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
