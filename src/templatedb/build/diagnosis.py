"""From what went wrong in a build to what is told: the headline, the remedy, and whether another way is worth a try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from templatedb.build import tracebacks
from templatedb.build.messages import Failed
from templatedb.errors import TemplateDBError
from templatedb.migrators import Way

if TYPE_CHECKING:
    from templatedb.build.refusals import Refusals
    from templatedb.build.revisions import Revisions

_DRIVERS = frozenset({"psycopg", "psycopg2", "asyncpg", "pg8000", "MySQLdb", "pymysql", "asyncmy", "aiomysql"})


def of(error: BaseException, refusals: Refusals, revisions: Revisions) -> Failed:
    """Return what is to be told of *error*; a refused database comes first, whatever the code made of it."""
    what, remedy = _headline(error, revisions), _remedy(error, revisions)
    if refusals.databases:
        what, remedy = refusals.databases[0]
    is_ours = isinstance(error, TemplateDBError) and revisions.current is None
    return Failed(
        what=what,
        remedy=remedy,
        revision=revisions.current.revision if revisions.current else None,
        traceback="" if is_ours else tracebacks.of(error),
        next_way=None if refusals.databases else _next_way(error, revisions),
    )


def _headline(error: BaseException, revisions: Revisions) -> str:
    # Flask-Migrate turns an error into sys.exit(1): the reason is what it was handling then.
    if isinstance(error, SystemExit) and error.__context__ is not None:
        error = error.__context__
    if isinstance(error, TemplateDBError) and revisions.current is None:
        return error.what
    first_line = str(error).partition("\n")[0]
    reason = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    if revisions.current is None:
        return f"the build failed: {reason}"
    doc = (revisions.current.doc or "").strip()
    return f"migration {revisions.current.revision}{f' ({doc})' if doc else ''} failed: {reason}"


def _remedy(error: BaseException, revisions: Revisions) -> str:
    if revisions.current is not None:
        return f"Nothing was published. Correct {revisions.current.path}"
    if isinstance(error, TemplateDBError):
        return error.remedy
    if isinstance(error, ModuleNotFoundError):
        if error.name in _DRIVERS:
            return "templatedb builds SQLite databases: give the build a SQLite URL through url_env or build_env."
        return "If it is the project's own, add its folder to python_path."
    # By name: a project may have modules called alembic, and this must not raise.
    if type(error).__name__ == "CommandError" and "Can't locate revision" in str(error):
        return "Correct the setting 'revision', or the down_revision that names it."
    if isinstance(error, KeyError) and tracebacks.ends_in(error, "alembic", "script", "revision.py"):
        return f"A revision has down_revision = {error}, and no file has that revision."
    if isinstance(error, SyntaxError) and error.filename:
        return f"Nothing was published. Correct {error.filename}, line {error.lineno}."
    if isinstance(error, KeyError) and str(error.args[0]).isupper():
        name = error.args[0]
        return (
            f'The build has no variable {name}. If it holds the URL of the database: url_env = ["{name}"];'
            f' else give it a value: build_env = {{{name} = "..."}}.'
        )
    if isinstance(error, TypeError) and "positional argument" in str(error):
        return "A function is called with one argument, the path of the file: def migrate(path)."
    return "" if revisions.done else "No migration ran: what the project needs from its environment goes in build_env."


def _next_way(error: BaseException, revisions: Revisions) -> Way | None:
    if revisions.done or revisions.current is not None:
        return None
    if type(error).__name__ == "MissingGreenlet":
        return Way.SYNC
    if type(error).__name__ == "InvalidRequestError" and "async driver" in str(error):
        return Way.ASYNC
    return Way.CONNECTION if revisions.asked_for_connection else None
