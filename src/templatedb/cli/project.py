"""What every verb starts from: the project's settings and the environment that they are read with."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from templatedb.exported import original_environment
from templatedb.migrators import from_settings
from templatedb.search import find
from templatedb.settings import CACHE_DIR_VARIABLE, Settings

if TYPE_CHECKING:
    from templatedb.plan import Plan


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the project that the command line names."""
    return find(arguments.project)


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
