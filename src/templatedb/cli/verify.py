"""``templatedb verify``: build a second time beside the golden and say what is not reproducible."""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from templatedb.build.messages import Done
from templatedb.cli.progress import ProgressOnTerminal
from templatedb.cli.project import environment_of, notice_once, settings_of
from templatedb.comparison import Comparison, compare
from templatedb.machine_values import MachineValue, machine_values, marks_of
from templatedb.migrators import from_settings
from templatedb.plan import Plan, Wishes
from templatedb.private import build_and_verify
from templatedb.summary import count
from templatedb.template import Template

_SHOWN = 10
_EXAMPLES = """\
Compares what counts: definitions and rows, in any order; two builds are rarely the same bytes. Exits with 1 when the
schemas differ; rows that differ, such as those with a clock, are reported: the cache freezes them with the golden.

examples:
  templatedb verify
  templatedb verify --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Make sure of the golden, build it again in a temporary folder, and print how the two differ."""
    settings = settings_of(arguments)
    wishes = Wishes(
        on_progress=ProgressOnTerminal(quiet=arguments.json),
        notice=notice_once(),
        environment=environment_of(arguments),
    )
    with (
        Template.from_settings(settings).golden(wishes) as golden,
        tempfile.TemporaryDirectory(prefix="templatedb-verify-", ignore_cleanup_errors=True) as folder,
    ):
        built, _ = build_and_verify(Plan.make(from_settings(settings), settings, wishes), Path(folder))
        found = compare(golden.path, built.path, first_name="golden", second_name="second build")
        bound = machine_values(golden.path, marks_of(settings.root, wishes.environment.get("HOME")))
    if arguments.json:
        print(json.dumps({"key": golden.key, "path": str(golden.path), **_facts(found, bound, built.done)}, indent=2))
    else:
        first = f"golden {golden.key.short}: {golden.path}"
        print("\n".join([first, *_lines(found), *_of_machine(bound), *_looks(built.done)]))
    return 1 if found.schema else 0


def _lines(found: Comparison) -> list[str]:
    schema = [f"    {one.kind} {one.name}: {one.what}" for one in found.schema]
    rows = [f"    {one.table}: {one.what}" for one in found.rows]
    return [
        "schema: differs" if schema else "schema: the same in both builds",
        *schema,
        "rows: differ; tests see those of the golden until it is built again"
        if rows
        else "rows: the same in both builds",
        *rows,
        *(f"note: {note}" for note in found.notes),
    ]


def _of_machine(bound: Sequence[MachineValue]) -> list[str]:
    if not bound:
        return []
    return [
        "true on this machine only:",
        *(f"    {one.table}.{one.column} holds {one.what} ({count(one.rows, 'row')})" for one in bound),
        "    a golden in a CI system's cache or in an image carries it to other machines: store what is the same there",
    ]


def _looks(done: Done) -> list[str]:
    lines = []
    if done.untracked:
        lines.append(f"read, but not tracked: {_some(done.untracked)}")
        lines.append("    which is right unless a migration's outcome depends on them: no edit of them leads to a")
        lines.append("    new golden; track = \"all\" counts the project's own, or name them in the setting 'inputs'")
    if done.home:
        lines.append(f"looked for in HOME, which is empty in a build: {_some(done.home)}")
    if done.written:
        lines.append(f"left outside of the database: {_some(done.written)}")
        lines.append("    a hit runs no migration and leaves nothing: tests that need it fail then")
    if done.programs:
        lines.append(f"started: {_some(done.programs)}")
        lines.append("    what a program reads is not tracked: name it in the setting 'inputs'")
    return lines


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _facts(found: Comparison, bound: Sequence[MachineValue], done: Done) -> dict[str, object]:
    return {
        "schema": [{"kind": one.kind, "name": one.name, "what": one.what} for one in found.schema],
        "rows": [{"table": one.table, "columns": list(one.columns), "what": one.what} for one in found.rows],
        "notes": list(found.notes),
        "untracked": list(done.untracked),
        "home": list(done.home),
        "machine": [dataclasses.asdict(one) for one in bound],
        "written": list(done.written),
        "programs": list(done.programs),
    }
