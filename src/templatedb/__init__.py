"""Migrate one golden SQLite file once; then every test starts from a private clone of it.

Reading order, which is import order (a module imports only from those above it):

 1. errors               the tree of errors
 2. records              frozen values: Key, Manifest, Outcome
 3. urls                 SQLAlchemy URLs of SQLite databases
 4. exported             what the environment was before an export
 5. pythonpath           the import path that pytest's configuration gives
 6. settings             what the settings table means
 7. search               where the settings are
 8. digests              the digest of a file, remembered only where that cannot be wrong
 9. inputs               what decides a database
10. steps                how far a migrator is
11. migrators            the two-method interface; alembic, sql, metadata, function, command
12. key                  inputs to key
13. locations            where a file belongs, and its name in every checkout
14. conventions          the naming convention in a module's source
15. discovered           what a build read beyond its declared inputs
16. lock                 one lock per key
17. files                trusted ones, and ones that are written whole
18. cache                the directory: names, format, history, trust
19. build                the child: redirect, guard, trace, imports, counting, seeds, drift; its parent
20. plan                 what is to be built, and how its caller wants it
21. reasons              why a golden is none any more
22. verify               what a file must be before it is a golden
23. publish              temporary name, fsync, replace
24. place                where a process's own files are put
25. golden               the story: look, lock, look again, build, publish
26. loops                coroutines that synchronous code sees through
27. after_import         something to be done when a module is imported
28. connection_state     what a test may leave changed on a connection
29. pools                pooled connections on slots, whosever engine's
30. slots                the two-method interface; copy, in_place, rewind, memory; those of one worker
31. clone                what a test holds
32. template             the library's front door: Template and Golden
33. engines              SQLAlchemy engines that outlive their clones
34. changes              rows that one connection sees and another does not
35. summary              the lines that people read
36. comparison           how two databases differ: definitions, schemas, contents
37. kept                 databases of failed tests
38. testrun              what one pytest process knows: templates, goldens, clones, failures
39. early                variables for applications with a global engine
40. fixtures             what tests ask for
41. options              the options of pytest
42. terminal             what is said while something happens
43. controller           xdist: what the workers send
44. plugin               pytest's hooks
45. cli                  the command, one file per verb
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
    from templatedb.migrators.command import Command
    from templatedb.migrators.function import Function
    from templatedb.migrators.metadata import Metadata
    from templatedb.migrators.sql import SqlFolder
    from templatedb.template import Golden, Template, load

__all__ = [
    "Alembic",
    "BuildError",
    "CacheError",
    "Clone",
    "CloneError",
    "CloneFactory",
    "Command",
    "Function",
    "Golden",
    "InputsError",
    "LockTimeoutError",
    "Metadata",
    "MissError",
    "SettingsError",
    "SqlFolder",
    "Template",
    "TemplateDBError",
    "load",
]

_HOMES = {
    "Alembic": "migrators.alembic",
    "Clone": "clone",
    "CloneFactory": "fixtures",
    "Command": "migrators.command",
    "Function": "migrators.function",
    "Golden": "template",
    "Metadata": "migrators.metadata",
    "SqlFolder": "migrators.sql",
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
