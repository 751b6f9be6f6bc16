"""Provoke every message and write the pages, or print what changed: ``python -m gallery [--write] [WORD ...]``.

With words, only cases with one of them in their names are provoked; the others stay as the pages have them.
"""

from __future__ import annotations

import sys
import time

from gallery import cases
from gallery.case import CASES, Said
from gallery.page import MESSAGES, SCREENS, page_of, read, write
from gallery.world import World


def main(words: list[str]) -> None:
    """Provoke, print, and write when asked to."""
    cases.load()
    chosen = [word for word in words if not word.startswith("--")]
    for path in (MESSAGES, SCREENS):
        said = read(path)
        for one in CASES:
            if page_of(one) != path or (chosen and not any(word in one.id for word in chosen)):
                continue
            if reason := one.cannot():
                print(f"{one.id}: left as it is: {reason}", file=sys.stderr)
                continue
            started = time.perf_counter()
            with World() as world:
                now = one.provoke(world)
            if now != said.get(one.id):
                print(f"--- {one.id} ({time.perf_counter() - started:.2f} s), {now.by}\n{now.text}")
            said[one.id] = now
        if "--write" in words:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(path, {**{one.id: Said("", "") for one in CASES}, **said}))


if __name__ == "__main__":
    main(sys.argv[1:])
