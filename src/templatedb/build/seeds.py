"""Run the seeds: functions that add rows after the migrations."""

from __future__ import annotations

import contextlib
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from templatedb.errors import SettingsError
from templatedb.migrators import objects
from templatedb.migrators.bench import Target, exits_only_in_failure
from templatedb.migrators.waiting import wait_for
from templatedb.steps import Step, StepKind, Steps
from templatedb.urls import sqlite_url


def run(names: tuple[str, ...], target: Target, steps: Steps) -> None:
    """Call each of the functions in order with what its parameter asks for, commit, and close.

    Raises what a seed raises, and SettingsError for one that asks for something else.
    """
    steps.expect(len(names))
    for name in names:
        steps.begin(Step(kind=StepKind.SEED, identity=name))
        function = objects.load(name, "seed")
        path = Path(inspect.unwrap(function).__code__.co_filename) if inspect.isfunction(function) else None
        steps.begin(Step(kind=StepKind.SEED, identity=name, path=path))
        parameter, offer = _offer(name, function)
        with offer(target) as offered, exits_only_in_failure():
            wait_for(function(**{parameter: offered}))
        steps.end()


def _offer(name: str, function: Any) -> tuple[str, Callable[[Target], contextlib.AbstractContextManager[Any]]]:
    """Return the parameter of a seed, and how to make what it is called for."""
    parameters = inspect.signature(function).parameters.values() if callable(function) else ()
    needed = [
        one.name
        for one in parameters
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    if len(needed) == 1 and needed[0] in _OFFERS:
        return needed[0], _OFFERS[needed[0]]
    synchronous = " All are synchronous: call them without await, best in a plain def."
    raise SettingsError(
        what=f"seed {name!r} asks for {', '.join(needed) or 'nothing'}",
        remedy="Give it one parameter, whose name says what it gets: connection (sqlite3), engine or session."
        + (synchronous if inspect.iscoroutinefunction(function) else ""),
        key="seed",
        value=name,
    )


@contextlib.contextmanager
def _connection(target: Target) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(target.path)) as connection:
        yield connection
        connection.commit()


@contextlib.contextmanager
def _engine(target: Target) -> Iterator[Any]:
    from sqlalchemy import create_engine, pool

    engine = create_engine(sqlite_url(target.path), poolclass=pool.NullPool)
    yield engine
    engine.dispose()


@contextlib.contextmanager
def _session(target: Target) -> Iterator[Any]:
    from sqlalchemy.orm import Session

    with _engine(target) as engine, Session(engine) as session:
        yield session
        session.commit()


_OFFERS: dict[str, Callable[[Target], contextlib.AbstractContextManager[Any]]] = {
    "connection": _connection,
    "engine": _engine,
    "session": _session,
}
