"""Makes what was said the same on every machine and at every time."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sys
import sysconfig
from pathlib import Path

import templatedb

_FIRST = "3f9c2a1b"
"""What stands for the first digits of the first key or digest; those of the others are made up as well."""

_FIGURES = (
    (r"\bbuilt (privately )?in [\d.]+ s\b", r"built \1in 2.31 s"),
    (r"\bbuilt \d+ (?:s|min|h|d) ago\b", "built 2 d ago"),
    (r"\bsince \d+ s\b", "since 12 s"),
    (r"\bafter \d+ s by\b", "after 300 s by"),
    (r"y{9,}", "yyyyyyyyy"),
    (r"\bmedian [\d.]+ ms\b", "median 0.21 ms"),
    (r"\bsaved about [\d.]+ s of\b", "saved about 5.92 s of"),
    (r"\bin \d+\.\d\ds\b", "in 0.42s"),
    (r"\b\d+ B\b", "700 B"),
    (r"\bhas \d+ bytes\b", "has 611 bytes"),
    (r"\bprocess \d+\b", "process 4711"),
    (r"\b[Pp]rocess ID \d+\b", "process ID 4711"),
    (r"/builds/\d+-\w+", "/builds/4711-x"),
    (r"(?:/[\w.-]+)+/templatedb-slots-[\w-]+", "/dev/shm/templatedb-slots-4711"),
    (r"/templatedb-(build|private|clones|verify)-\w+", r"/templatedb-\1-4711"),
    (r"/\.templatedb-\w+", "/.templatedb-4711"),
    (r"\bclone-\d+-\d+\.sqlite\b", "clone-4711-1.sqlite"),
    (r"\bclone-\d+\.sqlite\b", "clone-1.sqlite"),
    (r"\btemplatedb-\d+-\d+\b", "templatedb-4711-1"),
    (r"\b(python|sqlite|alembic|sqlalchemy)( changed \()[\d.]+", r"\1\2X.Y.Z"),
    (r"\b(alembic|python|sqlalchemy|sqlite) \d+\.\d+[\w.]*", r"\1 X.Y.Z"),
    (r"\bnow \d+\.\d+[\d.]*\)", "now X.Y.Z)"),
    (r"-- Python [\d.]+ ", "-- Python X.Y.Z "),
    (r"\bplatform .*", "platform linux -- Python X.Y.Z, pytest-X.Y.Z, pluggy-X.Y.Z"),
    (r"sqlalche\.me/e/\d+/", "sqlalche.me/e/20/"),
    (r"\bpython3(?:\.\d+)?\b", "python3"),
    (r"0x[0-9a-f]{6,}", "0x7f00"),
    (r"\n[ ~^]+(?=\n|$)", ""),  # carets under a line of a traceback: not every Python draws them
)


_PLACES = {
    os.path.dirname(templatedb.__file__): "/home/me/shop/.venv/lib/python3/site-packages/templatedb",
    sysconfig.get_path("purelib"): "/home/me/shop/.venv/lib/python3/site-packages",
    sysconfig.get_path("stdlib"): "/usr/lib/python3",
    **dict.fromkeys((sys.executable, os.path.abspath(sys.executable)), "/home/me/shop/.venv/bin/python"),
}
"""Looked up now: another user, as whom a case may be provoked, might not be able to."""


def normal(text: str, root: Path) -> str:
    """Return *text* with the folders, digits and names of this machine and this moment replaced by fixed ones."""
    for path, name in _folders(root):
        text = text.replace(path, name)
    text = re.sub(rf"(?<![\w/-]){re.escape(socket.gethostname())}(?![\w-])", "build-host", text)
    hexes: dict[str, str] = {}
    text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8}\b", lambda found: _hex(found[0], hexes), text)
    text = re.sub(r"\b(templatedb1-)([0-9a-f]{64})\b", lambda found: found[1] + _hex(found[2], hexes), text)
    for pattern, figure in _FIGURES:
        text = re.sub(pattern, figure, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def _hex(digits: str, known: dict[str, str]) -> str:
    number = len(known)
    fixed = known.setdefault(digits[:8], _FIRST if number == 0 else hashlib.sha256(bytes([number])).hexdigest()[:8])
    return fixed if len(digits) == 8 else f"{fixed}..."


def _folders(root: Path) -> list[tuple[str, str]]:
    found = {str(root): "", **_PLACES}
    pairs = {**found, **{os.path.realpath(path): name for path, name in found.items()}}
    return sorted(pairs.items(), key=lambda pair: -len(pair[0]))
