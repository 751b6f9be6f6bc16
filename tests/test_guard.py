"""The suite cannot touch the developer's own cache."""

from pathlib import Path

import pytest

from templatedb.cache_trust import directory, open_cache
from templatedb.errors import CacheError
from templatedb.settings import CACHE_DIR_VARIABLE, Settings


def test_without_a_directory_of_its_own_a_test_cannot_open_any_cache(monkeypatch):
    """The user's cache folder is a file while the suite runs."""
    monkeypatch.delenv(CACHE_DIR_VARIABLE)
    where = directory(Settings(root=Path("/")))
    assert "the-real-cache-directory-is-not-for-tests" in str(where)
    with pytest.raises(CacheError, match="cannot be made"):
        open_cache(where)
