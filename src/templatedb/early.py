"""What happens before any conftest is read: variables name a slot, for applications with a global engine.

Such an application takes its URL from the environment when it is imported, so the path must be known, and never
change, from before the first conftest is read to the end of the run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from templatedb.exported import Exported

EXPORTED: pytest.StashKey[Exported] = pytest.StashKey()
"""What this process exported."""


# Not tryfirst: plugins that fill the environment (pytest-env, pytest-dotenv) are, and what they set is to be replaced.
# pytest itself reads the conftests last.
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set what the project exports."""
    if not _may_be_wanted(early_config.rootpath):
        return
    from templatedb import exported, place, pools, wrong_url
    from templatedb.errors import TemplateDBError
    from templatedb.search import nearest

    try:
        settings = nearest(early_config.rootpath)
    except TemplateDBError as error:
        # The application would open whatever its variables say: perhaps the database of somebody at work.
        raise pytest.UsageError(f"templatedb: {error.line}") from None
    if settings is None or not settings.export:
        return
    if early_config.known_args_namespace.templatedb_clone == "memory":
        raise pytest.UsageError(
            "templatedb: --templatedb-clone=memory and the setting 'export' contradict each other: the application"
            " opens the file that was exported, so leave one out"
        )
    storage = place.Storage(lambda: place.temporary_folder("templatedb-slots-"), lambda line: None)
    path = storage.folder(0) / "clone.sqlite"
    pools.claim(str(path), synchronous=False)
    exports = exported.export(settings.export, path)
    early_config.stash[EXPORTED] = exports
    early_config.pluginmanager.register(wrong_url.OnCollection(exports), "templatedb-wrong-url")
    early_config.add_cleanup(lambda: wrong_url.note_it(exports))
    # Not in pytest_unconfigure, which is not called where a conftest cannot be imported.
    early_config.add_cleanup(storage.close)
    early_config.add_cleanup(lambda: pools.disclaim(str(path)))
    early_config.add_cleanup(exports.undo)


def _may_be_wanted(root: Path) -> bool:
    """Whether a settings file from *root* upwards might hold ``export``; costs every run next to nothing."""
    # Texts and descriptors: paths and file objects for some twenty names take ten times as long.
    folder, below = os.fspath(root), ""
    while folder != below:
        for name in ("pyproject.toml", "templatedb.toml"):
            content = _content(os.path.join(folder, name))
            if b"export" in content and (b"templatedb" in content or name == "templatedb.toml"):
                return True
        folder, below = os.path.dirname(folder), folder
    return False


def _content(path: str) -> bytes:
    """Return what is in the file at *path*; nothing where there is none that can be read."""
    if not os.path.isfile(path):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
