"""Errors carry facts, survive pickling, and can be caught as what a caller expects."""

import pickle
from pathlib import Path

import pytest

from templatedb import errors

EXAMPLES = [
    (errors.SettingsError(what="w", remedy="r", key="k", value=3, source=Path("p")), ValueError),
    (errors.InputsError(what="w", searched=(Path("a"),)), LookupError),
    (errors.BuildError(what="w", remedy="r", revision="r1", traceback="t", output="o"), RuntimeError),
    (errors.CacheError(what="w", path=Path("p")), OSError),
    (errors.LockTimeoutError(what="w", path=Path("p"), waited_s=1.5), TimeoutError),
    (errors.MissError(what="w", key="templatedb1-0"), LookupError),
    (errors.CloneError(what="w"), RuntimeError),
]


@pytest.mark.parametrize(("error", "builtin"), EXAMPLES, ids=lambda value: getattr(value, "__name__", None))
def test_an_error_comes_back_whole_from_another_process(error, builtin):
    """xdist and multiprocessing send errors by pickle."""
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
    assert isinstance(again, (errors.TemplateDBError, builtin))
    assert isinstance(error, builtin)


def test_the_message_is_what_failed_and_what_to_do():
    """Two lines for people; one line where it is repeated for each test."""
    error = errors.CacheError(what="the cache failed", remedy="Free some space.")
    assert str(error) == "the cache failed\nFree some space."
    assert error.line == "the cache failed. Free some space."


def test_the_report_of_a_failed_build_has_traceback_and_output():
    """It is shown once, so it tells everything."""
    error = errors.BuildError(what="migration r1 failed", traceback="Traceback ...\n", output="hello\n")
    assert error.report == "migration r1 failed\n\nTraceback ...\n\n--- output of the build ---\nhello"
