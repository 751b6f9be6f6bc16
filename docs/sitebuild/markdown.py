"""Links, headings and code blocks of a Markdown text, as far as this repository's pages use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_NOT_PROSE = re.compile(r"(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)|<!--.*?-->", re.DOTALL)
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>[^\[\]]*(?:\[[^\]]*\][^\[\]]*)*)\]"
    r"\((?P<target>[^()\s]*(?:\([^()]*\)[^()\s]*)*)(?: +'[^']*'| +\"[^\"]*\")?\)"
)
_DEFINITION = re.compile(r"^\[(?P<text>[^\]]+)\]: +(?P<target>\S+)", re.MULTILINE)


class Link(NamedTuple):
    """One link of a text."""

    text: str
    target: str
    """Where it leads, as written: a URL, a path, an ``#anchor``."""
    start: int
    end: int
    is_image: bool = False

    @property
    def is_external(self) -> bool:
        """Whether it leads out of the repository."""
        return re.match(r"[a-z][a-z0-9+.-]*:", self.target) is not None


class Block(NamedTuple):
    """One fenced block of code."""

    language: str
    code: str

    @property
    def file(self) -> str:
        """The file name that its first line names in a comment, such as ``# tests/conftest.py``; empty without one."""
        named = re.match(r"(?:#|--|;) ([\w./-]+\.\w+)\n", self.code)
        return named[1] if named else ""


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks in their order."""
    return [Block(found["info"].strip(), found["body"]) for found in _FENCE.finditer(text)]


def section(text: str, title: str) -> str:
    """Return what stands under the heading *title*, up to the next heading of its level or a higher one.

    Raises LookupError when there is no such heading.
    """
    prose = _prose(text)
    for heading in re.finditer(r"^(#+) (.*)$", prose, re.MULTILINE):
        if text[heading.start(2) : heading.end(2)] == title:
            after = re.compile(rf"^#{{1,{len(heading[1])}}} ", re.MULTILINE).search(prose, heading.end())
            return text[heading.end() : after.start() if after else len(text)]
    raise LookupError(f"no heading {title!r}")


def links(text: str) -> Iterator[Link]:
    """Yield the links of *text*, those in code and comments left out."""
    prose = _prose(text)
    for found in _LINK.finditer(prose):
        yield _link(text, found)
    for found in _DEFINITION.finditer(prose):
        yield Link(found["text"], found["target"], found.start(), found.end())


def _link(text: str, found: re.Match[str]) -> Link:
    words = text[slice(*found.span("text"))]  # of the text itself: there the code in it is not blanked out
    return Link(words, found["target"], found.start(), found.end(), is_image=bool(found["image"]))


def with_links(text: str, replaced: Callable[[Link], str]) -> str:
    """Return *text* with each link in brackets put through *replaced*."""
    parts, done = [], 0
    prose = _prose(text)
    for found in _LINK.finditer(prose):
        link = _link(text, found)
        parts += [text[done : link.start], replaced(link)]
        done = link.end
    return "".join([*parts, text[done:]])


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of *text*, as code hosts and the site make them."""
    found: dict[str, int] = {}
    anchors = set()
    for heading in re.finditer(r"^#{1,6} +(.*?) *$", _prose(text), re.MULTILINE):
        title = text[slice(*heading.span(1))]
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        times = found.get(anchor, 0)
        found[anchor] = times + 1
        anchors.add(anchor if times == 0 else f"{anchor}-{times}")
    return anchors


def _prose(text: str) -> str:
    """Return *text* with code and comments blanked out, of the same length."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found[0])

    return _NOT_PROSE.sub(blank, _FENCE.sub(blank, text))
