"""``templatedb explain``: what the key is made of, and why the last golden no longer matches."""

from __future__ import annotations

import argparse
import collections
import json
import time

from templatedb.cache import Cache
from templatedb.cache_trust import directory, look_at
from templatedb.cli.project import environment_of, plan_of, settings_of
from templatedb.discovered import Entry, Kind, entries
from templatedb.plan import LABELS, Plan
from templatedb.reasons import Why, why_not
from templatedb.records import Manifest
from templatedb.summary import age, count

_EXAMPLES = """\
Builds and imports nothing. The list is what was hashed, in its order, files by their paths from the project: two lists
can be compared with diff. --json has the names that were hashed.

examples:
  templatedb explain
  templatedb explain --all           # every input with its SHA-256
  templatedb explain --all --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--all", action="store_true", dest="show_all", help="list every input with its hash")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the key, whether a golden serves it, and if not, why not."""
    settings = settings_of(arguments)
    cache = look_at(directory(settings, environment_of(arguments)))
    plan = plan_of(arguments, settings)
    serving = _serving(cache, plan)
    why = Why((), None) if serving is not None else why_not(cache, plan)
    if arguments.json:
        print(json.dumps(_facts(plan, serving, why), indent=2))
        return 0
    print(
        "\n".join(
            [
                f"key: {plan.key}",
                f"made of {_counts(plan)}{'' if arguments.show_all else ' (each: templatedb explain --all)'}",
                *_verdict(serving, why),
            ]
        )
    )
    if arguments.show_all:
        print("\n".join(_listed(plan, serving or why.since)))
    return 0


def _serving(cache: Cache, plan: Plan) -> Manifest | None:
    found = (one for one in cache.manifests(plan.key) if plan.is_served_by(one) and cache.is_sound(one))
    return next(found, None)


def _counts(plan: Plan) -> str:
    numbers = collections.Counter(piece.label for piece in plan.inputs)
    return ", ".join(count(number, LABELS.get(label, label)) for label, number in sorted(numbers.items()))


def _verdict(serving: Manifest | None, why: Why) -> list[str]:
    if serving is not None:
        known = len(serving.discovered)
        others = f", nor did {count(known, 'discovered input')}" if known else ""
        return [f"golden: built {age(time.time() - serving.built_at)} ago; nothing changed{others}"]
    if why.since is None:
        return ["golden: none yet of this project in this cache"]
    lines = [f"golden: none for these inputs; since the one built {age(time.time() - why.since.built_at)} ago:"]
    lines += [f"    {reason}" for reason in why.reasons]
    return lines + (["    only versions differ: the migrations are the same"] if why.is_of_versions_only else [])


def _listed(plan: Plan, manifest: Manifest | None) -> list[str]:
    lines = [
        f"{piece.label:11} {piece.digest} {plan.shown(piece)}{piece.value and f' {piece.value}'}"
        for piece in plan.inputs
    ]
    if manifest is not None and manifest.discovered:
        lines.append("discovered by the build, compared one by one:")
        lines += map(_discovered, entries(manifest.discovered))
    return lines


def _discovered(entry: Entry) -> str:
    if entry.kind == Kind.CONVENTION:
        return f"{'naming':11} {entry.value} {entry.name} (only its naming convention counts)"
    return f"{entry.kind:11} {entry.value or '-'} {entry.name}"


def _facts(plan: Plan, serving: Manifest | None, why: Why) -> dict[str, object]:
    manifest = serving or why.since
    return {
        "key": plan.key,
        "hit": serving is not None,
        "reasons": list(why.reasons),
        "inputs": [
            {"label": piece.label, "name": piece.name, "digest": piece.digest, "value": piece.value}
            for piece in plan.inputs
        ],
        "discovered": {} if manifest is None else manifest.discovered,
    }
