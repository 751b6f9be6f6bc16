"""What ``templatedb init`` finds in a project, and what it proposes for it.

All of it is reading: nothing of the project is imported or run. In their order:

project        the files of a project, and what their modules are called
names          what a module binds
variables      variables of the environment, as source code reads them
values         where the value of an expression comes from: such a variable, or a literal
environments   Alembic's, with a configuration or without
folders        SQL files that make a database
models         SQLAlchemy metadata, and the module that holds all of it
engines        engines and the variables that their URLs come from
web            applications of Flask and FastAPI
tools          other migration tools, and the project's own functions and runners that migrate
migrate_code   a function that migrates, for a new module
conftests      what the project's conftests do already
conftest_code  fixtures, to be added by hand
pytest_lines   lines for pytest's own configuration
fixed          databases that stand fixed in the source, and what no clone replaces
github         the steps for GitHub Actions
migrators      which of all this migrates the database
beside         the settings that go beside it
propose        the story: look, choose, propose
writing        into a file that holds all of it or stays as it was
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from typing import NamedTuple


class Fact(NamedTuple):
    """One thing that a file of the project says."""

    path: str
    """From the project's folder, with slashes."""
    line: int
    """From 1 on; 0 where the file or the folder as a whole says it."""
    what: str

    @property
    def place(self) -> str:
        """Where it stands, such as ``app/db.py:12``."""
        return f"{self.path}:{self.line}" if self.line else self.path


class Written(enum.Enum):
    """How a setting is written."""

    SET = enum.auto()
    SUGGESTED = enum.auto()
    """As a comment, to be turned on by hand."""


class Setting(NamedTuple):
    """One line of the settings table."""

    key: str
    value: str | tuple[str, ...] | Mapping[str, str]
    why: str = ""
    written: Written = Written.SET

    @property
    def line(self) -> str:
        """As it stands in a file."""
        comment = f"  # {self.why}" if self.why else ""
        hidden = "# " if self.written is Written.SUGGESTED else ""
        return f"{hidden}{self.key} = {toml_value(self.value)}{comment}"


class Code(NamedTuple):
    """Python for a file of the project. It is a draft: no file that is there is changed."""

    path: str
    text: str


class PytestLines(NamedTuple):
    """What the user adds to pytest's own configuration."""

    path: str
    section: str
    """The table that they belong in, with its brackets."""
    text: str
    """The lines, with the header of the table where it is not there yet."""


NOT_YET = "Nothing for conftest.py yet"
"""How the advice begins where the application has to be changed first, and asked about again."""


class Proposal(NamedTuple):
    """What `propose` has to say of a project."""

    facts: tuple[Fact, ...]
    settings: tuple[Setting, ...]
    notes: tuple[str, ...] = ()
    """What does not work yet, and other choices: a sentence each."""
    module: Code | None = None
    """The module that the settings name and that is not there yet."""
    pytest: PytestLines | None = None
    conftest: Code | None = None
    advice: str = ""
    """Where `conftest` has nothing to add: what to do instead."""
    ci: str = ""

    @property
    def needs_settings(self) -> bool:
        """Whether anything has to be written: a bare ``alembic.ini`` is found without."""
        return any(one.written is Written.SET for one in self.settings)


def toml_value(value: object) -> str:
    """Return *value*, of strings, numbers, lists and tables of them, as TOML in one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml_key(name)} = {toml_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)
