"""What `docs/conf.py` adds to Sphinx: pages made from the repository, filled-in parts of pages, a check of all links.

Reading order:

1. markdown   links, headings and code blocks of a Markdown text
2. origins    which files of the repository are pages of the site, and how their links lead there
3. recipes    a page for each folder of conftest_examples/
4. filled     the parts of pages that are written by the code itself
5. checked    every link inside the finished site leads somewhere

The first three import nothing but Python, and the suite tests them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect all of it to Sphinx."""
    from sitebuild import checked, filled, origins

    app.connect("config-inited", lambda _app, _config: origins.write_pages())
    app.connect("source-read", _read)
    app.connect("autodoc-process-signature", filled.signature)
    app.connect("autodoc-process-docstring", filled.before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", filled.after_napoleon, priority=600)
    app.connect("build-finished", checked.check_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(_app: Sphinx, page: str, source: list[str]) -> None:
    """Fill a page in, and lead its links to other files of the repository into the site."""
    from sitebuild import filled, origins

    source[0] = origins.links_of_page(filled.fill(source[0]), page)
