"""A small library: authors and their books."""

from __future__ import annotations

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by="Book.title")


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    title: Mapped[str]
    year: Mapped[int | None]
    author: Mapped[Author] = relationship(back_populates="books")


def add_book(session: Session, title: str, author_name: str) -> Book:
    """Add a book, and its author if he or she is new; commits."""
    author = session.scalar(select(Author).where(Author.name == author_name)) or Author(name=author_name)
    book = Book(title=title, author=author)
    session.add(book)
    session.commit()
    return book
