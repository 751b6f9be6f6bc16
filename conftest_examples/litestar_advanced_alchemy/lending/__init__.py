"""A library of tools as a Litestar application."""

from pathlib import Path

from advanced_alchemy.alembic.commands import AlembicCommands
from advanced_alchemy.extensions.litestar import AlembicAsyncConfig, SQLAlchemyAsyncConfig, SQLAlchemyPlugin
from litestar import Litestar

from lending.tools import ToolController

PROJECT = Path(__file__).parents[1]


def configure(url: str) -> SQLAlchemyAsyncConfig:
    """Return how the database at *url* is used, and how it is migrated."""
    return SQLAlchemyAsyncConfig(
        connection_string=url,
        before_send_handler="autocommit",
        alembic_config=AlembicAsyncConfig(
            script_config=str(PROJECT / "alembic.ini"), script_location=str(PROJECT / "migrations")
        ),
    )


def create_app(database: SQLAlchemyAsyncConfig) -> Litestar:
    """Return the application on a database, migrated or not."""
    return Litestar(route_handlers=[ToolController], plugins=[SQLAlchemyPlugin(config=database)])


def migrate(path: str) -> None:
    """Migrate the file, as `litestar database upgrade` migrates the application's database."""
    AlembicCommands(configure(f"sqlite+aiosqlite:///{path}")).upgrade()
