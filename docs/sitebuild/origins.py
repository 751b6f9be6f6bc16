"""Which files of the repository are pages of the site, and how their links lead there.

A page is written once. What stands outside of `docs/` (recipes, changelog, results of the benchmarks) is copied into it
when the site is built, below folders that git ignores.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from pathlib import Path

from sitebuild import recipes
from sitebuild.markdown import Link, with_links

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WRITTEN = ("how-to/recipes", "project")
"""Folders of `docs/` that hold nothing but pages made from elsewhere."""

_PROJECT = {
    "CHANGELOG.md": ("project/changelog", "Changelog"),
    "CONTRIBUTING.md": ("project/contributing", "Contributing"),
    "benchmarks/results/results.md": ("project/benchmarks", "Benchmarks"),
    "benchmarks/results/suite.md": ("project/real-suite", "A real suite"),
}
"""File: page and title."""


def pages() -> dict[str, str]:
    """Return the page, as Sphinx names it, of each file of the repository that has one."""
    found = {"README.md": "index", "conftest_examples/README.md": "how-to/index"}
    found |= {path.relative_to(ROOT).as_posix(): _page(path) for path in DOCS.rglob("*.md")}
    found |= {f"conftest_examples/{name}/README.md": f"how-to/recipes/{name}" for name in recipes.folders(ROOT)}
    return found | {file: page for file, (page, _) in _PROJECT.items() if (ROOT / file).is_file()}


def _page(path: Path) -> str:
    return path.relative_to(DOCS).with_suffix("").as_posix()


def write_pages() -> None:
    """Write the pages that are made from elsewhere, anew: what is gone there goes here."""
    for folder in WRITTEN:
        shutil.rmtree(DOCS / folder, ignore_errors=True)
    for name in recipes.folders(ROOT):
        origin = f"conftest_examples/{name}/README.md"
        _write(f"how-to/recipes/{name}", links_of(recipes.page(ROOT, name), origin, f"how-to/recipes/{name}"))
    for origin, (page, title) in _PROJECT.items():
        if (ROOT / origin).is_file():
            text = (ROOT / origin).read_text(encoding="utf-8")
            titled = text if text.startswith("# ") else f"# {title}\n\n{text}"
            _write(page, links_of(titled, origin, page))


def _write(page: str, text: str) -> None:
    path = DOCS / f"{page}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def links_of_page(text: str, page: str) -> str:
    """Return the text of a page of `docs/` with its links to other files of the repository leading into the site."""
    return links_of(text, f"docs/{page}.md", page)


def links_of(text: str, origin: str, page: str) -> str:
    """Return *text*, written as the file *origin*, with links that are right for the site's *page*.

    A link to a file that is no page of the site becomes its text: a site has no source files beside it.
    """
    known = pages()

    def lead(link: Link) -> str:
        path, mark, anchor = link.target.partition("#")
        if link.is_external or not path:
            return text[link.start : link.end]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
        if link.is_image and (ROOT / target).is_file():
            return f"![{link.text}]({os.path.relpath(ROOT / target, (DOCS / page).parent)})"
        found = known.get(target) or known.get(f"{target}/README.md")
        if found is None:
            inside = target.startswith("docs/") or not (ROOT / target).exists()
            # A wrong link stays as it is: Sphinx names it, with its line.
            return text[link.start : link.end] if inside else link.text
        return f"[{link.text}]({os.path.relpath(f'{found}.md', posixpath.dirname(page) or '.')}{mark}{anchor})"

    return with_links(text, lead)
