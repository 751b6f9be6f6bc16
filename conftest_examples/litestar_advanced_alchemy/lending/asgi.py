"""What a server and the command run: `litestar --app lending.asgi:app database upgrade`."""

import os

from lending import configure, create_app

app = create_app(configure(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///lending.db")))
