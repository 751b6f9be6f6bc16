"""What in a folder of SQL files is probably a slip, although all goes on: numbers used twice, files passed over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from templatedb.migrators.sql_files import is_way_back
from templatedb.migrators.sql_names import Dialect, SqlFile

_NUMBER = re.compile(r"[vV]?([0-9]+[a-zA-Z]?(?:[._-][0-9]+[a-zA-Z]?)*)(?![0-9a-zA-Z])")
"""All parts of it, as in ``2024_01_02_users.sql`` or ``V1.2__users.sql``, with a letter behind each, as in ``8b``."""
_TAKEN = {
    Dialect.GOLANG_MIGRATE: "golang-migrate runs names such as 0001_users.up.sql",
    Dialect.DBMATE: "dbmate runs names that begin with a number and end with .sql",
}
_SHOWN = 3


def told(name: str, folder: Path, dialect: Dialect, files: Sequence[SqlFile]) -> Iterator[str]:
    """Yield a line for each kind of slip in *folder*, called *name*, of whose files *files* ran in that order."""
    pairs = [_some(same, " before ", " before ") for same in _of_one_number(files)]
    if pairs and dialect is Dialect.PLAIN:
        order = _some(pairs, "; ", "; and ")
        yield f"SQL files share a number in {name}, and ran in this order: {order} (give each its own)"
    if left := _passed_over(folder, files):
        taken = _TAKEN.get(dialect, "only names that end with .sql, in small letters, run")
        names = _some(left, ", ", " and ")
        yield f"SQL files in {name} were not run: {names} ({taken}: give what is a migration such a name)"


def _of_one_number(files: Sequence[SqlFile]) -> list[list[str]]:
    """Return the names of each number that several files have."""
    names: dict[tuple[str, ...], list[str]] = {}
    for one in files:
        if found := _NUMBER.match(one.path.name):
            number = tuple(part.lstrip("0").lower() for part in re.split("[._-]", found[1]))
            names.setdefault(number, []).append(one.path.name)
    return [same for same in names.values() if len(same) > 1]


def _passed_over(folder: Path, files: Sequence[SqlFile]) -> list[str]:
    """Return the names of SQL files in *folder* that are none of *files*, without hidden ones and ways back."""
    ran = {one.path.name for one in files}
    names = sorted(entry.name for entry in os.scandir(folder) if not entry.is_dir())
    return [
        name
        for name in names
        if name.lower().endswith(".sql")
        and not name.startswith(".")
        and name not in ran
        and not is_way_back(name, names)
    ]


def _some(texts: Sequence[str], between: str, last: str) -> str:
    """Join the first three of *texts*, and the number of the others."""
    more = f"{last}{len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return between.join(texts[:_SHOWN]) + more
