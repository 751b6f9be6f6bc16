"""Django's settings: an in-memory test database, its default for SQLite."""

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.sqlite"}}
INSTALLED_APPS = ["shop.apps.ShopConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "none"
USE_TZ = True
