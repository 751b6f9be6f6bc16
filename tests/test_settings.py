"""Settings come from the nearest table, and a wrong one is named with what is allowed."""

import tomllib

import pytest

from projects import write
from templatedb import Alembic, Template, toml
from templatedb.errors import SettingsError
from templatedb.records import CloneKind, Keep, Severity
from templatedb.search import find
from templatedb.settings import Settings, from_table, with_overrides


def test_every_key_of_the_table_is_read(project):
    """The whole table, once."""
    write(
        project / "pyproject.toml",
        """
        [tool.templatedb]
        alembic = "db/alembic.ini"
        revision = "head"
        url_env = ["APP_DB"]
        build_env = {APP_ENV = "test"}
        python_path = ["src"]
        inputs = ["seeds/*.csv"]
        environment = ["REGION"]
        required_tables = ["users"]
        foreign_keys = "error"
        clone = "memory"
        cache_dir = ".cache"
        cache_size = "500MB"
        cache_max_age = "7d"
        lock_timeout = "90s"
        keep = "all"
        strict = true
        """,
    )
    assert find(project) == Settings(
        root=project,
        source=project / "pyproject.toml",
        alembic="db/alembic.ini",
        revision="head",
        url_env=("APP_DB",),
        build_env={"APP_ENV": "test"},
        python_path=("src",),
        inputs=("seeds/*.csv",),
        environment=("REGION",),
        required_tables=("users",),
        foreign_keys=Severity.ERROR,
        clone=CloneKind.MEMORY,
        cache_dir=".cache",
        cache_size_bytes=500_000_000,
        cache_max_age_s=7 * 86400.0,
        lock_timeout_s=90.0,
        keep=Keep.ALL,
        strict=True,
    )


def test_a_file_of_our_own_is_read_alike(project):
    """templatedb.toml has the same keys at its top."""
    write(project / "templatedb.toml", 'function = "factory:migrate"\n')
    assert find(project) == Settings(root=project, source=project / "templatedb.toml", function="factory:migrate")


def test_an_alembic_ini_alone_is_enough(project):
    """No settings at all: the nearest Alembic configuration upwards."""
    write(project / "alembic.ini", "[alembic]\nscript_location = scripts\n")
    (project / "tests").mkdir()
    assert find(project / "tests") == Settings(root=project, source=project / "alembic.ini", alembic="alembic.ini")


def test_alembic_in_pyproject_alone_is_enough(project):
    """As Alembic 1.16 reads it."""
    write(project / "pyproject.toml", '[tool.alembic]\nscript_location = "scripts"\n')
    assert find(project).alembic == "pyproject.toml"


def test_a_table_above_wins_over_a_bare_alembic_ini(project):
    """What is written for us is stronger than what is found."""
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "a:b"\n')
    write(project / "sub/alembic.ini", "[alembic]\nscript_location = scripts\n")
    assert find(project / "sub").function == "a:b"


def test_a_service_that_is_a_project_of_its_own_is_not_taken_over_by_one_above(project):
    """In a repository with several services each migrates its own database."""
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "a:b"\n')
    write(project / "service/alembic.ini", "[alembic]\nscript_location = scripts\n")
    write(project / "service/pytest.ini", "[pytest]\n")
    assert find(project / "service").alembic == "alembic.ini"
    assert Template(Alembic("service/alembic.ini")).settings.root == project / "service"


def test_a_broken_file_far_above_does_not_matter(project):
    """Somebody's home may hold anything."""
    write(project / "pyproject.toml", "[broken\n")
    write(project / "service/templatedb.toml", 'function = "a:b"\n')
    assert find(project / "service").function == "a:b"


@pytest.mark.parametrize("name", ["A=B", "", "A\0B"])
def test_a_variable_that_no_process_can_have_is_refused(project, name):
    """Not at the moment when the build is started."""
    with pytest.raises(SettingsError, match="cannot be a variable of a process"):
        from_table({"function": "a:b", "build_env": {name: "x"}}, project, None)


def test_the_nearest_table_wins(project):
    """A workspace's member has settings of its own."""
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "a:b"\n')
    write(project / "member/pyproject.toml", '[tool.templatedb]\nfunction = "c:d"\n')
    assert find(project / "member").function == "c:d"


def test_a_table_without_a_migrator_takes_the_alembic_ini_beside_it(project):
    """The default of the setting 'alembic'."""
    write(project / "pyproject.toml", '[tool.templatedb]\nclone = "memory"\n')
    write(project / "alembic.ini", "[alembic]\n")
    assert find(project).alembic == "alembic.ini"


def test_a_table_without_any_migrator_is_an_error(project):
    """With a proposal, as when there is no table."""
    write(project / "templatedb.toml", "strict = true\n")
    with pytest.raises(SettingsError, match=r"no migrator in .*/templatedb.toml, and no alembic.ini beside it\nAdd to"):
        find(project)


def test_two_settings_in_one_folder_are_refused(project):
    """Neither may win in silence."""
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "a:b"\n')
    write(project / "templatedb.toml", 'function = "a:b"\n')
    with pytest.raises(SettingsError, match="two settings in one folder"):
        find(project)


def test_without_any_settings_the_error_proposes_the_ini_it_sees(project):
    """The remedy can be pasted."""
    write(project / "backend/alembic.ini", "[alembic]\n")
    with pytest.raises(SettingsError) as caught:
        find(project)
    assert str(caught.value) == (
        f"no settings found from {project} upwards: no [tool.templatedb], no templatedb.toml, no alembic.ini\n"
        "Run templatedb init, which looks at the project and proposes its settings. By hand:\n"
        'Add to pyproject.toml:\n    [tool.templatedb]\n    alembic = "backend/alembic.ini"\n'
        'or, for a folder of SQL files:\n    sql = "path/to/migrations"\n'
        "or, for create_all or an application factory:\n"
        '    function = "templatedb_build:migrate"  # def migrate(path): fill the file\n    inputs = ["models.py"]'
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"alembik": "x"}, "unknown setting 'alembik' in the settings\nDid you mean 'alembic'?"),
        ({"colour": 1}, "unknown setting 'colour' in the settings\nKnown settings: alembic, build_env,"),
        (
            {"cache_size": 2},
            "setting 'cache_size' in the settings is 2; allowed: a size such as \"2GB\"\nWrite a number",
        ),
        ({"cache_max_age": "30"}, "setting 'cache_max_age' in the settings is '30'; allowed: a time such as \"30d\""),
        (
            {"export": {"A": "ulr"}},
            'allowed: a table such as {DATABASE_URL = "url"}, of "url", "path" or "async_url"\nA is',
        ),
        ({"large_golden": 8}, "setting 'large_golden' in the settings is 8; allowed: a size such as \"8MB\"\nWrite a"),
        ({"clone": "memroy"}, "setting 'clone' in the settings is 'memroy'; allowed: \"file\" or \"memory\"\nDid you"),
        ({"clone": 3}, 'setting \'clone\' in the settings is 3; allowed: "file" or "memory"'),
        ({"keep": "some"}, 'allowed: "failed" or "all" or "none"'),
        ({"strict": "yes"}, "setting 'strict' in the settings is 'yes'; allowed: true or false\nIt is a string."),
        ({"inputs": "a.csv"}, "allowed: a list of files or globs\nIt is a string."),
        ({"inputs": [1]}, "It is a number."),
        ({"build_env": ["A"]}, "It is a list."),
        ({"lock_timeout": 5}, 'allowed: a time such as "5m"\nWrite a number and a unit, such as "90s".'),
        ({"lock_timeout": "5 years"}, 'Write a number and a unit, such as "90s".'),
        ({"revision": ""}, "It is empty."),
        ({"alembic": "a.ini", "function": "a:b"}, "two migrators in the settings: 'alembic' and 'function'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(project, table, message):
    """The key, the value, and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        from_table(table, project, None)
    assert message in str(caught.value)


def test_a_broken_toml_file_is_named(project):
    """Not a traceback of a parser."""
    write(project / "pyproject.toml", "[tool.templatedb\n")
    with pytest.raises(SettingsError, match=r"pyproject.toml is not valid TOML"):
        find(project)


def test_overrides_in_code_are_checked_like_a_file(project):
    """Template(..., clone="memroy") fails like the table."""
    settings = Settings(root=project)
    assert with_overrides(settings, clone="memory", lock_timeout="1m") == Settings(
        root=project, clone=CloneKind.MEMORY, lock_timeout_s=60.0
    )
    with pytest.raises(SettingsError, match="unknown setting 'klone'"):
        with_overrides(settings, klone="memory")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.toml", '[pytest]\npythonpath = ["src"]\n'),
        ("pytest.ini", "[pytest]\npythonpath = src\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = "src"\n'),
        ("pyproject.toml", '[tool.pytest]\npythonpath = ["src"]\n'),
        ("tox.ini", "[pytest]\npythonpath = src\n"),
        ("setup.cfg", "[tool:pytest]\npythonpath = src\n"),
    ],
)
def test_the_build_imports_from_where_pytest_does(project, name, text):
    """Read from the file, so that the command and the library build with the same path."""
    write(project / name, text)
    assert Settings(root=project).import_folders == (project / "src", project)


def test_an_import_path_that_pytest_repeats_is_the_same_path(project):
    """Else a key would change for a line that changes nothing."""
    before = Settings(root=project).import_entries
    write(project / "pytest.ini", "[pytest]\npythonpath = .\n")
    assert Settings(root=project).import_entries == before == (".",)


def test_an_explicit_python_path_replaces_the_default(project):
    """Entries start at the root."""
    assert Settings(root=project, python_path=("lib",)).import_folders == (project / "lib",)


def test_a_toml_file_is_read_each_time_and_parsed_once(tmp_path, monkeypatch):
    """Parsing takes longer than all that is looked up in it; an edit counts at once."""
    parsed = []
    original = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: parsed.append(text) or original(text))
    path = tmp_path / "a.toml"
    for number in (1, 1, 2, 2):
        path.write_text(f"[{tmp_path.name}]\nnumber = {number}\n")
        assert toml.read(path) == {tmp_path.name: {"number": number}}
    assert len(parsed) == 2


@pytest.mark.parametrize("name", ["pytest-templatedb", "pytest_templatedb", "templatdb", "templatedbs"])
def test_a_table_that_was_meant_to_be_ours_is_refused(project, name):
    """The bare alembic.ini beside it would be taken, without a word."""
    write(project / "alembic.ini", "[alembic]\nscript_location = scripts\n")
    write(project / "pyproject.toml", f"[tool.{name}]\nstrict = true\n")
    with pytest.raises(SettingsError, match=rf"has a table \[tool.{name}\], which nobody reads") as caught:
        find(project)
    assert caught.value.remedy == "Did you mean [tool.templatedb]?"


@pytest.mark.parametrize("name", ["template", "temporal", "templates", "tempo", "black"])
def test_tables_of_other_tools_are_theirs(project, name):
    """However alike their names are."""
    write(project / "alembic.ini", "[alembic]\nscript_location = scripts\n")
    write(project / "pyproject.toml", f"[tool.{name}]\nstrict = true\n")
    assert find(project).alembic == "alembic.ini"


def test_a_header_in_our_own_file_is_explained(project):
    """As in pyproject.toml: people copy the table."""
    write(project / "templatedb.toml", "[tool.templatedb]\nalembic = 'alembic.ini'\n")
    with pytest.raises(SettingsError, match=r"in that file the settings stand in none"):
        find(project)
