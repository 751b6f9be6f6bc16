"""Models that differ from the finished database are told as the operations of the revision that is missing."""

import pytest

from projects import PLAIN_ENV, alembic_project, write
from templatedb import BuildError, SettingsError, SqlFolder, Template, load
from templatedb.plan import Wishes
from templatedb.records import Outcome

MODELS = """
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class One(Base):
    __tablename__ = "t1"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
"""

MORE = MODELS + "    colour = Column(String(9))\n"

TOLD = """\
the models models:Base.metadata differ from the database; a new revision would hold:
    op.add_column('t1', sa.Column('colour', sa.String(length=9), nullable=True))"""
WARNING = f'{TOLD}\n    (write that revision, or set drift = "off")'


@pytest.fixture
def modelled(project):
    """A project whose models are what its one revision makes."""
    alembic_project(project, revisions=1)
    write(project / "models.py", MODELS)
    write(project / "pyproject.toml", '[tool.templatedb]\nmodels = "models:Base.metadata"\n')
    return project


def told(template=None):
    """Return the lines that a build says, and what became of it."""
    lines = []
    with (template or load()).golden(Wishes(notice=lines.append)) as golden:
        return lines, golden.outcome


def test_models_that_are_the_database_say_nothing(modelled):
    """No noise, and the version table of Alembic is no drift."""
    assert told() == ([], Outcome.BUILT)


def test_drift_is_a_warning_that_shows_the_missing_operations(modelled):
    """At the build and at every hit: it stays true."""
    write(modelled / "models.py", MORE)
    assert told() == ([WARNING], Outcome.BUILT)
    assert told() == ([WARNING], Outcome.HIT)


def test_an_edit_of_the_models_is_compared_anew(modelled):
    """Else the warning would come a revision too late."""
    assert told() == ([], Outcome.BUILT)
    write(modelled / "models.py", MORE)
    assert told() == ([WARNING], Outcome.BUILT)


def test_drift_can_be_an_error(modelled):
    """For CI: nothing is published."""
    write(modelled / "models.py", MORE)
    write(modelled / "pyproject.toml", '[tool.templatedb]\nmodels = "models:Base.metadata"\ndrift = "error"\n')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == f'{TOLD}\nWrite that revision, or set drift = "warn".'


def test_drift_can_be_off(modelled):
    """The models are not even imported."""
    write(modelled / "models.py", "raise SystemExit(1)")
    write(modelled / "pyproject.toml", '[tool.templatedb]\nmodels = "models:Base.metadata"\ndrift = "off"\n')
    assert told() == ([], Outcome.BUILT)


def test_what_env_py_leaves_out_of_a_comparison_is_left_out(modelled):
    """The same as alembic check: include_object of env.py counts."""
    env = PLAIN_ENV.replace(
        "context.configure(connection=connection)",
        "context.configure(connection=connection, include_object=lambda one, name, kind, *_: name != 'colour')",
    )
    write(modelled / "scripts/env.py", env)
    write(modelled / "models.py", MORE)
    assert told() == ([], Outcome.BUILT)


def test_the_books_of_other_tools_are_no_drift(modelled):
    """schema_migrations belongs to golang-migrate."""
    write(modelled / "sql/1_make.up.sql", "create table t1 (id integer not null primary key, name varchar(20));")
    template = Template(SqlFolder("sql"), models="models:Base")
    assert told(template) == ([], Outcome.BUILT)


def test_models_that_are_none_are_named(modelled):
    """With what was found instead."""
    write(modelled / "models.py", "Base = 3\n")
    write(modelled / "pyproject.toml", '[tool.templatedb]\nmodels = "models:Base"\n')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "models 'models:Base' is not SQLAlchemy metadata, but of the type int\nWrite it as \"package.module:Base.metadata\"."
    )


def test_models_that_nobody_imported_are_an_error_and_not_a_revision_that_drops_all_tables(modelled):
    """The metadata is there, and empty."""
    write(modelled / "models.py", "from sqlalchemy.orm import declarative_base\nBase = declarative_base()\n")
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert str(caught.value) == (
        "models 'models:Base.metadata' has no tables\nName a module that imports the modules of all models."
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Base.metdata", "Base.metadata"),
        ("Bse.metadata", "Base.metadata"),
        ("On", "One"),
        ("Base.metadata.tabels", "Base.metadata.tables"),
    ],
)
def test_models_that_are_not_there_are_named_with_the_nearest(modelled, name, near):
    """Whichever part of the name is wrong; what Alembic said of its work is no help and is left out."""
    write(
        modelled / "scripts/env.py",
        f"import logging\nlogging.basicConfig(level=logging.INFO, format='%(levelname)-5.5s [%(name)s] %(message)s')\n{PLAIN_ENV}",
    )
    write(modelled / "pyproject.toml", f'[tool.templatedb]\nmodels = "models:{name}"\n')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert caught.value.report == f"{modelled}/models.py has no models {name!r}\nDid you mean {near!r}?"


def test_what_the_projects_code_printed_stays_with_what_alembic_said_around_it(modelled):
    """Its place among the migrations is of use."""
    write(
        modelled / "scripts/env.py",
        f"import logging\nlogging.basicConfig(level=logging.INFO, format='%(levelname)-5.5s [%(name)s] %(message)s')\n{PLAIN_ENV}\nprint('done')\n",
    )
    write(modelled / "pyproject.toml", '[tool.templatedb]\nmodels = "models:Base.metdata"\n')
    with pytest.raises(BuildError) as caught:
        load().golden()
    assert "Running upgrade  -> r1, make t1" in caught.value.output
    assert "done\n" in caught.value.output


def test_models_need_a_name(modelled):
    """Of module and object."""
    write(modelled / "pyproject.toml", '[tool.templatedb]\nmodels = "models.Base"\n')
    with pytest.raises(SettingsError, match=r"models 'models.Base' is not a name"):
        load().key()
