"""ihatemoney's own tests on templatedb: the one fixture that makes the database is another, all else is theirs.

`make suite` copies this file over the `conftest.py` of the tests, which stay as they are. In a project of your own you
would change these lines of the fixture `app`. Theirs, for comparison:

    @pytest.fixture
    def app(request, jinja_cache_directory):
        app = create_app(request.cls)           # an empty database in memory; the factory migrates it, revision by revision
        ...
        with app.app_context():
            db.create_all()                     # what the models have beyond the revisions: nothing
        yield app
        with app.app_context():
            db.session.remove()
            db.drop_all()                       # table by table

The golden is made by `target.py`, as `[tool.templatedb]` in `pyproject.toml` says: it calls the same factory, once.
"""

import pytest
from ihatemoney.run import create_app, db
from ihatemoney.tests.conftest import (  # their other fixtures, as they are
    babel_catalogs,
    client,
    converter,
    jinja_cache_directory,
)
from jinja2 import FileSystemBytecodeCache

__all__ = ["app", "babel_catalogs", "client", "converter", "jinja_cache_directory"]


@pytest.fixture
def app(request, jinja_cache_directory, clone_url, monkeypatch):
    """The application on this test's clone."""
    # The test classes are the configuration of the application.
    monkeypatch.setattr(request.cls, "SQLALCHEMY_DATABASE_URI", clone_url)
    # The factory still calls Flask-Migrate's upgrade(), which looks at a database that is at head and leaves it alone.
    # Looking takes some milliseconds. This would save them, at the price of a factory that is not quite the real one:
    # monkeypatch.setattr("ihatemoney.run.upgrade", lambda directory: None)
    app = create_app(request.cls)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(jinja_cache_directory)
    request.cls.app = app
    yield app
    # Nothing to clean up but the connection: the clone is removed as it is.
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
