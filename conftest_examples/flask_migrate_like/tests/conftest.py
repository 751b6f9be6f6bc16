from collections.abc import Iterator

import pytest

from guestbook import App, create_app


@pytest.fixture
def app(clone_url: str) -> Iterator[App]:
    app = create_app(clone_url)
    yield app
    app.engine.dispose()
