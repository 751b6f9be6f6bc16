"""One test with a database of its own, made by hand."""

import os
import shutil
import sqlite3
from contextlib import closing


def test_start(tmp_path):
    with closing(sqlite3.connect(shutil.copyfile(os.environ["BENCH_GOLDEN"], tmp_path / "own.sqlite"))) as connection:
        assert connection.execute("select value from settings").fetchall() == [("golden",)]
