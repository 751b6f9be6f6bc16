"""Usage as people type it: this file only has to type-check (make types)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from templatedb import Alembic, Clone, Function, Golden, Template, TemplateDBError, load


@pytest.fixture(scope="session")
def templatedb_template() -> Template:
    return Template(Alembic(Path("alembic.ini"), revision="heads"), required_tables=["users"])


@pytest.fixture(scope="session")
def templatedb_engine_factory() -> Callable[[str], Engine]:
    return create_engine


def test_fixtures(clone: Clone, clone_session: Session, templatedb_golden: Golden) -> None:
    path: Path = clone.path
    url: str = clone.url
    rows: list[tuple[object, ...]] = clone.connect().execute("select 1").fetchall()
    digest: str = templatedb_golden.manifest.digest
    print(path, url, rows, digest, clone_session)


def library() -> str:
    try:
        with Template(Function("factory:migrate")).golden() as golden, golden.clone("memory") as clone:
            return clone.dump()
    except TemplateDBError as error:
        return f"{error.what}: {error.remedy}"


def settings() -> str:
    return load().at("ae1027a6acf").key().short
