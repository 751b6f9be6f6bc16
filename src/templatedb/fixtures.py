"""The fixtures that tests ask for; none is autouse, none imports SQLAlchemy before an engine is wanted.

Public fixtures never depend on each other's names: a project's own fixture called ``clone`` changes nothing here. What
they share in one test, its clone, is no fixture of its own either: pytest's work for one more, set-up, look-ups and
finalizers, costs a test as much as a restore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from templatedb.current_test import fail, fail_if_ours, golden_of, lent_to_test, run_now

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
    from sqlalchemy.orm import Session

    from templatedb.clone import Clone
    from templatedb.handle import Golden
    from templatedb.template import Template
    from templatedb.testrun import Run


@pytest.fixture(scope="session")
def templatedb_template() -> Template:
    """What the database is built from; override it, with session scope, to return a Template made in code."""
    from templatedb.errors import TemplateDBError

    try:
        return run_now().project_template()
    except TemplateDBError as error:
        fail(error)


@pytest.fixture(scope="session")
def templatedb_engine_factory() -> Callable[[str], Engine]:
    """How engines are made; override it to return a callable(url) with your own pragmas and options."""
    from templatedb.engines import make_engine

    return make_engine


@pytest.fixture(scope="session")
def templatedb_async_engine_factory() -> Callable[[str], AsyncEngine]:
    """How async engines are made; override it to return a callable(url) with your own pragmas and options."""
    from templatedb.engines import make_async_engine

    return make_async_engine


@pytest.fixture
def _templatedb_golden(templatedb_template: Template) -> Golden:
    return golden_of(templatedb_template)


@pytest.fixture
def templatedb_golden(_templatedb_golden: Golden) -> Golden:
    """The golden of this test's template: key, path, manifest, outcome."""
    return _templatedb_golden


@pytest.fixture
def clone(templatedb_template: Template) -> Clone:
    """A private, migrated database: path, url, async_url, connect(), dump()."""
    return lent_to_test(templatedb_template).clone


@pytest.fixture
def clone_path(templatedb_template: Template) -> Path:
    """Path of a private, migrated database file."""
    try:
        return lent_to_test(templatedb_template).clone.path
    except Exception as error:
        fail_if_ours(error)
        raise


@pytest.fixture
def clone_url(templatedb_template: Template) -> str:
    """SQLAlchemy URL of a private, migrated database."""
    return lent_to_test(templatedb_template).clone.url


@pytest.fixture
def clone_async_url(templatedb_template: Template) -> str:
    """SQLAlchemy URL of a private, migrated database, for aiosqlite."""
    return lent_to_test(templatedb_template).clone.async_url


@pytest.fixture
def clone_connection(templatedb_template: Template) -> sqlite3.Connection:
    """A sqlite3.Connection to a private, migrated database; closed after the test."""
    return lent_to_test(templatedb_template).clone.connect()


@pytest.fixture
def clone_engine(templatedb_template: Template, templatedb_engine_factory: Callable[[str], Engine]) -> Engine:
    """A SQLAlchemy Engine on a private, migrated database."""
    engine: Engine = lent_to_test(templatedb_template).engine(templatedb_engine_factory)
    return engine


@pytest.fixture
def clone_session(
    templatedb_template: Template, templatedb_engine_factory: Callable[[str], Engine]
) -> Iterator[Session]:
    """A SQLAlchemy Session on a private, migrated database; commit as much as you like."""
    from sqlalchemy.orm import Session

    with Session(lent_to_test(templatedb_template).engine(templatedb_engine_factory)) as session:
        yield session


@pytest.fixture
def clone_async_engine(
    templatedb_template: Template, templatedb_async_engine_factory: Callable[[str], AsyncEngine]
) -> AsyncEngine:
    """A SQLAlchemy AsyncEngine (aiosqlite) on a private, migrated database."""
    return _async_engine(templatedb_template, templatedb_async_engine_factory)


@pytest.fixture
def clone_async_session(
    templatedb_template: Template, templatedb_async_engine_factory: Callable[[str], AsyncEngine]
) -> Iterator[AsyncSession]:
    """A SQLAlchemy AsyncSession on a private, migrated database; commit as much as you like."""
    from templatedb.engines import make_async_session
    from templatedb.loops import run_in_own_loop

    session = make_async_session(_async_engine(templatedb_template, templatedb_async_engine_factory))
    try:
        yield session
    finally:
        run_in_own_loop(session.close)


def _async_engine(template: Template, factory: Callable[[str], AsyncEngine]) -> AsyncEngine:
    try:
        engine: AsyncEngine = lent_to_test(template).async_engine(factory)
    except Exception as error:
        fail_if_ours(error)
        raise
    return engine


class CloneFactory:
    """Makes private databases of one template: ``with clone_factory() as clone``, any number, in any thread."""

    def __init__(self, run: Run, template: Template) -> None:
        """Make clones of *template*, whose golden is there."""
        self._run = run
        self.template = template

    def __call__(self, kind: str | None = None) -> Clone:
        """Return a new clone, ``"file"`` or ``"memory"`` (default: the settings'), for a ``with`` block."""
        self.refuse_other_templates()
        return self._run.clone(self.template, kind).clone

    def refuse_other_templates(self) -> None:
        """End the running test with one line where it sees another template than the one of this factory."""
        seen = self._run.template_seen()
        if seen is not None and seen is not self.template:
            pytest.fail(
                f"templatedb: clone_factory lives for the whole session and was made for {self.template!r}, but this"
                f" test's templatedb_template is {seen!r}.\n"
                "Use the fixture 'clone' here, or Template.golden().clone().",
                pytrace=False,
            )


@pytest.fixture(scope="session")
def _templatedb_factory(templatedb_template: Template) -> CloneFactory:
    golden_of(templatedb_template)
    return CloneFactory(run_now(), templatedb_template)


@pytest.fixture(scope="session")
def clone_factory(_templatedb_factory: CloneFactory) -> CloneFactory:
    """Makes private, migrated databases, any number, at any scope and in any thread; each for a ``with`` block."""
    return _templatedb_factory


_TAKE_A_GOLDEN = frozenset(
    (
        *("_templatedb_golden", "_templatedb_factory", "clone", "clone_path", "clone_url", "clone_async_url"),
        *("clone_connection", "clone_engine", "clone_session", "clone_async_engine", "clone_async_session"),
    )
)


def needs_golden(item: pytest.Item) -> bool:
    """Whether the *item* asks for a fixture of ours that takes a golden, directly or not.

    One of the project's own that has the name of ours counts only if it uses ours.
    """
    info: Any = getattr(item, "_fixtureinfo", None)
    known: dict[str, Sequence[Any]] = {} if info is None else info.name2fixturedefs
    if "templatedb_template" not in known:  # ours all ask for it
        return False
    return any(_is_ours(definition) for name in _TAKE_A_GOLDEN.intersection(known) for definition in known[name])


def _is_ours(definition: Any) -> bool:
    return getattr(definition.func, "__module__", None) == __name__


def uses_project_template(item: pytest.Item) -> bool:
    """Whether the item's ``templatedb_template`` is ours, not an override of a conftest, class or module."""
    info: Any = getattr(item, "_fixtureinfo", None)
    found: Sequence[Any] = info.name2fixturedefs.get("templatedb_template", ()) if info is not None else ()
    return bool(found) and getattr(found[-1].func, "__module__", "") == __name__
