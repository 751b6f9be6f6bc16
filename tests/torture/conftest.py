"""The project and its cells for the tests of this folder, and the lanes that a machine may lack."""

import pytest

from torture import lanes
from torture.cells import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "torture")


@pytest.fixture
def strace_lane():
    _skip("strace")


@pytest.fixture
def userns_lane():
    _skip("userns")


def _skip(lane):
    try:
        if reason := lanes.leave_out(lane):
            pytest.skip(reason)
    except lanes.LeftOutError as error:
        pytest.fail(str(error))
