"""``templatedb status``: the goldens in the cache, the project's current one marked."""

from __future__ import annotations

import argparse
import json
import time

from templatedb.cache import Cache, Stored, directory, open_cache
from templatedb.cli.project import environment_of, plan_of, settings_of
from templatedb.errors import InputsError, SettingsError
from templatedb.leftovers import DAMAGED_FOLDER, files_in
from templatedb.plan import Plan
from templatedb.reasons import why_not
from templatedb.records import Key
from templatedb.settings import Settings
from templatedb.summary import age, count, size

_EXAMPLES = """\
The golden that the project's migrations lead to now is marked with an arrow.

examples:
  templatedb status
  templatedb status --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what is in the cache; outside a project too."""
    environment = environment_of(arguments)
    settings, plan, why = _project(arguments)
    current = None if plan is None else plan.key
    cache = open_cache(directory(settings or Settings(root=arguments.project.absolute()), environment))
    found = [stored for key in cache.known_keys() for stored in cache.stored(key)]
    found.sort(key=lambda stored: stored.manifest.built_at, reverse=True)
    folder = cache.folder(DAMAGED_FOLDER)
    aside = [str(file.path) for file in files_in(folder)]
    if arguments.json:
        goldens = [_facts(stored, cache, current) for stored in found]
        facts = {"cache": str(cache.root), "key": current, "goldens": goldens, "damaged": aside}
        print(json.dumps(facts, indent=2))
        return 0
    print(f"cache: {cache.root}")
    print(f"this project's key: {current}" if current else why)
    used = next((stored for stored in found if plan is not None and plan.is_served_by(stored.manifest)), None)
    for stored in found:
        print(_line(stored, cache, marked=stored is used))
    if plan is not None and used is None:
        why = str(why_not(cache, plan))
        print(f"no golden for the inputs as they are now{why and f': {why}'}; run templatedb build, or pytest")
    if aside:
        print(f"{count(len(aside), 'damaged file')} set aside in {folder}, until a prune finds them old")
    return 0


def _project(arguments: argparse.Namespace) -> tuple[Settings | None, Plan | None, str]:
    """Return the project's settings and plan, or why there is none; wrong settings are still an error."""
    try:
        settings = settings_of(arguments)
    except SettingsError as error:
        if error.key is not None:
            raise
        return None, None, f"no project here: {error.what}"
    try:
        return settings, plan_of(arguments, settings), ""
    except InputsError as error:
        return settings, None, f"this project has no key: {error.what}"


def _line(stored: Stored, cache: Cache, *, marked: bool) -> str:
    manifest = stored.manifest
    mark = "->" if marked else "  "
    there = "" if cache.golden_path(manifest.digest).exists() else "  (file is gone)"
    revisions = count(manifest.revisions, "revision") if manifest.revisions else "no revisions"
    return (
        f"{mark} {manifest.key.short}  {revisions:>14}  {size(manifest.size_bytes):>7}"
        f"  built {age(time.time() - manifest.built_at)} ago in {manifest.duration_s:.2f} s"
        f", used {age(time.time() - stored.used_at)} ago{there}"
    )


def _facts(stored: Stored, cache: Cache, current: Key | None) -> dict[str, object]:
    manifest = stored.manifest
    path = cache.golden_path(manifest.digest)
    return {
        "key": manifest.key,
        "current": manifest.key == current,
        "path": str(path),
        "exists": path.exists(),
        "revisions": manifest.revisions,
        "size_bytes": manifest.size_bytes,
        "built_at": manifest.built_at,
        "used_at": stored.used_at,
        "duration_s": manifest.duration_s,
        "versions": manifest.versions,
    }
