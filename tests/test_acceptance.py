"""The table of cases names tests that exist, and the page of the docs shows it."""

import ast
from pathlib import Path

import acceptance

HERE = Path(__file__).parent
IDS = [f"AC-{number:02}{letter}" for number in range(1, 69) for letter in (["", "b", "c"] if number == 38 else [""])]


def names_of_tests(path: Path) -> set[str]:
    body = ast.parse(path.read_text()).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_case_is_in_the_table_once():
    """In order, with tests or a reason."""
    assert [case.id for case in acceptance.CASES] == IDS
    assert [case.id for case in acceptance.CASES if not case.tests and not case.reason] == []


def test_every_test_that_the_table_names_exists():
    """Renaming a test means renaming it there."""
    missing = []
    for case in acceptance.CASES:
        for test in case.tests:
            path, _, name = test.partition("::")
            if not (HERE / path).exists() or (name and name not in names_of_tests(HERE / path)):
                missing.append((case.id, test))
    assert missing == []


def test_the_page_of_the_docs_shows_the_table():
    """Written by ``python -m tests.acceptance --write``."""
    assert acceptance.PAGE.read_text() == acceptance.page()
