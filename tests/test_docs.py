"""The documentation hangs together: pages, links, and what is told in two places. `make docs` makes the site of it."""

import fnmatch
import os
import re
import tomllib
from pathlib import Path

import pytest

import measured
import templatedb
import templatedb.settings
from pages import DOCS, ROOT, checked, filled, markdown, origins, recipes, section

WRITTEN = [DOCS / folder for folder in (*origins.WRITTEN, "_build")]
"""What `make docs` makes."""


def ours(path: Path) -> bool:
    """Whether a page is written by a person: not made by `make docs`, and not of an environment or a cache."""
    hidden = any(part.startswith(".") or part in ("build", "dist") for part in path.relative_to(ROOT).parts)
    return not hidden and not any(path.is_relative_to(folder) for folder in WRITTEN)


PAGES = [path for path in sorted(DOCS.rglob("*.md")) if ours(path)]
MARKDOWN = [path for path in sorted(ROOT.rglob("*.md")) if ours(path)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def entries(page: Path) -> set[str]:
    """The pages that the toctrees of *page* name, as paths without their suffix from docs/."""
    text = page.read_text()
    if page == DOCS / "how-to/index.md":
        text = filled.fill(text)
    known = [path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES]
    found = set()
    for block in markdown.blocks(text):
        lines = block.code.split() if block.language == "{toctree}" else []
        for line in (line for line in lines if not line.startswith(":")):
            pattern = os.path.normpath(page.parent.relative_to(DOCS) / line)
            same_depth = [name for name in known if name.count("/") == pattern.count("/")]
            found |= set(fnmatch.filter(same_depth, pattern)) or {pattern}
    return found


def test_every_page_is_in_a_toctree_below_the_first():
    """Those that are added later too: they are found by a pattern."""
    reached, open_pages = set(), {"index"}
    while open_pages:
        page = open_pages.pop()
        reached.add(page)
        if (path := DOCS / f"{page}.md").is_file() and ours(path):
            open_pages |= entries(path) - reached
    assert {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES} <= reached
    assert {f"how-to/recipes/{name}" for name in recipes.folders(ROOT)} <= reached


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_links_lead_to_files_and_headings_that_are_there(path):
    """In all Markdown of the repository, as a code host resolves them."""
    text = path.read_text()
    broken = []
    for link in markdown.links(text):
        target, _, anchor = link.target.partition("#")
        if link.is_external or link.target.startswith("//"):
            continue
        file = (path.parent / target).resolve() if target else path
        page = file / "README.md" if file.is_dir() else file
        if not file.exists() or (anchor and anchor not in markdown.anchors(page.read_text())):
            broken.append(link.target)
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_to_other_files_of_the_repository_lead_into_the_site(path):
    """A link of a page is to a page or a file of docs/, or it is shown as its text: the site has no sources beside it."""
    page = path.relative_to(DOCS).with_suffix("").as_posix()
    pages = set(origins.pages().values())
    for link in markdown.links(origins.links_of_page(path.read_text(), page)):
        target = link.target.partition("#")[0]
        if target and not link.is_external:
            path = os.path.normpath(Path(page).parent / target)
            assert path.removesuffix(".md") in pages or (DOCS / path).is_file()


def test_links_of_a_recipe_lead_to_the_pages_of_others():
    """By folder or by file; a file that is no page is its text, and a link that is wrong stays as it is."""
    text = "[a](../xdist) [b](../xdist/README.md#the-files) [c](store.py) [d](../nowhere) [e](https://www.sqlite.org/) `[f](x)`"
    assert origins.links_of(text, "conftest_examples/raw_sqlite3/README.md", "how-to/recipes/raw_sqlite3") == (
        "[a](xdist.md) [b](xdist.md#the-files) c [d](../nowhere) [e](https://www.sqlite.org/) `[f](x)`"
    )


def test_every_recipe_has_a_page_with_its_readme_and_its_files():
    """Whoever adds a folder adds a page."""
    listed = [name for group in recipes.groups(ROOT) for name, _ in group.recipes]
    assert sorted(listed) == sorted(path.parent.name for path in ROOT.glob("conftest_examples/*/README.md"))
    page = recipes.page(ROOT, "peewee_migrate")
    assert page.startswith((ROOT / "conftest_examples/peewee_migrate/README.md").read_text().rstrip())
    assert re.findall(r"^### `(.*)`", page, re.MULTILINE) == [
        "pyproject.toml",
        "tests/conftest.py",
        "tests/test_records.py",
        "records.py",
        "migrations/001_artists_and_records.py",
        "migrations/002_year_of_a_record.py",
        "migrations/003_various_artists.py",
    ]


def test_recipes_are_grouped_by_the_headings_of_their_list(tmp_path):
    """Those that the list leaves out stand at the end."""
    for name in ("one", "two", "three", "four"):
        (tmp_path / "conftest_examples" / name).mkdir(parents=True)
        (tmp_path / "conftest_examples" / name / "README.md").touch()
    (tmp_path / "conftest_examples/README.md").write_text(
        "# Recipes\n\n| recipe | for |\n|---|---|\n| [two](two) | 2 |\n\n## More\n\n| recipe | for |\n|---|---|\n"
        "| [one](one/) | 1, `a|b` |\n| [three](three/README.md) | 3 |\n| [gone](gone) | 0 |\n"
    )
    assert recipes.groups(tmp_path) == [
        recipes.Group("", (("two", "2"),)),
        recipes.Group("More", (("one", "1, `a|b`"), ("three", "3"))),
        recipes.Group(recipes.OTHERS, (("four", ""),)),
    ]


def rows(text: str, columns: int) -> dict[str, tuple[str, ...]]:
    """The cells after the first of each row of settings, by the setting."""
    found = re.findall(r"^\| `(\w+)` " + columns * r"\| *(.*?) *" + r"\|$", text, re.MULTILINE)
    return {key: tuple(cells) for key, *cells in found}


def test_the_page_of_settings_says_what_the_code_allows():
    """Each setting, with what is allowed and the default."""
    told = rows((DOCS / "reference/settings.md").read_text(), 3)
    readers = templatedb.settings._READERS
    assert sorted(told) == sorted(readers)
    assert {key: allowed for key, (_, allowed, _) in told.items()} == {key: readers[key][1] for key in told}
    empty = templatedb.settings.Settings(root=Path())
    in_words = {"alembic", "python_path", "max_age", "cache_dir"}
    for key, (default, _, _) in told.items():
        name, _, read = readers[key]
        value = tomllib.loads(f"x = {default.strip('`')}")["x"] if default and key not in in_words else None
        assert getattr(empty, name) == (None if value is None else read(value)), key


def test_the_readme_and_the_page_name_the_same_defaults():
    """In the same words."""
    readme = rows(section((ROOT / "README.md").read_text(), "Settings"), 2)
    page = rows((DOCS / "reference/settings.md").read_text(), 3)
    assert {key: cells[0] for key, cells in readme.items()} == {key: cells[0] for key, cells in page.items()}


def test_what_the_code_writes_into_pages_names_everything_public():
    """Fixtures, options, classes and errors; a new one needs no page of its own."""
    names = re.findall(r"^\.\. auto\w+:: templatedb\.(\w+)$", filled.fill("<!-- filled in: library -->"), re.MULTILINE)
    errors = re.findall(r"^\.\. auto\w+:: templatedb\.(\w+)$", filled.fill("<!-- filled in: errors -->"), re.MULTILINE)
    assert sorted(names + errors) == templatedb.__all__
    fixtures = re.findall(r"^### `(\w+)`", filled.fill("<!-- filled in: fixtures -->"), re.MULTILINE)
    options = re.findall(r"^### `([a-z-]+)", filled.fill("<!-- filled in: options -->"), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert all(f"`{name}`" in section(readme, "Fixtures") for name in fixtures)
    assert sorted(options) == sorted(re.findall(r"`(--templatedb-[a-z-]+)", section(readme, "Options of pytest")))
    with pytest.raises(KeyError, match="nothing"):
        filled.fill("<!-- filled in: nothing -->")


def test_a_link_of_the_site_that_leads_nowhere_is_named(tmp_path):
    """A file that is not there, and an anchor that is not in it."""
    (tmp_path / "a.html").write_text('<a href="b.html#here">x</a><a href="#top">x</a><a href="c.html">x</a>')
    (tmp_path / "b.html").write_text('<p id="here"><a href="a.html">x</a><a href="https://www.sqlite.org/">x</a>')
    assert checked.broken_links(tmp_path) == [
        "a.html: #top: no such place in it",
        "a.html: c.html: no such file",
    ]


def test_the_measured_ways_are_those_of_the_last_run():
    """Written by `python tests/measured.py`."""
    assert measured.shown() == measured.table()
