"""``templatedb build``: make sure there is a golden."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from templatedb.cache import Cache
from templatedb.cache_trust import directory
from templatedb.cli.ci import saved_pattern, write_outputs, write_when_it_differs
from templatedb.cli.progress import ProgressOnTerminal
from templatedb.cli.project import environment_of, notice_once, settings_of
from templatedb.errors import CacheError
from templatedb.handle import Golden
from templatedb.plan import Wishes
from templatedb.records import Outcome
from templatedb.summary import Status
from templatedb.template import Template

_EXAMPLES = """\
On a hit this verifies the golden's digest and takes milliseconds; on a miss it migrates once.

examples:
  templatedb build
  templatedb build --require-hit     # in CI, after restoring the cache: a miss is an error
  templatedb build --shared          # in a container image: other users may read it
  templatedb build --debug           # breakpoint() in a migration works
  templatedb build --write .db-save  # for CI systems that checksum a file: what to save the cache under
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--rebuild", action="store_true", help="migrate even if there is a golden")
    either.add_argument("--require-hit", action="store_true", help="exit with 1 instead of migrating")
    parser.add_argument("--debug", action="store_true", help="keep the terminal on the build's input and output")
    parser.add_argument("--shared", action="store_true", help="let other users read it, as in a container image")
    parser.add_argument("--json", action="store_true", help="print what became of it as JSON")
    parser.add_argument(
        "--write",
        metavar="FILE",
        type=Path,
        help="also write the save key to FILE, when it differs: the key, and what names this very golden",
    )
    parser.add_argument(
        "--github-output",
        action="store_true",
        help="also append key=, path=, save-key= and built= to $GITHUB_OUTPUT",
    )


def run(arguments: argparse.Namespace) -> int:
    """Build, or verify that there is nothing to build."""
    wishes = Wishes(
        not_before=time.time() if arguments.rebuild else 0.0,
        require_hit=arguments.require_hit,
        debug=arguments.debug,
        on_progress=ProgressOnTerminal(quiet=arguments.debug or arguments.json),
        notice=notice_once(),
        environment=environment_of(arguments),
    )
    with Template.from_settings(settings_of(arguments)).golden(wishes) as golden:
        if golden.outcome is Outcome.PRIVATE:
            raise CacheError(
                what="the migrations ran, but the golden could not be kept in the cache",
                remedy="A line above says why.",
            )
        if arguments.shared:
            from templatedb.publish import share

            share(_cache(arguments), golden.manifest)
        if arguments.write is not None:
            write_when_it_differs(arguments.write, f"{_save_key(golden)}\n")
        if arguments.github_output:
            _to_github(golden, arguments)
        if arguments.json:
            print(json.dumps(_facts(golden), indent=2))
        else:
            print(f"templatedb: {Status.of(golden.manifest, golden.outcome, reason=golden.reason).line}")
    return 0


def _facts(golden: Golden) -> dict[str, object]:
    manifest = golden.manifest
    return {
        "key": golden.key,
        "outcome": str(golden.outcome),
        "path": str(golden.path),
        "revisions": manifest.revisions,
        "heads": list(manifest.heads),
        "size_bytes": manifest.size_bytes,
        "duration_s": manifest.duration_s,
        "built_at": manifest.built_at,
        "digest": manifest.digest,
        "warnings": list(manifest.warnings),
    }


def _save_key(golden: Golden) -> str:
    """Return a name for this very golden: CI caches never overwrite a name, so each build is saved under its own."""
    return f"{golden.key}-{golden.manifest.fingerprint}"


def _to_github(golden: Golden, arguments: argparse.Namespace) -> None:
    write_outputs(
        key=golden.key,
        path=saved_pattern(_cache(arguments)),
        save_key=_save_key(golden),
        built="true" if golden.outcome is Outcome.BUILT else "false",
    )


def _cache(arguments: argparse.Namespace) -> Cache:
    return Cache(directory(settings_of(arguments), environment_of(arguments)))
