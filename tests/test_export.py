"""Applications with a global engine: the variable is set before they are imported, and `clone` restores what they have."""

import os
import re

import pytest

from projects import alembic_project, builds_in, revision, run, write

APPLICATION = """
    import os
    import sqlalchemy

    engine = sqlalchemy.create_engine(os.environ["DATABASE_URL"])

    def add(name):
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("insert into t1 (name) values (:name)"), {"name": name})

    def names():
        with engine.connect() as connection:
            return list(connection.scalars(sqlalchemy.text("select name from t1 order by id")))

    def driver_connection():
        with engine.connect() as connection:
            return connection.connection.driver_connection
    """
AUTOUSE = """
    import application
    import pytest

    @pytest.fixture(autouse=True)
    def database(clone):
        pass
    """
ISOLATED = """
    import application
    import pytest

    @pytest.mark.parametrize("number", range({tests}))
    def test_a_row_of_ones_own(clone, number):
        application.add("mine")
        assert application.names() == ["row 1", "mine"]
    """
SQL = "create table t1 (id integer primary key, name text); insert into t1 (name) values ('row 1');\n"


@pytest.fixture
def exporting(suite, monkeypatch):
    """A project that exports DATABASE_URL, with an application in it; call it to replace its settings or its code."""
    monkeypatch.setenv("PYTHONPATH", str(suite.path))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)

    def write_project(settings='export = {DATABASE_URL = "url"}\n', application=APPLICATION, conftest=AUTOUSE):
        write(suite.path / "templatedb.toml", ("" if "function" in settings else 'sql = "sql"\n') + settings)
        write(suite.path / "sql/0001_t1.sql", SQL)
        write(suite.path / "application.py", application)
        write(suite.path / "conftest.py", conftest)
        return suite

    write_project()
    suite.write_project = write_project
    return suite


def said_by(result) -> str:
    return "\n".join(result.outlines)


def test_the_applications_rows_are_gone_in_the_next_test_and_its_connection_stays(exporting):
    """One sqlite3 connection for the whole run; nothing of the application is overridden."""
    exporting.makepyfile(
        """
        import application
        import pytest

        seen = set()

        @pytest.mark.parametrize("number", range(6))
        def test_it(clone_path, number):
            assert application.names() == ["row 1"]
            application.add("mine")
            assert application.engine.url.database == str(clone_path)
            assert application.engine.pool.checkedin() == 1
            seen.add(application.driver_connection())
            assert len(seen) == 1
        """
    )
    result = exporting.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=6)
    assert "5 restored in place" in said_by(result)


AT_IMPORT = {
    "held": "held = engine.connect(); held.exec_driver_sql('select 1').fetchall(); held.rollback()",
    "pooled": "engine.connect().close()",
    "create_all": "metadata = sqlalchemy.MetaData()\n"
    "    sqlalchemy.Table('other', metadata, sqlalchemy.Column('x', sqlalchemy.Integer))\n"
    "    metadata.create_all(engine)",
    "a table of the same name": "engine.connect().exec_driver_sql('create table t1 (wrong)').close()",
    "WAL": "sqlalchemy.event.listen(engine, 'connect', lambda it, _: it.execute('pragma journal_mode = wal'))\n"
    "    engine.connect().close()",
}


@pytest.mark.parametrize(
    ("done", "workers"), [*((done, "0") for done in AT_IMPORT), ("pooled", "2"), ("create_all", "2")]
)
def test_an_application_that_connects_at_import_sees_the_golden(exporting, done, workers):
    """The file it has made by then becomes the database of the first test."""
    exporting.write_project(application=f"{APPLICATION}\n    {AT_IMPORT[done]}\n")
    exporting.makepyfile(
        ISOLATED.format(tests=4)
        + """
    def test_tables(clone):
        import sqlalchemy

        assert sqlalchemy.inspect(application.engine).get_table_names() == ["t1"]
    """
    )
    result = exporting.runpytest_subprocess("-W", "error", "-n", workers)
    result.assert_outcomes(passed=5)
    assert ("restored by backup" in said_by(result)) == (done == "WAL")


def test_each_worker_has_a_path_of_its_own_and_the_controller_makes_no_golden(exporting, cache, tmp_path):
    """All processes export before they import; one build, by a worker."""
    told = tmp_path / "told"
    told.mkdir()
    exporting.write_project(
        conftest=AUTOUSE
        + f"""
    import os

    name = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    with open({str(told)!r} + "/" + name, "w") as file:
        file.write(application.engine.url.database)
    """
    )
    exporting.makepyfile(ISOLATED.format(tests=6))
    result = exporting.runpytest_subprocess("-W", "error", "-n", "2")
    result.assert_outcomes(passed=6)
    paths = {path.name: path.read_text() for path in told.iterdir()}
    assert sorted(paths) == ["controller", "gw0", "gw1"]
    assert len(set(paths.values())) == 3
    assert not any(os.path.exists(path) or os.path.exists(os.path.dirname(path)) for path in paths.values())
    assert builds_in(cache) == 1


WRITES_ITS_URL = """
    import os, sqlite3

    def migrate(path):
        connection = sqlite3.connect(path)
        connection.executescript("create table t1 (id integer primary key, name text)")
        connection.execute("insert into t1 (name) values (?)", [os.environ.get("DATABASE_URL", "unset")])
        connection.commit()
        connection.close()
    """
SEES_ORIGINALS = """
    import application, os, subprocess, sys, templatedb

    def shell(*words):
        return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True).stdout

    def test_here(templatedb_golden, templatedb_template, clone):
        expected = os.environ["EXPECTED"]
        assert templatedb_golden.key == templatedb_template.key() == templatedb.load().key() == expected
        assert application.names() == [os.environ["ORIGINAL"]]

    def test_in_a_process(clone):
        assert shell("templatedb", "key").strip() == os.environ["EXPECTED"]
        said = shell("pytest", "-p", "no:xdist", "-k", "test_here")
        assert " 1 passed, 2 deselected" in said, said
        assert " hit (" in said, said

    def test_in_a_process_with_a_value_of_its_own(clone, monkeypatch):
        monkeypatch.setenv("DATABASE_URL", "sqlite:///another.db")
        assert shell("templatedb", "key").strip() == os.environ["OTHER"]
    """


@pytest.mark.parametrize(("original", "workers"), [("unset", "0"), ("sqlite:////nowhere/at/all.db", "2")])
def test_the_key_and_the_build_see_the_original_value(exporting, cache, monkeypatch, original, workers):
    """In the process, its workers, commands and test runs that tests start: as the command in a shell."""
    exporting.write_project(
        'function = "made:migrate"\nurl_env = []\nenvironment = ["DATABASE_URL"]\nexport = {DATABASE_URL = "url"}\n'
    )
    write(exporting.path / "made.py", WRITES_ITS_URL)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///another.db")
    monkeypatch.setenv("OTHER", run("templatedb", "key", cwd=exporting.path).stdout.strip())
    monkeypatch.setenv("ORIGINAL", original)
    if original == "unset":
        monkeypatch.delenv("DATABASE_URL")
    else:
        monkeypatch.setenv("DATABASE_URL", original)
    expected = run("templatedb", "key", cwd=exporting.path).stdout.strip()
    assert expected.startswith("templatedb1-")
    assert expected != os.environ["OTHER"]
    monkeypatch.setenv("EXPECTED", expected)
    exporting.makepyfile(SEES_ORIGINALS)
    result = exporting.runpytest_subprocess("-W", "error", "-n", workers)
    result.assert_outcomes(passed=3)
    assert builds_in(cache) == 1


@pytest.mark.parametrize("end", ["pass", "import missing"], ids=["tests run", "conftest fails"])
def test_the_environment_is_put_back_for_whoever_runs_pytest_in_a_program(exporting, end):
    """Also where a conftest could not be imported; the folder of the slot is gone."""
    exporting.write_project(conftest=AUTOUSE + f"\n    {end}\n")
    exporting.makepyfile(ISOLATED.format(tests=2))
    write(
        exporting.path / "program.py",
        f"""
        import glob, os, sys
        import pytest

        os.environ.pop("PYTEST_CURRENT_TEST", None)
        before = dict(os.environ)
        code = pytest.main(["-p", "no:randomly"])
        assert int(code) == {0 if end == "pass" else 4}, code
        assert set(os.environ.items()) ^ set(before.items()) == set(), set(os.environ.items()) ^ set(before.items())
        assert not glob.glob(f"/dev/shm/templatedb-slots-*-{{os.getpid()}}-*")
        """,
    )
    done = run("program", cwd=exporting.path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_path_and_the_async_url_can_be_exported(exporting):
    """Each variable in the form that the application reads."""
    exporting.write_project(
        'export = {DATABASE_URL = "url", ASYNC = "async_url", FILE = "path"}\n',
    )
    exporting.makepyfile(
        """
        import os

        def test_it(clone):
            path = str(clone.path)
            assert os.environ["FILE"] == path
            assert os.environ["ASYNC"] == clone.async_url == f"sqlite+aiosqlite:///{path}"
            assert os.environ["DATABASE_URL"] == clone.url == f"sqlite:///{path}"
        """
    )
    exporting.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_clones_of_the_factory_are_other_places(exporting):
    """Also one that lives for the session and was made first: it would keep the application's from every test."""
    exporting.makepyfile(
        """
        import application, pytest

        @pytest.fixture(scope="session")
        def shared(clone_factory):
            with clone_factory() as clone:
                yield clone

        @pytest.mark.parametrize("number", range(3))
        def test_it(shared, clone, clone_factory, number):
            with clone_factory() as other, clone_factory("memory") as third:
                assert len({shared.url, clone.url, other.url, third.url}) == 4
                application.add("mine")
                assert application.names() == ["row 1", "mine"]
                assert "mine" in clone.dump()
                assert "mine" not in shared.dump() + other.dump() + third.dump()
        """
    )
    exporting.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("settings", "words", "line"),
    [
        ('export = {DATABASE_URL = "ulr"}', (), "setting 'export' in * DATABASE_URL is 'ulr'. Did you mean 'url'?"),
        ('export = "DATABASE_URL"', (), "setting 'export' in *; allowed: a table such as {DATABASE_URL = \"url\"}*"),
        ('export = {"A=B" = "url"}', (), "setting 'export' in * 'A=B' cannot be a variable of a process."),
        ('export = {A = "url"}\ntypo = 1', (), "unknown setting 'typo' in *"),
        ('export = {A = "url"}\nclone = "memory"', (), "settings 'export' and clone = \"memory\" in * contradict*"),
        ('export = {A = "url"}', ("--templatedb-clone=memory",), "--templatedb-clone=memory and the setting 'export'*"),
        ("export = {A = ", (), "*templatedb.toml is not valid TOML: *"),
    ],
)
def test_a_wrong_export_ends_the_run_in_one_line_before_the_application_is_imported(exporting, settings, words, line):
    """It would open whatever its variables say."""
    exporting.write_project(settings, conftest="raise SystemExit('imported')")
    result = exporting.runpytest_subprocess(*words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len([said for said in result.errlines if said]) == 1
    result.stderr.fnmatch_lines([f"ERROR: templatedb: {line}"])


def test_a_clone_in_memory_is_refused_where_the_application_has_a_file(exporting):
    """By the marker of one test, in one line; the others run."""
    exporting.write_project(conftest="import application")
    exporting.makepyfile(
        """
        import pytest

        @pytest.mark.templatedb(clone="memory")
        def test_in_memory(clone):
            pass

        def test_in_a_file(clone):
            assert clone.kind == "file"
        """
    )
    result = exporting.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["templatedb: a clone in memory is not what the application has open: *"])


def test_the_developers_database_is_never_opened(exporting, monkeypatch, tmp_path):
    """Neither by the tests nor by the build: audited in every process."""
    own = tmp_path / "developer's.db"
    opened = tmp_path / "opened"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{own}")
    monkeypatch.setenv("OWN", str(own))
    write(
        exporting.path / "sitecustomize.py",
        f"""
        import os, sys

        def hook(event, arguments):
            if event in ("open", "sqlite3.connect") and "developer's" in str(arguments[0]):
                os.write(os.open({str(opened)!r}, os.O_WRONLY | os.O_CREAT), event.encode())

        sys.addaudithook(hook)
        """,
    )
    exporting.makepyfile(ISOLATED.format(tests=3))
    exporting.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)
    assert not opened.exists()
    assert not own.exists()
    exporting.write_project("")
    exporting.runpytest_subprocess("-k", "none")
    exporting.makepyfile(test_control="import application\ndef test_it(): application.engine.connect().close()")
    exporting.runpytest_subprocess("test_control.py")
    assert opened.exists()  # the hook sees what it is there for


@pytest.mark.parametrize("words", [(), ("--collect-only",), ("-n", "2")])
def test_a_run_in_which_no_test_asks_for_a_clone_builds_nothing(exporting, cache, words):
    """The application still has an empty file of ours, not the developer's."""
    exporting.write_project(conftest="import application\napplication.engine.connect().close()")
    exporting.makepyfile(
        """
        import application

        def test_it():
            assert "templatedb-slots-" in application.engine.url.database
        """
    )
    result = exporting.runpytest_subprocess("-W", "error", *words)
    assert result.ret == 0
    assert not cache.exists()


def test_a_session_that_the_application_left_open_is_reported_and_the_next_test_is_right(exporting):
    """With the name of the test that left it; the session's own next use is not a silent success."""
    exporting.makepyfile(
        """
        import application
        from sqlalchemy import text
        from sqlalchemy.orm import Session

        left = []

        def test_1_that_leaves_it(clone):
            session = Session(application.engine)
            session.execute(text("insert into t1 (name) values ('left')"))
            left.append(session)

        def test_2_after_it(clone):
            assert application.names() == ["row 1"]
            application.add("mine")
            assert application.names() == ["row 1", "mine"]

        def test_3_and_after_that(clone):
            assert application.names() == ["row 1"]
            left.pop().close()
            assert application.names() == ["row 1"]
        """
    )
    result = exporting.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=3)
    assert re.search(r"test_1_that_leaves_it left a transaction open", said_by(result))


def test_a_folder_with_a_template_of_its_own_has_the_same_place(exporting, cache):
    """The application opens one path; what is there is the golden of the template that the test sees."""
    alembic_project(
        exporting.path / "other", revisions={"r1.py": revision(1, body="op.execute('create table o1 (x)')")}
    )
    write(
        exporting.path / "other/conftest.py",
        """
        import pathlib, pytest
        from templatedb import Alembic, Template

        @pytest.fixture(scope="session")
        def templatedb_template():
            return Template(Alembic(pathlib.Path(__file__).parent / "alembic.ini"))
        """,
    )
    tables = """
        import application, pytest, sqlalchemy

        @pytest.mark.parametrize("number", range(2))
        def test_{name}(clone, number):
            assert sqlalchemy.inspect(application.engine).has_table("{name}")
            assert application.engine.url.database == str(clone.path)
        """
    write(exporting.path / "other/test_o1.py", tables.format(name="o1"))
    write(exporting.path / "test_a.py", tables.format(name="t1"))
    write(exporting.path / "z/test_z.py", tables.format(name="t1"))
    exporting.runpytest_subprocess("-W", "error").assert_outcomes(passed=6)
    assert builds_in(cache) == 2


def test_an_export_that_reaches_nobody_is_said(exporting):
    """Settings below pytest's rootdir come too late, and a conftest may set the variable itself."""
    exporting.write_project(conftest="import os\nos.environ['DATABASE_URL'] = 'sqlite:////secret'\n")
    exporting.makepyfile("def test_it(clone): pass")
    result = exporting.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=1)
    assert "DATABASE_URL was set to something else after templatedb had exported it" in said_by(result)
    assert "secret" not in said_by(result)
    (exporting.path / "templatedb.toml").unlink()
    write(exporting.path / "sql/templatedb.toml", 'sql = "."\nexport = {DATABASE_URL = "url"}\n')
    write(
        exporting.path / "conftest.py",
        """
        import pytest, templatedb

        @pytest.fixture(scope="session")
        def templatedb_template():
            return templatedb.load("sql")
        """,
    )
    result = exporting.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=1)
    assert re.search(r"'export' does not set DATABASE_URL: pytest reads it in its rootdir", said_by(result))


def test_the_plugin_that_fills_the_environment_does_not_win(exporting, monkeypatch):
    """Like pytest-env and pytest-dotenv; what they set is what the key sees."""
    write(
        exporting.path / "filler.py",
        """
        import os, pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_load_initial_conftests():
            os.environ["DATABASE_URL"] = "sqlite:////nowhere/at/all.db"
        """,
    )
    exporting.makepyfile(ISOLATED.format(tests=2))
    exporting.runpytest_subprocess("-W", "error", "-p", "filler").assert_outcomes(passed=2)


def test_a_background_thread_writes_with_the_global_engine(exporting):
    """What it wrote during a test is there; it uses a pooled connection of the same slot."""
    exporting.makepyfile(
        """
        import application, pytest, threading

        @pytest.mark.parametrize("number", range(5))
        def test_it(clone, number):
            threads = [threading.Thread(target=application.add, args=("mine",)) for _ in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            assert application.names() == ["row 1", *["mine"] * 4]
        """
    )
    exporting.runpytest_subprocess("-W", "error").assert_outcomes(passed=5)


def test_a_project_that_exports_nothing_pays_for_a_look_at_two_files(suite):
    """Nothing of us is imported for it."""
    suite.makeconftest(
        """
        import sys
        loaded = sorted(name for name in sys.modules if name.startswith("templatedb."))
        """
    )
    suite.makepyfile(
        """
        import conftest

        def test_it():
            assert conftest.loaded == [
                "templatedb.current_test", "templatedb.early", "templatedb.fixtures", "templatedb.options", "templatedb.plugin",
            ]
        """
    )
    suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


ASYNC_APPLICATION = """
    import os
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(os.environ["DATABASE_URL"])
    """
HINT = (
    "templatedb: the application makes an async engine of the \"url\" that 'export' gave it in DATABASE_URL:"
    ' write "async_url" instead, as in export = {DATABASE_URL = "async_url"}'
)


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("place", ["conftest", "conftest below", "test module", "fixture"])
def test_an_async_engine_on_a_url_without_a_driver_for_it_is_told_with_the_setting(exporting, place, workers):
    """Wherever the application is imported: SQLAlchemy names the driver, and nobody would look into our settings."""
    exporting.write_project(application=ASYNC_APPLICATION, conftest=AUTOUSE if place == "conftest" else "")
    if place == "conftest below":
        write(exporting.path / "below/conftest.py", AUTOUSE)
    imported = {
        "test module": AUTOUSE,
        "fixture": AUTOUSE.replace("    import application\n", "").replace("pass", "import application"),
    }
    write(exporting.path / "below/test_it.py", imported.get(place, "") + "\n    def test_it(clone): pass\n")
    result = exporting.runpytest_subprocess("-n", workers)
    assert result.ret != 0
    said = "\n".join([*result.outlines, *result.errlines])
    # xdist shows what each worker could not collect.
    assert {line.removeprefix("E   ") for line in said.splitlines() if "'export' gave" in line} == {HINT}


def test_an_async_engine_that_the_settings_have_no_part_in_is_not_told_of(exporting):
    """What is exported has its driver; another URL has none."""
    exporting.write_project('export = {DATABASE_URL = "async_url"}\n', conftest="")
    exporting.makepyfile("from sqlalchemy.ext.asyncio import create_async_engine\ncreate_async_engine('sqlite://')\n")
    result = exporting.runpytest_subprocess()
    assert "requires an async driver" in said_by(result)
    assert "templatedb: " not in said_by(result)
