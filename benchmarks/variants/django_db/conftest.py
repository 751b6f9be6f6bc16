"""pytest-django's mark django_db: a transaction around each test, rolled back."""
