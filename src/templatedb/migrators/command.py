"""An external command that migrates the file it is given: any tool, with checks but without guard and trace."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from templatedb.errors import BuildError, InputsError, SettingsError
from templatedb.inputs import Input, setting
from templatedb.settings import Settings

if TYPE_CHECKING:
    from templatedb.migrators.bench import Bench, Ledger, Target

_PLACEHOLDERS = ("{path}", "{url}")


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, in which ``{path}`` or ``{url}`` stands for the file to migrate."""

    kind: ClassVar[str] = "command"
    arguments: Sequence[str]

    def __post_init__(self) -> None:
        """Refuse a command that is no list, is empty, or has no place for the file: raise SettingsError."""
        words = () if isinstance(self.arguments, str) else tuple(self.arguments)
        if not words or not any(mark in word for word in words[1:] for mark in _PLACEHOLDERS):
            raise SettingsError(
                what=f"command {list(words)!r} has no place for the file to migrate"
                if words
                else f"command {self.arguments!r} is not a list of arguments",
                remedy="Write it as a list with {path} or {url}, such as"
                ' ["dbmate", "--url", "sqlite:{path}", "--no-dump-schema", "up"].',
                key="command",
                value=self.arguments,
            )
        object.__setattr__(self, "arguments", words)

    def __str__(self) -> str:
        """Name the program and what it does."""
        return shlex.join(self.arguments)

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield the arguments; what the program reads cannot be seen, so the files stand in the setting ``inputs``.

        Raises InputsError when that setting is empty: the key would never change.
        """
        if not settings.inputs:
            raise InputsError(
                what=f"command {str(self)!r} has no inputs: what a program reads cannot be seen",
                remedy="Name what it reads in the setting 'inputs', such as inputs = [\"db/migrations\"].",
            )
        yield setting("command", self.arguments)

    def migrate(self, target: Target, bench: Bench) -> Ledger | None:
        """Run the command with the HOME of its user; raises BuildError when it cannot be started or fails."""
        import subprocess

        from templatedb.urls import sqlite_url

        places = {"{path}": os.fspath(target.path), "{url}": sqlite_url(target.path)}
        words = [_filled(word, places) for word in self.arguments]
        try:
            done = subprocess.run(words, env={**os.environ, **bench.home}, stdin=subprocess.DEVNULL, check=False)
        except OSError as error:
            raise BuildError(
                what=f"the command {words[0]!r} cannot be started: {error.strerror}",
                remedy="Install it, or correct the setting 'command'.",
            ) from error
        if done.returncode:
            ending = f"exit code {done.returncode}" if done.returncode > 0 else f"signal {-done.returncode}"
            raise BuildError(
                what=f"the command {shlex.join(self.arguments)} ended with {ending}",
                remedy="Nothing was published. What it printed follows.",
            )
        return None


def _filled(word: str, places: dict[str, str]) -> str:
    for mark, text in places.items():
        word = word.replace(mark, text)
    return word
