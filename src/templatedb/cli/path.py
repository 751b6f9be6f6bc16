"""``templatedb path``: where the golden is, nothing else."""

from __future__ import annotations

import argparse

from templatedb.cli.project import environment_of, settings_of
from templatedb.plan import Wishes
from templatedb.template import Template

_EXAMPLES = """\
Builds nothing: exits with 1 when there is no golden for the migrations as they are now.
The file is read-only and shared: to look inside, take a copy.

examples:
  templatedb path
  sqlite3 "file:$(templatedb path)?mode=ro&immutable=1" .schema
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES.replace("%", "%%")


def run(arguments: argparse.Namespace) -> int:
    """Print the path of the golden."""
    wishes = Wishes(require_hit=True, environment=environment_of(arguments))
    with Template.from_settings(settings_of(arguments)).golden(wishes) as golden:
        print(golden.path)
    return 0
