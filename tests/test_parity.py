"""A hit equals a miss: a suite sees the same process, and has the same results, on a cold and on a warm cache."""

import json

import pytest

from hygiene import run_pytest
from projects import alembic_project, builds_in, write

ENV = """
import logging, os, sys, warnings
from logging.config import fileConfig
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
fileConfig(config.config_file_name)
logging.getLogger("app").setLevel(logging.CRITICAL)
os.environ["LEFT_BY_ENV_PY"] = "1"
os.chdir("/")
os.umask(0o077)
sys.path.insert(0, "/left/by/env.py")
warnings.simplefilter("ignore")
engine = engine_from_config(config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
"""What Alembic's template has, and worse."""

LOGGING = """
script_location = %(here)s/scripts
sqlalchemy.url = sqlite:///app.db

[loggers]
keys = root,sqlalchemy

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARN
handlers = console

[logger_sqlalchemy]
level = WARN
handlers =
qualname = sqlalchemy.engine

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(levelname)s %(message)s
"""

TESTS = """
    import json, logging, os, re, signal, sys, threading, warnings
    from pathlib import Path
    import pytest

    logging.getLogger("app").addHandler(logging.NullHandler())
    logging.getLogger("app.shop").setLevel(logging.DEBUG)

    def targets():
        found = []
        for name in os.listdir("/proc/self/fd"):
            try:
                found.append(os.readlink(f"/proc/self/fd/{name}"))
            except FileNotFoundError:
                pass
        return found

    def normal(target):
        target = re.sub(r"(pipe|socket):.*", r"\\\\1", target)
        target = re.sub(r"/[0-9a-f]{64}\\.sqlite", "/<golden>", target)
        return re.sub(r"(templatedb-slots-)[^/]*|pytest-\\d+|/tmp\\w+| \\(deleted\\)|/#\\d+", r"\\\\1", target)

    def own(environment):
        return {name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"
                and not name.startswith("PYTEST_XDIST")}

    def recording():
        loggers = {"root": logging.root, **logging.root.manager.loggerDict}
        umask = os.umask(0)
        os.umask(umask)
        return {
            "loggers": {name: [one.disabled, one.level, one.propagate, sorted(type(h).__name__ for h in one.handlers)]
                        for name, one in sorted(loggers.items()) if isinstance(one, logging.Logger)},
            "disabled": logging.root.manager.disable,
            "environment": dict(sorted(own(os.environ).items())),
            "cwd": os.getcwd(),
            "path": sys.path,
            "filters": [str(one) for one in warnings.filters],
            "signals": {str(number): str(signal.getsignal(number)) for number in sorted(signal.valid_signals())
                        if "object at" not in str(signal.getsignal(number))},
            "descriptors": sorted(map(normal, targets())),
            "threads": sorted(type(thread).__name__ for thread in threading.enumerate()),
            "umask": umask,
            "modules": sorted(name for name in sys.modules
                              if name.partition(".")[0] in ("alembic", "sqlalchemy", "templatedb")),
            "hooks": [type(one).__name__ for one in sys.meta_path],
            "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
        }

    def test_before_any_database():
        Path("before.json").write_text(json.dumps(recording()))

    def test_caplog(caplog, clone_connection):
        logging.getLogger("app").warning("heard")
        logging.getLogger("app.shop").debug("heard too")
        assert [record.message for record in caplog.records] == ["heard", "heard too"]

    def test_warnings(clone_connection):
        with pytest.warns(UserWarning):
            warnings.warn("seen")

    @pytest.mark.parametrize("number", range(3))
    def test_rows(clone_connection, number):
        assert clone_connection.execute("select name from t1").fetchall() == [("row 1",)]
        clone_connection.execute("delete from t1")
        clone_connection.commit()

    @pytest.mark.xfail(strict=True)
    def test_fails(clone_connection):
        assert clone_connection.execute("select count(*) from t1").fetchone() == (0,)

    def test_pragmas(clone_connection):
        names = ("page_size", "encoding", "auto_vacuum", "user_version", "application_id", "journal_mode", "freelist_count")
        found = {name: clone_connection.execute(f"pragma {name}").fetchone()[0] for name in names}
        found["dump"] = list(clone_connection.iterdump())
        Path("database.json").write_text(json.dumps(found))

    def test_last(clone_connection):
        Path("recording.json").write_text(json.dumps(recording()))
    """

BUILDING = {
    *(
        "lock",
        "publish",
        "spoilt",
        "private",
        "reasons",
        "verify",
        "steps",
        "migrators.bench",
        "build",
        "build.messages",
        "build.parent",
    ),
    *("migrators.revisions", "urls", "prune", "leftovers", "inventory", "limits", "damaged", "place", "identifiers"),
}
"""What only a process that builds has imported: the one difference that is allowed."""


@pytest.fixture
def suite_of_an_application(project):
    alembic_project(project, env=ENV, ini=LOGGING)
    write(project / "test_it.py", TESTS)
    return project


def results(project, *words):
    """Run the suite; return each test's outcome, what was recorded before and after, and what is in the database."""
    done = run_pytest(project, "-rA", "-v", "--log-level=DEBUG", *words)
    assert done.returncode == 0, done.stdout
    outcomes = sorted(
        line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("PASSED ", "XFAIL "))
    )
    recorded = [json.loads((project / f"{name}.json").read_text()) for name in ("before", "recording", "database")]
    for name in ("before", "recording", "database"):
        (project / f"{name}.json").unlink()
    return outcomes, *recorded


def without_modules(recording):
    modules = {name.removeprefix("templatedb.") for name in recording.pop("modules")}
    return modules, recording


@pytest.mark.parametrize("words", [(), ("-n", "1")], ids=["alone", "worker"])
def test_a_suite_on_a_cold_and_on_a_warm_cache_is_the_same(suite_of_an_application, cache, words):
    """Results, loggers, environment, folder, paths, filters, signals, descriptors, threads and modules."""
    first = results(suite_of_an_application, *words)
    second = results(suite_of_an_application, *words)
    third = results(suite_of_an_application, *words)
    assert builds_in(cache) == 1
    assert len(first[0]) == 9
    assert (first[0], first[3]) == (second[0], second[3])
    for cold, warm, again in zip(first[1:3], second[1:3], third[1:3], strict=True):
        cold_modules, cold_rest = without_modules(cold)
        warm_modules, warm_rest = without_modules(warm)
        assert cold_rest == warm_rest
        assert (warm_modules, warm_rest) == without_modules(again)
        assert warm_modules - cold_modules == set()
        assert cold_modules - warm_modules <= BUILDING
        assert not {name for name in cold_modules if name.partition(".")[0] in ("alembic", "sqlalchemy")}


def test_a_worker_sees_what_a_process_of_its_own_sees_whether_cold_or_warm(suite_of_an_application, cache, tmp_path):
    """The outcomes are those without workers; a recording of one worker is that of every one."""
    alone = results(suite_of_an_application)
    for words in (("-n", "2"), ("-n", "2", "--templatedb-rebuild")):
        assert results(suite_of_an_application, *words)[0] == alone[0]
    assert builds_in(cache) == 2
