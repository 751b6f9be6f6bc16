from pathlib import Path

import pytest
from alembic.config import Config

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def alembic_config(clone_url: str) -> Config:
    """Alembic's configuration for the clone of this test: env.py reads the URL from it, as it always does."""
    config = Config(PROJECT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", clone_url.replace("%", "%%"))
    config.config_file_name = None  # read by now; the stock env.py would go on to turn the application's loggers off
    return config
