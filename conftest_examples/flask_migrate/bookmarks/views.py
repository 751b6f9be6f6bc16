"""What the application answers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from sqlalchemy.exc import IntegrityError

from bookmarks.models import Bookmark, Tag, db

views = Blueprint("views", __name__)


@views.get("/")
def listed() -> list[dict[str, Any]]:
    """Return all bookmarks by title."""
    found = db.session.scalars(db.select(Bookmark).order_by(Bookmark.title))
    return [{"url": one.url, "title": one.title, "tags": [tag.name for tag in one.tags]} for one in found]


@views.post("/")
def add() -> tuple[dict[str, str], int]:
    """Add a bookmark and its tags; a URL that is known already is a conflict."""
    sent = request.get_json()
    tags = [Tag(name=name) for name in sent.get("tags", [])]
    db.session.add(Bookmark(url=sent["url"], title=sent["title"], tags=tags))
    try:
        db.session.commit()
    except IntegrityError:
        return {"error": "this URL is bookmarked already"}, 409
    return {"url": sent["url"]}, 201
