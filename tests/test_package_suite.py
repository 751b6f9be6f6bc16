"""What `make suite` says is true: a test with another outcome makes it fail, and outcomes are told apart."""

import importlib
import json
import sys
from pathlib import Path

import pytest

REAL = Path(__file__).parent / "real"
OUTCOMES = {"test_a.py::test_one": "passed", "test_a.py::test_two": "failed (AssertionError)"}


@pytest.fixture
def package_suite(monkeypatch, tmp_path):
    """The script as a module, writing its results elsewhere; neither it nor `run` stays behind."""
    monkeypatch.syspath_prepend(str(REAL))
    for name in ("run", "package_suite"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("package_suite")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results" / "suite.md")
    yield module
    for name in ("run", "package_suite"):
        sys.modules.pop(name, None)


@pytest.fixture
def main(package_suite, monkeypatch):
    """Run the whole command where *outcomes* are those of the runs, one after the other; the last one repeats."""

    class FakeSuite:
        def __init__(self, outcomes):
            self.outcomes = list(outcomes)
            self.kinds = []

        def observe(self, kind):
            self.kinds.append(kind)
            outcomes = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
            seconds = float(len(self.kinds))
            return package_suite.Observed(
                outcomes=outcomes, seconds=seconds, cpu_s=0.25, around_s=0.5, revisions=0, builds=0
            )

        def version(self):
            return "1.2"

    def main(*outcomes, rounds=2):
        fake = FakeSuite(outcomes)
        monkeypatch.setattr(package_suite, "prepare", lambda package: Path("bin"))
        monkeypatch.setattr(package_suite.Suite, "make", lambda *arguments: fake)
        return package_suite.main(["--rounds", str(rounds)]), fake.kinds

    return main


def test_the_same_outcomes_are_a_table_also_in_the_file(main, package_suite, capsys):
    """Both kinds run in turn after the cold run; seconds are medians."""
    code, kinds = main(OUTCOMES, rounds=3)
    assert code == 0
    shipped, cold, warm = package_suite.SHIPPED, package_suite.COLD, package_suite.WARM
    assert kinds == [shipped, cold, warm, shipped, warm, shipped, warm]
    text = package_suite.RESULTS.read_text()
    assert capsys.readouterr().out == text + "\n"
    assert f"| {shipped} | 4.0 | 0.2 | 0.5 | 0 |  | 1 | 1 | 0 |" in text
    assert f"| {warm} | 5.0 | 0.2 | 0.5 | 0 | 0 | 1 | 1 | 0 |" in text
    assert "* `test_a.py::test_two`: failed (AssertionError)" in text


@pytest.mark.parametrize(
    ("other", "told"),
    [
        pytest.param(
            {**OUTCOMES, "test_a.py::test_one": "failed (KeyError)"},
            "test_a.py::test_one: passed in the first run, failed (KeyError) in",
            id="fails",
        ),
        pytest.param(
            {**OUTCOMES, "test_a.py::test_two": "passed"},
            "test_a.py::test_two: failed (AssertionError) in the first run, passed in",
            id="passes",
        ),
        pytest.param(
            {**OUTCOMES, "test_a.py::test_two": "failed (OperationalError)"},
            "test_a.py::test_two: failed (AssertionError) in the first run, failed (OperationalError) in",
            id="fails-otherwise",
        ),
        pytest.param(
            {"test_a.py::test_one": "passed"},
            "test_a.py::test_two: failed (AssertionError) in the first run, not run in",
            id="is-missing",
        ),
        pytest.param(
            {**OUTCOMES, "test_a.py::test_three": "passed"},
            "test_a.py::test_three: not run in the first run, passed in",
            id="is-new",
        ),
    ],
)
@pytest.mark.parametrize("runs_before", [1, 2, 4])
def test_one_test_with_another_outcome_fails_the_command(main, package_suite, capsys, other, told, runs_before):
    """In whichever run: it is named, and nothing is written."""
    code, kinds = main(*[OUTCOMES] * runs_before, other)
    assert code == 1
    assert f"{told} a run {kinds[-1]!r}" in capsys.readouterr().out
    assert len(kinds) == runs_before + 1
    assert not package_suite.RESULTS.exists()


def test_every_difference_is_told(main, capsys):
    """However many there are."""
    first = {f"test_a.py::test_{number}": "passed" for number in range(200)}
    code, _ = main(first, dict.fromkeys(first, "skipped"))
    assert code == 1
    said = capsys.readouterr().out
    assert said.count("passed in the first run, skipped in") == 200
    assert "FAILED: 200 tests differ" in said


def test_a_run_without_tests_is_no_success(main, capsys):
    """Two empty runs are equal, and mean nothing."""
    code, _ = main({})
    assert code == 1
    assert "no test ran" in capsys.readouterr().out


def test_outcomes_are_told_apart(pytester):
    """By phase and by kind of exception; what the plugin writes is what is compared."""
    pytester.copy_example(str(REAL / "outcomes.py"))
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture
        def broken():
            raise LookupError

        @pytest.fixture
        def breaks():
            yield
            raise LookupError

        def test_passes(): pass
        def test_fails(): assert False
        def test_fails_otherwise(): raise KeyError
        def test_skips(): pytest.skip("")
        @pytest.mark.skip
        def test_is_skipped(): pass
        @pytest.mark.xfail
        def test_xfails(): assert False
        @pytest.mark.xfail(strict=False)
        def test_xpasses(): pass
        def test_has_no_fixture(broken): pass
        def test_breaks_at_its_end(breaks): pass
        """
    )
    result = pytester.runpytest_subprocess(
        "-p", "outcomes", "--outcomes=out.json", "-p", "no:randomly", "-p", "no:asyncio"
    )
    assert result.ret == 1
    found = json.loads((pytester.path / "out.json").read_text())
    assert {test.removeprefix("test_it.py::test_"): said for test, said in found["outcomes"].items()} == {
        "passes": "passed",
        "fails": "failed (AssertionError)",
        "fails_otherwise": "failed (KeyError)",
        "skips": "skipped",
        "is_skipped": "skipped",
        "xfails": "xfailed",
        "xpasses": "xpassed",
        "has_no_fixture": "error in setup (LookupError)",
        "breaks_at_its_end": "passed, error in teardown (LookupError)",
    }
    assert set(found["seconds"]) == {"setup", "call", "teardown"}
    assert found["revisions"] == 0
