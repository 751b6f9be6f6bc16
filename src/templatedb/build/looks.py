"""What is known of one thing that a build looked at."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(slots=True)
class Look:
    """That something was looked at: by whose code, and what it was then."""

    first: str
    """What it was worth when it was first looked at, to tell whether it was edited during the build."""
    owners: set[str] = dataclasses.field(default_factory=set)
    """Files of the project whose code was running; empty when only libraries' was."""
    in_step: bool = False
    """Whether a migration or a seed was running."""


Looks = dict[str, Look]
