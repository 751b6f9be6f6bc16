"""How the golden of the tests is made: by Django's own migrate."""

from __future__ import annotations

import os


def migrate(path: str) -> None:
    """Migrate the file at *path*, as `manage.py migrate` migrates the site's database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seminars.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    settings.DATABASES["default"]["NAME"] = path  # before an application is set up: it might look into its database
    django.setup()
    call_command("migrate", database="default", interactive=False)
    connections.close_all()
