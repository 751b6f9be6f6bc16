"""Every message is in the gallery, is what the page of the docs shows, and says what, where, and what to do."""

import re
from pathlib import Path

import pytest

from gallery import cases, templates
from gallery.case import CASES, Group
from gallery.exempt import EXEMPT
from gallery.page import MESSAGES, SCREENS, cases_on, read, write
from gallery.world import World
from templatedb import errors

HERE = Path(__file__).parents[1]
cases.load()
ON_PAGES = {**read(MESSAGES), **read(SCREENS)}
SHOWN = [one for one in cases_on(MESSAGES) if one.id in ON_PAGES]

PLACE = re.compile(
    r"/[\w.]"  # a path, a URL, or a module and its line
    r"|'[^']+'|\"[^\"]+\""  # a setting, a value, a name
    r"|\b[A-Z]+_[A-Z_]+\b|--[a-z]"  # a variable, an option
    r"|\b[\w-]+\.(?:py|sql|sqlite|csv|toml|ini|go|txt)\b"
    r"|\bclone_\w+"  # a fixture
    r"|\b[0-9a-f]{8}\b"  # a golden
    r"|\b(?:migration|seed|golden|clone|table|tables|models|env\.py|version|migrations|marker|Template|process|cache)\b"
)
NO_PLACE = {
    "failed_without_changes": "it stands in the report of the test",
    "bug": "the traceback above it says where",
    "unforeseen": "the traceback below it says where",
    "interrupted": "whoever pressed the keys knows where",
    "windows": "it is the same everywhere",
}
TO_DO = re.compile(
    r"\b(?:Add|Build|Choose|Clone|Commit|Connect|Correct|Give|Install|Keep|Leave|Let|Look|Make|Move|Name|Open|Prune"
    r"|Remove|Rename|Run|Save|Set|Use|Wait|Write|add|build|close|commit|correct|end|give|leave|look|please report|run"
    r"|set|stop|read it|wait|write|open clones only|compare|use|remove|See)\b"
    r"|allowed: |Did you mean|Known settings|\bmust\b|\bneeds?\b|A line above says why|in a container, |a container gets"
    r"|it takes|takes clone="
)


def lines_of(text):
    return text.split("\n")


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.id)
def test_what_is_said_is_what_the_page_shows(one):
    """Provoked for real; ``python -m gallery --write`` in ``tests/`` writes the pages anew."""
    if reason := one.cannot():
        pytest.skip(reason)
    with World() as world:
        said = one.provoke(world)
    assert said == ON_PAGES.get(one.id)


@pytest.mark.parametrize("page", [MESSAGES, SCREENS], ids=lambda page: page.name)
def test_the_pages_have_all_cases_and_nothing_else(page):
    """Their frame too is written by the generator."""
    assert [one.id for one in cases_on(page) if one.id not in ON_PAGES] == []
    assert page.read_text() == write(page, ON_PAGES)
    assert str(HERE) not in page.read_text()


def test_each_case_has_a_name_and_a_situation_of_its_own():
    """The situation is a heading of the page."""
    assert len({one.id for one in CASES}) == len(CASES)
    assert len({one.situation for one in CASES}) == len(CASES)
    assert {one.group for one in CASES} == set(Group)


def test_every_message_of_the_source_is_in_the_gallery():
    """What can be said, remedies included, is shown; or it is told why that cannot be done, and there is little of it."""
    texts = [said.text for said in ON_PAGES.values()]
    missing = {
        template.text: f"{template.module}, line {template.line}"
        for template in templates.found()
        if not any(template.pattern.search(text) for text in texts)
    }
    assert missing.keys() == EXEMPT.keys(), missing
    assert len(EXEMPT) < 12


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.id)
def test_a_message_says_what_and_where_and_what_to_do(one):
    """Where there is nothing to do, the page says so."""
    text = ON_PAGES[one.id].text
    first = next(line for line in lines_of(text) if not line.startswith(("=", "_", "...")))
    assert PLACE.search(first) or one.id in NO_PLACE, "where?"
    assert TO_DO.search(text) or one.nothing_to_do, "what to do?"


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.id)
def test_a_message_is_short_and_in_plain_words(one):
    """No line is over 300 letters; no object is shown as Python writes it."""
    text = ON_PAGES[one.id].text
    assert [line for line in lines_of(text) if len(line) > 300] == []
    assert re.findall(r"PosixPath\(|<function|<class|object at 0x|\[Errno|<[A-Z]\w+ ", text) == []


def test_every_class_of_error_is_in_the_gallery():
    """By its name, which people catch it by."""
    known = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert known - {said.by for said in ON_PAGES.values()} == set()
