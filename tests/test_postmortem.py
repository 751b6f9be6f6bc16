"""The failures of the post-mortem that this project starts from, ten times in a row each.

Many parallel tests ran a migration each; versions were left dirty, tables were missing, files were locked.
"""

import subprocess
import sys
import threading

import pytest

from projects import IDENTITY, builds_in
from templatedb import Alembic, Template

TABLES = [
    "authorization_requests",
    "client_secret_versions",
    "clients",
    "key_rotation_events",
    "sessions",
    "tokens",
    "users",
]
TEN_TIMES = pytest.mark.parametrize("attempt", range(10))

ASK = """
import sys
from templatedb import Alembic, Template
with Template(Alembic(sys.argv[1])).golden() as golden, golden.clone() as clone:
    connection = clone.connect()
    print(golden.manifest.heads, connection.execute("select version_num from alembic_version").fetchall())
    print([name for (name,) in connection.execute(
        "select name from sqlite_master where type = 'table' and name != 'alembic_version' and name not like 'sqlite_%'"
        " order by 1")])
    connection.execute("insert into users (id, email, email_normalized) values ('u', 'u', 'u')")
    connection.commit()
"""


def ask_in_threads(number):
    """Each thread takes a golden and a clone of its own, looks, writes and commits; return what went wrong."""
    faults, barrier = [], threading.Barrier(number)

    def work():
        try:
            barrier.wait()
            with Template(Alembic(IDENTITY / "alembic.ini")).golden() as golden, golden.clone() as clone:
                connection = clone.connect(timeout=0)
                heads = tuple(row[0] for row in connection.execute("select version_num from alembic_version"))
                assert heads == golden.manifest.heads == ("ac48f16d03b9",)
                for table in TABLES:
                    connection.execute(f"select count(*) from {table}").fetchone()
                connection.execute("insert into users (id, email, email_normalized) values ('u', 'u', 'u')")
                connection.commit()
                assert connection.execute("select count(*) from users").fetchone() == (1,)
        except Exception as error:
            faults.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


@TEN_TIMES
def test_no_dirty_version_no_missing_table_no_locked_database_in_many_threads(cache, attempt):
    """Sixteen threads ask a cold cache at once: no "Dirty database", no "no such table", no "locked"."""
    assert ask_in_threads(16) == []
    assert builds_in(cache) == 1


@TEN_TIMES
def test_no_dirty_version_no_missing_table_no_locked_database_in_many_processes(cache, attempt):
    """Six processes ask a cold cache at once."""
    command = [sys.executable, "-c", ASK, str(IDENTITY / "alembic.ini")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    said = [process.communicate() for process in processes]
    assert said == [(f"('ac48f16d03b9',) [('ac48f16d03b9',)]\n{TABLES}\n", "")] * 6
    assert builds_in(cache) == 1


def test_the_history_leaves_what_the_service_needs(identity):
    """Seeded clients with their secrets, moved by a data migration; rotations, written by a trigger."""
    with identity.clone() as clone:
        connection = clone.connect()
        assert connection.execute("select count(*) from clients").fetchone() == (2,)
        assert connection.execute("select count(*) from client_secret_versions").fetchone() == (4,)
        assert connection.execute("select count(*) from key_rotation_events").fetchone() == (2,)
        assert connection.execute("pragma foreign_key_check").fetchall() == []
    assert identity.manifest.revisions == 20
