from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from guestbook import App


def send(app: App, body: str = "") -> list[str]:
    """Send a request, with a *body* a POST, and return the lines of the answer."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST" if body else "GET",
        "CONTENT_LENGTH": str(len(body.encode())),
        "wsgi.input": BytesIO(body.encode()),
    }
    setup_testing_defaults(environ)
    return b"".join(app(environ, lambda *_: print)).decode().splitlines()


def test_a_new_book_welcomes_its_guests(app: App) -> None:
    assert send(app) == ["Welcome!"]


def test_a_post_adds_an_entry(app: App) -> None:
    send(app, "Hello from Ada")
    assert send(app) == ["Welcome!", "Hello from Ada"]
