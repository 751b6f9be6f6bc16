"""What a build read beyond its declared inputs: recorded with the golden, compared at the next look.

So far: the folders of revisions that Alembic loaded from elsewhere, such as a package's own history behind an
application factory. Without it, a new revision there would leave a golden stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from templatedb.inputs import Input, file, files_below
from templatedb.key import key_of
from templatedb.settings import Settings


def record(revision_files: Iterable[str], declared: Iterable[Input], settings: Settings) -> dict[str, str]:
    """Return name and digest of each folder of *revision_files* that no declared input covers."""
    known = {piece.path.resolve() for piece in declared if piece.path is not None}
    folders = {path.parent for name in revision_files if (path := Path(name).resolve()) not in known}
    return {_name(folder, settings): _digest(folder) for folder in sorted(folders)}


def is_unchanged(recorded: Mapping[str, str], settings: Settings) -> bool:
    """Whether every recorded folder is still there with the same files. Reads them; imports nothing."""
    return all(digest in _digests_of_name(name, settings) for name, digest in recorded.items())


def _digest(folder: Path) -> str:
    return key_of(file(name, path) for name, path in files_below(folder))


def _digests_of_name(name: str, settings: Settings) -> Iterator[str]:
    """Yield the digest of each folder that *name* may mean: an import path can have it in two places."""
    start, _, relative = name.partition(":")
    for base in _bases(start, settings):
        if (base / relative).is_dir():
            yield _digest(base / relative)


def _name(folder: Path, settings: Settings) -> str:
    """Name *folder* from the project or from an import folder, so that it is found on another machine too."""
    for start in ("project", "import"):
        for base in _bases(start, settings):
            if folder.is_relative_to(base.resolve()):
                return f"{start}:{folder.relative_to(base.resolve()).as_posix()}"
    return f"absolute:{folder}"


def _bases(start: str, settings: Settings) -> Iterator[Path]:
    if start == "project":
        yield settings.root
    elif start == "import":
        yield from settings.import_folders
        yield from (Path(entry) for entry in sys.path if entry)
    else:
        yield Path("/")
