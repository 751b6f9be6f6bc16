"""A corpus of damage: whatever becomes of the files of a cache, it is seen, and the next run heals it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from templatedb import MissError

from .cells import Bench

PAGE_BYTES = 4096


class Damage(NamedTuple):
    """One way to damage a file."""

    name: str
    apply: Callable[[Path], None]


class Counted(NamedTuple):
    """What a round of damage came to."""

    tried: int
    detected: int
    mended: int
    wrong: list[str]


def _rewritten(path: Path, data: bytes) -> None:
    """Replace the content in place, as bad memory, a bad disk or a program does: same inode, read-only again."""
    if path.exists():  # else it was found damaged and set aside
        path.chmod(0o600)
    path.write_bytes(data)
    path.chmod(0o400)


def bytes_damaged(generator: random.Random, number: int) -> Iterator[Damage]:
    """Yield *number* damages of a golden's bytes: flipped bits, truncations, zeroed pages and tails, bytes added."""
    for index in range(number):
        seed = generator.randrange(1 << 60)
        kind = ("bit flip", "truncation", "zeroed page", "zero tail", "bytes added", "garbage")[index % 6]
        yield Damage(
            f"{kind} {seed}", lambda path, kind=kind, seed=seed: _damage_bytes(path, kind, random.Random(seed))
        )


def _damage_bytes(path: Path, kind: str, generator: random.Random) -> None:
    data = bytearray(path.read_bytes())
    before = bytes(data)
    at = generator.randrange(len(data))
    page = at // PAGE_BYTES * PAGE_BYTES
    if kind == "bit flip":
        data[at] ^= 1 << generator.randrange(8)
    elif kind == "truncation":
        del data[at:]
    elif kind == "zeroed page":
        data[page : page + PAGE_BYTES] = bytes(len(data[page : page + PAGE_BYTES]))
    elif kind == "zero tail":
        data[at:] = bytes(len(data) - at)
    elif kind == "bytes added":
        data += generator.randbytes(generator.randrange(1, 2 * PAGE_BYTES))
    if bytes(data) == before:  # zeros over zeros are no damage
        data[at : at + 8] = generator.randbytes(7) + bytes([data[at] ^ 0xFF])
    _rewritten(path, bytes(data))


def _replaced_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        path.rename(path.with_suffix(".moved"))
        make(path)

    return apply


def shapes() -> Iterator[Damage]:
    """Yield what a golden is after power was lost, or when something else stands in its place."""
    for name, cut in {
        "empty": lambda data: b"",
        "one byte": lambda data: data[:1],
        "all zeros": lambda data: bytes(len(data)),
        "a zero tail at the right length": lambda data: data[:PAGE_BYTES] + bytes(len(data) - PAGE_BYTES),
        "a byte short": lambda data: data[:-1],
        "a page short": lambda data: data[:-PAGE_BYTES],
        "half": lambda data: data[: len(data) // 2],
    }.items():
        yield Damage(name, lambda path, cut=cut: _rewritten(path, cut(path.read_bytes())))
    yield Damage("missing", lambda path: path.unlink())
    yield Damage("a link", _replaced_by(lambda path: path.symlink_to(path.with_suffix(".moved"))))
    yield Damage("a folder", _replaced_by(lambda path: path.mkdir()))
    yield Damage("a FIFO", _replaced_by(os.mkfifo))
    yield Damage("another golden", _swap_with_another)


def _swap_with_another(path: Path) -> None:
    """Put a sound golden of another key under this one's name."""
    (other,) = path.parent.parent.parent.parent.glob("other-*.sqlite")
    _rewritten(path, other.read_bytes())


def manifests(generator: random.Random, number: int) -> Iterator[Damage]:
    """Yield what becomes of a manifest; a flipped bit in it may say the same, so those must only never mislead."""
    for name, change in {
        "empty": lambda data: b"",
        "half": lambda data: data[: len(data) // 2],
        "zeros": lambda data: bytes(len(data)),
        "garbage": lambda data: generator.randbytes(len(data)),
        "no object": lambda data: b"[1, 2]",
        "of a future format": lambda data: _with(data, format=2),
        "of no format": lambda data: _with(data, format=None),
        "without a digest": lambda data: _with(data, digest=None),
        "a digest that leads out": lambda data: _with(data, digest="../../../x".ljust(64, "0")),
        "of another key": lambda data: _with(data, key="templatedb1-" + "0" * 64),
        "a size that is none": lambda data: _with(data, size_bytes="many"),
        "another size": lambda data: _with(data, size_bytes=1),
    }.items():
        yield Damage(f"manifest: {name}", lambda path, change=change: _rewritten(path, change(path.read_bytes())))
    yield Damage("manifest: missing", lambda path: path.unlink())
    for _ in range(number):
        seed = generator.randrange(1 << 60)
        yield Damage(f"manifest flip {seed}", lambda path, seed=seed: _flip(path, random.Random(seed)))


def _with(data: bytes, **changed: object) -> bytes:
    return json.dumps(json.loads(data) | changed).encode()


def _flip(path: Path, generator: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    _rewritten(path, bytes(data))


def detected(bench: Bench, damages: Iterator[Damage]) -> Counted:
    """Damage one golden again and again, ask each time for a hit, and put the sound bytes back."""
    cell, tried, seen, wrong = bench.cell(), 0, 0, []
    bench.database(cell)
    (golden,) = (cell / "cache/v1/goldens").iterdir()
    sound = golden.read_bytes()
    for damage in damages:
        tried += 1
        damage.apply(golden)
        try:
            bench.database(cell, require_hit=True)
        except MissError:
            seen += 1
        else:
            wrong.append(f"{damage.name}: taken for sound")
        _rewritten(golden, sound)
    if bench.database(cell, require_hit=True) != ("hit", bench.expected):
        wrong.append("the sound golden is refused")
    return Counted(tried, seen, 0, wrong)


def healed(bench: Bench, goldens: Iterator[Damage], records: Iterator[Damage]) -> Counted:
    """Damage a golden or a manifest, each in a cell of its own; the next run must build, the one after it must hit."""
    warm = bench.cell()
    bench.database(warm)
    other = Bench(
        bench.folder / "other", "rows = 7\n" + (bench.project / "migrate.py").read_text().replace("= 150", "= 9")
    )
    foreign = other.cell()
    other.database(foreign)
    (source,) = (foreign / "cache/v1/goldens").iterdir()
    tried = seen = mended = 0
    wrong = []
    for damage, pattern in [(one, "goldens/*") for one in goldens] + [(one, "manifests/*/*") for one in records]:
        cell = bench.cell(warm)
        shutil.copyfile(source, cell / "other-golden.sqlite")
        (target,) = (cell / "cache/v1").glob(pattern)
        damage.apply(target)
        tried += 1
        first, second = bench.database(cell), bench.database(cell)
        seen += first[0] == "built"
        mended += second[0] == "hit"
        may_say_the_same = "manifest flip" in damage.name
        if {first[1], second[1]} != {bench.expected}:
            wrong.append(f"{damage.name}: WRONG DATABASE")
            continue
        if damage.name == "a folder" and (first[0], second[0]) == ("private", "private"):
            mended += 1  # nothing can be renamed over a folder: right answers, and a line each time
            seen += 1
        elif second[0] != "hit" or (first[0] != "built" and not may_say_the_same):
            wrong.append(f"{damage.name}: {first[0]}, then {second[0]}")
        with contextlib.suppress(OSError):
            shutil.rmtree(cell)
    return Counted(tried, seen, mended, wrong)
