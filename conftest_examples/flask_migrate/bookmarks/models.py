"""Bookmarks and their tags."""

from __future__ import annotations

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name: without one SQLite's batch migrations could not drop it again."""

db = SQLAlchemy(metadata=MetaData(naming_convention=NAMES))


class Bookmark(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    url = db.Column(db.String(2000), nullable=False, unique=True)
    title = db.Column(db.String(200), nullable=False)
    tags = db.relationship("Tag", order_by="Tag.name", cascade="all, delete-orphan")


class Tag(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    bookmark_id = db.Column(db.ForeignKey("bookmark.id"), nullable=False, index=True)
    name = db.Column(db.String(50), nullable=False)
