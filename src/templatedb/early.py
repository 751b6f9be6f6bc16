"""What happens before any conftest is read: databases that are opened are noted, and variables name a slot.

An application with a global engine takes its URL from the environment when it is imported, so the path must be known,
and never change, from before the first conftest is read to the end of the run.
"""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from templatedb.exported import Exported

EXPORTED: pytest.StashKey[Exported] = pytest.StashKey()
"""What this process exported."""
_WATCHED: pytest.StashKey[bool] = pytest.StashKey()
"""Whether `opened` watches since before the first conftest."""


# Not tryfirst: plugins that fill the environment (pytest-env, pytest-dotenv) are, and what they set is to be replaced.
# pytest itself reads the conftests last.
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Watch what a project with settings opens, and set what it exports; leave others alone.

    Raises UsageError where its settings cannot be read, or contradict the command line.
    """
    settings_there = _look_for_settings(early_config.rootpath)
    if settings_there is _Settings.NONE:
        return
    from templatedb import opened

    # The application may connect when a conftest imports it.
    opened.watch(early_config.rootpath, lambda: temporary_files(early_config))
    early_config.stash[_WATCHED] = True
    early_config.add_cleanup(opened.end)
    if settings_there is not _Settings.MAY_EXPORT:
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


def others_were_opened(config: pytest.Config) -> bool:
    """Whether databases were opened that are no slots, where a project with settings is watched."""
    if not config.stash.get(_WATCHED, False):
        return False
    from templatedb import opened

    return bool(opened.others())


def temporary_files(config: pytest.Config) -> Path | None:
    """Return where pytest's own temporary files are; None before it has made a folder."""
    return getattr(getattr(config, "_tmp_path_factory", None), "_basetemp", None)


class _Settings(enum.Enum):
    """Which settings files there are."""

    NONE = enum.auto()
    SOME = enum.auto()
    MAY_EXPORT = enum.auto()


def _look_for_settings(root: Path) -> _Settings:
    """Return which settings files there are from *root* upwards, as far as a look tells: it costs next to nothing."""
    # Texts and descriptors: paths and file objects for some twenty names take ten times as long.
    folder, below = os.fspath(root), ""
    found = _Settings.NONE
    while folder != below:
        for name in ("pyproject.toml", "templatedb.toml"):
            content = _content(os.path.join(folder, name))
            if b"templatedb" in content or (content and name == "templatedb.toml"):
                found = _Settings.SOME
                if b"export" in content:
                    return _Settings.MAY_EXPORT
        if found is _Settings.NONE and os.path.isfile(os.path.join(folder, "alembic.ini")):
            found = _Settings.SOME
        folder, below = os.path.dirname(folder), folder
    return found


def _content(path: str) -> bytes:
    """Return what is in the file at *path*; nothing where there is none that can be read."""
    if not os.path.isfile(path):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
