"""Every link inside the finished site leads somewhere: to a file that is there, and to an anchor that is in it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class _Page(HTMLParser):
    """The links and anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what links, and what can be linked to."""
        for name, value in attrs:
            if value and name == "id":
                self.anchors.add(value)
            elif value and name in ("href", "src") and not urlsplit(value).scheme and not value.startswith("//"):
                self.links.add(value)


def broken_links(site: Path) -> list[str]:
    """Return a line for each link inside *site* that leads nowhere."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    broken = []
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            if not target.is_file():
                broken.append(f"{path.relative_to(site)}: {link}: no such file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                broken.append(f"{path.relative_to(site)}: {link}: no such place in it")
    return broken


def check_site(app: Sphinx, exception: Exception | None) -> None:
    """Fail the build when a link of the finished site leads nowhere."""
    from sphinx.errors import SphinxError

    if exception is not None or app.builder.name != "html":
        return
    if broken := broken_links(Path(app.outdir).resolve()):
        raise SphinxError("broken links in the site:\n" + "\n".join(broken))
