"""``templatedb init``: look at the project and propose its settings, shown before anything is written."""

from __future__ import annotations

import argparse
import contextlib
import enum
import json
import sys
from pathlib import Path

from templatedb.errors import SettingsError, TemplateDBError
from templatedb.proposals import NOT_YET, Proposal, Written
from templatedb.proposals.propose import propose
from templatedb.proposals.writing import OWN, PYPROJECT, Change, Existing, add, change_for, existing, text_of, write

_WIDE = 40
_EXAMPLES = """\
Looks at the folder of --project and what is below it; reads files, imports and runs none of them. Writes settings, and
the new module that they may name, only with your yes, or with --yes; conftest.py, pytest's configuration and CI are
yours, their lines are shown.

examples:
  templatedb init
  templatedb init --yes                  # do not ask
  templatedb init --to templatedb.toml   # leave pyproject.toml alone
  templatedb init --json
"""


_ELSEWHERE = (
    "Elsewhere: templatedb key --write .db-key before the cache is restored, templatedb build --write .db-save before",
    "it is saved; let the CI system take the checksum of the first file to restore by, of the second to save under.",
)


class _Doing(enum.Enum):
    """What becomes of the settings."""

    WRITE = enum.auto()
    ASK = enum.auto()
    SHOW = enum.auto()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--yes", action="store_true", help="write the settings, and the new module, without asking")
    parser.add_argument(
        "--to",
        choices=(PYPROJECT, OWN),
        help=f"the file to write (default: {PYPROJECT} if there is one, else {OWN})",
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON, and do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Print the proposal, and write its settings when that is wanted; raises where there are settings already."""
    root: Path = arguments.project.absolute()
    if not root.is_dir():
        raise SettingsError(what=f"{root} is no folder", remedy="Name the project's folder by --project.")
    proposal = _proposal(root, shown=not arguments.json)
    name = arguments.to or (PYPROJECT if (root / PYPROJECT).is_file() else OWN)
    change = change_for(root, name, text_of(proposal, name)) if proposal.needs_settings else None
    doing = _doing(arguments)
    if arguments.json:
        written = _write(root, proposal, change) if change is not None and doing is _Doing.WRITE else []
        print(json.dumps(_facts(root, proposal, change, written), indent=2))
        return 0
    if change is not None and doing is _Doing.SHOW:
        print("Nothing is written, for nobody can be asked here: templatedb init --yes writes the settings.\n")
    print("\n".join([*_found(root, proposal), "", *_settings(proposal, change, doing), *_beside(proposal)]))
    if change is None:
        print(f"\nNo settings have to be written. Next: {_steps(proposal)}.")
    elif doing is _Doing.SHOW:
        print("\nNothing was written: templatedb init --yes writes it.")
    elif doing is _Doing.ASK and not _agreed(proposal, change):
        print("\nNothing was written.")
    else:
        written = _write(root, proposal, change)
        if proposal.module is not None and len(written) == 1:
            print(f"\n{root / proposal.module.path} is there already: it stays as it is.")
        print(f"\nWrote {' and '.join(map(str, written))}. Next: {_steps(proposal)}.")
    return 0


def _write(root: Path, proposal: Proposal, change: Change) -> list[Path]:
    """Write the settings, and the module that they name unless it is there; return which files were written."""
    write(change)
    is_added = proposal.module is not None and add(root, proposal.module)
    return [change.path, root / proposal.module.path] if proposal.module is not None and is_added else [change.path]


def _proposal(root: Path, *, shown: bool) -> Proposal:
    """Return what is proposed for the folder *root*; raises SettingsError where settings hold already.

    With *shown* the proposal is printed before that: it may be wanted beside what is there.
    """
    held = existing(root)
    if held is None:
        return propose(root)
    if held.path.parent == root or not (root / PYPROJECT).is_file():
        table = "".join(f"    {line}\n" for line in held.lines) or "    (nothing)\n"
        if shown:
            with contextlib.suppress(TemplateDBError):  # nothing is found that settings could be proposed for
                print("\n".join(_unwritten(root, held)) + "\n")
        raise SettingsError(
            what=f"settings are there already: {held.path}:{held.line}",
            remedy=f"{table}Edit them there: templatedb build tries them. To start anew, take them out first.",
            source=held.path,
        )
    proposal = propose(root)
    note = f"{held.path}:{held.line} has settings, which hold here too until this folder has its own."
    return proposal._replace(notes=(*proposal.notes, note))


def _unwritten(root: Path, held: Existing) -> list[str]:
    """Return what would be proposed, were the settings *held* not there."""
    proposal = propose(root)
    settings = _settings(proposal, None, _Doing.SHOW)
    if proposal.needs_settings:
        settings = [
            f"Without the settings in {held.path.name} these would be proposed. They are shown only, not written:",
            "",
            *text_of(proposal, held.path.name).splitlines(),
        ]
    return [*_found(root, proposal), "", *settings, *_beside(proposal)]


def _doing(arguments: argparse.Namespace) -> _Doing:
    if arguments.yes:
        return _Doing.WRITE
    return _Doing.ASK if not arguments.json and sys.stdin.isatty() and sys.stdout.isatty() else _Doing.SHOW


def _agreed(proposal: Proposal, change: Change) -> bool:
    module = f", and a new {proposal.module.path}" if proposal.module else ""
    try:
        return input(f"\nWrite the settings above to {change.name}{module}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _steps(proposal: Proposal) -> str:
    steps = [f"add the lines to {proposal.pytest.path}"] if proposal.pytest else []
    steps += [f"add the lines to {proposal.conftest.path}"] if proposal.conftest else []
    if proposal.advice.startswith(NOT_YET):
        return ", ".join([*steps, "change what the Note names, then run templatedb init again"])
    return ", ".join([*steps, "templatedb build, then pytest"])


def _found(root: Path, proposal: Proposal) -> list[str]:
    """Return what was found, and what is to be told of it."""
    width = max((len(fact.place) for fact in proposal.facts if len(fact.place) <= _WIDE), default=0)
    lines = [f"Found in {root}:", *(f"    {fact.place:{width}}  {fact.what}" for fact in proposal.facts)]
    for note in proposal.notes:
        lines += ["", f"Note: {note}"]
    return lines


def _beside(proposal: Proposal) -> list[str]:
    """Return what goes beside the settings: a module, and by hand pytest's configuration, the conftest, the CI."""
    lines: list[str] = []
    if proposal.module is not None:
        lines += ["", f"For a new {proposal.module.path}:", "", *proposal.module.text.splitlines()]
    if (pytest := proposal.pytest) is not None:
        lines += ["", f"For {pytest.path}, under {pytest.section}, by your hand:", ""]
        lines += pytest.text.splitlines()
    if proposal.conftest is not None:
        lines += ["", f"For {proposal.conftest.path}, by your hand:", "", *proposal.conftest.text.splitlines()]
    else:
        lines += ["", proposal.advice]
    lines += ["", "For GitHub Actions, in the job of the tests, after what checks out and installs:", ""]
    lines += proposal.ci.splitlines()
    return [*lines, "", *_ELSEWHERE]


def _settings(proposal: Proposal, change: Change | None, doing: _Doing) -> list[str]:
    """Return the settings: as lines to be copied where they are only shown, else as the change of the file."""
    if change is None:
        return [
            "No settings are needed: the Alembic configuration in this folder is found by itself.",
            "What may be of use, under [tool.templatedb] in pyproject.toml:",
            "",
            *(one.line for one in proposal.settings),
        ]
    shown = text_of(proposal, change.name) if doing is _Doing.SHOW else change.diff
    return [f"For {'a new ' if change.before is None else ''}{change.name}:", "", *shown.splitlines()]


def _facts(root: Path, proposal: Proposal, change: Change | None, written: list[Path]) -> dict[str, object]:
    module = proposal.module
    return {
        "project": str(root),
        "found": [fact._asdict() for fact in proposal.facts],
        "notes": list(proposal.notes),
        "settings": _table(proposal, Written.SET),
        "suggested": _table(proposal, Written.SUGGESTED),
        "file": None if change is None else {"path": str(change.path), "diff": change.diff, "written": bool(written)},
        "module": module and {**module._asdict(), "written": root / module.path in written},
        "pytest": proposal.pytest and proposal.pytest._asdict(),
        "conftest": proposal.conftest and proposal.conftest._asdict(),
        "advice": proposal.advice,
        "github_actions": proposal.ci,
    }


def _table(proposal: Proposal, written: Written) -> dict[str, object]:
    return {one.key: one.value for one in proposal.settings if one.written is written}
