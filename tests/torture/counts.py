"""What a run of the torture came to: a table for the terminal and for RESULTS.md."""

from __future__ import annotations

import dataclasses
import platform
import sqlite3
import sys
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


@dataclasses.dataclass
class Counts:
    """Everything counted so far."""

    rows: list[tuple[str, int, str]] = dataclasses.field(default_factory=list)
    """What was done, how often, and what came of it."""
    wrong: list[str] = dataclasses.field(default_factory=list)
    left_out: list[str] = dataclasses.field(default_factory=list)
    injected: int = 0
    """Faults at one system call or one call of `os`."""
    killed: int = 0
    damaged: int = 0
    damage_seen: int = 0

    def add(self, what: str, tried: int, result: str, wrong: list[str]) -> None:
        """Count a row, print it at once, and print what is wrong."""
        self.rows.append((what, tried, result))
        self.wrong += wrong
        print(f"{what:<58} {tried:>6}  {result}", flush=True)
        for line in wrong[:10]:
            print(f"    WRONG: {line}", flush=True)

    def leave_out(self, what: str, reason: str) -> None:
        """Count what this machine cannot do, with its reason."""
        self.left_out.append(f"{what}: {reason}")
        print(f"{what:<58}         left out: {reason}", flush=True)

    @property
    def wrong_databases(self) -> int:
        """How often somebody got another database than the migrations make."""
        return sum("WRONG DATABASE" in line for line in self.wrong)

    def summary(self) -> list[tuple[str, str]]:
        """Return the figures that a reader wants first."""
        return [
            ("faults injected at a system call", f"{self.injected:,}"),
            ("processes killed", f"{self.killed:,}"),
            ("corruptions tried", f"{self.damaged:,}"),
            ("corruptions seen", f"{self.damage_seen:,}"),
            ("wrong databases", str(self.wrong_databases)),
            ("other broken promises", str(len(self.wrong) - self.wrong_databases)),
            ("lanes left out", str(len(self.left_out))),
        ]

    def markdown(self, command: str, minutes: float) -> str:
        """Return the page."""
        lines = [
            "# What the fault injection counted",
            "",
            (
                f"Written by `{command}` in {minutes:.0f} minutes, on {platform.system()} {platform.release()} with Python"
                f" {sys.version_info.major}.{sys.version_info.minor} and SQLite {sqlite3.sqlite_version}."
                " How: [docs/explanation/reliability.md](../../docs/explanation/reliability.md)."
            ),
            "",
            "| figure | count |",
            "|---|--:|",
            *(f"| {name} | {value} |" for name, value in self.summary()),
            "",
            "| what was done | times | what came of it |",
            "|---|--:|---|",
            *(f"| {what} | {tried:,} | {result} |" for what, tried, result in self.rows),
        ]
        for title, entries in (("Left out", self.left_out), ("Broken promises", self.wrong)):
            if entries:
                lines += ["", f"## {title}", "", *(f"* {entry.splitlines()[0][:300]}" for entry in entries)]
        return "\n".join(lines) + "\n"
