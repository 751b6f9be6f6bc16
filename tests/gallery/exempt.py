"""Messages that cannot be provoked here, each with the reason."""

from __future__ import annotations

EXEMPT = {
    "{} would not be read as written": "What TOML says is what is read: it stands there for what nobody thought of.",
    "no build was tried": "The first way is always tried: it stands there for the type checker.",
    "templatedb: a database was asked for outside of any test": "pytest sets fixtures up in tests only: it is for the"
    " type checker.",
    "who has it open cannot be seen on this system": "Every system that the suite runs on lists its descriptors.",
}
