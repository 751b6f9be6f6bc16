"""Scripts and revisions are found where Alembic itself finds them."""

import os
import sys
import warnings

import alembic
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from projects import PLAIN_ENV, alembic_project, revision, write
from templatedb.errors import InputsError, SettingsError
from templatedb.migrators.alembic_config import read
from templatedb.migrators.versions import as_numbers

VERSION = as_numbers(alembic.__version__)
SINCE_1_16 = pytest.mark.skipif(VERSION < (1, 16), reason="[tool.alembic] and path_separator came with Alembic 1.16")

LOCATIONS = {
    "default": "script_location = %(here)s/scripts\n",
    "relative": "script_location = scripts\n",
    "one elsewhere": "script_location = scripts\nversion_locations = %(here)s/other\n",
    "legacy space": "script_location = scripts\nversion_locations = %(here)s/scripts/versions %(here)s/other\n",
    "legacy comma": "script_location = scripts\nversion_locations = %(here)s/scripts/versions, %(here)s/other\n",
    "old os": (
        "script_location = scripts\nversion_path_separator = os\n"
        "version_locations = %(here)s/scripts/versions:%(here)s/other\n"
    ),
    "old semicolon": (
        "script_location = scripts\nversion_path_separator = ;\n"
        "version_locations = %(here)s/scripts/versions;%(here)s/other\n"
    ),
    "recursive": "script_location = scripts\nrecursive_version_locations = true\n",
    "not recursive": "script_location = scripts\nrecursive_version_locations = false\n",
    "missing folder beside one": (
        "script_location = scripts\nversion_path_separator = space\n"
        "version_locations = %(here)s/nowhere %(here)s/scripts/versions\n"
    ),
    "package": "script_location = shop:db\nprepend_sys_path = %(here)s/lib\n",
    "package of a package": "script_location = shop.inner:db\nprepend_sys_path = %(here)s/lib\n",
    "package with two parts": "script_location = shop:inner:db\nprepend_sys_path = %(here)s/lib\n",
    "versions in a package": "script_location = scripts\nversion_locations = shop:db/versions\nprepend_sys_path = lib\n",
    "namespace package": "script_location = space.shop:db\nprepend_sys_path = %(here)s/lib\n",
}
NEW = {
    "os": "script_location = scripts\npath_separator = os\nversion_locations = %(here)s/other:%(here)s/scripts/versions\n",
    "newline": (
        "script_location = scripts\npath_separator = newline\n"
        "version_locations =\n    %(here)s/scripts/versions\n    %(here)s/other\n"
    ),
    "space": (
        "script_location = scripts\npath_separator = space\nversion_locations = %(here)s/scripts/versions %(here)s/other\n"
    ),
    "prepended with os": "script_location = shop:db\npath_separator = os\nprepend_sys_path = x:%(here)s/lib\n",
}


@pytest.fixture
def many_places(project, monkeypatch):
    """A project with revisions in many places, some of them no revisions."""
    alembic_project(project)
    write(project / "other/o1.py", revision(7, identifier="o1", after=None))
    write(project / "scripts/versions/deep/d1.py", revision(8, identifier="d1", after=None))
    write(project / "scripts/versions/__init__.py", "")
    write(project / "scripts/versions/notes.txt", "no revision")
    for package in ("shop", "shop/inner", "space/shop"):
        write(project / f"lib/{package}/__init__.py", "")
        write(project / f"lib/{package}/db/env.py", PLAIN_ENV)
        write(project / f"lib/{package}/db/versions/p1.py", revision(9, identifier="p1", after=None))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "path_importer_cache", {})  # a relative entry means another folder in each test
    yield project
    for name in [name for name in sys.modules if name.split(".")[0] in ("shop", "space")]:
        del sys.modules[name]


def alembics_own(config: Config) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated separators are what is tested
        script = ScriptDirectory.from_config(config)
        return sorted(os.path.realpath(one.path) for one in script.walk_revisions())


def ours(project, name="alembic.ini", root=None) -> list[str]:
    found = read(project / name, root or project, (project,), VERSION)
    return sorted(os.path.realpath(path) for path in found.revision_files)


@pytest.mark.parametrize("ini", LOCATIONS.values(), ids=LOCATIONS)
def test_revisions_are_found_where_alembic_finds_them(many_places, ini):
    """The same files, for every way to write a location."""
    write(many_places / "alembic.ini", f"[alembic]\n{ini}")
    expected = alembics_own(Config("alembic.ini"))
    assert expected
    assert ours(many_places) == expected


@SINCE_1_16
@pytest.mark.parametrize("ini", NEW.values(), ids=NEW)
def test_path_separator_is_read_as_alembic_does(many_places, ini):
    """Known from 1.16 on."""
    write(many_places / "alembic.ini", f"[alembic]\n{ini}")
    expected = alembics_own(Config("alembic.ini"))
    assert expected
    assert ours(many_places) == expected


@SINCE_1_16
@pytest.mark.parametrize(
    "table",
    [
        'script_location = "%(here)s/scripts"',
        'script_location = "scripts"\nversion_locations = ["%(here)s/other", "%(here)s/scripts/versions"]',
        'script_location = "scripts"\nrecursive_version_locations = true',
        'script_location = "shop:db"\nprepend_sys_path = ["lib"]',
    ],
)
def test_a_toml_configuration_is_read_as_alembic_does(many_places, table):
    """[tool.alembic] of pyproject.toml, without any ini."""
    write(many_places / "pyproject.toml", f"[tool.alembic]\n{table}\n")
    expected = alembics_own(Config(toml_file="pyproject.toml"))
    assert expected
    assert ours(many_places, "pyproject.toml") == expected


@SINCE_1_16
def test_the_ini_wins_over_the_toml_beside_it(many_places):
    """Option by option, as Alembic's own command line reads both."""
    write(many_places / "alembic.ini", "[alembic]\nversion_locations = %(here)s/other\npath_separator = os\n")
    write(many_places / "pyproject.toml", '[tool.alembic]\nscript_location = "scripts"\nversion_locations = ["x"]\n')
    expected = alembics_own(Config("alembic.ini", toml_file="pyproject.toml"))
    assert ours(many_places) == expected == [os.path.realpath("other/o1.py")]


def test_toml_needs_an_alembic_that_reads_it(many_places):
    """An older release would pass over the table and find nothing."""
    write(many_places / "pyproject.toml", '[tool.alembic]\nscript_location = "scripts"\n')
    with pytest.raises(SettingsError, match=r"Alembic 1.15.2 is installed: \[tool.alembic\] is read from 1.16 on"):
        read(many_places / "pyproject.toml", many_places, (), (1, 15, 2))


def test_a_relative_location_may_stand_beside_an_ini_below_the_root(many_places):
    """Who runs `cd scripts-of-backend && alembic upgrade head` has it so."""
    alembic_project(many_places / "backend", ini="script_location = scripts\n")
    (many_places / "scripts").rename(many_places / "unused")
    found = read(many_places / "backend/alembic.ini", many_places, (), VERSION)
    assert found.working_directory == many_places / "backend"
    assert [path.name for path in found.revision_files] == ["r1.py", "r2.py"]


@pytest.mark.parametrize(
    ("ini", "message"),
    [
        ("", "names no script_location"),
        ("script_location = nowhere\n", "script_location 'nowhere' of .* is not a folder: looked at"),
        ("script_location = nopackage:db\n", "there is no package 'nopackage'"),
        (
            "script_location = shop:nofolder\nprepend_sys_path = lib\n",
            r"script_location 'shop:nofolder' of .* is not a folder: looked at .*/lib/shop/nofolder",
        ),
        ("script_location = %(typo)s/x\n", "option 'script_location' of .* cannot be read"),
    ],
)
def test_a_location_that_cannot_be_found_is_an_error(many_places, ini, message):
    """Which option of which file, and where was looked."""
    write(many_places / "alembic.ini", f"[alembic]\n{ini}")
    with pytest.raises((SettingsError, InputsError), match=message):
        ours(many_places)


def test_a_missing_configuration_is_named(project):
    """Not a traceback of configparser."""
    with pytest.raises(SettingsError, match=r"no Alembic configuration at .*/alembic.ini"):
        ours(project)


@SINCE_1_16
def test_an_unknown_separator_is_an_error(many_places):
    """Alembic refuses it too."""
    write(
        many_places / "alembic.ini",
        "[alembic]\nscript_location = scripts\npath_separator = |\nversion_locations = a|b\n",
    )
    with pytest.raises(SettingsError, match=r"path_separator in .* is '\|'; allowed: space or newline or os or : or ;"):
        ours(many_places)
