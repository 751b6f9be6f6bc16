"""Cut an SQL text into statements where SQLite ends them, each with the line it begins in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

_SPACE_OR_COMMENT = r"[ \t\n\f\r]++|--[^\n]*+|/\*.*?(?:\*/|\Z)"
_MEANINGLESS = re.compile(rf"(?:{_SPACE_OR_COMMENT})*+", re.DOTALL)
"""What SQLite passes over; a block comment that is never closed reaches to the end, as it does for SQLite."""

_END = re.compile(rf"(?:{_SPACE_OR_COMMENT})*+END(?:{_SPACE_OR_COMMENT})*+", re.DOTALL | re.IGNORECASE)

_QUOTES = r"""'(?:[^']*+')?+|"(?:[^"]*+")?+|`(?:[^`]*+`)?+|\[(?:[^\]]*+\])?+"""
_PIECE = re.compile(rf"{_QUOTES}|--[^\n]*+|/\*.*?(?:\*/|\Z)|;", re.DOTALL)
"""What may hide a semicolon, and semicolons; a quote that is never closed matches as that one character."""


_TOKEN = re.compile(
    rf"(?P<nothing>{_SPACE_OR_COMMENT})"
    r"""|[xX]?'(?:[^']|'')*+'|"(?:[^"]|"")*+"|`(?:[^`]|``)*+`|\[[^\]]*+\]"""
    r"|0[xX][0-9a-fA-F]+|(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9]+)?"
    r"|[:@$#?]?[\w$\x80-\U0010ffff]++|->>?|\|\||<<|>>|[<>=!]=|<>|.",
    re.DOTALL,
)
"""What SQLite cuts a text into. Source: SQLite, src/tokenize.c."""
_NEAR = re.compile(r'near "(?P<word>.+)": syntax error', re.DOTALL)
_UNRECOGNIZED = re.compile(r'unrecognized token: "(?P<text>.+)"', re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One statement as written, from its first word to its semicolon."""

    text: str
    line: int

    def line_of(self, reason: str) -> int | None:
        """Return the line that SQLite means with the *reason* of its refusal; None where it may be any of several.

        It names the word of a syntax error, not its place, and of most other errors nothing at all.
        """
        if "\n" not in self.text.rstrip():
            return self.line
        found: list[int] = []
        if near := _NEAR.fullmatch(reason):
            tokens = _TOKEN.finditer(self.text)
            found = [it.start() for it in tokens if it[0] == near["word"] and it["nothing"] is None]
        elif unrecognized := _UNRECOGNIZED.fullmatch(reason):
            found = [it.start() for it in re.finditer(re.escape(unrecognized["text"]), self.text)]
        return self.line + self.text.count("\n", 0, found[0]) if len(found) == 1 else None


def split(text: str, first_line: int = 1) -> Iterator[Statement]:
    """Yield the statements of *text*, whose first line has that number; the last one may lack its semicolon.

    Text that SQLite would refuse is cut somewhere, and refused when it runs. Yields nothing for comments only.
    """
    begin, line = 0, first_line
    for end in [*_ends(text), len(text)]:
        skipped = _MEANINGLESS.match(text, begin, end)
        start = skipped.end() if skipped else begin
        line += text.count("\n", begin, start)
        if text[start:end].strip("; \t\n\f\r"):
            yield Statement(text[start:end], line)
        line += text.count("\n", start, end)
        begin = end


def _ends(text: str) -> Iterator[int]:
    """Yield where statements end, behind their semicolons.

    SQLite's own tokenizer has the word, but asking it at every semicolon would read a long string once for each one
    inside. So it is asked only at semicolons outside of strings and comments, and inside a trigger only behind END.
    """
    from sqlite3 import complete_statement

    begin = behind = 0
    for piece in _PIECE.finditer(text):
        if piece[0] in "'\"`[":
            return
        if piece[0] != ";":
            continue
        may_end = behind == begin or _END.fullmatch(text, behind, piece.start())
        behind = piece.end()
        if may_end and complete_statement(text[begin:behind]):
            yield behind
            begin = behind
