"""The key changes with what decides the database, and with nothing else."""

import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects import PLAIN_ENV, alembic_project, revision, run, write
from templatedb import Alembic, Function, InputsError, SettingsError, Template, load
from templatedb.digests import Digests
from templatedb.inputs import Input
from templatedb.key import key_of

PIECES = st.lists(
    st.builds(
        Input, st.sampled_from(["file", "setting"]), st.text(max_size=5), st.text("0123456789abcdef", max_size=5)
    ),
    max_size=4,
)


@given(PIECES, PIECES)
def test_two_streams_share_a_key_only_if_they_are_equal(first, second):
    """Framing: no piece can run into the next one."""
    same = [piece.order for piece in first] == [piece.order for piece in second]
    assert (key_of(first) == key_of(second)) == same


@given(st.text(), st.text("0123456789abcdef"), st.text("0123456789abcdef"))
def test_moving_a_byte_between_name_and_content_changes_the_key(head, tail, data):
    """The classic fault of a hash without lengths."""
    joined = Input("file", head + tail, data)
    moved = Input("file", head, tail + data)
    assert (key_of([joined]) == key_of([moved])) == (tail == "")


@given(st.text(alphabet="ab\n", max_size=30))
def test_line_ends_of_a_text_do_not_count(tmp_path_factory, text):
    """A Windows checkout has the same key."""
    folder = tmp_path_factory.mktemp("ends")
    unix, windows = folder / "unix", folder / "windows"
    unix.write_bytes(text.encode())
    windows.write_bytes(text.replace("\n", "\r\n").encode())
    assert Digests().of(unix) == Digests().of(windows)


def test_bytes_of_a_binary_file_count_as_they_are(tmp_path):
    """A NUL byte makes it binary, as for git."""
    (tmp_path / "a").write_bytes(b"\0\r\n")
    (tmp_path / "b").write_bytes(b"\0\n")
    assert Digests().of(tmp_path / "a") != Digests().of(tmp_path / "b")


def key():
    return load().key()


CHANGES = {
    "revision edited": lambda: write_in("scripts/versions/r2.py", "row 2", "row two"),
    "revision renamed": lambda: os.rename("scripts/versions/r2.py", "scripts/versions/z2.py"),
    "revision added": lambda: put("scripts/versions/r3.py", revision(3)),
    "revision deleted": lambda: os.unlink("scripts/versions/r2.py"),
    "env.py edited": lambda: put("scripts/env.py", PLAIN_ENV + "\n# edited\n"),
    "data file in the script folder": lambda: put("scripts/seed.csv", "1,2"),
    "option edited": lambda: write_in("alembic.ini", "app.db", "other.db"),
    "section of env.py edited": lambda: append("alembic.ini", "\n[mine]\nregion = eu\n"),
    "declared input edited": lambda: put("data/seed.json", "[2]"),
    "declared input added": lambda: put("data/more.json", "[]"),
    "helper in a package of the versions": lambda: put("scripts/versions/helpers/names.py", "X = 1"),
}


def write_in(name, old, new):
    with open(name) as opened:
        text = opened.read()
    assert old in text
    put(name, text.replace(old, new))


def put(name, text):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w") as opened:
        opened.write(text)


def append(name, text):
    with open(name, "a") as opened:
        opened.write(text)


KEEPS = {
    "touch": lambda: os.utime("scripts/versions/r1.py"),
    "byte code": lambda: put("scripts/versions/__pycache__/r1.cpython-311.pyc", "x"),
    "template of revisions": lambda: put("scripts/script.py.mako", "## comment"),
    "prose": lambda: put("scripts/README", "Generic single-database configuration."),
    "editor's backup": lambda: put("scripts/versions/r1.py~", "old"),
    "hidden file": lambda: put("scripts/versions/.r1.py.swp", "old"),
    "unrelated module": lambda: put("app.py", "x = 1"),
    "logging section": lambda: append("alembic.ini", "\n[loggers]\nkeys = root\n[logger_root]\nlevel = DEBUG\n"),
    "comment in the ini": lambda: append("alembic.ini", "\n# a comment\n"),
}


@pytest.fixture
def small(project):
    alembic_project(project)
    put("data/seed.json", "[1]")
    write(project / "pyproject.toml", '[tool.templatedb]\ninputs = ["data/*.json"]\nenvironment = ["REGION"]\n')
    return project


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_an_input_changes_the_key(small, change):
    """Each of these decides what the migrations make."""
    before = key()
    change()
    assert key() != before


@pytest.mark.parametrize("change", KEEPS.values(), ids=KEEPS)
def test_a_change_beside_the_inputs_keeps_the_key(small, change):
    """A cache that rebuilds for nothing is none."""
    before = key()
    change()
    assert key() == before


def test_a_same_size_edit_with_its_time_put_back_changes_the_key(small):
    """Contents count, not time stamps."""
    before, times = key(), os.stat("scripts/versions/r1.py")
    write_in("scripts/versions/r1.py", "row 1", "row 9")
    os.utime("scripts/versions/r1.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert key() != before


def test_a_declared_variable_counts_and_unset_is_not_empty(small, monkeypatch):
    """Three states, three keys."""
    keys = {key()}
    for value in ("", "eu"):
        monkeypatch.setenv("REGION", value)
        keys.add(key())
    assert len(keys) == 3


@pytest.mark.parametrize(
    "setting",
    [
        'revision = "r1"',
        'build_env = {APP = "x"}',
        'url_env = ["DB"]',
        'python_path = ["lib"]',
        'required_tables = ["t1"]',
        'foreign_keys = "error"',
    ],
)
def test_a_setting_that_decides_counts(small, setting):
    """The migrator's settings are inputs."""
    before = key()
    append("pyproject.toml", f"{setting}\n")
    assert key() != before


def test_the_same_checkout_has_the_same_key_everywhere(small, tmp_path):
    """Another folder, HOME, working directory, locale, time zone and hash seed."""
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(small, other)
    (other / "deep/er").mkdir(parents=True)
    found = run(
        "templatedb",
        "key",
        cwd=other / "deep/er",
        HOME=str(tmp_path),
        TZ="Asia/Tokyo",
        LC_ALL="C",
        PYTHONHASHSEED="7",
        DATABASE_URL="postgresql://u:p@h/d",
    )
    assert (found.stdout, found.stderr) == (f"{key()}\n", "")


def test_library_command_and_settings_name_the_same_key(small):
    """One project, one key, whichever door."""
    write(small / "pyproject.toml", "")
    assert Template(Alembic(small / "alembic.ini")).key() == key()
    assert Template(Alembic("alembic.ini")).key() == key()


def test_the_key_of_a_project_needs_neither_alembic_nor_sqlalchemy(small):
    """Nothing of the project is imported either: env.py would raise."""
    put("scripts/env.py", "raise SystemExit('imported')")
    code = (
        "import sys; from templatedb.cli import main; main(['key']);"
        "print([name for name in ('alembic', 'sqlalchemy', 'sqlite3', 'pytest') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(key()), "[]"]


def test_no_migrations_is_an_error_not_a_constant_key(project):
    """A mistyped location must not look like an empty history."""
    alembic_project(project, revisions={}, ini="script_location = scripts\nversion_locations = %(here)s/typo\n")
    with pytest.raises(InputsError) as caught:
        key()
    assert str(caught.value) == (
        f"no migrations found in {project}/typo\n"
        f"Correct script_location or version_locations in {project}/alembic.ini, or, where env.py chooses the locations"
        " itself, name them in the setting 'inputs'."
    )


def test_an_input_that_matches_nothing_is_an_error(small):
    """It would be an input in name only."""
    append("pyproject.toml", "")
    write(small / "pyproject.toml", '[tool.templatedb]\ninputs = ["typo/*.json"]\n')
    with pytest.raises(InputsError, match=r"names 'typo/\*.json', but nothing below"):
        key()


def test_a_glob_passes_over_byte_code_and_hidden_files(small):
    """The most natural spelling must not rebuild after the first import."""
    write(small / "pyproject.toml", '[tool.templatedb]\ninputs = ["data/**/*"]\n')
    before = key()
    put("data/__pycache__/seed.cpython-311.pyc", "x")
    put("data/.hidden/x", "x")
    assert key() == before
    put("data/deep/more.json", "x")
    assert key() != before


def test_an_input_outside_of_the_project_may_be_named(small):
    """By a path that leads there."""
    put("../shared.json", "1")
    write(small / "pyproject.toml", '[tool.templatedb]\ninputs = ["../shared.json"]\n')
    before = key()
    put("../shared.json", "2")
    assert key() != before


def test_a_link_that_leads_to_itself_is_passed_over(small):
    """Not an error of the system."""
    before = key()
    os.symlink("loop", "scripts/versions/loop")
    assert key() == before


def test_the_revision_of_the_settings_counts_for_a_template_in_code(small):
    """Given as a keyword, or in the project's table; what the migrator says itself is stronger."""
    template = Template(Alembic("alembic.ini"), revision="r1")
    assert template.key() == Template(Alembic("alembic.ini", revision="r1")).key() != key()
    assert template.at("r2").key() == Template(Alembic("alembic.ini", revision="r2")).key()


def test_a_folder_as_input_stands_for_its_files(small):
    """Names below it count as well."""
    write(small / "pyproject.toml", '[tool.templatedb]\ninputs = ["data"]\n')
    before = key()
    put("data/deep/more.txt", "x")
    assert key() != before


def test_the_source_of_a_function_counts(project):
    """Its module, found where the build imports it from."""
    put("factory.py", "def migrate(path): pass\n")
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "factory:migrate"\n')
    before = key()
    assert Template(Function("factory:migrate")).key() == before
    put("factory.py", "def migrate(path): return 1\n")
    assert key() != before


def test_a_function_that_cannot_be_found_is_named(project):
    """With the folders that were searched."""
    write(project / "pyproject.toml", '[tool.templatedb]\nfunction = "factory.deep:migrate"\n')
    with pytest.raises(InputsError, match=r"no module 'factory.deep' for function 'factory.deep:migrate' in "):
        key()


@pytest.mark.parametrize("name", ["factory", "factory:", ":migrate", "fac tory:migrate", "a:b:c"])
def test_a_function_needs_a_name_of_module_and_function(name):
    """Refused at once, with the form."""
    with pytest.raises(SettingsError, match=r'Write it as "package.module:function"'):
        Function(name)


def test_a_local_function_cannot_travel_to_the_build():
    """The build runs in a process of its own."""
    with pytest.raises(SettingsError, match="Move it to the top level of a module"):
        Function(lambda path: None)
