"""Every block of the README is run, and its tables name what there is."""

import re

import pytest

import templatedb.settings
from pages import ROOT, shell
from projects import alembic_project, builds_in, revision, write

README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)[1]


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", section(title), re.MULTILINE | re.DOTALL)


def test_the_two_commands_are_targets_of_the_makefile():
    """make demo and make test; what they do is run by people and CI."""
    (script,) = blocks("Try it", "sh")
    targets = re.findall(r"^make (\w+)", script, re.MULTILINE)
    assert targets == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}: $(READY)" in makefile for target in targets)


def test_the_quickstart_can_be_pasted(project, cache):
    """From an empty folder to a hit, with the env.py that Alembic generates."""
    install, script = blocks("Quickstart", "sh")
    assert install == "python -m pip install . pytest-xdist\n"
    said = shell(script.replace("pytest -n 2", "pytest -n 2 -p no:randomly -p no:asyncio"), project)
    assert re.findall(r"^templatedb: golden [0-9a-f]{8} (built in|hit)", said, re.MULTILINE) == ["built in", "hit"]
    assert said.count("2 passed") == 2
    assert builds_in(cache) == 1


def test_the_table_of_fixtures_names_every_public_one(suite):
    """Neither more nor less than pytest --fixtures."""
    told = set(
        re.findall(
            r"`(clone\w*|templatedb_\w+)`", "".join(re.findall(r"^\| (.*?) \|", section("Fixtures"), re.MULTILINE))
        )
    )
    result = suite.runpytest_subprocess("--fixtures", "-q")
    there = set(re.findall(r"^(clone\w*|templatedb_\w+)[ \[]", "\n".join(result.outlines), re.MULTILINE))
    assert told == there


def test_the_table_of_options_names_every_one(suite):
    """With the values they take."""
    told = set(re.findall(r"`(--templatedb-[a-z-]+)", section("Options of pytest")))
    result = suite.runpytest_subprocess("--help")
    assert told == set(re.findall(r"^  (--templatedb-[a-z-]+)", "\n".join(result.outlines), re.MULTILINE))


def test_the_table_of_settings_names_every_one():
    """Neither more nor less than what is read."""
    told = re.findall(r"^\| `(\w+)` \|", section("Settings"), re.MULTILINE)
    assert sorted(told) == sorted(templatedb.settings._READERS)


def test_the_function_of_the_readme_builds(project):
    """create_all of one's own models."""
    write(
        project / "models.py",
        """
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        class Base(DeclarativeBase):
            pass

        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
        """,
    )
    (settings,), (code,) = blocks("Settings", "toml"), blocks("Settings", "python")
    write(project / "pyproject.toml", settings)
    write(project / "templatedb_build.py", code)
    assert " built in " in shell("templatedb build", project)


@pytest.fixture
def users(project):
    """A project with the table of the examples."""
    return alembic_project(
        project, revisions={"r1.py": revision(1, "op.create_table('users', sa.Column('id', sa.Integer))")}
    )


def test_the_commands_of_the_readme_run(users):
    """One after the other."""
    (script,) = blocks("Command", "sh")
    shell(script.replace("templatedb path", "templatedb path"), users)
    assert (users / "dev.sqlite").exists()


def test_the_library_block_runs(users, monkeypatch):
    """As a script."""
    (code,) = blocks("Library", "python")
    scope = {}
    exec(code, scope)
    assert scope["rows"] == []


def test_the_report_of_a_failed_test_looks_like_the_readme(suite):
    """Line by line, but for the path."""
    alembic_project(
        suite.path,
        revisions={
            "r1.py": revision(
                1,
                "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('email', sa.String))",
            )
        },
    )
    suite.makepyfile(
        """
        from sqlalchemy import text

        def test_a_user_is_added(clone_session):
            clone_session.execute(text("insert into users (email) values ('ada@example.org')"))
            clone_session.commit()
            clone_session.execute(text("insert into users (email) values ('grace@example.org')"))
            assert False
        """
    )
    result = suite.runpytest_subprocess()
    (shown,) = blocks("Fixtures", "text")
    expected = shown.replace("/home/me/shop", str(suite.path)).splitlines()
    start = result.outlines.index(expected[0])
    assert result.outlines[start : start + len(expected)] == expected
