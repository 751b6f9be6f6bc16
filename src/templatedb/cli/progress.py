"""The progress line of a build, for the verbs that build."""

from __future__ import annotations

import sys

from templatedb.steps import Progress
from templatedb.summary import ProgressLine


class ProgressOnTerminal:
    """Writes the progress line where somebody watches."""

    def __init__(self, *, quiet: bool) -> None:
        """Write nothing when *quiet*, nor where standard error is no terminal."""
        self._shown = not quiet and sys.stderr.isatty()
        self._line = ProgressLine()

    def __call__(self, progress: Progress, elapsed_s: float) -> None:
        """Rewrite the line."""
        if self._shown:
            print(self._line.update(progress, elapsed_s), end="", file=sys.stderr, flush=True)
