"""``templatedb key``: the migration checksum, building and importing nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from templatedb.cli.ci import saved_pattern, write_outputs, write_when_it_differs
from templatedb.cli.project import environment_of, settings_of
from templatedb.key import declared, key_of
from templatedb.migrators import from_settings

_EXAMPLES = """\
The key changes when a migration, its settings, or the version of Alembic, SQLAlchemy, SQLite or Python changes.
It is the same on every machine with the same checkout and versions.

examples:
  templatedb key                     # templatedb1-6f60ad8a...
  templatedb key --write .db-key     # for CI systems that checksum a file
  templatedb key --github-output     # key= and path= for actions/cache; makes the folder that it unpacks into
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--write", metavar="FILE", type=Path, help="also write the key to FILE, when it differs")
    parser.add_argument(
        "--github-output", action="store_true", help="also append key= and path= (what to cache) to $GITHUB_OUTPUT"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the key."""
    settings, environment = settings_of(arguments), environment_of(arguments)
    key = key_of(declared(from_settings(settings), settings, environment))
    if arguments.write is not None:
        write_when_it_differs(arguments.write, f"{key}\n")
    if arguments.github_output:
        from templatedb.cache_trust import directory, open_cache

        # Made here, the folder is private. Unpacking a cache would make it, with a umask that may let others in.
        write_outputs(key=key, path=saved_pattern(open_cache(directory(settings, environment))))
    print(key)
    return 0
