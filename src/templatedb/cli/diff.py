"""``templatedb diff``: which tables, columns and rows differ from the golden, or between two files."""

from __future__ import annotations

import argparse
import json
import shlex
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from templatedb import kept
from templatedb.changes import Changes, between
from templatedb.changes.records import Named, Row, Value
from templatedb.changes.words import Look, lines
from templatedb.cli.output import Output
from templatedb.cli.progress import ProgressOnTerminal
from templatedb.cli.project import checked, environment_of, kept_folder, notice_once, settings_of
from templatedb.errors import CloneError
from templatedb.plan import Wishes
from templatedb.settings import seconds
from templatedb.summary import count
from templatedb.template import Template

_EXAMPLES = """\
With no DATABASE: the last one that a failed test has kept, against the golden that it was cloned from.

examples:
  templatedb diff                              # what did the last failed test do?
  templatedb diff test_a_user_is_added         # a kept database by its name
  templatedb diff dev.sqlite                   # any file, against the project's golden
  templatedb diff before.sqlite after.sqlite   # any two files
  templatedb diff --rows 1000 --json
"""
_NAMED = 10
_OFFERED = 5
_STYLES: Mapping[Look, str] = {
    Look.HEADING: "bold",
    Look.ADDED: "green",
    Look.REMOVED: "red",
    Look.CHANGED: "yellow",
    Look.NOTE: "dim",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("database", metavar="DATABASE", nargs="?", help="a file, or the name of a kept database")
    parser.add_argument("other", metavar="OTHER", nargs="?", type=Path, help="then: what became of DATABASE")
    parser.add_argument(
        "--rows", metavar="N", type=int, default=20, help="show so many rows of each kind and table (default: 20)"
    )
    parser.add_argument(
        "--time-limit",
        metavar="TIME",
        type=checked(seconds),
        default=60.0,
        help="stop after so long, and say what was not compared (default: 1m)",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when something differs")
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")


class _Pair(NamedTuple):
    """Two files to compare, and how people call them."""

    before: Path
    after: Path
    names: tuple[str, str]
    title: str
    test: str | None = None
    beside: tuple[Path, ...] = ()
    """The other databases that were kept, the last one first."""


def run(arguments: argparse.Namespace) -> int:
    """Print what differs; exit code 0 whatever was found, unless asked otherwise."""
    pair = _pair(arguments)
    try:
        found = between(
            pair.before,
            pair.after,
            names=pair.names,
            shown=max(0, arguments.rows),
            time_limit_s=arguments.time_limit,
        )
    except sqlite3.Error as error:
        raise CloneError(
            what=f"{pair.before} and {pair.after} cannot be compared: {error}", remedy=_remedy(error)
        ) from error
    if arguments.json:
        print(json.dumps({**_facts(pair), **_changes(found)}, indent=2))
    else:
        _print(pair, found)
    return 1 if arguments.exit_code and not found.is_empty else 0


def _print(pair: _Pair, found: Changes) -> None:
    output = Output()
    output.line(pair.title, "dim")
    for line in lines(found):
        output.line(line.text, _STYLES[line.look])
    if found.is_empty and not found.not_compared:
        output.line("no difference")
    if (most := max((table.count for table in found.tables if len(table.rows) < table.count), default=0)) > 0:
        output.line(f"all of these rows: --rows {most}", "dim")
    for text in _others(pair.beside):
        output.line(text, "dim")


def _others(beside: Sequence[Path]) -> list[str]:
    """Return the lines that name other kept databases, the last ones as commands to paste; empty without any."""
    if not beside:
        return []
    lines = [f"{count(len(beside), 'more database')} kept in {beside[0].parent}:"]
    lines += [f"    templatedb diff {shlex.quote(path.stem)}" for path in beside[:_OFFERED]]
    return [*lines, f"    and {len(beside) - _OFFERED} more"] if len(beside) > _OFFERED else lines


def _remedy(error: sqlite3.Error) -> str:
    if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
        return "Somebody writes to it: wait until the transaction ends, or compare a copy."
    return "Name two SQLite databases; an encrypted one cannot be read."


# --- Which two files ---


def _pair(arguments: argparse.Namespace) -> _Pair:
    if arguments.other is not None:
        before, after = Path(arguments.database), arguments.other
        for path in (before, after):
            _refuse_missing(path)
        names = (before.name, after.name) if before.name != after.name else (str(before), str(after))
        return _Pair(before, after, names, f"from {before} to {after}")
    folder = kept_folder(arguments)
    known = kept.all_kept(folder)
    if arguments.database is None:
        if not known:
            raise CloneError(
                what=f"no database of a failed test in {folder}",
                remedy="Name a file: templatedb diff DATABASE. Databases are kept until the next run of pytest.",
                path=folder,
            )
        path = known[0]
    else:
        path = Path(arguments.database)
        named = folder / f"{arguments.database}.sqlite"
        if not path.exists() and named in known:
            path = named
        _refuse_missing(path, known)
    return _against_golden(arguments, path, beside=_beside(path, known))


def _beside(path: Path, known: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(one for one in known if one != path) if path in known else ()


def _against_golden(arguments: argparse.Namespace, path: Path, *, beside: tuple[Path, ...]) -> _Pair:
    origin = kept.origin_of(path)
    test = None if origin is None else origin.test
    if origin is not None and origin.golden.exists():
        golden, key = origin.golden, origin.key
    else:
        golden, key = _project_golden(arguments)
        if origin is not None and origin.key != key:
            raise CloneError(
                what=f"the golden that {path} was cloned from is gone: {origin.golden}",
                remedy="Run the test again, or name the file to compare with: templatedb diff GOLDEN DATABASE.",
                path=path,
            )
    short = key.partition("-")[2][:8]
    return _Pair(
        golden, path, ("golden", "database"), f"from golden {short} to {test or path}", test=test, beside=beside
    )


def _project_golden(arguments: argparse.Namespace) -> tuple[Path, str]:
    wishes = Wishes(
        on_progress=ProgressOnTerminal(quiet=arguments.json),
        notice=notice_once(),
        environment=environment_of(arguments),
    )
    with Template.from_settings(settings_of(arguments)).golden(wishes) as golden:
        return golden.path, golden.key


def _refuse_missing(path: Path, known: Sequence[Path] = ()) -> None:
    if not path.is_file():
        names = ", ".join(one.stem for one in known[:_NAMED])
        kept_ones = f" Kept are {names}{' and others' if len(known) > _NAMED else ''}." if known else ""
        raise CloneError(
            what=f"there is no file {path}",
            remedy=f"Name a SQLite database, or a kept one by its test.{kept_ones}",
            path=path,
        )


# --- JSON ---


def _facts(pair: _Pair) -> dict[str, object]:
    return {"before": str(pair.before), "after": str(pair.after), "test": pair.test}


def _changes(found: Changes) -> dict[str, object]:
    return {
        "tables": [
            {
                "table": table.table,
                "added": table.added,
                "removed": table.removed,
                "changed": table.changed,
                "complete": table.is_complete,
                "rows": [_row(row) for row in table.rows],
            }
            for table in found.tables
        ],
        "schema": [{"kind": one.kind, "name": one.name, "what": one.what} for one in found.schema],
        "sequences": [{"table": one.table, "before": one.before, "after": one.after} for one in found.sequences],
        "not_compared": list(found.not_compared),
        "notes": list(found.notes),
    }


def _row(row: Row) -> dict[str, object]:
    facts: dict[str, object] = {"kind": row.kind, "key": _object(row.key)}
    if row.cells:
        return facts | {
            "cells": [
                {"column": cell.column, "before": _plain(cell.before), "after": _plain(cell.after)}
                for cell in row.cells
            ]
        }
    return facts | {"values": _object(row.values)}


def _object(pairs: Named) -> dict[str, object]:
    return {name: _plain(value) for name, value in pairs}


def _plain(value: Value) -> object:
    """Return *value* as JSON has it; a blob as an object with its hexadecimal digits."""
    return {"hex": value.hex()} if isinstance(value, bytes) else value
