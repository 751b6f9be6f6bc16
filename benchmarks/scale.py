"""How much is measured: everything, the quick version of it, or as little as shows that it works."""

from __future__ import annotations

import dataclasses

MB = 1_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """Sizes and rounds of a whole run."""

    name: str
    minutes: int
    """No step is begun after so many."""
    schemas: tuple[int, ...]
    tests: int
    """Of one pytest run."""
    core_rounds: int
    """How often floors, savepoints and templatedb take turns."""
    other_rounds: int
    patience_s: float
    """After so long a run begins no further test; its whole is then computed from those it had."""
    mixed_tests: int
    """Of each variant in the process where they take turns in blocks."""
    mixed_rounds: int
    loop_blocks: int
    golden_bytes: tuple[int, ...]
    large_rounds: int
    workers: tuple[int, ...]
    worker_rounds: int
    starts: int
    """Pairs of processes for figures of milliseconds."""
    cold_rounds: int


FULL = Scale(
    name="full",
    minutes=45,
    schemas=(7, 67, 190),
    tests=1000,
    core_rounds=5,
    other_rounds=2,
    patience_s=6.0,
    mixed_tests=300,
    mixed_rounds=3,
    loop_blocks=20,
    golden_bytes=(50_000, 1 * MB, 8 * MB, 64 * MB, 500 * MB, 1000 * MB),
    large_rounds=2,
    workers=(1, 2, 4),
    worker_rounds=3,
    starts=31,
    cold_rounds=3,
)
QUICK = Scale(
    name="quick",
    minutes=12,
    schemas=(7, 67),
    tests=200,
    core_rounds=2,
    other_rounds=1,
    patience_s=2.0,
    mixed_tests=100,
    mixed_rounds=1,
    loop_blocks=5,
    golden_bytes=(50_000, 1 * MB, 8 * MB, 64 * MB),
    large_rounds=1,
    workers=(1, 2),
    worker_rounds=1,
    starts=15,
    cold_rounds=1,
)
