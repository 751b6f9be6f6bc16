"""How the finished database differs from the models, by Alembic's own comparison."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from templatedb.errors import SettingsError
from templatedb.migrators import objects
from templatedb.migrators.bench import Target
from templatedb.migrators.metadata import metadata_of
from templatedb.urls import sqlite_url

_OPTIONS = frozenset(
    {"include_object", "include_name", "include_schemas", "compare_type", "compare_server_default", "render_item"}
    | {"render_as_batch", "user_module_prefix", "sqlalchemy_module_prefix", "alembic_module_prefix", "version_table"}
)
"""What env.py may say about a comparison: the same as in ``alembic check``, so that both find the same."""
_LEDGERS = ("alembic_version", "schema_migrations", "goose_db_version", "migratehistory", "_sqlite_migrations")
_LEDGER_PREFIX = ("_yoyo_", "yoyo_")


def operations(models: str, target: Target, ledger: str | None, options: Mapping[str, Any]) -> str:
    """Return the operations that a new revision would hold, as code; empty when the models are what the database is.

    Tables in which migration tools keep their books, *ledger* among them, are no drift. *options* are those that env.py
    passed to Alembic, if it did. Raises SettingsError when *models* is no metadata, or has no tables.
    """
    from alembic.autogenerate import produce_migrations, render_python_code
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import create_engine, pool

    metadata = metadata_of(objects.load(models, "models"), models, "models")
    if not metadata.tables:  # else every table of the database would have to be dropped
        raise SettingsError(
            what=f"models {models!r} has no tables",
            remedy="Name a module that imports the modules of all models.",
            key="models",
        )
    given = {name: value for name, value in options.items() if name in _OPTIONS and value is not None}
    theirs = given.get("include_name")

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "table" and name and (name in (ledger, *_LEDGERS) or name.startswith(_LEDGER_PREFIX)):
            return False
        return theirs is None or bool(theirs(name, kind, parents))

    engine = create_engine(sqlite_url(target.path), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={**given, "include_name": include_name})
        upgrade = produce_migrations(context, metadata).upgrade_ops
        if upgrade is None or upgrade.is_empty():
            return ""
        code = render_python_code(upgrade, migration_context=context)
    engine.dispose()
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("# ###")]
    return textwrap.dedent("\n".join(lines))
