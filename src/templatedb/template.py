"""The library's front door: a Template is a migrator with its settings, and knows how its golden is come by."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

from templatedb.errors import SettingsError, TemplateDBError
from templatedb.golden import open_golden
from templatedb.handle import Golden
from templatedb.key import declared, key_of
from templatedb.migrators import Migrator, from_settings, to_fields
from templatedb.migrators.alembic import Alembic
from templatedb.plan import Wishes
from templatedb.records import Key
from templatedb.search import find, nearest
from templatedb.settings import DEFAULT_REVISION, OF_THE_FINISHED_DATABASE, Settings, with_overrides


class Template:
    """A migrator and the settings it runs with: what a golden is built from. Immutable; safe for many threads."""

    def __init__(self, migrator: Migrator, *, root: str | os.PathLike[str] | None = None, **settings: Any) -> None:
        """Take the project's settings table, if there is one, with *migrator* and the given *settings* in its place.

        Args:
            migrator: Such as ``Alembic("alembic.ini")`` or ``Function("package.module:function")``.
            root: The project's folder; default: that of the nearest settings, else that of the Alembic configuration,
                else the working directory (in a test run: pytest's rootdir).
            settings: Keys of ``[tool.templatedb]``, such as ``required_tables=["users"]``.

        Raises SettingsError for a wrong setting when the template is used, and at once for a text as migrator.
        """
        if isinstance(migrator, str | os.PathLike):
            raise SettingsError(
                what=f"a Template is not made of {os.fspath(migrator)!r}",
                remedy='Write Template(Alembic("alembic.ini")) or Template(Function("package.module:function")).',
                value=migrator,
            )
        self._migrator = migrator
        self._root = None if root is None else Path(root).absolute()
        self._overrides = settings
        self._base: Path | None = None
        self._given: Settings | None = None
        self._is_earlier = False
        self._ready: tuple[Migrator, Settings] | None = None

    def __repr__(self) -> str:
        """Show the migrator and what was given beside it."""
        given = {} if self._root is None else {"root": str(self._root)}
        shown = "".join(f", {name}={value!r}" for name, value in {**given, **self._overrides}.items())
        return f"Template({self._migrator!r}{shown})"

    @property
    def settings(self) -> Settings:
        """The settings it is built with."""
        return self._resolved()[1]

    @property
    def migrator(self) -> Migrator:
        """What fills the database."""
        return self._resolved()[0]

    @property
    def is_based(self) -> bool:
        """Whether it is settled where relative paths start."""
        return self._root is not None or self._base is not None

    def based(self, folder: Path) -> Template:
        """Return this template with relative paths starting at *folder* instead of the working directory."""
        return self._changed(base=folder)

    def with_settings(self, **settings: Any) -> Template:
        """Return this template with some keys of ``[tool.templatedb]`` replaced. Raises SettingsError when used."""
        return self._changed(overrides={**self._overrides, **settings})

    def _changed(
        self,
        *,
        migrator: Migrator | None = None,
        base: Path | None = None,
        overrides: dict[str, Any] | None = None,
        is_earlier: bool = False,
    ) -> Template:
        other = Template(migrator or self._migrator, root=self._root)
        other._given = self._given
        other._is_earlier = self._is_earlier or is_earlier
        other._base = base or self._base
        other._overrides = self._overrides if overrides is None else overrides
        return other

    def _resolved(self) -> tuple[Migrator, Settings]:
        if self._ready is None:
            base = (self._root or self._base or Path.cwd()).absolute()
            migrator, start = self._migrator, base
            if isinstance(migrator, Alembic):
                config = base / migrator.config
                migrator = dataclasses.replace(migrator, config=str(config))
                start = self._root or config.parent
            elif migrator.kind == "sql":  # not by its class: importing it costs every other project's warm start
                folder = base / to_fields(migrator)["folder"]
                migrator = dataclasses.replace(migrator, folder=str(folder))  # type: ignore[type-var]  # it is one
                start = self._root or folder.parent
            settings = self._given or nearest(start) or Settings(root=start)
            if self._root is not None:
                settings = settings._replace(root=self._root)
            settings = settings.without_migrator()
            if self._is_earlier:
                settings = settings.of_earlier_revision()
            settings = with_overrides(settings, **self._overrides)
            if isinstance(migrator, Alembic) and migrator.revision == DEFAULT_REVISION:
                migrator = dataclasses.replace(migrator, revision=settings.revision)
            self._ready = migrator, settings
        return self._ready

    def key(self) -> Key:
        """Return the migration checksum; reads the declared inputs, imports and builds nothing.

        Raises InputsError when there is nothing to migrate.
        """
        migrator, settings = self._resolved()
        return key_of(declared(migrator, settings))

    def golden(self, wishes: Wishes | None = None) -> Golden:
        """Return the golden, building it once if there is none; safe from many threads and processes at once.

        *wishes* say how this caller wants it: progress, notices, a rebuild, a hit required. Raises BuildError when the
        migrations fail; see `templatedb.errors`.
        """
        _refuse_platform()
        migrator, settings = self._resolved()
        return Golden(open_golden(migrator, settings, wishes or Wishes()), settings)

    def at(self, revision: str) -> Template:
        """Return the migrations up to an Alembic *revision*, where a test of the next one starts; ``"base"`` has none.

        Without ``seed``, ``required_tables`` and ``models``, which are about the finished database: give those of that
        revision by `with_settings`. Raises SettingsError for other migrators.
        """
        if not isinstance(self._migrator, Alembic):
            raise SettingsError(
                what=f"Template.at({revision!r}) needs an Alembic migrator, this one is {self._migrator!r}",
                remedy="Write a function that stops at the revision you want.",
                key="revision",
                value=revision,
            )
        kept = {name: value for name, value in self._overrides.items() if name not in OF_THE_FINISHED_DATABASE}
        migrator = dataclasses.replace(self._migrator, revision=revision)
        return self._changed(migrator=migrator, overrides=kept, is_earlier=True)

    @classmethod
    def from_settings(cls, settings: Settings) -> Template:
        """Return the template that *settings*, read from a file, describe."""
        template = cls(from_settings(settings), root=settings.root)
        template._given = settings
        return template


def load(start: str | os.PathLike[str] | None = None) -> Template:
    """Read the project's settings and return their template.

    Looks in *start* (default: the working directory) and every folder above. Raises SettingsError when there are none.
    """
    return Template.from_settings(find(Path.cwd() if start is None else Path(start)))


def _refuse_platform() -> None:
    if sys.platform == "win32":
        raise TemplateDBError(
            what="templatedb does not support Windows yet", remedy="Use it inside WSL: https://aka.ms/wsl"
        )
