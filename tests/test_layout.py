"""Reading order is import order, and the public surface is what it says."""

import ast
import re
from pathlib import Path

import pytest

import templatedb

SOURCE = Path(templatedb.__file__).parent
ORDER = re.findall(r"^ *\d+\. (\w+) ", templatedb.__doc__, re.MULTILINE)


def modules():
    return sorted(path for path in SOURCE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))


def place(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path):
    """Yield the top modules of this package that *path* imports anywhere, functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "templatedb":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("templatedb."):
            yield node.module.split(".")[1]


def test_the_reading_order_names_every_module():
    """A module that the package's docstring leaves out has no place in the order."""
    found = {place(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert sorted(ORDER) == sorted(found)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_those_above_it(path):
    """A newcomer can read from top to bottom without looking ahead."""
    own = ORDER.index(place(path))
    ahead = sorted({name for name in imported(path) if name in ORDER and ORDER.index(name) > own})
    assert ahead == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_stays_short_enough_for_one_idea(path):
    """Three hundred lines are the limit; most have half of that."""
    assert len(path.read_text().splitlines()) <= 300


def test_the_public_names_are_these():
    """People's projects hold on to them."""
    assert templatedb.__all__ == [
        "Alembic",
        "BuildError",
        "CacheError",
        "Clone",
        "CloneError",
        "CloneFactory",
        "Command",
        "Function",
        "Golden",
        "InputsError",
        "LockTimeoutError",
        "Metadata",
        "MissError",
        "SettingsError",
        "SqlFolder",
        "Template",
        "TemplateDBError",
        "load",
    ]
    assert all(getattr(templatedb, name).__name__ == name for name in templatedb.__all__)
    assert set(templatedb.__all__) < set(dir(templatedb))


def test_the_version_comes_from_the_metadata():
    """No second place to keep it in."""
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", templatedb.__version__)


def test_an_unknown_name_is_an_attribute_error():
    """Lazy names must not swallow typing mistakes."""
    with pytest.raises(AttributeError, match="'templatedb' has no attribute 'Tempalte'"):
        _ = templatedb.Tempalte
