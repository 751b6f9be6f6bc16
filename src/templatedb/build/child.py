"""The child process of a build: put up redirect and guard, migrate, say how it went.

Run as a script: ``python -P child.py ORDER EVENTS LIFE``, with the file of the order and two inherited descriptors.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
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

    builder = os.getpid()

    def tell(event: Event) -> None:
        # A migration may fork, and its child may come back here: only the builder itself speaks.
        if os.getpid() == builder:
            with contextlib.suppress(BrokenPipeError):
                os.write(events, to_line(event))

    code = 0
    try:
        tell(_carry_out(Order.from_json(order_path.read_text()), order_path.parent, tell))
    except BaseException:  # a fault of ours: it must be in the output, not vanish
        traceback.print_exc()
        code = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Threads and connections that the project left open must neither keep the parent waiting nor write later.
    os._exit(code)


def _die_with_parent(life: int) -> None:
    """Wait for the end of the parent, which closes its end of *life* also when it is killed; then end all of us."""
    with contextlib.suppress(OSError):
        while os.read(life, 1):
            pass
    if os.getpgrp() == os.getpid():  # not so with --debug, where the group is the terminal's
        os.killpg(0, signal.SIGKILL)  # what the migrations started goes too
    os._exit(1)


def _carry_out(order: Order, private_folder: Path, tell: Callable[[Event], None]) -> Event:
    """Build and return what became of it; never raises."""
    from templatedb.build import diagnosis
    from templatedb.build.guard import Guard
    from templatedb.build.redirect import Redirect
    from templatedb.build.refusals import Refusals
    from templatedb.build.revisions import Revisions

    target, refusals = order.target, Refusals()
    redirect, revisions = Redirect(target.path, refusals), Revisions(tell)
    try:
        os.chdir(target.root)
        # Before the project's folders come first on the path: it may have a folder called alembic.
        redirect.install()
        revisions.install()
        refusals.note_warnings_of("alembic")
        sys.path[:0] = [str(folder) for folder in target.import_folders]
        redirect.take_for_the_target(order.replaced_urls)
        Guard(target.path, private_folder, refusals).install()
        started = time.perf_counter()
        try:
            order.migrator.migrate(target)
        except SystemExit as ending:
            if ending.code not in (None, 0):
                raise
        return _finished(order, refusals, redirect, revisions, time.perf_counter() - started)
    except BaseException as error:  # also SystemExit: Flask-Migrate ends the process where a migration fails
        return diagnosis.of(error, refusals, revisions)


def _finished(order: Order, refusals: Refusals, redirect: Redirect, revisions: Revisions, total_s: float) -> Event:
    from templatedb.build.messages import Done, Failed
    from templatedb.migrators import Way
    from templatedb.migrators.alembic import Alembic

    def failed(what: str, remedy: str, next_way: Way | None = None) -> Failed:
        return Failed(what=what, remedy=remedy, revision=None, traceback="", next_way=next_way)

    if refusals.databases:
        return failed(*refusals.databases[0])
    asked = ", ".join(redirect.asked_for) or "no database at all"
    if isinstance(order.migrator, Alembic):
        if revisions.version_table is None:
            return failed(
                f"env.py ended without running the migrations; it asked for {asked}",
                "It must call context.run_migrations() before it returns, also where an event loop is running already.",
                Way.CONNECTION if revisions.asked_for_connection else None,
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
        warnings=tuple(refusals.told),
        revision_files=revisions.files(),
    )


if __name__ == "__main__":
    main()
