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
    from templatedb.build.watch import Watch
    from templatedb.migrators.bench import Ledger


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
    from templatedb.build.watch import Watch

    watch = Watch(order, private_folder, tell)
    try:
        os.chdir(order.target.root)
        watch.install()
        started = time.perf_counter()
        ledger = order.migrator.migrate(order.target, watch.bench)
        return _finished(order, watch, ledger, time.perf_counter() - started)
    except BaseException as error:  # also SystemExit: Flask-Migrate ends the process where a migration fails
        return diagnosis.of(error, order, watch.refusals, watch.revisions, watch.redirect)


def _finished(order: Order, watch: Watch, ledger: Ledger | None, total_s: float) -> Event:
    from templatedb.build import drift, seeds
    from templatedb.build.messages import Done, Failed

    seeds.run(order.seed, order.target, watch.steps)
    if watch.refusals.databases:
        what, remedy = watch.refusals.databases[0]
        return Failed(what=what, remedy=remedy, revision=None, traceback="", next_way=None)
    revisions = watch.revisions
    table = ledger.table if ledger is not None else revisions.version_table
    options = revisions.options
    operations = drift.operations(order.models, order.target, table, options) if order.models else ""
    findings = watch.findings(ledger)
    return Done(
        revisions=watch.steps.migrations,
        migration_s=watch.steps.seconds or total_s,
        heads=revisions.heads,
        version_table=table,
        ledger=ledger,
        asked_for=watch.redirect.shown,
        warnings=tuple(watch.refusals.told),
        notices=tuple(watch.notices),
        discovered=findings.discovered,
        untracked=findings.untracked,
        written=findings.written,
        programs=findings.programs,
        home=findings.home,
        edited=findings.edited,
        drift=operations,
    )


if __name__ == "__main__":
    main()
