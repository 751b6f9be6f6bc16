"""The command: one file per verb, and the one place where errors become output and exit codes."""

from __future__ import annotations

import argparse
import importlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from templatedb.errors import BuildError, TemplateDBError

_VERBS = {
    "init": "look at the project and propose its settings",
    "key": "print the migration checksum: the name of the CI cache",
    "build": "make sure there is a golden: verify it, or migrate once",
    "path": "print the path of the golden",
    "status": "list the goldens in the cache",
    "explain": "say what the key is made of, and why the last golden no longer matches",
    "clone": "write a private, writable copy of the golden",
    "diff": "say which tables, columns and rows differ from the golden, or between two files",
    "verify": "build a second time and say what differs",
    "prune": "remove what is old, over the size of the cache, broken or left behind",
}

_EPILOG = """\
exit codes:
  0  done
  1  expected failure: one line and its remedy
  2  wrong usage
  3  a bug in templatedb
  130  Ctrl-C

Settings come from [tool.templatedb] in pyproject.toml, from templatedb.toml, or from a bare alembic.ini.
"""


class Verb(Protocol):
    """What each module of this package offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's own arguments and its examples."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command with *words* (default: those of the process) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name may hold bytes that are no text
            stream.reconfigure(errors="backslashreplace")
    arguments = _parser(sys.argv[1:] if words is None else words).parse_args(words)
    try:
        code: int = arguments.verb_run(arguments)
    except TemplateDBError as error:
        print(f"templatedb: {error.report if isinstance(error, BuildError) else error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("templatedb: interrupted; nothing was published", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1  # the reader, such as head, has gone
    except OSError as error:
        print(f"templatedb: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return 1
    except Exception:
        import traceback

        traceback.print_exc()
        print("templatedb: this is a bug in templatedb; please report the lines above", file=sys.stderr)
        return 3
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; only the verb that *words* name is imported, so that ``key`` stays quick."""
    parser = argparse.ArgumentParser(
        prog="templatedb",
        description="Migrate one golden SQLite file once; every test starts from a private clone of it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=_VerbParser)
    for name, summary in _VERBS.items():
        verb = verbs.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name in words:
            module: Verb = importlib.import_module(f"templatedb.cli.{name}")
            _add_common(verb)
            module.add_arguments(verb)
            verb.set_defaults(verb_run=module.run)
    return parser


class _VerbParser(argparse.ArgumentParser):
    """What reads the words after a verb: what it does not know is told with the usage of the verb."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Read *args*; where some are left over, end with exit code 2: nobody after the verb knows them."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


class _Version(argparse.Action):
    """``--version``: looked up only when it is asked for, metadata costs some milliseconds."""

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        from importlib.metadata import version

        print(f"templatedb {version('pytest-templatedb')}")
        parser.exit()


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="where the search for the settings starts, going upwards (default: here)",
    )
    parser.add_argument(
        "--cache-dir",
        metavar="DIR",
        help="where goldens are kept (default: TEMPLATEDB_CACHE_DIR, the setting, the user's cache folder)",
    )
