"""Which modules defined the tables that a migration created from the application's metadata.

``Base.metadata.create_all(bind)`` in a revision creates what env.py imported, whoever defined it: the revision itself
imports the base only.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from templatedb.build.owners import Owners
from templatedb.steps import Steps

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table


class Tables:
    """The tables of SQLAlchemy in this process, and whose code defined them."""

    def __init__(self, owners: Owners, steps: Steps) -> None:
        """Record nothing before `install`."""
        self.created_in_steps: set[str] = set()
        """Files that defined tables which a migration or a seed created."""
        self._owners = owners
        self._steps = steps
        self._definers: weakref.WeakKeyDictionary[Table, frozenset[str]] = weakref.WeakKeyDictionary()

    def install(self) -> None:
        """Listen to every table of this process from now on."""
        from sqlalchemy import Table, event

        event.listen(Table, "after_parent_attach", self._defined)
        event.listen(Table, "before_create", self._created)

    def _defined(self, table: Table, _metadata: MetaData) -> None:
        if not self._steps.is_inside and (owners := self._owners.current()):
            self._definers[table] = owners

    def _created(self, table: Table, _connection: object, **_options: Any) -> None:
        if self._steps.is_inside:
            self.created_in_steps |= self._definers.get(table, frozenset())
