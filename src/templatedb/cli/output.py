"""Lines and tables for people: in colours on a terminal, plain in files and pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


class Output:
    """Standard output through rich, which heeds NO_COLOR, FORCE_COLOR and TERM; imported for these verbs only."""

    def __init__(self) -> None:
        """Look at the terminal, if it is one."""
        from rich.console import Console

        self._console = Console(highlight=False, emoji=False, markup=False, soft_wrap=True)

    def line(self, text: str, style: str = "") -> None:
        """Print one line; it is never wrapped, so that a program can read it."""
        from rich.text import Text

        self._console.print(Text(text, style=style))

    def table(self, table: Table) -> None:
        """Print a table, as wide as its contents need where nobody watches."""
        if self._console.is_terminal:
            self._console.print(table, soft_wrap=False)
            return
        self._console.width = 10_000
        with self._console.capture() as captured:
            self._console.print(table, soft_wrap=False)
        for line in captured.get().splitlines():
            self.line(line.rstrip())
