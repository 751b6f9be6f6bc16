"""What a statement of a schema says, whatever its white space, its comments and the order of its constraints.

SQLite keeps the text of CREATE statements as they were written. Only what tells their parts apart is understood here.
Source of the lexical rules: https://www.sqlite.org/lang_keywords.html and https://www.sqlite.org/lang_comment.html.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator

_TOKEN = re.compile(
    r"""(?P<gap>(?:[ \t\n\f\r] | --[^\n]* | /\*.*?(?:\*/|\Z))+)
      | [xX]'[^']*'
      | '[^']*(?:''[^']*)*' | "[^"]*(?:""[^"]*)*" | `[^`]*(?:``[^`]*)*` | \[[^]]*]
      | [\w$\x80-\U0010ffff]+
      | .""",
    re.DOTALL | re.VERBOSE,
)
_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
"""How a constraint of a table begins; SQLite takes none of these for a column's name without quotes."""
_SHOWN = 120
_CONTEXT = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL: equal to another one with the same tokens, whatever is between them."""

    tokens: tuple[str, ...]
    text: str = dataclasses.field(compare=False)
    """As it was written, with each run of white space and comments as one space."""

    @classmethod
    def of(cls, sql: str) -> Fragment:
        """Return the fragment that *sql* is."""
        return _joined(_tokens(sql))


@dataclasses.dataclass(frozen=True, slots=True)
class Definition:
    """What a CREATE TABLE says below the table's name."""

    columns: tuple[tuple[str, Fragment], ...]
    """Name without its quotes, and what follows the name; in order, for it is the order of ``select *``."""
    constraints: Counter[Fragment]
    options: Counter[Fragment]
    """Such as ``WITHOUT ROWID``, in capitals."""

    @classmethod
    def of(cls, sql: str) -> Definition:
        """Take *sql* apart; text that is no CREATE TABLE gives some definition too, equal for equal text."""
        pieces = _pieces(_tokens(sql))
        parts, options = [part for part in pieces[1:-1] if part], _joined(pieces[-1]).text.upper().split(",")
        return cls(
            columns=tuple((unquoted(part[0][1]), _joined(part[1:])) for part in parts if not _is_constraint(part)),
            constraints=Counter(_joined(part) for part in parts if _is_constraint(part)),
            options=Counter(Fragment.of(option) for option in options if option),
        )


def unquoted(name: str) -> str:
    """Return an identifier without the quotes that it may stand in."""
    quote = name[:1]
    if quote == "[":
        return name[1:-1]
    return name[1:-1].replace(quote * 2, quote) if quote in ("'", '"', "`") else name


def contrast(first: Fragment, second: Fragment) -> tuple[str, str]:
    """Return the two as texts fit for one line: long ones are cut to where they begin to differ."""
    if max(len(first.text), len(second.text)) <= _SHOWN:
        return first.text, second.text
    one, two = " ".join(first.tokens), " ".join(second.tokens)
    letters = enumerate(zip(one, two, strict=False))
    start = next((place for place, (a, b) in letters if a != b), min(len(one), len(two))) - _CONTEXT
    return _from(one, start), _from(two, start)


def cut(text: str) -> str:
    """Return *text*, or its beginning when it is too long for a line."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _is_constraint(part: list[tuple[bool, str]]) -> bool:
    return part[0][1].upper() in _CONSTRAINTS


def _from(text: str, start: int) -> str:
    return "... " + cut(text[start:]) if start > 0 else cut(text)


def _tokens(sql: str) -> Iterator[tuple[bool, str]]:
    """Yield each token, after whether white space or a comment stood before it."""
    gap = False
    for found in _TOKEN.finditer(sql):
        if found["gap"] is None:
            yield gap, found[0]
        gap = found["gap"] is not None


def _joined(tokens: Iterable[tuple[bool, str]]) -> Fragment:
    known = list(tokens)
    text = "".join(f" {token}" if gap else token for gap, token in known)
    return Fragment(tuple(token for _, token in known), text.strip())


def _pieces(tokens: Iterable[tuple[bool, str]]) -> list[list[tuple[bool, str]]]:
    """Split at the outermost parentheses and at the commas directly in them."""
    pieces: list[list[tuple[bool, str]]] = [[]]
    depth = 0
    for gap, word in tokens:
        depth -= word == ")"
        if (depth == 0 and word in ("(", ")")) or (depth == 1 and word == ","):
            pieces.append([])
        else:
            pieces[-1].append((gap, word))
        depth += word == "("
    return pieces
