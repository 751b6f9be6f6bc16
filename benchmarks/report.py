"""The page that people read: Markdown, from the raw figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import analysis
from benchmarks.budgets import judge
from benchmarks.large import FLOORS
from benchmarks.registry import BY_NAME
from benchmarks.runner import median
from benchmarks.scale import MB
from benchmarks.stages import INSIDE

HOW = """\
What the figures are:

* **Tests.** The same test for everyone: look for the golden's row and for rows of earlier tests, insert through the
  ORM, commit, select, compare. The look is the check: a way that restores nothing fails, is shown as failed, and takes
  no part in any comparison. Floors are exempt by design, which their rows pile up in; their tests use unique values.
* **Fairness.** Files of the per-test comparison are all on one file system, and nobody waits for a disk there. Ways
  written by hand find a migrated file that was made before the clock started; templatedb finds its golden built.
* **per test.** Median time of pytest's whole protocol of a test (set-up, call, tear-down, hooks, report), each variant
  in a process of its own with its own plugins only, variants taking turns. **adds** is the median difference from the
  floor of the same round. **adds, in turns** is the same where variants take turns in blocks of 20 tests inside one
  process; there the floor's tests pass through the hooks of all plugins, too.
* **whole run.** Wall clock of the whole pytest process; the ratio is to the floor of the same round. A value with * is
  scaled: no further test was begun once patience ended, and the missing ones were added at the average pace of those
  that ran.
* **restore alone.** A plain loop without pytest, engine and ORM: give a database and take it away, while a raw
  connection checks it and writes a row in between, which is not counted.
"""


def render(data: dict[str, Any]) -> str:
    """Return the page."""
    return "\n".join(_lines(data)).rstrip() + "\n"


def _lines(data: dict[str, Any]) -> Iterator[str]:
    state = "" if data["complete"] else f" **Not complete: {data.get('stopped', 'broken off, or still going on')}.**"
    yield "# Benchmarks"
    yield ""
    target = "make bench-quick" if data["scale"] == "quick" else "make bench"
    yield f"A {data['scale']} run of {data['seconds'] / 60:.0f} minutes, written by `{target}`.{state}"
    yield ""
    yield from _environment(data["environment"])
    yield from _budgets(data)
    yield HOW
    for tables, section in data["per_test"].items():
        yield from _per_test(tables, section, data["loop"].get(tables))
    yield from _stages(data.get("stages") or [])
    yield from _start(data["starts"].get("stages") or {})
    yield from _unused((data["starts"].get("warm") or {}).get("ms") or {})
    yield from _cold(data["starts"].get("cold") or [])
    yield from _large(data["large"])
    yield from _workers(data["workers"])
    yield from _notes(data)


def _environment(facts: dict[str, Any]) -> Iterator[str]:
    load = f"load {facts['load_at_start']} before the run, {facts.get('load_highest', '?')} at most during it"
    if facts["load_at_start"] > facts["cpus"] / 4:
        yield (
            f"**The machine was not idle when the run began (load {facts['load_at_start']}): read the ratios with care,"
            " and the times more so.**"
        )
        yield ""
    yield from _table(
        ("on", ""),
        [
            ("system", f"{facts['system']} {facts['machine']}, {facts['cpus']} CPUs, {load}"),
            ("file system of the per-test comparison", facts.get("filesystem", "unknown")),
            ("Python, SQLite", f"{facts['python']}, SQLite {facts['sqlite']}"),
            ("versions", ", ".join(f"{name} {version}" for name, version in facts["distributions"].items())),
            ("commit", facts["commit"]),
        ],
        text=True,
    )


def _budgets(data: dict[str, Any]) -> Iterator[str]:
    yield "## Budgets"
    yield ""
    rows = [(row.what, row.limit, row.measured, row.verdict) for row in judge(data)]
    yield from _table(("what", "budget", "measured", ""), rows, text=True)


def _per_test(tables: str, section: dict[str, Any], loop: dict[str, Any] | None) -> Iterator[str]:
    size = section["golden_bytes"]
    yield f"## {tables} tables: {_bytes(size)}, {section['revisions']} revisions"
    yield ""
    header = ("way", "per test, µs", "adds, µs", "adds, in turns, µs", f"{section['tests']:,} tests, s", "ratio")
    rows = []
    for name, row in section["variants"].items():
        title = BY_NAME[name].title
        if row["status"] != "ok":
            rows.append((title, f"{row['status']}: {row['reason']}", "", "", "", ""))
            continue
        floor = analysis.floor_of(name) == name
        star = "*" if analysis.scaled_from(section, name) else ""
        rows.append(
            (
                title,
                _number(analysis.per_test_us(section, name)),
                "" if floor else _number(analysis.over_floor_us(section, name), sign=True),
                "" if floor else _number(analysis.over_floor_mixed_us(section, name), sign=True),
                _number(analysis.whole_s(section, name), 2) + star,
                _number(analysis.whole_ratio(section, name), 2),
            )
        )
    yield from _table(header, rows)
    if section.get("mixed_failed"):
        yield f"In turns: failed: {section['mixed_failed']}\n"
    if loop:
        yield from _loop(loop)


def _loop(loop: dict[str, Any]) -> Iterator[str]:
    if "us" not in loop:
        yield f"Restore alone: failed: {loop['failed']}\n"
        return
    rows = [(name, _number(us, 1)) for name, us in loop["us"].items()]
    rows += [(name, f"failed: {reason}") for name, reason in loop["failed"].items()]
    yield from _table((f"restore alone, {loop['times_each']} times each", "µs"), rows)


_PHASES = ("set-up", "call", "tear-down", "whole")
_TRIED = """\
What was tried, and kept: no fixture between those that tests ask for and the clone (set-up, look-ups and finalizers
of one cost some 40 µs), and none that takes `request`, which pytest makes anew for each test, nor `pytestconfig`,
which takes `request` (35 µs); engines that outlive their clones, with their compiled statements; only what changes
the meaning of statements is asked of a connection (fourteen questions, 23 µs in a loop); the schema cookie stays
where no test changed the schema, so that connections read their pages anew and parse nothing; nothing is written
where nothing was changed; under an application in WAL mode the bytes go into the file, too, in place of a backup, a
checkpoint and a new cookie, which cost 700 µs. Tried, and not kept: to write only what differs. Of 856 kB, to read
and compare takes 59 µs where to write all takes 53; in a mapped file it takes 30, but a test that truncates the file
would end the process. To ask a connection one question in place of twelve: a statement that SQLite compiles anew
when any of these pragmas was set shows whether it was, but explaining its program costs so much that 4 to 8 µs were
left to gain, for a behaviour that SQLite does not promise. Not done: to leave the questions out, which would let a
pragma of one test reach the next; to write pages through SQLite itself, which is a transaction of its own; to put
the bytes back without SQLite's locks, under which alone other connections are sure to see them."""


def _stages(sections: list[dict[str, Any]]) -> Iterator[str]:
    for data in sections:
        yield from _stages_of(data)
    if any("us" in data for data in sections):
        yield _TRIED
        yield ""


def _stages_of(data: dict[str, Any]) -> Iterator[str]:
    yield f"## Where the time of a test goes: {data['tables']} tables"
    yield ""
    if "us" not in data:
        yield f"Failed: {data.get('failed', 'broken off')}\n"
        return
    yield (
        f"Microseconds, medians of {data['tests']} tests in a process, the processes taking turns; with a clock in each"
        " phase, so not the figures of above. The rest of the whole are pytest's reports and hooks between the phases."
    )
    yield ""
    ways = {name: phases for name, phases in data["us"].items() if name in BY_NAME}
    rows = []
    for name, phases in ways.items():
        floor = ways[BY_NAME[name].floor]
        over = [_number(phases[phase] - floor[phase], sign=True) for phase in _PHASES]
        rows.append((BY_NAME[name].title, *(_number(phases[phase]) for phase in _PHASES), *over))
    yield from _table(("way", *_PHASES, *(f"adds to {phase}" for phase in _PHASES)), rows)
    for told in (one for one in INSIDE if one in data["us"]):
        name = INSIDE[told]
        inside = {stage: us for stage, us in data["us"][told].items() if stage not in _PHASES and us}
        rest = ways[name]["whole"] - ways[BY_NAME[name].floor]["whole"] - sum(inside.values())
        stages = [(stage, _number(us, 1)) for stage, us in sorted(inside.items(), key=lambda pair: -pair[1])]
        yield f"What {BY_NAME[name].title} does of it itself, each stage without those that it calls:"
        yield ""
        yield from _table(
            ("stage", "µs"),
            [*stages, ("pytest's work for the fixtures, and pages that SQLite reads anew", _number(rest, 1))],
        )


def _start(data: dict[str, Any]) -> Iterator[str]:
    if not data:
        return
    yield "## Where a warm start goes: 200 revisions, one test with a clone"
    yield ""
    if "us" not in data:
        yield f"Failed: {data['failed']}\n"
        return
    yield (
        "Milliseconds, medians. The modules' times are those of `-X importtime`, which adds some of its own. Neither"
        " Alembic nor SQLAlchemy is among them; each input is looked at once, and read only where its stamp proves"
        " nothing."
    )
    yield ""
    yield from _table(("stage", "ms"), [(stage, _number(us / 1e3, 1)) for stage, us in data["us"].items()])


def _unused(ms: dict[str, list[float]]) -> Iterator[str]:
    """Tell what of an unused plugin's cost is that of any plugin."""
    if "empty" not in ms:
        return
    yield "## Where the time of an unused plugin goes"
    yield ""
    yield (
        "Milliseconds, medians of the differences between runs of one round. Each plugin is loaded by `-p`, for which"
        " pytest looks through the entry points of all that is installed."
    )
    yield ""
    stages = (
        ("a plugin that does nothing", "empty", "plain"),
        ("what templatedb adds to that", "unused", "empty"),
        ("together", "unused", "plain"),
    )
    rows = [
        (stage, _number(median([own - other for own, other in zip(ms[name], ms[base], strict=True)]), 1))
        for stage, name, base in stages
    ]
    yield from _table(("part", "ms"), rows)


def _cold(rounds: list[dict[str, Any]]) -> Iterator[str]:
    """Tell where a cold start of eight processes goes."""
    whole = [one for one in rounds if one.get("build_s") and one.get("one_build_s") and one.get("hits_s")]
    if not whole:
        return
    yield "## Where a cold start of 8 processes goes: `templatedb build`, 200 revisions"
    yield ""
    yield "Milliseconds, medians; all of them share the processors of one machine."
    yield ""
    stages = (
        ("plain `alembic upgrade heads`, one process", lambda one: one["alembic_s"]),
        ("one process alone, that builds", lambda one: one["one_build_s"]),
        ("one process alone, that finds the golden", lambda one: one["one_hit_s"]),
        ("eight processes, that find the golden", lambda one: one["hits_s"]),
        ("eight processes, one of which builds", lambda one: one["build_s"]),
        ("of these: until the golden is published", lambda one: one["published_s"]),
        ("of these: until the last one that waited has found it", lambda one: one["build_s"] - one["published_s"]),
    )
    rows = [(stage, _number(median([figure(one) * 1e3 for one in whole]), 0)) for stage, figure in stages]
    yield from _table(("what", "ms"), rows)


def _large(large: dict[str, Any]) -> Iterator[str]:
    if not large:
        return
    yield "## Large goldens"
    yield ""
    yield (
        "A test that inserts, commits and selects through a SQLAlchemy connection; microseconds that a clone adds to"
        " it, median. The floor keeps its connection; the reconnecting floor opens a new one for each test. A copy is"
        " `shutil.copyfile` and `unlink` alone."
    )
    yield ""
    rows = []
    for kind, section in large.items():
        if section["skipped"]:
            rows.append((kind, "", f"skipped: {section['skipped']}", "", "", ""))
        for size, row in section["sizes"].items():
            title = kind if kind == section["filesystem"] else f"{kind} ({section['filesystem']})"
            if row["status"] != "ok":
                rows.append((title, _bytes(int(size)), f"{row['status']}: {row['reason']}", "", "", ""))
            elif "us" in row:
                over = [_number(analysis.large_us(row, floor), sign=True) for floor in FLOORS]
                rows.append((title, _bytes(row["golden_bytes"]), *over, _number(row["copyfile_us"]), row["clones_on"]))
    yield from _table(
        ("file system", "golden", "adds to the floor", "adds to the reconnecting floor", "a copy", "clones were on"),
        rows,
    )
    yield from _said(large)


def _said(large: dict[str, Any]) -> Iterator[str]:
    """Show templatedb's own words about each: which way it took."""
    lines = [
        f"{kind} {_bytes(int(size))}: {line.strip()}"
        for kind, section in large.items()
        for size, row in section["sizes"].items()
        for line in row.get("said", [])[1:2]
    ]
    if lines:
        yield "What templatedb said about its ways:"
        yield ""
        yield from ["```text", *lines, "```", ""]


def _workers(data: dict[str, Any]) -> Iterator[str]:
    if not data:
        return
    counts = sorted({int(count) for row in data["variants"].values() for count in row["runs"]})
    yield f"## xdist: {data['tests']:,} tests, {data['tables']} tables"
    yield ""
    yield "Seconds of the whole run; * is scaled from fewer tests at their average pace."
    yield ""
    rows = []
    for name, row in data["variants"].items():
        if row["status"] != "ok":
            rows.append((BY_NAME[name].title, f"{row['status']}: {row['reason']}", *[""] * (len(counts) - 1)))
            continue
        cells = []
        for count in counts:
            runs = row["runs"].get(str(count), [])
            star = "*" if any(run["tests"] < data["tests"] for run in runs) else ""
            cells.append(_number(analysis.worker_seconds(data, name, count), 2) + star)
        rows.append((BY_NAME[name].title, *cells))
    yield from _table(("way", *(f"{count} worker{'s' if count > 1 else ''}" for count in counts)), rows)


def _notes(data: dict[str, Any]) -> Iterator[str]:
    names = list(dict.fromkeys(name for section in data["per_test"].values() for name in section["variants"]))
    notes = [f"* {BY_NAME[name].title}: {BY_NAME[name].note}." for name in names if BY_NAME[name].note]
    if notes:
        yield "## The ways"
        yield ""
        yield from notes


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, text: bool = False) -> Iterator[str]:
    """Yield a table whose columns but the first hold numbers, or *text*."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + "|".join("---" if text or number == 0 else "--:" for number in range(len(header))) + "|"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


def _number(value: float | None, digits: int = 0, *, sign: bool = False) -> str:
    if value is None:
        return ""
    return f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"


def _bytes(size: int) -> str:
    return f"{size / MB:,.1f} MB" if size >= MB else f"{size / 1e3:.0f} kB"
