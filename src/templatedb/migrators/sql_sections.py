"""The text of a migration, and the part of it that leads forward, as dbmate and goose mark it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from templatedb.errors import READ_REMEDY, InputsError
from templatedb.migrators import sql_statements
from templatedb.migrators.sql_statements import Statement

_DBMATE_MARK = re.compile(r"^--[\t\n\f\r ]*migrate:(?:up|down)", re.MULTILINE)
_DBMATE_UP, _DBMATE_DOWN = (
    re.compile(rf"^--[\t\n\f\r ]*migrate:{way}(?:[\t\n\f\r ]*$|[\t\n\f\r ]+[^\t\n\f\r ]+)", re.MULTILINE)
    for way in ("up", "down")
)
_GOOSE_MARK = re.compile(r"^[ \t]*--.*\+goose", re.MULTILINE)


class RefusedError(ValueError):
    """The tool whose migration this is would refuse it before it runs a statement."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        """Keep the *reason* in our words and the *line*, None where the whole file is meant."""
        super().__init__(reason)
        self.line = line


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """Statements that run together."""

    transaction: bool
    """Whether the tool puts a transaction around them."""
    pieces: tuple[tuple[int, str], ...]
    """Line and text of each part that the tool hands to SQLite by itself."""

    def statements(self) -> Iterator[Statement]:
        """Yield the statements in order."""
        for line, text in self.pieces:
            yield from sql_statements.split(text, line)


def read(path: Path) -> str:
    """Return the text of *path* with its line ends as they are; raise InputsError when it is not UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputsError(what=f"cannot read {path}: {error.strerror}", remedy=READ_REMEDY, searched=(path,)) from error
    try:
        text = data.decode("utf-8-sig")
        wrong = data.find(0)
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    if wrong >= 0:  # UTF-16 has NUL bytes, which SQLite takes for the end of the text
        raise InputsError(
            what=f"{path} is not UTF-8 text: byte 0x{data[wrong]:02x} in line {data.count(10, 0, wrong) + 1}",
            remedy="Save it as UTF-8.",
            searched=(path,),
        )
    return text


def is_dbmate(text: str) -> bool:
    """Whether *text* has a mark of dbmate."""
    return _DBMATE_MARK.search(text) is not None


def is_goose(text: str) -> bool:
    """Whether *text* has an annotation of goose."""
    return _GOOSE_MARK.search(text) is not None


def of_dbmate(text: str) -> Iterator[Section]:
    """Yield the up sections of *text*; raise RefusedError where dbmate would.

    Source: dbmate, pkg/dbmate/migration.go.
    """
    starts = [found.start() for found in _DBMATE_UP.finditer(text)]
    if not starts:
        raise RefusedError("dbmate needs a line '-- migrate:up'")
    for number, line in enumerate(text[: starts[0]].split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("--"):
            raise RefusedError("dbmate allows no statement before '-- migrate:up'", number)
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line_number = text.count("\n", 0, start) + 1
        section = text[start:end]
        downs = [found.start() for found in _DBMATE_DOWN.finditer(section)]
        if not downs:
            raise RefusedError("dbmate needs a line '-- migrate:down' after '-- migrate:up'", line_number)
        if len(downs) > 1:
            second = line_number + section.count("\n", 0, downs[1])
            raise RefusedError("dbmate needs a line '-- migrate:up' before each '-- migrate:down'", second)
        up = section[: downs[0]]
        yield Section(_dbmate_options(up).get("transaction") != "false", ((line_number, up),))


def _dbmate_options(section: str) -> dict[str, str]:
    words = _DBMATE_MARK.sub("", section.partition("\n")[0]).split()
    pairs = (word.split(":") for word in words)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def of_goose(text: str) -> Section:
    """Return the up section of *text*, cut as goose cuts it; raise RefusedError where goose would.

    Source: goose, internal/sqlparser/parser.go: a statement ends with a line whose last word ends with a semicolon, or
    with StatementEnd.
    """
    reader = _Goose()
    for number, line in enumerate(text.split("\n"), 1):
        reader.take(number, line.removesuffix("\r"))
    reader.finish()
    return Section(reader.transaction, tuple(reader.pieces))


@dataclasses.dataclass(slots=True)
class _Goose:
    """Where a reader of goose's annotations is."""

    part: str = "start"
    """Then ``up``, then ``down``."""
    block: bool = False
    """Between StatementBegin and StatementEnd."""
    after_empty_block: bool = False
    transaction: bool = True
    pieces: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)
    first: int = 0

    def take(self, number: int, line: str) -> None:
        is_comment = line.strip().startswith("--")
        if is_comment and "+goose" in line:
            self._annotation(number, line)
        elif self.lines or not (line == "" or is_comment):
            self._sql(number, line)

    def finish(self) -> None:
        if self.part == "start":
            raise RefusedError("goose needs a line '-- +goose Up'")
        if self.block:
            raise RefusedError("goose needs a line '-- +goose StatementEnd' after '-- +goose StatementBegin'")
        self._nothing_unfinished()

    def _sql(self, number: int, line: str) -> None:
        if self.part == "start" and line.strip():
            raise RefusedError("goose allows no statement before '-- +goose Up'", number)
        if self.part != "up":
            return
        if self.after_empty_block and line.strip():
            # Source: as above, and surely not meant: the state after an empty block swallows one line.
            raise RefusedError("goose passes over this line, because the block before it is empty", number)
        self.after_empty_block = False
        self.first = self.first if self.lines else number
        self.lines.append(line)
        if not self.block and _ends_statement(line):
            self._store()

    def _store(self) -> None:
        self.pieces.append((self.first, "\n".join([*self.lines, ""])))
        self.lines.clear()

    def _nothing_unfinished(self) -> None:
        if "".join(self.lines).strip():
            raise RefusedError("goose needs a semicolon at the end of this statement's last line", self.first)
        self.lines.clear()

    def _annotation(self, number: int, line: str) -> None:
        command = line.replace("--", "").replace("+goose", "", 1).strip()
        known = {"up", "down", "statementbegin", "statementend", "no transaction", "envsub on", "envsub off"}
        if command.lower() not in known or line[0] in " \t":
            raise RefusedError(f"goose knows no annotation {line!r}", number)
        match command.lower():
            case "up":
                self._up(number)
            case "down":
                self._down(number)
            case "statementbegin" | "statementend":
                self._block(number, begins=command.lower() == "statementbegin")
            case "no transaction":
                self.transaction = False
            case "envsub on" if self.part != "down":
                raise RefusedError("environment variables in migrations (ENVSUB) are not supported", number)

    def _up(self, number: int) -> None:
        if self.part != "start":
            raise RefusedError("goose allows only one '-- +goose Up'", number)
        self.part = "up"

    def _down(self, number: int) -> None:
        if self.part != "up" or self.block:
            raise RefusedError("goose does not expect '-- +goose Down' here", number)
        self._nothing_unfinished()
        self.part, self.after_empty_block = "down", False

    def _block(self, number: int, *, begins: bool) -> None:
        if self.part == "start" or self.block is begins:
            name = "StatementBegin" if begins else "StatementEnd"
            raise RefusedError(f"goose does not expect '-- +goose {name}' here", number)
        self.after_empty_block = self.part == "up" and not begins and not self.lines
        self.block = begins
        if not begins and self.lines:
            self._store()


def _ends_statement(line: str) -> bool:
    last = ""
    for word in line.split():
        if word.startswith("--"):
            break
        last = word
    return last.endswith(";")
