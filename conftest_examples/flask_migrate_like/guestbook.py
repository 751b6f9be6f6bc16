"""A guest book as a WSGI application: GET reads it, POST adds an entry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class App:
    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self.engine.begin() as connection:
            if environ["REQUEST_METHOD"] == "POST":
                body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
                connection.execute(text("insert into entry (text) values (:text)"), {"text": body})
            entries = connection.scalars(text("select text from entry order by id")).all()
        start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{entry}\n".encode() for entry in entries]


def create_app(url: str) -> App:
    """Migrate the database at *url* and return the application on it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head")
    return App(url)


def build_golden(path: str) -> None:
    """Make the database that tests start from, as the application makes its own."""
    create_app(f"sqlite:///{path}").engine.dispose()
