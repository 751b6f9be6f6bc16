"""A list of bookmarks as a Flask application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import Migrate, upgrade

from bookmarks.models import db
from bookmarks.views import views

migrations = Migrate(db=db, directory=str(Path(__file__).parents[1] / "migrations"))


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return the application on the database of *config*, migrated or not."""
    app = Flask(__name__)
    app.config.from_mapping({"SQLALCHEMY_DATABASE_URI": "sqlite:///bookmarks.db"})
    app.config.from_mapping(config)
    db.init_app(app)
    migrations.init_app(app)
    app.register_blueprint(views)
    return app


def migrate_file(path: str) -> None:
    """Migrate the file, as `flask db upgrade` migrates the application's database."""
    with create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{path}"}).app_context():
        upgrade()
        db.engine.dispose()
