"""The fixtures that tests ask for; none is autouse, none imports SQLAlchemy before an engine is wanted.

Public fixtures depend on private ones, never on each other's public names: a project's own fixture called ``clone``
changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
    from sqlalchemy.orm import Session

    from templatedb.clone import Clone
    from templatedb.errors import TemplateDBError
    from templatedb.handle import Golden
    from templatedb.lent import Lent
    from templatedb.records import CloneKind
    from templatedb.template import Template
    from templatedb.testrun import Run


class RunMaker(Protocol):
    """Makes the Run of this process at its first call: most runs of most projects never need one."""

    item: pytest.Item | None
    """The test that runs now."""

    def __call__(self) -> Run:
        """Return the Run of this process."""


RUN: pytest.StashKey[RunMaker] = pytest.StashKey()


def run_of(config: pytest.Config) -> Run:
    """Return the Run of this process."""
    return config.stash[RUN]()


def fail(error: TemplateDBError) -> NoReturn:
    """End the set-up of a test with one line; the whole report stands once, in the summary."""
    from templatedb.errors import BuildError, MissError
    from templatedb.records import Key

    told_elsewhere = isinstance(error, BuildError | MissError) or "\n" in error.remedy
    hint = " (the whole report is in the summary)" if told_elsewhere else ""
    line = error.what if told_elsewhere else error.line
    if isinstance(error, MissError) and error.key:
        line = line.replace(error.key, Key(error.key).short)
    # From None: the test's report is this one line, not the chain of errors that led to it.
    raise pytest.fail.Exception(f"templatedb: {line}{hint}", pytrace=False) from None


def _golden_of(config: pytest.Config, template: Template) -> Golden:
    from templatedb.errors import TemplateDBError
    from templatedb.template import Template as Expected

    if not isinstance(template, Expected):
        pytest.fail(
            f"templatedb: templatedb_template must return a templatedb.Template, not {template!r}:"
            f" write Template({template!r})",
            pytrace=False,
        )
    try:
        return run_of(config).golden(template)
    except TemplateDBError as error:
        fail(error)


@pytest.fixture(scope="session")
def templatedb_template(pytestconfig: pytest.Config) -> Template:
    """What the database is built from; override it, with session scope, to return a Template made in code."""
    from templatedb.errors import TemplateDBError

    try:
        return run_of(pytestconfig).project_template()
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
def _templatedb_lent(pytestconfig: pytest.Config, templatedb_template: Template) -> Iterator[Lent]:
    # One fixture, and without ``request``, for which pytest makes a fixture anew each time: as dear as a restore.
    from templatedb.errors import TemplateDBError

    maker = pytestconfig.stash[RUN]
    marker = None if maker.item is None else maker.item.get_closest_marker("templatedb")
    kind = None if marker is None else _marked_kind(marker)
    _golden_of(pytestconfig, templatedb_template)
    try:
        lent = maker().clone(templatedb_template, kind, for_application=True)
    except TemplateDBError as error:
        fail(error)
    yield lent
    lent.close()


def _marked_kind(marker: pytest.Mark) -> CloneKind | None:
    """Return the kind that ``@pytest.mark.templatedb(clone=...)`` asks for, None where it asks for none."""
    from templatedb.records import CloneKind

    unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name != "clone")]
    value = marker.kwargs.get("clone")
    if unknown or value not in [None, *CloneKind]:
        pytest.fail(
            f'templatedb: the marker takes clone="file" or clone="memory", not {", ".join(unknown) or repr(value)}',
            pytrace=False,
        )
    return None if value is None else CloneKind(value)


@pytest.fixture
def _templatedb_golden(pytestconfig: pytest.Config, templatedb_template: Template) -> Golden:
    return _golden_of(pytestconfig, templatedb_template)


@pytest.fixture
def templatedb_golden(_templatedb_golden: Golden) -> Golden:
    """The golden of this test's template: key, path, manifest, outcome."""
    return _templatedb_golden


@pytest.fixture
def clone(_templatedb_lent: Lent) -> Clone:
    """A private, migrated database: path, url, async_url, connect(), dump()."""
    return _templatedb_lent.clone


@pytest.fixture
def clone_path(_templatedb_lent: Lent) -> Path:
    """Path of a private, migrated database file."""
    from templatedb.errors import TemplateDBError

    try:
        return _templatedb_lent.clone.path
    except TemplateDBError as error:
        fail(error)


@pytest.fixture
def clone_url(_templatedb_lent: Lent) -> str:
    """SQLAlchemy URL of a private, migrated database."""
    return _templatedb_lent.clone.url


@pytest.fixture
def clone_async_url(_templatedb_lent: Lent) -> str:
    """SQLAlchemy URL of a private, migrated database, for aiosqlite."""
    return _templatedb_lent.clone.async_url


@pytest.fixture
def clone_connection(_templatedb_lent: Lent) -> sqlite3.Connection:
    """A sqlite3.Connection to a private, migrated database; closed after the test."""
    return _templatedb_lent.clone.connect()


@pytest.fixture
def clone_engine(_templatedb_lent: Lent, templatedb_engine_factory: Callable[[str], Engine]) -> Engine:
    """A SQLAlchemy Engine on a private, migrated database."""
    engine: Engine = _templatedb_lent.engine(templatedb_engine_factory)
    return engine


@pytest.fixture
def clone_session(_templatedb_lent: Lent, templatedb_engine_factory: Callable[[str], Engine]) -> Iterator[Session]:
    """A SQLAlchemy Session on a private, migrated database; commit as much as you like."""
    from sqlalchemy.orm import Session

    with Session(_templatedb_lent.engine(templatedb_engine_factory)) as session:
        yield session


@pytest.fixture
def _templatedb_async_engine(
    _templatedb_lent: Lent, templatedb_async_engine_factory: Callable[[str], AsyncEngine]
) -> AsyncEngine:
    from templatedb.errors import TemplateDBError

    try:
        engine: AsyncEngine = _templatedb_lent.async_engine(templatedb_async_engine_factory)
    except TemplateDBError as error:
        fail(error)
    return engine


@pytest.fixture
def clone_async_engine(_templatedb_async_engine: AsyncEngine) -> AsyncEngine:
    """A SQLAlchemy AsyncEngine (aiosqlite) on a private, migrated database."""
    return _templatedb_async_engine


@pytest.fixture
def clone_async_session(_templatedb_async_engine: AsyncEngine) -> Iterator[AsyncSession]:
    """A SQLAlchemy AsyncSession on a private, migrated database; commit as much as you like."""
    from templatedb.engines import make_async_session
    from templatedb.loops import run_in_own_loop

    session = make_async_session(_templatedb_async_engine)
    try:
        yield session
    finally:
        run_in_own_loop(session.close)


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
def _templatedb_factory(pytestconfig: pytest.Config, templatedb_template: Template) -> CloneFactory:
    _golden_of(pytestconfig, templatedb_template)
    return CloneFactory(run_of(pytestconfig), templatedb_template)


@pytest.fixture(scope="session")
def clone_factory(_templatedb_factory: CloneFactory) -> CloneFactory:
    """Makes private, migrated databases, any number, at any scope and in any thread; each for a ``with`` block."""
    return _templatedb_factory


NEEDS_GOLDEN = frozenset({"_templatedb_golden", "_templatedb_lent", "_templatedb_factory"})
"""A test that asks for one of these, directly or not, needs a golden."""


def uses_project_template(item: pytest.Item) -> bool:
    """Whether the item's ``templatedb_template`` is ours, not an override of a conftest, class or module."""
    info: Any = getattr(item, "_fixtureinfo", None)
    found: Sequence[Any] = info.name2fixturedefs.get("templatedb_template", ()) if info is not None else ()
    return bool(found) and getattr(found[-1].func, "__module__", "") == __name__
