"""A stairway: each revision up from the golden of the one before, down, and up again."""

import itertools
from pathlib import Path

import pytest
import templatedb
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData
from templatedb import Template

PROJECT = Path(__file__).parents[2]
SCRIPTS = ScriptDirectory.from_config(Config(PROJECT / "alembic.ini"))
REVISIONS = ["base", *reversed([script.revision for script in SCRIPTS.walk_revisions()])]


@pytest.fixture(scope="session", params=itertools.pairwise(REVISIONS), ids="-".join)
def step(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture(scope="session")
def templatedb_template(step: tuple[str, str]) -> Template:
    before, _ = step
    return templatedb.load(PROJECT).at(before)


def reflected(engine: Engine) -> MetaData:
    metadata = MetaData()
    metadata.reflect(engine, only=lambda name, _: name != "alembic_version")
    return metadata


def differences(engine: Engine, expected: MetaData) -> list[object]:
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), expected)


def test_a_revision_can_be_undone_and_done_again(
    step: tuple[str, str], clone_engine: Engine, alembic_config: Config
) -> None:
    before, revision = step
    without = reflected(clone_engine)
    command.upgrade(alembic_config, revision)
    done = reflected(clone_engine)
    command.downgrade(alembic_config, before)
    assert differences(clone_engine, without) == []
    command.upgrade(alembic_config, revision)
    assert differences(clone_engine, done) == []
