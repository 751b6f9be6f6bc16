"""Migrate one golden SQLite file once; then every test starts from a private clone of it.

Reading order, which is import order (a module imports only from those above it):

 1. errors               the tree of errors
 2. records              frozen values: Key, Manifest, Outcome
 3. urls                 SQLAlchemy URLs of SQLite databases
 4. identifiers          names in SQL
 5. toml                 TOML files, each text parsed once
 6. exported             what the environment was before an export
 7. pytest_configuration what pytest's own configuration says: import path, cache folder
 8. settings             what the settings table means
 9. search               where the settings are
10. digests              the digest of a file, remembered only where that cannot be wrong
11. inputs               what decides a database
12. steps                how far a migrator is
13. migrators            the two-method interface; alembic, sql, metadata, function, command
14. key                  inputs to key
15. locations            where a file belongs, and its name in every checkout
16. conventions          the naming convention in a module's source
17. discovered           what a build read beyond its declared inputs
18. lock                 one lock per key
19. files                trusted ones, and ones that are written whole
20. cache                the directory: names, format, history
21. cache_trust          where the directory is, and whether it may be trusted
22. uses                 how often a golden was used, and what that saved
23. place                where a process's own files are put
24. leftovers            what dead processes and past runs left in a cache
25. inventory            what stands in a cache, and when it was used last
26. limits               what has to go from a cache
27. prune                its removal, which hurts nobody who uses it
28. damaged              what is wrong in a cache, set aside for a person to look at
29. build                the child: redirect, guard, trace, imports, counting, seeds, drift; its parent
30. plan                 what is to be built, how its caller wants it, and what he gets
31. reasons              why a golden is none any more
32. verify               what a file must be before it is a golden
33. publish              temporary name, fsync, replace
34. spoilt               what spoils a build that is no fault of its migrations
35. private              one build, verified; and what a process builds for itself alone
36. golden               the story: look, lock, look again, build, publish
37. loops                coroutines that synchronous code sees through
38. after_import         something to be done when a module is imported
39. opened_async         who asks aiosqlite for a database
40. opened               which databases this process opens, by whatever means
41. connection_state     what a test may leave changed on a connection
42. pools                pooled connections on slots, whosever engine's
43. slots                the two-method interface; copy, in_place, in_wal, rewind, memory; those of one worker
44. clone                what a test holds
45. handle               a golden held open, that clones are made from
46. template             the library's front door: Template
47. engines              SQLAlchemy engines that outlive their clones
48. uncommitted          rows that one connection sees and another does not
49. summary              the lines that people read
50. comparison           how two databases differ: definitions, schemas, contents
51. machine_values       values of a database that are true on one machine only
52. changes              what became of which rows from one database to another, and its lines
53. kept                 databases of failed tests
54. lent                 a clone in the hands of a test, with its engines
55. runoptions           what the command line of pytest says of one run
56. known                what one pytest process knows of one template
57. unused               applications that pass the tests' databases by
58. wrong_url            an exported URL of which no async engine can be made
59. testrun              what one pytest process knows: templates, goldens, clones, failures
60. early                what is done before any conftest: watching, and variables for global engines
61. current_test         the test that runs now: its golden and its clone
62. fixtures             what tests ask for
63. options              the options of pytest
64. terminal             what is said while something happens
65. controller           xdist: what the workers send
66. fakes                false clocks and file systems of tests, kept away from ours
67. running              what the hooks do once a test has needed a database
68. plugin               pytest's hooks
69. proposals            settings for a project that has none
70. cli                  the command, one file per verb
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

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
    from templatedb.handle import Golden
    from templatedb.migrators.alembic import Alembic
    from templatedb.migrators.command import Command
    from templatedb.migrators.function import Function
    from templatedb.migrators.metadata import Metadata
    from templatedb.migrators.sql import SqlFolder
    from templatedb.template import Template, load

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
    "Golden": "handle",
    "Metadata": "migrators.metadata",
    "SqlFolder": "migrators.sql",
    "Template": "template",
    "load": "template",
}


class _Finder:
    """Has Python load the modules of this package where pytest would rewrite their assertions: there are none.

    pytest takes all of a plugin's package through its rewriter, which hashes each source and reads byte code slowly:
    a third of a warm start. Its only switch, ``--assert=plain``, is the user's and for everything.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module below this package as Python does; know no others."""
        if not name.startswith(f"{__name__}."):
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, path, target)


if "pytest" in sys.modules:
    sys.meta_path.insert(0, _Finder)


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
