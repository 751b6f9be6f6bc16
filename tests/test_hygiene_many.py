"""Many threads, many tests: one build, and no descriptor more."""

import shutil
import subprocess
import sys

import pytest

from hygiene import command, function_project, has_passed, run_pytest, sql_project
from projects import builds_in, write


def test_thirty_two_threads_share_one_build_and_get_a_database_each(project, cache):
    """Through the library and through the factory of the plugin."""
    function_project(project, "open('builds.txt', 'a').write('x'); time.sleep(0.2)")
    write(
        project / "test_it.py",
        """
        import threading
        from templatedb import load

        def many(work):
            barrier, found, errors = threading.Barrier(32), [], []

            def one():
                barrier.wait()
                try:
                    found.append(work())
                except BaseException as error:
                    errors.append(error)

            threads = [threading.Thread(target=one) for _ in range(32)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert errors == []
            return found

        def use(clone):
            connection = clone.connect()
            connection.execute("insert into t1 values (?)", (str(clone.path),))
            connection.commit()
            assert len(connection.execute("select name from t1").fetchall()) == 2
            return clone

        def test_library():
            def work():
                golden = load().golden()
                return golden, use(golden.clone())

            found = many(work)
            assert len({clone.path for _, clone in found}) == 32
            assert len({golden.manifest.digest for golden, _ in found}) == 1
            for golden, clone in found:
                clone.close()
                golden.close()

        def test_plugin(clone_factory):
            clones = many(lambda: use(clone_factory()))
            assert len({clone.path for clone in clones}) == 32
            for clone in clones:
                clone.close()
        """,
    )
    assert has_passed(run_pytest(project), 2)
    assert (builds_in(cache), (project / "builds.txt").read_text()) == (1, "x")


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_thousand_tests_run_with_sixty_four_descriptors(project):
    """Their number stays the same however many databases there were."""
    sql_project(project)
    write(
        project / "test_it.py",
        """
        import os
        import pytest
        from sqlalchemy import text
        counts = []

        @pytest.mark.parametrize("number", range(1000))
        def test_it(clone_session, clone_connection, number):
            clone_session.execute(text("insert into t1 values ('x')"))
            clone_session.commit()
            assert clone_connection.execute("select count(*) from t1").fetchone() == (2,)
            counts.append(len(os.listdir("/proc/self/fd")))

        def test_constant():
            assert len(set(counts[5:])) == 1, set(counts)
        """,
    )
    words = ["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", *command("-q")]
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=False)
    assert has_passed(done, 1001)
