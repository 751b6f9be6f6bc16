"""Fixtures that connect the application with the clones: the user adds them to a conftest."""

from __future__ import annotations

import enum
import textwrap
from string import Template

from templatedb.proposals import Code
from templatedb.proposals.conftests import Conftests
from templatedb.proposals.engines import Engine
from templatedb.proposals.migrate_code import application_on
from templatedb.proposals.variables import Form
from templatedb.proposals.web import Application, Dependency, Takes


class Sessions(enum.Enum):
    """What the application calls its sessions: those of the clone have to be of the same kind."""

    SQLALCHEMY = enum.auto()
    SQLMODEL = enum.auto()
    SQLITE3 = enum.auto()
    """Connections of plain ``sqlite3``."""


_NAMES = ("database", "database_put_back", "templatedb_put_back")

_RESTORING = Template('''\
import pytest
from templatedb import Clone


@pytest.fixture(autouse=True)
def $name(clone: Clone) -> None:
    """Put the application's database back before each test."""
''')

_NO_OVERRIDE = Template("""

# $module.$name needs no override: its engine leads to the clone. To give it a session of the test's own:
#     app.dependency_overrides[$name] = lambda: $session
""")

_SYNC = Template('''\
${standard}from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
$third_party
$imports

@pytest.fixture
def client($fixture: $kind) -> Iterator[TestClient]:
    """The application, with its sessions on this test's database."""
$before    $app.dependency_overrides[$name] = lambda: $fixture
    yield TestClient($app)
    $app.dependency_overrides.clear()
''')


def _given(fixture: str, kind: str, *, standard: str = "", third_party: str = "") -> Template:
    """Return the text of a client whose sessions are the *fixture*, of that *kind*, with the imports that it needs."""
    return Template(_SYNC.safe_substitute(fixture=fixture, kind=kind, standard=standard, third_party=third_party))


_SQLALCHEMY = _given("clone_session", "Session", third_party="from sqlalchemy.orm import Session\n")
_SQLITE3 = _given("clone_connection", "sqlite3.Connection", standard="import sqlite3\n")
_ASYNC_IN_SYNC = _given(
    "clone_async_session", "AsyncSession", third_party="from sqlalchemy.ext.asyncio import AsyncSession\n"
)

_SQLMODEL = Template('''\
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

$imports

@pytest.fixture
def client(clone_engine: Engine) -> Iterator[TestClient]:
    """The application, with its sessions on this test's database."""
$before    with Session(clone_engine) as session:
        $app.dependency_overrides[$name] = lambda: session
        yield TestClient($app)
    $app.dependency_overrides.clear()
''')

_ASYNC = Template('''\
from collections.abc import AsyncIterator

import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

$imports

@pytest_asyncio.fixture
async def client(clone_async_session: AsyncSession) -> AsyncIterator[AsyncClient]:
    """The application, with its sessions on this test's database."""
$before    $app.dependency_overrides[$name] = lambda: clone_async_session
    async with AsyncClient(transport=ASGITransport($app), base_url="http://test") as client:
        yield client
    $app.dependency_overrides.clear()
''')

_FLASK = Template('''\
from collections.abc import Iterator

import pytest
from flask import Flask

$imports

@pytest.fixture
def app(clone_url: str) -> Iterator[Flask]:
    """The application on this test's database."""
$before    app = $application
    yield app
$after''')

_DISPOSE = Template("""\
    with app.app_context():
        $name.engine.dispose()
""")

_OF_KIND = {
    Sessions.SQLALCHEMY: "clone_session",
    Sessions.SQLMODEL: "Session(clone_engine)",  # SQLAlchemy's own session has no exec()
    Sessions.SQLITE3: "clone_connection",
}
_OVERRIDES = {Sessions.SQLALCHEMY: _SQLALCHEMY, Sessions.SQLMODEL: _SQLMODEL, Sessions.SQLITE3: _SQLITE3}


def fixtures(
    suite: Conftests,
    exported: Engine | None,
    application: Application | None,
    dependency: Dependency | None,
    holder: tuple[str, str] | None,
    kind: Sessions,
) -> Code | None:
    """Return what the conftest of *suite* needs, None when tests need only ask for their clone.

    *exported* is the engine whose variable is exported, *holder* the module and name of Flask-SQLAlchemy's ``db``.
    """
    if exported is not None:
        return Code(suite.path, _restoring(exported, dependency, suite.names, kind))
    if dependency is not None:
        template = (_ASYNC_IN_SYNC if suite.has_sync_client else _ASYNC) if dependency.is_async else _OVERRIDES[kind]
        return Code(suite.path, _overriding(template, application, dependency))
    is_flask = application is not None and application.framework == "Flask"
    if application is not None and is_flask and application.takes in (Takes.MAPPING, Takes.OBJECT):
        return Code(suite.path, _of_flask(application, holder))
    return None


def _restoring(exported: Engine, dependency: Dependency | None, taken: frozenset[str], kind: Sessions) -> str:
    text = _RESTORING.substitute(name=next(name for name in _NAMES if name not in taken))
    if dependency is None:
        return text
    is_async = dependency.is_async or (exported.variable is not None and exported.variable.form is Form.ASYNC_URL)
    session = "clone_async_session" if is_async else _OF_KIND[kind]
    return text + _NO_OVERRIDE.substitute(module=dependency.module, name=dependency.name, session=session)


def _overriding(template: Template, application: Application | None, dependency: Dependency) -> str:
    module, name = (application.module, application.name) if application else ("yourapp", "app")
    is_made = application is not None and application.takes is not None
    return template.substitute(
        imports=_imports((dependency.module, dependency.name), (module, name)),
        before=f"    app = {name}()\n" if is_made else "",
        app="app" if is_made else name,
        name=dependency.name,
    )


def _of_flask(application: Application, holder: tuple[str, str] | None) -> str:
    before, made = application_on("clone_url", application, "TESTING")
    return _FLASK.substitute(
        imports=_imports((application.module, application.name), *([holder] if holder else [])),
        before=textwrap.indent(before, "    "),
        application=made,
        after=_DISPOSE.substitute(name=holder[1]) if holder else "",
    )


def _imports(*names: tuple[str, str]) -> str:
    by_module: dict[str, list[str]] = {}
    for module, name in sorted(names):
        by_module.setdefault(module, []).append(name)
    return "".join(f"from {module} import {', '.join(found)}\n" for module, found in by_module.items())
