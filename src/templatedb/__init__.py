"""Migrate one golden SQLite file once; then every test starts from a private clone of it.

Reading order, which is import order (a module imports only from those above it):

 1. errors               the tree of errors
 2. records              frozen values: Key, Manifest, Outcome
 3. urls                 SQLAlchemy URLs of SQLite databases
 4. pythonpath           the import path that pytest's configuration gives
 5. settings             what the settings table means
 6. search               where the settings are
 7. inputs               what decides a database
 8. migrators            the two-method interface; versions, alembic_config, alembic, function
 9. key                  inputs to key
10. discovered           what a build read beyond its declared inputs
11. lock                 one lock per key
12. cache                the directory: names, format, history, trust
13. build                messages, tracebacks, refusals, redirect, guard, revisions, diagnosis, child, parent
14. verify               what a file must be before it is a golden
15. publish              temporary name, fsync, replace
16. place                where a process's own files are put
17. golden               the story: look, lock, look again, build, publish
18. slots                the two-method interface; copy, memory
19. clone                what a test holds
20. template             the library's front door: Template and Golden
21. engines              SQLAlchemy engines and sessions on clones
22. changes              rows that one connection sees and another does not
23. summary              the lines that people read
24. kept                 databases of failed tests
25. testrun              what one pytest process knows: templates, goldens, clones, failures
26. fixtures             what tests ask for
27. terminal             what is said while something happens
28. controller           xdist: what the workers send
29. plugin               pytest's hooks
30. cli                  the command, one file per verb
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from templatedb.clone import Clone
    from templatedb.errors import (
        BuildError,
        CacheError,
        CloneError,
        InputsError,
        LockTimeoutError,
        MissError,
        SettingsError,
        TemplateDBError,
    )
    from templatedb.fixtures import CloneFactory
    from templatedb.migrators.alembic import Alembic
    from templatedb.migrators.function import Function
    from templatedb.template import Golden, Template, load

__all__ = [
    "Alembic",
    "BuildError",
    "CacheError",
    "Clone",
    "CloneError",
    "CloneFactory",
    "Function",
    "Golden",
    "InputsError",
    "LockTimeoutError",
    "MissError",
    "SettingsError",
    "Template",
    "TemplateDBError",
    "load",
]

_HOMES = {
    "Alembic": "migrators.alembic",
    "Clone": "clone",
    "CloneFactory": "fixtures",
    "Function": "migrators.function",
    "Golden": "template",
    "Template": "template",
    "load": "template",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: pytest loads this package in every project it is installed in."""
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("pytest-templatedb")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
