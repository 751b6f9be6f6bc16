"""Which files of a folder are migrations, and whose they are."""

from __future__ import annotations

import os
import re
from pathlib import Path

from templatedb.errors import InputsError
from templatedb.inputs import files_below
from templatedb.migrators import sql_sections
from templatedb.migrators.sql_names import DBMATE, GOLANG, READERS, Dialect, SqlFile

_WAY_BACK = re.compile(r"(.+)\.(?:down|undo|rollback)\.sql")


def find(folder: Path) -> tuple[Dialect, tuple[SqlFile, ...]]:
    """Return the dialect of the migrations directly in *folder*, and the migrations in order.

    Raises InputsError when there are none, or when the folder holds what no one tool would run from it.
    """
    names = _names(folder)
    golang = [name for name in names if GOLANG.fullmatch(name)]
    if any(name.endswith(".up.sql") for name in golang):
        # golang-migrate does not look at the others, but a number without "up" is a slip.
        strays = [name for name in names if name not in golang and re.match(r"[0-9]+_", name)]
        dialects = {Dialect.GOLANG_MIGRATE: golang} | _by_dialect(folder, _forward(folder, strays, names))
    else:
        dialects = _by_dialect(folder, _forward(folder, names, names))
    if Dialect.DBMATE in dialects and Dialect.PLAIN in dialects:
        # dbmate does not look at names that begin with something else than a number.
        dialects[Dialect.PLAIN] = [name for name in dialects[Dialect.PLAIN] if DBMATE.fullmatch(name)]
    (dialect, chosen), *rest = [(one, found) for one, found in dialects.items() if found]
    if rest:
        other, others = rest[0]
        raise InputsError(
            what=f"{folder} mixes migrations: {chosen[0]} is {_called(dialect)}, {others[0]} is {_called(other)}",
            remedy="Keep one kind, and move the others out of this folder.",
            searched=(folder,),
        )
    collect, order = READERS[dialect]
    return dialect, tuple(sorted(collect(folder, sorted(chosen)), key=order))


def _names(folder: Path) -> list[str]:
    """Return the names of the .sql files directly in *folder*, hidden ones left out; raise InputsError for none."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputsError(
            what=f"cannot read the folder of SQL files {folder}: {error.strerror}",
            remedy="Correct the setting 'sql'.",
            searched=(folder,),
        ) from error
    names = [entry.name for entry in entries if entry.name.endswith(".sql") and not entry.is_dir()]
    if found := [name for name in names if not name.startswith(".")]:
        return found
    below = sorted({os.path.dirname(name) for name, _ in files_below(folder) if name.endswith(".sql")})
    better = " or ".join(str(folder / name) for name in below[:3])
    remedy = f"Name {better}" if below else "Correct the setting 'sql'"
    raise InputsError(
        what=f"no .sql files in {folder}",
        remedy=f"{remedy}: only files directly in the folder count.",
        searched=(folder,),
    )


def _forward(folder: Path, names: list[str], known: list[str]) -> list[str]:
    """Return *names* without the ways back of *known* files; raise InputsError for a way back on its own."""
    kept = []
    for name in names:
        if is_way_back(name, known):
            continue
        if not (back := _WAY_BACK.fullmatch(name)):
            kept.append(name)
        else:
            raise InputsError(
                what=f"{folder / name} is a way back, and no file beside it leads there",
                remedy=f"Add {back[1]}.sql, or give the file another name.",
                searched=(folder,),
            )
    return kept


def is_way_back(name: str, known: list[str]) -> bool:
    """Whether the file of that *name* leads back what one of the *known* names leads forward."""
    if name.startswith("U") and f"V{name[1:]}" in known:  # Flyway's way back
        return True
    back = _WAY_BACK.fullmatch(name)
    return back is not None and any(f"{back[1]}{suffix}" in known for suffix in (".sql", ".up.sql", ".do.sql"))


def _by_dialect(folder: Path, names: list[str]) -> dict[Dialect, list[str]]:
    found: dict[Dialect, list[str]] = {}
    for name in names:
        text = sql_sections.read(folder / name)
        marked = Dialect.GOOSE if sql_sections.is_goose(text) else Dialect.PLAIN
        found.setdefault(Dialect.DBMATE if sql_sections.is_dbmate(text) else marked, []).append(name)
    return found


def _called(dialect: Dialect) -> str:
    return dialect if dialect is Dialect.PLAIN else f"{dialect}'s"
