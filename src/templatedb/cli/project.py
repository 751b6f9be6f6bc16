"""What every verb starts from: the project's settings and the environment that they are read with."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from templatedb.errors import SettingsError
from templatedb.exported import original_environment
from templatedb.migrators import from_settings
from templatedb.pytest_configuration import cache_folder
from templatedb.search import find
from templatedb.settings import CACHE_DIR_VARIABLE, Settings

if TYPE_CHECKING:
    from templatedb.plan import Plan


def checked(read: Callable[[object], Any]) -> Callable[[str], Any]:
    """Return *read*, a reader of a setting, for an argument: what it refuses is wrong usage."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed. {error}") from None

    return checked


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the project that the command line names; raises SettingsError where there is no folder."""
    if not arguments.project.is_dir():
        raise SettingsError(
            what=f"{arguments.project.absolute()} is no folder", remedy="Name the project's folder by --project."
        )
    return find(arguments.project)


def kept_folder(arguments: argparse.Namespace) -> Path:
    """Return where pytest keeps the databases of failed tests: of the nearest folder upwards that has some.

    Where none has, the folder in the project itself, which then does not exist.
    """
    start = arguments.project.absolute()
    folders = [cache_folder(folder) / "d" / "templatedb" / "failed" for folder in (start, *start.parents)]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def plan_of(arguments: argparse.Namespace, settings: Settings) -> Plan:
    """Return what would be built for these *settings*; raises InputsError when there is nothing to migrate."""
    from templatedb.plan import Plan, Wishes

    return Plan.make(from_settings(settings), settings, Wishes(environment=environment_of(arguments)))


def notice_once() -> Callable[[str], None]:
    """Return what prints a line on standard error, each line once: several looks may meet the same damage."""
    told: set[str] = set()

    def notice(line: str) -> None:
        if line not in told:
            told.add(line)
            print(f"templatedb: {line}", file=sys.stderr)

    return notice


def environment_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment with the cache directory of the command line, which is stronger than the variable."""
    environment = original_environment()
    if arguments.cache_dir is not None:
        environment[CACHE_DIR_VARIABLE] = os.path.abspath(os.path.expanduser(arguments.cache_dir))
    return environment
