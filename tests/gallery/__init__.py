"""A gallery of every message: each is provoked for real, and shown as its reader sees it.

``python -m gallery --write``, in ``tests/``, writes ``docs/reference/messages.md`` and ``docs/reference/screens.md``;
``test_gallery.py`` keeps them up to date and asks that no message of the source is missing.
"""
