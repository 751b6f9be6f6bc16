"""The benchmarks measure what they say; no figure is asserted here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import analysis, budgets, report
from benchmarks.registry import VARIANTS
from benchmarks.runner import Done, Place
from benchmarks.sections import refuse

ROOT = Path(__file__).parents[1]


def rendered(variants: dict, **more) -> str:
    section = {"golden_bytes": 57344, "revisions": 8, "tests": 5, "variants": variants, "mixed": {}}
    environment = {"distributions": {}, **dict.fromkeys(("system", "machine", "python", "sqlite", "commit"), "?")}
    environment |= {"load_at_start": 0, "cpus": 2}
    empty = {"loop": {}, "large": {}, "workers": {}, "starts": {}}
    data = {"scale": "full", "complete": True, "seconds": 60, "environment": environment, **empty, **more}
    return report.render({**data, "per_test": {"7": section}})


def row(status="ok", reason="", **figures):
    run = {"round": 0, "tests": 5, "median_us": 100.0, "wall_s": 1.0, "scaled_wall_s": 1.0, **figures}
    return {"status": status, "reason": reason, "runs": [run]}


def test_a_tiny_run_measures_and_reports_a_restore_that_does_nothing_as_failed(tmp_path):
    """The whole way: a project is written, run in turns, checked inside the tests, and told."""
    words = [
        "--quick",
        "--sections",
        "per-test,stages",
        "--schemas",
        "7",
        "--tests",
        "5",
        "--rounds",
        "1",
        "--no-plots",
        "--variants",
    ]
    command = [sys.executable, "-m", "benchmarks", *words, "templatedb,restores_nothing", "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads((tmp_path / "results.json").read_text())
    assert data["complete"]
    section = data["per_test"]["7"]
    assert section["golden_bytes"] == 57344
    assert section["variants"]["restores_nothing"] == {
        "status": "failed",
        "reason": "sees a row of an earlier test",
        "runs": [],
    }
    for name in ("floor", "templatedb"):
        assert [run["tests"] for run in section["variants"][name]["runs"]] == [5], section["variants"][name]
        assert len(section["mixed"][name]) == 1
    assert data["loop"]["7"]["failed"] == {}
    phases = {"set-up", "call", "tear-down", "whole"}
    told = {name: us.keys() for name, us in data["stages"][0]["us"].items()}
    assert {name: keys - phases == set() for name, keys in told.items()} == {
        **dict.fromkeys(("floor", "templatedb", "savepoint", "floor_wal", "templatedb_wal"), True),
        **dict.fromkeys(("inside", "inside_wal"), False),
    }
    page = (tmp_path / "results.md").read_text()
    assert "| control: a restore that does nothing | failed: sees a row of an earlier test |" in page
    assert "| write the bytes and the date | " in page
    assert "| write the bytes, the date and the wal-index, empty the log | " in page
    assert str(ROOT) not in page
    assert str(ROOT) not in json.dumps(data)


def test_a_variant_that_fails_later_loses_its_figures_and_its_budgets():
    """It stays in the table with its reason, and no comparison takes its figures."""
    variants = {"floor": row(), "savepoint": row(median_us=300.0), "templatedb": row("failed", "sees a row")}
    section = {"variants": variants, "mixed": {}, "tests": 5}
    assert analysis.over_floor_us(section, "savepoint") == 200
    assert analysis.over_floor_us(section, "templatedb") is None
    assert analysis.whole_ratio(section, "templatedb") is None
    page = rendered(variants)
    assert "| templatedb | failed: sees a row |" in page
    assert "| isolation per test, 57 kB golden | at most 60 µs over the floor |  | not measured: failed: sees a" in page


def test_a_budget_that_is_missed_is_told():
    """Both verdicts, from the same figures."""
    variants = {"floor": row(), "savepoint": row(median_us=190.0), "templatedb": row(median_us=150.0)}
    data = {"per_test": {"7": {"variants": variants, "mixed": {}, "tests": 5}}, "large": {}, "starts": {}}
    verdicts = {one.limit: one.verdict for one in budgets.judge(data)}
    assert verdicts["at most 60 µs over the floor"] == "met"
    variants["templatedb"] = row(median_us=400.0)
    verdicts = {one.limit: one.verdict for one in budgets.judge(data)}
    assert verdicts["at most 60 µs over the floor"] == "**missed**"
    assert verdicts["less than savepoint and rollback"] == "**missed**"


def test_an_option_that_this_version_does_not_have_is_no_failure():
    """The same benchmarks measure older versions."""
    variant = next(one for one in VARIANTS if one.option)
    told, done = {}, Done(said=f"error: unrecognized arguments: {variant.option}\n", failed={"": "usage"})
    refuse(told, variant, done)
    assert told["status"] == "not available"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_is_written_as_its_entry_says(tmp_path, variant):
    """A line that it fills in must be there, and only floors may see rows of earlier tests."""
    variant.write(tmp_path)
    source = (tmp_path / variant.name / "test_rows.py").read_text()
    compile(source, variant.name, "exec")
    assert ("ISOLATED = False" in source) == variant.is_floor
    assert (tmp_path / variant.name / "conftest.py").exists()


def test_reasons_carry_no_path_of_the_machine(tmp_path):
    """Results are published."""
    place = Place(tmp_path)
    said = place.clean(f"cannot open {tmp_path}/cache/x, {ROOT}/src/y, {sys.prefix}/lib/z or /home/somebody/w")
    assert said == "cannot open .../cache/x, <repository>/src/y, <environment>/lib/z or .../w"
