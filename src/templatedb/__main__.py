"""``python -m templatedb`` is the command ``templatedb``."""

from __future__ import annotations

import sys

from templatedb.cli import main

if __name__ == "__main__":
    sys.exit(main())
