"""``templatedb status``: this project's goldens, the current one marked, stale ones with why; then the others."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from templatedb.cache import Cache, Stored
from templatedb.cache_trust import directory, look_at
from templatedb.cli.output import Output
from templatedb.cli.project import environment_of, plan_of, settings_of
from templatedb.errors import InputsError, SettingsError
from templatedb.leftovers import DAMAGED_FOLDER, files_in
from templatedb.plan import Plan
from templatedb.reasons import why_not, why_stale
from templatedb.settings import Settings
from templatedb.summary import age, count, duration, size
from templatedb.uses import Uses, noted_at

if TYPE_CHECKING:
    from rich.table import Table

_EXAMPLES = """\
The golden that the project's migrations lead to now is marked with an arrow. A hit is a test run that found the golden,
whatever number of workers it had. What was saved so far is the sum of all runs on this machine: what their tests did
not spend on migrating, less what those runs spent on building and cloning; pytest's summary says it of one run.

examples:
  templatedb status
  templatedb status --json
"""
_EXPLAINED = 20
"""For how many of a project's goldens, the newest ones, it is told why they are stale."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


class _Row(NamedTuple):
    """One golden, as it is listed."""

    stored: Stored
    uses: Uses
    used_at: float
    is_own: bool
    is_current: bool
    """Whether it serves the project as it is now."""
    exists: bool
    reasons: tuple[str, ...]
    """Why it is stale; empty when it is not, or not the project's."""

    @property
    def state(self) -> str:
        """In one line, what it is worth."""
        if self.is_current:
            return "current"
        if not self.exists:
            return "its file is gone"
        if not self.reasons:
            return "built again since" if self.is_own else ""
        return self.reasons[0] + (f" and {len(self.reasons) - 1} more" if len(self.reasons) > 1 else "")


def run(arguments: argparse.Namespace) -> int:
    """Print what is in the cache; outside of a project too."""
    settings, plan, why = _project(arguments)
    known = settings or Settings(root=arguments.project.absolute())
    cache = look_at(directory(known, environment_of(arguments)))
    rows = list(_rows(cache, plan))
    aside = [str(file.path) for file in files_in(cache.folder(DAMAGED_FOLDER))]
    if arguments.json:
        goldens = [_facts(row, cache, plan) for row in rows]
        facts = {"cache": str(cache.root), "key": plan and plan.key, "goldens": goldens, "damaged": aside}
        print(json.dumps(facts, indent=2))
        return 0
    output = Output()
    output.line(f"cache: {cache.root}")
    output.line(f"this project's key: {plan.key}" if plan else why)
    if own := [row for row in rows if row.is_own]:
        output.table(_own_table(own))
    if plan is not None and not any(row.is_current for row in rows):
        reason = str(why_not(cache, plan))
        output.line(
            f"no golden for the inputs as they are now{reason and f': {reason}'}; run templatedb build, or pytest"
        )
    if others := [row for row in rows if not row.is_own]:
        output.table(_others_table(others))
    if rows:
        output.line(_total(rows, known))
    if aside:
        folder = cache.folder(DAMAGED_FOLDER)
        output.line(f"{count(len(aside), 'damaged file')} set aside in {folder}, until a prune finds them old")
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
        return settings, None, f"this project has no key: {error.line}"


def _rows(cache: Cache, plan: Plan | None) -> Iterator[_Row]:
    """Yield every golden of the cache, the newest first."""
    every = [stored for key in cache.known_keys() for stored in cache.stored(key)]
    every.sort(key=lambda stored: stored.manifest.built_at, reverse=True)
    project = None if plan is None else str(plan.settings.root)
    has_current, explained = False, 0
    for stored in every:
        manifest = stored.manifest
        path = cache.golden_path(manifest.digest)
        is_own = plan is not None and (manifest.project == project or manifest.key == plan.key)
        is_current = plan is not None and not has_current and path.exists() and plan.is_served_by(manifest)
        has_current |= is_current
        reasons: tuple[str, ...] = ()
        if plan is not None and is_own and not is_current and explained < _EXPLAINED:
            reasons, explained = why_stale(cache, plan, manifest), explained + 1
        used_at = max(stored.used_at, noted_at(path, manifest.key))  # the golden's own stamp is set once an hour
        yield _Row(stored, Uses.of(path, manifest.key), used_at, is_own, is_current, path.exists(), reasons)


def _own_table(rows: Iterable[_Row]) -> Table:
    table = _table("", "golden", "revisions", "size", "age", "last used", "hits", "saved so far", "state")
    for row in rows:
        manifest = row.stored.manifest
        table.add_row(
            "->" if row.is_current else "",
            manifest.key.short,
            f"{manifest.revisions:,}" if manifest.revisions else "-",
            size(manifest.size_bytes),
            _since(manifest.built_at),
            _since(row.used_at),
            f"{row.uses.hits:,}",
            _saved(row.uses.saved_s),
            row.state,
            style="bold" if row.is_current else "dim",
        )
    return table


def _others_table(rows: Iterable[_Row]) -> Table:
    """Return a line for each other project, the one used last first."""
    projects: dict[str, list[_Row]] = {}
    for row in rows:
        projects.setdefault(row.stored.manifest.project or "a template made in code", []).append(row)
    table = _table("goldens", "size", "last used", "hits", "saved so far", "other project")
    for project, its in sorted(projects.items(), key=lambda pair: -max(row.used_at for row in pair[1])):
        table.add_row(
            f"{len(its):,}",
            size(_bytes(its)),
            _since(max(row.used_at for row in its)),
            f"{sum(row.uses.hits for row in its):,}",
            _saved(sum(max(0.0, row.uses.saved_s) for row in its)),
            project,
        )
    return table


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
    for column in columns:
        is_text = column in ("", "golden", "state", "other project")
        is_last = column == columns[-1]
        table.add_column(column, justify="left" if is_text else "right", no_wrap=not is_last, overflow="fold")
    return table


def _total(rows: list[_Row], settings: Settings) -> str:
    files = len({row.stored.manifest.digest for row in rows if row.exists})
    in_files = "" if files == len(rows) else f" in {count(files, 'file')}"  # two keys may lead to the same one
    hits, saved_s = sum(row.uses.hits for row in rows), sum(max(0.0, row.uses.saved_s) for row in rows)
    room = f"{size(_bytes(rows))} of {size(settings.cache_size_bytes)}"
    saved = f"; saved about {duration(saved_s)} of migrating so far" if saved_s >= 0.1 else ""
    return f"{count(len(rows), 'golden')}{in_files}, {room}, {count(hits, 'hit')}{saved}"


def _bytes(rows: Iterable[_Row]) -> int:
    return sum({row.stored.manifest.digest: row.stored.manifest.size_bytes for row in rows if row.exists}.values())


def _since(moment: float) -> str:
    return age(time.time() - moment)


def _saved(seconds: float) -> str:
    return duration(seconds) if seconds >= 0.1 else "-"


def _facts(row: _Row, cache: Cache, plan: Plan | None) -> dict[str, object]:
    manifest = row.stored.manifest
    return {
        "key": manifest.key,
        "current": row.is_current,
        "project": manifest.project,
        "state": row.state,
        "reasons": list(row.reasons),
        "path": str(cache.golden_path(manifest.digest)),
        "exists": row.exists,
        "revisions": manifest.revisions,
        "size_bytes": manifest.size_bytes,
        "built_at": manifest.built_at,
        "used_at": row.used_at,
        "duration_s": manifest.duration_s,
        "hits": row.uses.hits,
        "clones": row.uses.clones,
        "saved_s": row.uses.saved_s,
        "versions": manifest.versions,
    }
