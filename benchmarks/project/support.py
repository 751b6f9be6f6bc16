"""What variants share: engines without fsync, as a test suite wants them, and the migrated file."""

import os
import shutil

from sqlalchemy import create_engine, event


def golden():
    """Return the path of a migrated file that was made before the clock started."""
    return os.environ["BENCH_GOLDEN"]


def copy_golden(path):
    shutil.copyfile(golden(), path)
    return path


def engine_on(path, *pragmas):
    """Return an engine on the file *path* which waits for no disk, so that nobody wins by that."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def configure(connection, _record):
        for pragma in ("synchronous=OFF", *pragmas):
            connection.execute(f"pragma {pragma}").close()

    return engine
