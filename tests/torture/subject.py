"""The process under test: ask for a golden, clone it, say what was in it. Run as a script, with one order in JSON.

The answer goes through a socket: its system calls are none of those that faults are injected into.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import socket
import sqlite3
import sys
from pathlib import Path


def main() -> None:
    """Carry out the order of the command line; any error that is not templatedb's own is a traceback."""
    order = json.loads(sys.argv[1])
    if order.get("builder"):
        sys.executable = order["builder"]  # what the build's process is started with
    if order.get("boundary"):
        import boundary

        boundary.install(order["boundary"], Path(order["inside"]))
    import templatedb

    # Python lists a folder of code at the first import from it: a disk that fails there is not the cache's.
    for folder in sorted(Path(templatedb.__file__).parent.glob("*/__init__.py")):
        importlib.util.find_spec(f"templatedb.{folder.parent.name}.none")
    answer = {"release": str(Path(templatedb.__file__).parent), "notices": []}
    try:
        answer |= _work(order, answer["notices"])
    except templatedb.TemplateDBError as error:
        answer |= {"error": type(error).__name__, "says": str(error)}
    if order.get("boundary"):
        answer["calls"] = boundary.counts()
    with socket.socket(fileno=order["answer"]) as outside:
        outside.sendall(json.dumps(answer).encode())


def _work(order: dict, notices: list[str]) -> dict:
    from templatedb import Function, Template
    from templatedb.plan import Wishes

    if order["scenario"] == "prune":
        from templatedb import cli

        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.main(["prune"])
        sys.stderr.write(said.getvalue())
        return {"outcome": "pruned"} if code == 0 else {"error": "SystemExit", "says": said.getvalue()}
    template = Template(Function("migrate:fill"), root=order["project"]).with_settings(**order.get("settings", {}))
    with template.golden(Wishes(notice=notices.append)) as golden:
        outcome = str(golden.outcome)
        with golden.clone() as clone:
            seen = [clone.dump()]
        if order["scenario"] == "clone":
            seen += _clone_again(golden)
    return {"outcome": outcome, "dumps": sorted({digest(text) for text in seen})}


def _clone_again(golden) -> list[str]:
    """Return what clones hold that a worker's reused place gives: written to in between, as tests do."""
    from templatedb import place
    from templatedb.records import CloneKind
    from templatedb.slots.worker import WorkerSlots

    storage = place.Storage(lambda: place.temporary_folder("templatedb-subject-"), print, memory=None)
    slots, seen = WorkerSlots(storage), []
    slot = slots.of(golden.key, golden.image, CloneKind.FILE, large_bytes=1 << 40)
    try:
        for number in range(3):
            with golden.clone(slot=slot) as clone:
                seen.append(clone.dump())
                if number == 0:
                    with contextlib.suppress(sqlite3.Error):  # a test's own write on a full disk is no fault of ours
                        clone.connect(isolation_level=None).execute("insert into t (text) values ('a test')")
        with golden.clone("memory") as clone:
            seen.append(clone.dump())
    finally:
        slots.close()
    return seen


def digest(text: str) -> str:
    """Return the SHA-256 of a dump: two are equal only if the databases are."""
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
