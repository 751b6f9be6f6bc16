"""The two pages of the docs: written from what was said, and read back to be compared with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gallery.case import CASES, COMMAND, NOTICE, PYTEST, Case, Group, Said

_DOCS = Path(__file__).parents[2] / "docs" / "reference"
MESSAGES, SCREENS = _DOCS / "messages.md", _DOCS / "screens.md"

_HEADS = {
    MESSAGES: """\
# Messages

Every error and every warning of templatedb, as its reader sees it. Each was provoked for real, in a project in
`/home/me/shop` whose cache is in `/home/me/.cache/templatedb`; keys, digests, times, sizes and versions are replaced by
fixed ones. Search this page for a few words of the message that you have.

The first line says what failed and where, the next what to do. An error of the library has that text; the command
writes it to standard error after `templatedb: ` and exits with 1; in pytest each test that needs the database gets it in
one line, and the summary has the whole of it once.

Written by `cd tests && ../.venv/bin/python -m gallery --write`; a test keeps it current and asks that no message is
missing.
""",
    SCREENS: """\
# Screens

What templatedb shows while all is well, or when a test fails. Each was really run on a small project with Alembic
migrations, in `/home/me/shop`; keys, digests, times, sizes and versions are replaced by fixed ones. Colours are left out.

Written by `cd tests && ../.venv/bin/python -m gallery --write`, as [the messages](messages.md) are; a test keeps it
current.
""",
}
_PLACES = {COMMAND: "The command:", NOTICE: "A line of pytest and of the command:", PYTEST: "pytest:"}
_SCREEN = "Shown by"


def page_of(one: Case) -> Path:
    """Return the page that the case is on."""
    return SCREENS if one.group is Group.SCREENS else MESSAGES


def cases_on(path: Path) -> list[Case]:
    """Return the cases of a page in its order."""
    order = list(Group).index
    return sorted((one for one in CASES if page_of(one) == path), key=lambda one: order(one.group))


def write(path: Path, said: Mapping[str, Said]) -> str:
    """Return the text of the page, with what each case said."""
    parts = [_HEADS[path]]
    groups: set[Group] = set()
    for one in cases_on(path):
        if path == MESSAGES and one.group not in groups:
            groups.add(one.group)
            parts.append(f"## {one.group}\n")
        level = "###" if path == MESSAGES else "##"
        parts.append(f"{level} {_title(one)}\n")
        parts.append(_shown(one, said[one.id]))
    return "\n".join(parts)


_NAMES = ("dbmate", "env.py", "golang-migrate", "goose", "pytest", "templatedb", "templatedb_template")
"""What is written small, at the beginning of a heading too."""


def _title(one: Case) -> str:
    is_name = one.situation.split()[0] in _NAMES
    return one.situation if is_name else one.situation[0].upper() + one.situation[1:]


def _shown(one: Case, said: Said) -> str:
    place = f"`{said.by}`" if one.group is Group.SCREENS else _PLACES.get(said.by, f"`{said.by}`:")
    lines = [f"{_SCREEN} {place}:" if one.group is Group.SCREENS else place, "", "```text", said.text, "```", ""]
    if one.nothing_to_do:
        lines += [one.nothing_to_do, ""]
    return "\n".join(lines)


_BLOCK = re.compile(
    r"^#{2,3} (?P<title>[^\n]+)\n\n(?P<place>[^\n]+)\n\n```text\n(?P<text>.*?)\n```$", re.MULTILINE | re.DOTALL
)


def read(path: Path) -> dict[str, Said]:
    """Return what each case says on the page, by the case's id; cases that are not on it are left out."""
    text = path.read_text() if path.exists() else ""
    blocks = {found["title"]: found for found in _BLOCK.finditer(text)}
    known = {place: by for by, place in _PLACES.items()}
    said = {}
    for one in cases_on(path):
        if (found := blocks.get(_title(one))) is not None:
            place = found["place"].removeprefix(f"{_SCREEN} ")
            said[one.id] = Said(found["text"], known.get(place) or place.removesuffix(":").strip("`"))
    return said


def between(text: str, first: str, last: str) -> str:
    """Return the lines from the one with *first* in it to before the one with *last*."""
    lines = text.split("\n")
    begin, end = (next(number for number, line in enumerate(lines) if part in line) for part in (first, last))
    return "\n".join(lines[begin:end])
