"""The child process of a build: put up redirect and guard, migrate, say how it went.

Run as a script: ``python -P child.py ORDER EVENTS LIFE``, with the file of the order and two inherited descriptors.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # at run time the package may not be importable yet
    from templatedb.build.messages import Event, Order
    from templatedb.build.redirect import Redirect
    from templatedb.build.refusals import Refusals
    from templatedb.build.revisions import Revisions


def main() -> None:
    """Carry out the order named on the command line and end this process at once."""
    order_path, events, life = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for descriptor in (events, life):
        os.set_inheritable(descriptor, False)  # a daemon that a migration starts must not keep the parent waiting
    threading.Thread(target=_die_with_parent, args=(life,), daemon=True).start()
    try:
        import templatedb
    except ImportError:
        sys.path.append(str(Path(__file__).parents[2]))
        import templatedb  # noqa: F401  # the parent had it from a folder that is not on the default path
    from templatedb.build.messages import Order, to_line

    sys.argv[:] = ["templatedb-build"]

    def tell(event: Event) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(events, to_line(event))

    try:
        tell(_carry_out(Order.from_json(order_path.read_text()), order_path.parent, tell))
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Threads and connections that the project left open must neither keep the parent waiting nor write later.
        os._exit(0)


def _die_with_parent(life: int) -> None:
    """Wait for the end of the parent, which closes its end of *life* also when it is killed."""
    with contextlib.suppress(OSError):
        while os.read(life, 1):
            pass
    os._exit(1)


def _carry_out(order: Order, private_folder: Path, tell: Callable[[Event], None]) -> Event:
    """Build and return what became of it; never raises."""
    from templatedb.build import tracebacks
    from templatedb.build.guard import Guard
    from templatedb.build.messages import Failed
    from templatedb.build.redirect import Redirect
    from templatedb.build.refusals import Refusals
    from templatedb.build.revisions import Revisions
    from templatedb.errors import TemplateDBError

    target, refusals = order.target, Refusals()
    redirect, revisions = Redirect(target.path, refusals), Revisions(tell)
    try:
        os.chdir(target.root)
        sys.path[:0] = [str(folder) for folder in target.import_folders]
        redirect.install()
        revisions.install()
        Guard(target.path, private_folder, refusals).install()
        started = time.perf_counter()
        order.migrator.migrate(target)
        return _finished(order, refusals, redirect, revisions, time.perf_counter() - started)
    except BaseException as error:  # also SystemExit: Flask-Migrate ends the process where a migration fails
        what, remedy = _headline(error, revisions), _remedy(error, revisions)
        if refusals.databases:
            what, remedy = refusals.databases[0]
        ours = isinstance(error, TemplateDBError)
        return Failed(
            what=what,
            remedy=remedy,
            revision=revisions.current.revision if revisions.current else None,
            traceback="" if ours and revisions.current is None else tracebacks.of(error),
            insists_on_connection=revisions.asked_for_connection and revisions.done == 0 and revisions.current is None,
        )


def _headline(error: BaseException, revisions: Revisions) -> str:
    from templatedb.errors import TemplateDBError

    if isinstance(error, TemplateDBError) and revisions.current is None:
        return error.what
    first_line = str(error).partition("\n")[0]
    reason = f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
    if revisions.current is None:
        return f"the build failed: {reason}"
    doc = (revisions.current.doc or "").strip()
    return f"migration {revisions.current.revision}{f' ({doc})' if doc else ''} failed: {reason}"


_DRIVERS = frozenset({"psycopg", "psycopg2", "asyncpg", "pg8000", "MySQLdb", "pymysql", "asyncmy", "aiomysql"})


def _remedy(error: BaseException, revisions: Revisions) -> str:
    from alembic.util import CommandError

    from templatedb.errors import TemplateDBError

    if revisions.current is not None:
        return f"Nothing was published. Correct {revisions.current.path}"
    if isinstance(error, TemplateDBError):
        return error.remedy
    if isinstance(error, ModuleNotFoundError) and error.name in _DRIVERS:
        return "templatedb builds SQLite databases: give the build a SQLite URL through url_env or build_env."
    if isinstance(error, CommandError) and "Can't locate revision" in str(error):
        return "Correct the setting 'revision', or the down_revision that names it."
    return ""


def _finished(order: Order, refusals: Refusals, redirect: Redirect, revisions: Revisions, total_s: float) -> Event:
    from templatedb.build.messages import Done, Failed
    from templatedb.migrators.alembic import Alembic

    def failed(what: str, remedy: str) -> Failed:
        return Failed(what=what, remedy=remedy, revision=None, traceback="", insists_on_connection=False)

    if refusals.databases:
        return failed(*refusals.databases[0])
    asked = ", ".join(redirect.asked_for) or "no database at all"
    if isinstance(order.migrator, Alembic):
        if revisions.version_table is None:
            return failed(
                f"env.py ended without running the migrations; it asked for {asked}",
                "It must call context.run_migrations() before it returns, also where an event loop is running already.",
            )
        if missing := revisions.missing(order.migrator.revision):
            return failed(
                f"the migrations ended before {order.migrator.revision!r}: {len(missing)} not run, first {missing[0]}",
                "Look at what env.py passes to context.configure().",
            )
    return Done(
        revisions=revisions.done,
        migration_s=revisions.seconds or total_s,
        heads=revisions.heads,
        version_table=revisions.version_table,
        asked_for=tuple(redirect.asked_for),
        warnings=tuple(refusals.warnings),
        revision_files=revisions.files(),
    )


if __name__ == "__main__":
    main()
