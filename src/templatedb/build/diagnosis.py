"""From what went wrong in a build to what is told: the headline, the remedy, and whether another way is worth a try."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from templatedb.build import tracebacks
from templatedb.build.messages import Failed
from templatedb.build.missing import remedy_for_module
from templatedb.errors import BuildError, SettingsError, TemplateDBError
from templatedb.migrators import to_fields
from templatedb.migrators.alembic import UnfinishedError
from templatedb.migrators.bench import Way
from templatedb.migrators.revisions import missing_from_history
from templatedb.steps import Step, StepKind, Steps

if TYPE_CHECKING:
    from templatedb.build.messages import Order
    from templatedb.build.redirect import Redirect
    from templatedb.build.refusals import Refusals
    from templatedb.migrators.revisions import Revisions

_MAY_BE_THE_ENVIRONMENTS = re.compile(
    r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9]\b"  # what variables are called
    r"|\bNone(?:Type)?\b|ArgumentError: Could not parse SQLAlchemy URL"  # what one that is not set leads to
    r"|(?i:environ|setting|config|validation ?error|connection ?(?:error|refused))"
)
_IS_NOT_ASYNC = re.compile(
    r"'await' expression|can't be awaited|asynchronous context manager|__aiter__|AsyncEngine expected"
)
"""What is said of a synchronous thing that is used as an asynchronous one."""
_SYNCHRONOUS = (
    ": a seed gets a connection (sqlite3), an engine or a session by the name of its parameter, and all are"
    " synchronous: call them without await, best in a plain def"
)


def of(error: BaseException, order: Order, refusals: Refusals, revisions: Revisions, redirect: Redirect) -> Failed:
    """Return what is to be told of *error*; a refused database comes first, whatever the code made of it."""
    current = revisions.steps.current
    failed = Failed(
        what=_headline(error, current),
        remedy=_remedy(error, order, revisions.steps),
        revision=current.identity if current else None,
        traceback=tracebacks.of(error),
        next_way=_next_way(error, revisions),
    )
    if _is_ours(error, current):
        failed = dataclasses.replace(failed, what=error.what, remedy=error.remedy, traceback="")
        if isinstance(error, BuildError):
            failed = dataclasses.replace(failed, revision=error.revision, traceback=error.traceback)
        if isinstance(error, UnfinishedError):
            asked = ", ".join(redirect.shown) or "no database at all"
            failed = dataclasses.replace(failed, what=f"{error.what}; it asked for {asked}")
    if refusals.databases:
        what, remedy = refusals.databases[0]
        failed = dataclasses.replace(failed, what=what, remedy=remedy, next_way=None)
    return failed


def _is_ours(error: BaseException, current: Step | None) -> TypeGuard[TemplateDBError]:
    """Whether *error* says all there is to say; a migration may raise one of ours, too, if it asks for a golden."""
    return isinstance(error, BuildError | SettingsError) or (isinstance(error, TemplateDBError) and current is None)


def _headline(error: BaseException, current: Step | None) -> str:
    error = _reason(error)
    first_line = str(error).partition("\n")[0]
    reason = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    if current is not None:
        return f"{current} failed: {reason}"
    if (missing := missing_from_history(error)) is not None:
        return (
            f"the build failed: {missing.path} names {missing.revision!r} in its {missing.named_in}, and no file has"
            " that revision"
        )
    place = None if isinstance(error, SyntaxError) or _is_alembics(error) else tracebacks.place_of(error)
    return f"the build failed: {reason}" + (f" (at {place[0]}:{place[1]})" if place else "")


def _reason(error: BaseException) -> BaseException:
    """Return what ended the process, where it is an error: Flask-Migrate turns one into sys.exit(1)."""
    is_ending = isinstance(error, SystemExit) and error.__context__ is not None
    return error.__context__ or error if is_ending else error


def _is_alembics(error: BaseException) -> bool:
    """Whether Alembic complains of the history as a whole: the line of env.py that asked for it is not to blame."""
    return type(error).__name__ == "CommandError" or tracebacks.ends_in(error, "alembic", "script", "revision.py")


def _remedy(error: BaseException, order: Order, steps: Steps) -> str:
    if type(error).__name__ == "BdbQuit":
        return "A build has no terminal for the debugger, unless you run: templatedb build --debug"
    if isinstance(error, TemplateDBError) and error.remedy:
        return error.remedy
    if isinstance(error, ModuleNotFoundError) and error.name:
        return remedy_for_module(error, order)
    if steps.current is not None and steps.current.path is not None:
        place = tracebacks.place_of(error)
        line = f", line {place[1]}" if place and Path(place[0]) == steps.current.path else ""
        is_awaiting = steps.current.kind is StepKind.SEED and _IS_NOT_ASYNC.search(str(error))
        return f"Nothing was published. Correct {steps.current.path}{line}{_SYNCHRONOUS if is_awaiting else ''}."
    # By name: a project may have modules called alembic, and this must not raise.
    if type(error).__name__ == "NoReferencedTableError":
        return _of_table(str(getattr(error, "table_name", "")), order)
    if type(error).__name__ == "CommandError" and "Can't locate revision" in str(error):
        return "Correct the setting 'revision', or the down_revision that names it."
    if type(error).__name__ == "CommandError" and "Multiple head" in str(error):
        return 'Set revision = "heads", which is the default, or run: alembic merge heads'
    if (missing := missing_from_history(error)) is not None:
        return f"Nothing was published. Correct {missing.path}, or add the file with revision = {missing.revision!r}."
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        return f"Nothing was published. Correct {error.filename}, line {error.lineno}."
    if isinstance(error, KeyError) and (str(error.args[0]).isupper() or _is_variable(error)):
        name = error.args[0]
        return (
            f'The build has no variable {name}. If it holds the URL of the database: url_env = ["{name}"];'
            f' else give it a value: build_env = {{{name} = "..."}}.'
        )
    needs = ", or what it needs: see build_env" if _may_be_the_environments(_reason(error)) else ""
    if (place := tracebacks.place_of(error)) is not None:
        return f"Nothing was published. Correct {place[0]}, line {place[1]}{needs}."
    return f"Nothing was published. Correct what the traceback shows{needs}."


def _of_table(name: str, order: Order) -> str:
    """Return what to do about a table that a foreign key leads to, and that nobody has imported."""
    first = "first"
    if order.migrator.kind == "metadata":
        target = str(to_fields(order.migrator)["target"])
        first = f"in the module {target.partition(':')[0]}, which metadata = {target!r} names"
    return (
        f"Import the module that defines the table {name!r} {first}, or correct the name in the foreign key: SQLAlchemy"
        " knows the tables of imported modules only."
    )


def _is_variable(error: KeyError) -> bool:
    """Whether *error* comes from ``os.environ``, whose module is frozen in most interpreters."""
    return any(tracebacks.ends_in(error, name) for name in ("<frozen os>", "os.py"))


def _may_be_the_environments(error: BaseException) -> bool:
    """Whether *error* may come of a variable, a setting or a service that is there outside of the build only."""
    is_of_sql = any(kind.__module__.partition(".")[0] in ("sqlite3", "sqlalchemy") for kind in type(error).__mro__)
    if isinstance(error, NameError | SyntaxError) or (is_of_sql and type(error).__name__ != "ArgumentError"):
        return False
    return _MAY_BE_THE_ENVIRONMENTS.search(f"{type(error).__name__}: {error}") is not None


def _next_way(error: BaseException, revisions: Revisions) -> Way | None:
    if revisions.steps.done or revisions.steps.current is not None:
        return None
    if type(error).__name__ == "MissingGreenlet":
        return Way.SYNC
    if type(error).__name__ == "InvalidRequestError" and "async driver" in str(error):
        return Way.ASYNC
    return Way.CONNECTION if revisions.asked_for_connection else None
