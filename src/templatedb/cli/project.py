"""What every verb starts from: the project's settings and the environment that they are read with."""

from __future__ import annotations

import argparse
import os

from templatedb.search import find
from templatedb.settings import CACHE_DIR_VARIABLE, Settings


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the project that the command line names."""
    return find(arguments.project)


def environment_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the environment with the cache directory of the command line, which is stronger than the variable."""
    environment = dict(os.environ)
    if arguments.cache_dir is not None:
        environment[CACHE_DIR_VARIABLE] = os.path.abspath(os.path.expanduser(arguments.cache_dir))
    return environment
