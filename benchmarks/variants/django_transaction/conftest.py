"""pytest-django's mark django_db(transaction=True): real commits, and every table emptied afterwards."""
