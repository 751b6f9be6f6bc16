"""Send every SQLite engine of SQLAlchemy to the build's file, whatever URL it was made with.

One class-level listener on ``do_connect`` sees the connect arguments of every engine, sync or async, before the driver
does. Source: SQLAlchemy, DialectEvents.do_connect.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from templatedb.build import tracebacks
from templatedb.build.messages import GIVEN
from templatedb.build.refusals import Refusals
from templatedb.urls import database_of

MEMORY = ":memory:"


class Redirect:
    """The redirect of one build, and the databases that were asked for before it."""

    def __init__(self, target: Path, refusals: Refusals) -> None:
        """Redirect to *target*; nothing happens before `install`."""
        self._target = os.path.realpath(target)
        self._refusals = refusals
        self._aliases: set[str] = set()
        self.asked_for: dict[str, str] = {}
        """Each database by name, and the line of the project that asked for it first."""

    @property
    def names(self) -> set[str]:
        """The absolute paths of the databases that the build's file stands in for."""
        return self._aliases | {name for name in self.asked_for if name != MEMORY}

    @property
    def shown(self) -> tuple[str, ...]:
        """The databases that were asked for, as messages name them."""
        return tuple(map(self._name, self.asked_for))

    def install(self) -> None:
        """Listen to every engine of this process, those made already included. Cannot be taken back."""
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        event.listen(Engine, "do_connect", self._into_the_build)
        _let_async_engines_take_sync_urls()

    def take_for_the_target(self, urls: Iterable[str]) -> None:
        """Take the databases of *urls*, which ours stands in for, for the target: code may still name them."""
        for url in urls:
            if (path := database_of(url)) is not None:
                self._aliases.add(database_name(path, uri=False))

    def _into_the_build(self, dialect: Any, _record: object, arguments: list[Any], options: dict[str, Any]) -> None:
        if dialect.name != "sqlite":
            raise self._refusals.database(
                f"the build tried to open a {dialect.name} database ({_without_password(dialect.name, options)})",
                "templatedb builds SQLite databases: give the build a SQLite URL through url_env or build_env.",
            )
        asked = arguments[0] if arguments else options.get("database", MEMORY)
        name = database_name(asked, uri=bool(options.get("uri")))
        if name in self._aliases and name != MEMORY:
            name = self._target
        known = self.asked_for
        if name == MEMORY and known and MEMORY not in known:
            return  # a scratch database beside the real one: nothing is lost if it stays what it is
        known.setdefault(name, tracebacks.users_line())
        if len(known) > 1:
            raise self._refusals.database(
                "the build asked for two different databases: " + " and ".join(map(self._shown, known)),
                "One golden is one file: give both the URL or path of the build, through url_env, build_env, or what"
                " the function is given.",
            )
        arguments[:] = [self._target]
        options.pop("uri", None)
        options.pop("database", None)

    def _shown(self, name: str) -> str:
        shown = self._name(name)
        return f"{shown} (at {self.asked_for[name]})" if self.asked_for[name] else shown

    def _name(self, name: str) -> str:
        return GIVEN if name == self._target else name


def database_name(database: Any, *, uri: bool) -> str:
    """Return the absolute path that SQLite would open for *database*, or ``:memory:`` where it opens no file."""
    text = os.fsdecode(database)
    if uri and text.startswith("file:"):
        path, _, query = text.removeprefix("file:").partition("?")
        if "mode=memory" in query or "vfs=memdb" in query:
            return MEMORY
        text = unquote(path.partition("#")[0])
        if text.startswith("//"):
            text = "/" + text[2:].partition("/")[2]
    return MEMORY if text in ("", MEMORY) else os.path.realpath(text)


def _without_password(dialect: str, options: dict[str, Any]) -> str:
    user = options.get("user") or options.get("username")
    host = options.get("host", "")
    port = f":{options['port']}" if options.get("port") else ""
    database = options.get("database") or options.get("dbname") or options.get("db") or ""
    return f"{dialect}://{f'{user}:***@' if user else ''}{host}{port}/{database}"


def _let_async_engines_take_sync_urls() -> None:
    """Give ``create_async_engine("sqlite:///...")`` the async driver instead of an error.

    The URL that the build hands out cannot know whether env.py is going to await it.
    """
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    def get_async_dialect_cls(cls: type, url: object) -> type:
        from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

        return SQLiteDialect_aiosqlite

    SQLiteDialect_pysqlite.get_async_dialect_cls = classmethod(get_async_dialect_cls)  # type: ignore[assignment,method-assign]
