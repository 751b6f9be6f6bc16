"""What is to be built and how its caller wants it, settled before the first look; and what he gets."""

# Annotations are no texts here: typing compiles each text of a NamedTuple, which costs a warm start a millisecond.

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from templatedb.cache import Cache
from templatedb.digests import Digests, Stamp
from templatedb.discovered import Now
from templatedb.exported import ORIGINAL
from templatedb.inputs import Input
from templatedb.key import declared, key_of
from templatedb.locations import Locations
from templatedb.migrators import Migrator
from templatedb.records import Key, Manifest, Outcome
from templatedb.settings import Settings

if TYPE_CHECKING:
    from templatedb.build.parent import OnProgress

_CLOCKS_DIFFER_S = 60.0
"""How far the clocks of two machines that share a cache may be apart."""
LABELS = {"setting": "setting", "version": "version", "environment": "environment variable"}
"""What people call each kind of input that is no file."""


class Wishes(NamedTuple):
    """How one caller wants its golden."""

    not_before: float = 0.0
    """Refuse goldens built before this moment: ``--rebuild`` (seconds since the epoch)."""
    asked_at: float = 0.0
    """From when ages count (seconds since the epoch): one moment for all processes of a run, or they would disagree.
    0: from the first look."""
    require_hit: bool = False
    """Raise MissError instead of building."""
    run: str | None = None
    """Name of the test run, which tries a failing build once; None: only callers that waited share a failure."""
    debug: bool = False
    on_progress: "OnProgress" = lambda progress, elapsed_s: None
    notice: Callable[[str], None] = lambda line: None
    """Called with each line that the user should see: a cache problem, a wait, a warning of the build."""
    environment: Mapping[str, str] = ORIGINAL


class Plan(NamedTuple):
    """What is to be built: the migrator, and its inputs as they are now."""

    migrator: Migrator
    settings: Settings
    wishes: Wishes
    inputs: list[Input]
    key: Key
    digests: Digests
    now: Now
    """What discovered inputs are worth, through the same digests."""

    @classmethod
    def make(cls, migrator: Migrator, settings: Settings, wishes: Wishes, cache: Cache | None = None) -> Self:
        """Read the declared inputs and compute the key; with *cache*, files that it knows by their stamps are not read.

        Raises InputsError when there is nothing to migrate.
        """
        digests = Digests(None if cache is None else cache.digests_of(_name_of(migrator, settings)))
        inputs = declared(migrator, settings, wishes.environment, digests)
        now = Now(Locations(settings.root, settings.import_entries), digests, settings.import_folders)
        return cls(
            migrator=migrator,
            settings=settings,
            wishes=wishes if wishes.asked_at else wishes._replace(asked_at=time.time()),
            inputs=inputs,
            key=key_of(inputs),
            digests=digests,
            now=now,
        )

    @property
    def project(self) -> str:
        """What its digests are remembered under: two templates of one folder read different files."""
        return _name_of(self.migrator, self.settings)

    def again(self, cache: Cache | None = None) -> Self:
        """Return the same plan from the inputs of now, as `make` does: time has passed, and files may have changed."""
        return self.make(self.migrator, self.settings, self.wishes, cache)

    def summary(self) -> dict[str, str]:
        """Return a short digest of each declared input by a name for people: for a file the path from the root."""
        named = {}
        for piece in self.inputs:
            label = f"{LABELS.get(piece.label, piece.label)} " if piece.path is None else ""
            named[f"{label}{self.shown(piece)}"] = piece.digest[:16]
        return named

    def shown(self, piece: Input) -> str:
        """Return the name of *piece* for people: for a file the path from the root, else the name that was hashed."""
        return piece.name if piece.path is None else self.now.name(Path(piece.path))

    def is_served_by(self, manifest: Manifest) -> bool:
        """Whether nothing in *manifest* speaks against using its golden; its file is not looked at."""
        if manifest.key != self.key or manifest.built_at < self.wishes.not_before or self.is_too_old(manifest):
            return False
        return next(self.now.changed(manifest.discovered), None) is None

    def is_too_old(self, manifest: Manifest) -> bool:
        """Whether the golden of *manifest* is older than the settings allow; one from the future has no known age."""
        limit_s = self.settings.max_age_s
        if limit_s is None:
            return False
        is_of_the_future = manifest.built_at > time.time() + _CLOCKS_DIFFER_S
        return is_of_the_future or self.wishes.asked_at - manifest.built_at > limit_s


def _name_of(migrator: Migrator, settings: Settings) -> str:
    return f"{settings.root}\n{migrator!r}"


class OpenGolden(NamedTuple):
    """A verified golden, held open: neither a prune nor a replaced file can change what its clones get."""

    manifest: Manifest
    path: Path
    outcome: Outcome
    descriptor: int
    stamp: Stamp
    """Of the file when it was verified: what has another one by now may have been written to."""
    reason: str = ""
    """Why it was built; empty for a hit and for the first build of a project."""
