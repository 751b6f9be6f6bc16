"""Settings into a file that holds all of them afterwards, or stays as it was."""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from templatedb import toml
from templatedb.errors import SettingsError
from templatedb.files import write_atomically
from templatedb.proposals import Code, Proposal, toml_value
from templatedb.search import find

PYPROJECT = "pyproject.toml"
OWN = "templatedb.toml"
_HEADER = "[tool.templatedb]"


class Existing(NamedTuple):
    """Settings that a project has already."""

    path: Path
    line: int
    table: dict[str, Any]

    @property
    def lines(self) -> list[str]:
        """What is set, as it could be written."""
        return [f"{key} = {toml_value(value)}" for key, value in self.table.items()]


class Change(NamedTuple):
    """What is to become of one file."""

    path: Path
    """Where it is, links followed."""
    name: str
    before: bytes | None
    """None for a file that is not there yet."""
    after: bytes

    @property
    def diff(self) -> str:
        """The change as people read it, such as ``diff -u`` shows it."""
        old, new = (_lines(data or b"") for data in (self.before, self.after))
        before = "/dev/null" if self.before is None else self.name
        return "\n".join(difflib.unified_diff(old, new, before, self.name, lineterm=""))


def existing(root: Path) -> Existing | None:
    """Return the settings that hold in the folder *root* now, from there upwards; None when there are none.

    Raises SettingsError for a file that is not valid TOML.
    """
    for folder in (root, *root.parents):
        own, pyproject = folder / OWN, folder / PYPROJECT
        table = _read(pyproject).get("tool", {}).get("templatedb") if pyproject.is_file() else None
        if own.is_file():
            return Existing(own, 1, _read(own))
        if table is not None:
            return Existing(pyproject, _line_of_table(pyproject), table if isinstance(table, dict) else {"": table})
    return None


def text_of(proposal: Proposal, name: str) -> str:
    """Return the lines to be written to the file *name*, with their header where it needs one."""
    header = [] if name == OWN else [_HEADER]
    return "".join(f"{line}\n" for line in [*header, *(one.line for one in proposal.settings)])


def change_for(root: Path, name: str, text: str) -> Change:
    """Return what the file *name* in the folder *root* becomes with *text* at its end; writes nothing.

    Its own bytes and line ends stay. Raises SettingsError for a file that may not be written, or cannot take the lines.
    """
    path = root / name
    if name == PYPROJECT and not path.exists() and not path.is_symlink():
        raise SettingsError(
            what=f"there is no {PYPROJECT} in {root}",
            remedy=f"Leave --to out: the settings go to a new {OWN} then.",
            source=path,
        )
    real = _real(path, root)
    before = real.read_bytes() if real.exists() else None
    change = Change(real, name, before, _appended(before or b"", text))
    _refuse_unreadable(change, path)
    return change


def write(change: Change) -> None:
    """Put the change in place, whole and with the file's mode; raises SettingsError when it was edited meanwhile."""
    now = change.path.read_bytes() if change.path.exists() else None
    if now != change.before:
        raise SettingsError(
            what=f"{change.path} changed in the meantime: nothing was written",
            remedy="Run templatedb init again.",
            source=change.path,
        )
    mode = 0o644 & ~_umask() if now is None else stat.S_IMODE(change.path.stat().st_mode)
    write_atomically(change.path, change.after, mode)


def add(root: Path, code: Code) -> bool:
    """Write *code* into a new file of the folder *root*; return whether it did: one that is there stays as it is."""
    try:
        with (root / code.path).open("x", encoding="utf-8") as opened:
            opened.write(code.text)
    except FileExistsError:
        return False
    return True


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _real(path: Path, root: Path) -> Path:
    """Return where *path* leads; raises SettingsError when that is outside of the project, or no file to write to."""
    try:
        real = path.resolve(strict=path.is_symlink())
    except (OSError, RuntimeError) as error:
        raise SettingsError(
            what=f"{path} is a link that leads nowhere", remedy="Remove the link, or write the file.", source=path
        ) from error
    if not real.is_relative_to(root.resolve()):
        raise SettingsError(
            what=f"{path} is a link to {real}, outside of the project: nothing was written",
            remedy="Add the lines there by hand.",
            source=path,
        )
    if real.exists() and not (real.is_file() and os.access(real, os.W_OK)):
        raise SettingsError(
            what=f"{path} is {'read-only' if real.is_file() else 'no file'}: nothing was written",
            remedy=f"Make it a file that you may write, or use --to {OWN}.",
            source=path,
        )
    return real


def _appended(before: bytes, text: str) -> bytes:
    newline = b"\r\n" if before.count(b"\r\n") * 2 > before.count(b"\n") else b"\n"
    gap = b"" if not before else newline if before.endswith(b"\n") else newline * 2
    return before + gap + text.encode().replace(b"\n", newline)


def _refuse_unreadable(change: Change, path: Path) -> None:
    """Have the project's own loader read the file as it would be, in a folder aside."""
    with tempfile.TemporaryDirectory(prefix="templatedb-init-") as folder:
        tried = Path(folder, change.name)
        tried.write_bytes(change.after)
        try:
            found = find(tried.parent)
        except SettingsError as error:
            reason = str(error).replace(str(tried), str(path))
            raise SettingsError(
                what=f"{path} cannot take these lines at its end: {reason}",
                remedy=f"Write them by hand, or use --to {OWN}.",
                source=path,
            ) from error
        if found.source != tried:
            raise SettingsError(
                what=f"{path} would not be read as written", remedy="Add the lines there by hand.", source=path
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        return toml.read(path)
    except ValueError as error:
        raise SettingsError(
            what=f"{path} is not valid TOML: {error}", remedy="Correct it first: nothing was written.", source=path
        ) from error


def _line_of_table(path: Path) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(_numbers_of(lines), 1)


def _numbers_of(lines: list[str]) -> Iterator[int]:
    """Yield where the table may begin: at its header, else wherever it is named outside of a comment."""
    plain = ["".join(line.split()).replace('"', "").replace("'", "") for line in lines]
    yield from (number for number, line in enumerate(plain, 1) if line.startswith("[tool.templatedb"))
    yield from (number for number, line in enumerate(plain, 1) if "templatedb" in line.partition("#")[0])


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", errors="replace").splitlines()
