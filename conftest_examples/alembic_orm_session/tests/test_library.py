import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from library import Author, Book, add_book


def test_an_author_is_added_once(clone_session: Session) -> None:
    add_book(clone_session, "Emma", "Jane Austen")
    add_book(clone_session, "Persuasion", "Jane Austen")
    author = clone_session.scalars(select(Author)).one()
    assert [book.title for book in author.books] == ["Emma", "Persuasion"]


def test_two_authors_have_different_names(clone_session: Session) -> None:
    clone_session.add(Author(name="Jane Austen"))
    clone_session.commit()
    clone_session.add(Author(name="Jane Austen"))
    with pytest.raises(IntegrityError):
        clone_session.commit()
    clone_session.rollback()  # a real one: what was committed before it stays
    assert clone_session.scalars(select(Author.name)).all() == ["Jane Austen"]


def test_nothing_is_left_of_other_tests(clone_session: Session) -> None:
    assert clone_session.scalar(select(func.count()).select_from(Book)) == 0
