"""A cookbook as a Flask application that is there once this module is imported."""

import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import IntegrityError

db = SQLAlchemy()


class Recipe(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String, nullable=False, unique=True)


def create_app() -> Flask:
    """Return the application on the database that the environment names."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("SQLALCHEMY_DATABASE_URI", "sqlite:///recipes.db")
    db.init_app(app)
    app.add_url_rule("/recipes", view_func=titles)
    app.add_url_rule("/recipes/<title>", view_func=add, methods=["PUT"])
    return app


def titles() -> list[str]:
    """Return all titles."""
    return list(db.session.scalars(db.select(Recipe.title).order_by(Recipe.title)))


def add(title: str) -> tuple[str, int]:
    """Add a recipe; a title that is there already is a conflict."""
    db.session.add(Recipe(title=title))
    try:
        db.session.commit()
    except IntegrityError:
        return "", 409
    return "", 201


app = create_app()
