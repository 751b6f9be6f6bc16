"""``templatedb prune``: remove what is old, over the size of the cache, broken or left behind."""

from __future__ import annotations

import argparse
import json
import sys

from templatedb import place
from templatedb.cache import Cache
from templatedb.cache_trust import directory, look_at
from templatedb.cli.project import checked, environment_of, plan_of, settings_of
from templatedb.errors import MissError, SettingsError
from templatedb.leftovers import Kind, Why
from templatedb.limits import NOTHING_STAYS, Limits
from templatedb.prune import Doing, Removed, Report, prune
from templatedb.settings import Settings, seconds, size_in_bytes
from templatedb.summary import age, count, size

_EXAMPLES = """\
Safe at any time, also while tests run: goldens that are in use stay. After each build the same is done in little time.

examples:
  templatedb prune                          # by the settings 'cache_size' and 'cache_max_age'
  templatedb prune --dry-run                # only tell
  templatedb prune --older-than 7d --max-size 500MB
  templatedb prune --all                    # everything that is not in use
  templatedb prune --ci                     # before a CI cache is saved: everything but the project's current golden
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--all", action="store_true", dest="everything", help="remove everything that is not in use")
    either.add_argument(
        "--ci", action="store_true", help="remove everything but the golden of the project's migrations as they are now"
    )
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        type=checked(seconds),
        help="remove goldens not used for so long, such as 7d (default: the setting 'cache_max_age')",
    )
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        type=checked(size_in_bytes),
        help="keep goldens of so many bytes, such as 500MB (default: the setting 'cache_size')",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what would be removed, and remove nothing")
    parser.add_argument("--json", action="store_true", help="print what was removed as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Prune the cache, outside of a project too, and print what went; exit code 1 where something could not go."""
    settings = _settings(arguments)
    cache = look_at(directory(settings, environment_of(arguments)))
    keep = (_current(arguments, cache, settings),) if arguments.ci else ()
    limits = NOTHING_STAYS if arguments.everything or arguments.ci else Limits.of(settings)
    if arguments.older_than is not None:
        limits = limits._replace(age_s=arguments.older_than)
    if arguments.max_size is not None:
        limits = limits._replace(size_bytes=arguments.max_size)
    doing = Doing.TELL if arguments.dry_run else Doing.REMOVE
    report = prune(cache, limits, keep=keep, memory=place.MEMORY, doing=doing)
    if arguments.json:
        print(json.dumps(_facts(report, cache, doing), indent=2))
    else:
        print("\n".join([*map(_line, report.removed), _total(report, doing)]))
    for fault in report.faults:
        print(f"templatedb: {fault}", file=sys.stderr)
    return 1 if report.faults else 0


def _settings(arguments: argparse.Namespace) -> Settings:
    """Return the project's settings, or the defaults outside of a project; wrong settings are still an error."""
    try:
        return settings_of(arguments)
    except SettingsError as error:
        if error.key is not None or arguments.ci:
            raise
        return Settings(root=arguments.project.absolute())


def _current(arguments: argparse.Namespace, cache: Cache, settings: Settings) -> str:
    """Return the digest of the golden that the project's tests would get now; raises MissError."""
    plan = plan_of(arguments, settings)
    for manifest in cache.manifests(plan.key):
        if plan.is_served_by(manifest) and cache.is_sound(manifest):
            return manifest.digest
    raise MissError(
        what=f"no golden for key {plan.key} in {cache.root}: with --ci nothing would be left",
        remedy="Run templatedb build first; --all removes everything.",
        key=plan.key,
    )


def _line(removed: Removed) -> str:
    if removed.kind is Kind.STAMPS:
        what = f"remembered digests of files {removed.file.path.name}"
        return f"{what}  {size(removed.file.size_bytes)}  written {age(removed.unused_s)} ago"
    named = " ".join(dict.fromkeys(key.short for key in removed.keys)) or removed.file.path.name
    why = f"unused for {age(removed.unused_s)}" if removed.why is Why.UNUSED and removed.keys else removed.why
    return f"{removed.kind} {named}  {size(removed.file.size_bytes)}  {why}"


def _total(report: Report, doing: Doing) -> str:
    goldens = sum(one.kind is Kind.GOLDEN for one in report.removed)
    others = len(report.removed) - goldens
    parts = [count(goldens, "golden")] + ([f"{count(others, 'other thing')}"] if others else [])
    removed = "removed" if doing is Doing.REMOVE else "would remove"
    in_use = f"; {report.in_use} in use kept" if report.in_use else ""
    left = f"{count(report.kept, 'golden')} left, {size(report.kept_bytes)}" if report.kept else "no golden left"
    return f"{removed} {' and '.join(parts)}, {size(_freed_bytes(report))}{in_use}; {left}"


def _freed_bytes(report: Report) -> int:
    return sum(one.file.size_bytes for one in report.removed)


def _facts(report: Report, cache: Cache, doing: Doing) -> dict[str, object]:
    return {
        "cache": str(cache.root),
        "dry_run": doing is Doing.TELL,
        "removed": [
            {
                "what": str(one.kind),
                "path": str(one.file.path),
                "keys": list(one.keys),
                "size_bytes": one.file.size_bytes,
                "why": str(one.why),
            }
            for one in report.removed
        ],
        "freed_bytes": _freed_bytes(report),
        "in_use": report.in_use,
        "kept": report.kept,
        "kept_bytes": report.kept_bytes,
        "faults": list(report.faults),
    }
