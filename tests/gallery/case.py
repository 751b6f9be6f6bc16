"""What a case of the gallery is, and the register of all."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gallery.world import World


class Group(enum.StrEnum):
    """The chapters of the page, in their order."""

    SETTINGS = "Settings"
    INPUTS = "Inputs and migrations"
    BUILD = "Build"
    CACHE = "Cache and locks"
    CLONES = "Clones"
    COMMAND = "Command"
    NOTICES = "Notices and warnings"
    PYTEST = "pytest header and summary"
    SCREENS = "Screens"
    """A page of their own."""


class Said(NamedTuple):
    """What was said, and how its reader meets it."""

    text: str
    by: str
    """The name of an error's class, or one of the places below."""


COMMAND = "the command"
NOTICE = "a line while it works"
PYTEST = "pytest"


class Case(NamedTuple):
    """One message."""

    id: str
    group: Group
    situation: str
    provoke: Callable[[World], Said]
    nothing_to_do: str = ""
    """Why no remedy is said; empty where one is."""
    cannot: Callable[[], str] = lambda: ""
    """Why it cannot be provoked on this machine; empty where it can."""


CASES: list[Case] = []


def case(
    group: Group, situation: str, *, nothing_to_do: str = "", cannot: Callable[[], str] = lambda: ""
) -> Callable[[Callable[[World], Said]], Callable[[World], Said]]:
    """Register a function that provokes one message."""

    def register(provoke: Callable[[World], Said]) -> Callable[[World], Said]:
        CASES.append(Case(provoke.__name__, group, situation, provoke, nothing_to_do, cannot))
        return provoke

    return register


def scenario(play: Callable[[World], Any]) -> Callable[[], Any]:
    """Return what *play* returns, played once in a process and in a world of its own: for what gives several lines."""

    @functools.cache
    def played() -> Any:
        from gallery.world import World

        with World() as world:
            return play(world)

    return played
