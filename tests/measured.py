"""The table of measured ways in docs/explanation/how-it-compares.md, taken from the page of the benchmarks.

Run ``python tests/measured.py`` after ``make bench`` to write it anew; ``test_docs.py`` says when it is old.
"""

from __future__ import annotations

import re

from pages import DOCS, ROOT, section

PAGE = DOCS / "explanation/how-it-compares.md"
RESULTS = ROOT / "benchmarks/results/results.md"
_FRAME = re.compile(r"(?<=<!-- table: benchmarks/results/results\.md -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
_WAYS = (
    "no isolation (the floor)",
    "savepoint and rollback (SQLAlchemy's recipe)",
    "templatedb",
    'templatedb, `clone = "memory"`',
    "pytest-sqla, in memory",
    "pytest-sqla, on a file",
    "copy of the file, fresh engine",
    "`VACUUM INTO`, fresh engine",
    "`create_all` for every test",
    "`alembic upgrade` for every test",
    "pytest-sqlalchemy-alembic",
    "Django without isolation",
    "pytest-django, `django_db`",
    "pytest-django, `django_db(transaction=True)`",
)
_SMALL, _LARGE = "7 tables: 57 kB, 8 revisions", "67 tables: 856 kB, 68 revisions"


def table() -> str:
    """Return what stands between the marks of the page: the machine, and a row for each way."""
    results = RESULTS.read_text(encoding="utf-8")
    about = dict(re.findall(r"^\| ([\w ,-]+?) \| (.+?) \|$", results.partition("## Budgets")[0], re.MULTILINE))
    busy = re.search(r"^\*\*(The machine was not idle .*)\*\*$", results, re.MULTILINE)
    small, large = (_rows(section(results, title)) for title in (_SMALL, _LARGE))
    system, files = about["system"].partition(", load")[0], about["file system of the per-test comparison"]
    lines = [
        f"Measured with `make bench` at commit {about['commit']}: {system}; {about['Python, SQLite']}; files on {files}.",
        *([busy[1]] if busy else []),
        "",
        "| way | adds, 57 kB, µs | adds, 856 kB, µs | 1,000 tests, 57 kB, s | ratio to the floor |",
        "|---|--:|--:|--:|--:|",
        *(f"| {way} | {small[way][1]} | {large[way][1]} | {small[way][3]} | {small[way][4]} |" for way in _WAYS),
        "",
        "\\* scaled from fewer tests at their average pace. Django's rows are counted from Django without isolation.",
    ]
    return "\n".join(lines) + "\n"


def _rows(text: str) -> dict[str, list[str]]:
    """Return the cells after the first of each row of the comparison; a way that failed has its reason as what it adds."""
    found = re.findall(r"^\| (.+?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    return {
        way: ["", cells[0], "", "", ""] if cells[0].startswith("failed") else cells
        for way, *cells in ([cell.replace("*", r"\*") for cell in row] for row in found)
    }


def shown() -> str:
    """Return what stands there now."""
    found = _FRAME.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


if __name__ == "__main__":
    PAGE.write_text(_FRAME.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
