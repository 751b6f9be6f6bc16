"""Names in SQL: they cannot be parameters."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return *name* as SQL takes it, whatever is in it. Source: https://www.sqlite.org/lang_keywords.html."""
    return '"' + name.replace('"', '""') + '"'
