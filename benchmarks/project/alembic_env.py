"""Alembic environment, as `alembic init` writes it, without its logging."""

import os

from alembic import context
from models import Base
from sqlalchemy import engine_from_config, pool

config = context.config
target_metadata = Base.metadata
if os.environ.get("DATABASE_URL"):
    config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])

engine = engine_from_config(config.get_section(config.config_ini_section), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
