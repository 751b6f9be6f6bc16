"""Check templatedb against published packages with real migration histories, unchanged, each in its own environment.

    python tests/real/run.py                   # all of them, one after the other
    python tests/real/run.py optuna mlflow     # these only

Each folder beside this file is a thin project around one package: what to install, and settings for templatedb. In a
temporary copy of it, with a cache directory and a HOME of its own:

1. build    the first `templatedb build` builds and writes nothing to HOME, the second one hits
2. key      the same twice, and from another folder with another HOME and working directory; a second build there has
            the same schema, compared as definitions, for two builds of real histories are rarely the same bytes
3. clone    `templatedb clone` gives a sound database with its version; the library's clones are timed
4. suite    two workers on a cold cache build once, on a warm cache never

A package that fails is reported with its reason, and the others still run; the exit code tells. Environments stay in
`.venv-real/` and are made again when the requirements change. Standard library only.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
import tomllib
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
ENVIRONMENTS = REPOSITORY / ".venv-real"
INSTALL_TIMEOUT_S = 1800.0
RUN_TIMEOUT_S = 300.0
TAIL_LINES = 40
TIMED_CLONES = 300

Name = tuple[str, str]
"""Type and name of an object of a schema."""
Schema = dict[Name, collections.Counter[str]]
"""The definitions of each object, as a multiset."""
Words = Sequence[str | Path]
"""A command, or a part of one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Package:
    """One published package, and what the suite needs to know about its database."""

    name: str
    tables: int
    """How many its history leads to, with Alembic's own and without SQLite's own: half a migration would show."""
    table: str
    """A table that the migrations leave empty."""
    insert: str
    """A row for it; a second one like it is refused, so a row left by another test would show."""


PACKAGES = (
    Package(
        name="optuna",
        tables=12,
        table="studies",
        insert="insert into studies (study_id, study_name) values (1, 'first')",
    ),
    Package(
        name="meltano",
        tables=4,
        table="plugin_settings",
        insert="insert into plugin_settings (name, namespace, value, enabled) values ('first', 'tap', '1', 1)",
    ),
    Package(
        name="ihatemoney",
        tables=11,
        table="project",
        insert="insert into project (id, name) values ('first', 'First')",
    ),
    Package(
        name="mlflow",
        tables=65,
        table="experiments",
        insert="insert into experiments (experiment_id, name) values (1, 'first')",
    ),
)


class FailedError(Exception):
    """A check did not hold, or a command failed."""

    def __init__(self, what: str, output: str = "") -> None:
        """Say *what*, with the end of the *output* that tells why."""
        super().__init__(what)
        self.output = "\n".join(output.strip().splitlines()[-TAIL_LINES:])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that ended as it may."""

    seconds: float
    stdout: str
    stderr: str


@dataclasses.dataclass(kw_only=True)
class Row:
    """One line of the table at the end; what was not reached stays None."""

    package: str
    revisions: int | None = None
    tables: int | None = None
    build_s: float | None = None
    hit_s: float | None = None
    clone_us: float | None = None
    cold_s: float | None = None
    warm_s: float | None = None
    warnings: tuple[str, ...] = ()
    failure: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the columns of HEADINGS."""
        return (
            self.package,
            _number(self.revisions),
            _number(self.tables),
            _number(self.build_s, 2),
            _number(self.hit_s, 2),
            _number(self.clone_us),
            _number(self.cold_s, 1),
            _number(self.warm_s, 1),
            f"FAILED: {self.failure}" if self.failure else "ok",
        )


HEADINGS = ("package", "revisions", "tables", "build s", "hit s", "clone µs", "cold s", "warm s", "result")


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def run(
    command: Words, *, cwd: Path, environment: dict[str, str], timeout_s: float, codes: Container[int] = (0,)
) -> Ran:
    """Run *command* to its end; raises FailedError when its exit code is none of *codes*, or it takes too long."""
    shown = textwrap.shorten(" ".join([Path(command[0]).name, *map(str, command[1:])]), 80, placeholder=" ...")
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        said = "".join(part.decode(errors="replace") for part in (error.stdout, error.stderr) if part)
        raise FailedError(f"no end after {timeout_s:.0f} s: {shown}", said) from error
    seconds = time.perf_counter() - started
    if done.returncode not in codes:
        raise FailedError(f"exit code {done.returncode}: {shown}", done.stdout + done.stderr)
    return Ran(seconds=seconds, stdout=done.stdout, stderr=done.stderr)


def check(holds: bool, what: str, output: str = "") -> None:
    """Raise FailedError with *what* unless it *holds*."""
    if not holds:
        raise FailedError(what, output)


# --- The environment of a package ---


def prepare(package: Package) -> Path:
    """Return the folder of programs of the package's environment, made or brought up to date where needed."""
    thin, environment = HERE / package.name, ENVIRONMENTS / package.name
    dependencies = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    # Programs in an environment name its folder: one that was moved with the repository does not work any more.
    facts = f"{sys.version} {dependencies} {environment}"
    wanted = _digest([thin / "requirements.txt", thin / "constraints.txt"], facts)
    source = _digest(sorted((REPOSITORY / "src").rglob("*.py")))
    wanted_stamp, source_stamp = environment / "requirements.stamp", environment / "source.stamp"
    binaries = environment / "bin"
    pip: Words = [binaries / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install"]
    if _text(wanted_stamp) != wanted or not (binaries / "python").exists():
        say(package, "making its environment")
        _install([sys.executable, "-m", "venv", "--clear", environment])
        constrained: Words = ["-r", thin / "requirements.txt", "-c", thin / "constraints.txt"]
        _install([*pip, *constrained, "pytest", "pytest-xdist", REPOSITORY])
        wanted_stamp.write_text(wanted, encoding="utf-8")
    elif _text(source_stamp) != source:
        say(package, "installing templatedb again")
        _install([*pip, "--no-deps", "--force-reinstall", REPOSITORY])
    source_stamp.write_text(source, encoding="utf-8")
    return binaries


def _install(command: Words) -> None:
    """Run an installing *command*, with the caller's own HOME: its settings and cache of packages are wanted here."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run(command, cwd=REPOSITORY, environment=environment, timeout_s=INSTALL_TIMEOUT_S)


def _digest(paths: Sequence[Path], more: str = "") -> str:
    digest = hashlib.sha256(more.encode())
    for path in paths:
        data = path.read_bytes()
        digest.update(f"{path.relative_to(REPOSITORY)} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


# --- A copy of its thin project ---


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A copy of a thin project, with a HOME, a working directory and a cache directory of its own."""

    binaries: Path
    project: Path
    home: Path
    cwd: Path
    cache: Path

    @classmethod
    def make(cls, folder: Path, package: Package, binaries: Path, *, inside: bool) -> Place:
        """Copy the thin project of *package* below *folder*; commands run *inside* it, or beside it."""
        project, home, beside = folder / "project", folder / "home", folder / "elsewhere"
        shutil.copytree(HERE / package.name, project)
        home.mkdir()
        beside.mkdir()
        cwd = project if inside else beside
        return cls(binaries=binaries, project=project, home=home, cwd=cwd, cache=folder / "cache")

    def program(self, name: str, *words: str | Path, codes: Container[int] = (0,)) -> Ran:
        """Run a program of the environment in this place."""
        command, environment = [self.binaries / name, *words], self._variables()
        return run(command, cwd=self.cwd, environment=environment, timeout_s=RUN_TIMEOUT_S, codes=codes)

    def templatedb(self, verb: str, *words: str | Path) -> Ran:
        """Run ``templatedb`` for this project."""
        where: Words = [] if self.cwd == self.project else ["--project", self.project]
        return self.program("templatedb", verb, *where, *words)

    def builds(self) -> int:
        """Return how many builds were published to this place's cache directory."""
        return len(list(self.cache.glob("v1/manifests/*/*.json")))

    def with_cache(self, folder: Path) -> Place:
        """Return this place with another cache directory."""
        return dataclasses.replace(self, cache=folder)

    def _variables(self) -> dict[str, str]:
        """Return the environment without what the caller's own tests, Python or folders would bring in."""
        foreign = ("PYTEST", "PYTHON", "TEMPLATEDB_", "XDG_", "VIRTUAL_ENV", "DATABASE_URL", "COVERAGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        path = os.pathsep.join([str(self.binaries), kept.get("PATH", os.defpath)])
        return {**kept, "PATH": path, "HOME": str(self.home), "TEMPLATEDB_CACHE_DIR": str(self.cache)}


# --- The checks ---


def check_build(place: Place, row: Row) -> None:
    """Build cold, leaving HOME alone, then hit."""
    cold = place.templatedb("build", "--json")
    built = json.loads(cold.stdout)
    check(built["outcome"] == "built", f"a build on an empty cache reports {built['outcome']!r}", cold.stdout)
    check(place.builds() == 1, f"{place.builds()} builds were published, not 1", cold.stderr)
    left = sorted(path.name for path in place.home.iterdir())
    check(not left, f"the build wrote to HOME: {', '.join(left)}", cold.stderr)
    row.build_s, row.revisions, row.warnings = cold.seconds, built["revisions"], tuple(built["warnings"])
    again = place.templatedb("build", "--json")
    found = json.loads(again.stdout)
    check(found["outcome"] == "hit", f"the second build reports {found['outcome']!r}", again.stdout + again.stderr)
    check(found["digest"] == built["digest"], "the hit is another golden than the one just built")
    row.hit_s = again.seconds


def check_key(place: Place, other: Place) -> None:
    """Compare the keys of the two places, and the schemas of their goldens."""
    keys = [here.templatedb("key").stdout.strip() for here in (place, place, other)]
    check(keys[0].startswith("templatedb1-"), f"no key: {keys[0]!r}")
    check(keys[0] == keys[1], f"two keys for one project: {keys[0]} and {keys[1]}")
    check(keys[0] == keys[2], f"another folder has another key: {keys[0]} and {keys[2]}")
    rebuilt = json.loads(other.templatedb("build", "--rebuild", "--json").stdout)
    check(rebuilt["outcome"] == "built", f"--rebuild reports {rebuilt['outcome']!r}")
    differing = _differences(_schema(_cloned(place, "schema.sqlite")), _schema(_cloned(other, "schema.sqlite")))
    check(not differing, "two builds under one key have different schemas", "\n".join(differing))


def check_clone(place: Place, package: Package, row: Row) -> None:
    """Look into a clone of the command, and time those of the library."""
    path = _cloned(place, "clone.sqlite")
    with _reading(path) as connection:
        sound = [line for (line,) in connection.execute("pragma integrity_check")]
        check(sound == ["ok"], "the clone is damaged", "\n".join(sound))
        (versions,) = connection.execute("select count(*) from alembic_version").fetchone()
        check(versions >= 1, "the clone has no row in its version table")
        names = "select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'"
        (row.tables,) = connection.execute(names).fetchone()
    check(row.tables == package.tables, f"the clone has {row.tables} tables, not {package.tables}")
    row.clone_us = float(place.program("python", "-c", _TIMING, str(TIMED_CLONES)).stdout)


_TIMING = """
import statistics, sys, time
import templatedb

costs_ns = []
with templatedb.load().golden() as golden:
    assert golden.outcome == "hit", golden.outcome
    for _ in range(int(sys.argv[1])):
        started = time.perf_counter_ns()
        clone = golden.clone()
        costs_ns.append(time.perf_counter_ns() - started)
        clone.close()
print(statistics.median(costs_ns) / 1000)
"""


def check_suite(place: Place, package: Package, row: Row) -> None:
    """Run the suite with two workers on a cold and on a warm cache."""
    facts = f"TABLE = {package.table!r}\nTABLES = {package.tables!r}\nINSERT = {package.insert!r}\n"
    (place.project / "facts.py").write_text(facts, encoding="utf-8")
    shutil.copyfile(HERE / "suite.py", place.project / "test_clones.py")
    suite = ("-m", "pytest", "-n", "2", "test_clones.py")
    cold = place.program("python", *suite)
    check(place.builds() == 1, f"two workers on a cold cache published {place.builds()} builds, not 1", cold.stdout)
    check("built in" in cold.stdout, "the cold suite does not say that it built", cold.stdout)
    check("privately" not in cold.stdout, "the cold suite built privately", cold.stdout)
    # With this option a build of any kind, also one that publishes nothing, is an error.
    warm = place.program("python", *suite, "--templatedb-require-hit")
    check(place.builds() == 1, "the warm suite built", warm.stdout)
    row.cold_s, row.warm_s = cold.seconds, warm.seconds


def _cloned(place: Place, name: str) -> Path:
    """Write a clone into the place's working directory and return its path."""
    path = place.cwd / name
    said = place.templatedb("clone", name)
    check(path.is_file(), f"templatedb clone wrote no {name}", said.stdout + said.stderr)
    return path


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection


# --- Schemas, compared as definitions ---


def _schema(path: Path) -> Schema:
    """Return every object of the schema with its definitions; only the order of a table's constraints is free.

    It comes from sets, as does the order in which indexes are made.
    """
    with _reading(path) as connection:
        # Indexes without SQL are those of the constraints, numbered in the order in which these happen to stand.
        found = connection.execute("select type, name, sql from sqlite_schema where sql is not null").fetchall()
        schema = {(kind, name): collections.Counter([" ".join(sql.split())]) for kind, name, sql in found}
        for kind, name, sql in found:
            if kind == "table":
                columns = connection.execute("select cid, name from pragma_table_info(?)", (name,))
                numbered = [f"column {number} is {column}" for number, column in columns]
                schema[kind, name] = collections.Counter([*definitions(sql), *numbered])
    return schema


def definitions(sql: str) -> Iterator[str]:
    """Yield the pieces of a CREATE TABLE between the commas of its outermost parentheses, white space evened out.

    SQLite adds a column behind the last definition, on the same line: lines alone would not do.
    """
    depth, piece, quote = 0, "", ""
    for character in sql:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`[":
            quote = "]" if character == "[" else character
        elif character in "()":
            depth += 1 if character == "(" else -1
        if not quote and ((character == "," and depth == 1) or (character in "()" and depth == (character == "("))):
            yield " ".join(piece.split())
            piece = ""
        else:
            piece += character
    yield " ".join(piece.split())


def _differences(first: Schema, second: Schema) -> list[str]:
    lines = []
    for kind, name in sorted({*first, *second}):
        one, two = first.get((kind, name)), second.get((kind, name))
        if one is None or two is None:
            lines.append(f"{kind} {name}: only in the {'second' if one is None else 'first'} build")
        elif one != two:
            lines += [f"{kind} {name}: - {text}" for text in (one - two).elements()]
            lines += [f"{kind} {name}: + {text}" for text in (two - one).elements()]
    return lines


# --- The whole ---


def check_package(package: Package) -> Row:
    """Run all checks of *package*; a failure is told at once, and kept in the row that is returned."""
    row = Row(package=package.name)
    try:
        binaries = prepare(package)
        with tempfile.TemporaryDirectory(prefix="templatedb-real-") as folder:
            place = Place.make(Path(folder, "one"), package, binaries, inside=True)
            other = Place.make(Path(folder, "another"), package, binaries, inside=False)
            say(package, "build")
            check_build(place, row)
            say(package, "key")
            check_key(place, other)
            say(package, "clone")
            check_clone(place, package, row)
            say(package, "suite")
            check_suite(place.with_cache(Path(folder, "suite-cache")), package, row)
    except Exception as error:  # the other packages still have their turn
        row.failure = str(error) if isinstance(error, FailedError) else f"{type(error).__name__}: {error}"
        output = error.output if isinstance(error, FailedError) else ""
        say(package, f"FAILED: {row.failure}" + (f"\n{output}" if output else ""))
    return row


def say(package: Package, what: str) -> None:
    """Tell what is going on, on standard error."""
    print(f"{package.name}: {what}", file=sys.stderr, flush=True)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as an aligned table."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    last = len(HEADINGS) - 1
    return "\n".join(
        "  ".join(
            cell if column == last else cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def main(words: Sequence[str] | None = None) -> int:
    """Check the named packages, or all of them; return 1 when one failed."""
    parser = argparse.ArgumentParser(description="Check templatedb against published packages with real histories.")
    names = [package.name for package in PACKAGES]
    parser.add_argument("packages", metavar="PACKAGE", nargs="*", help=f"{', '.join(names)} (default: all)")
    chosen = parser.parse_args(words).packages or names
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(names)}")
    rows = [check_package(package) for package in PACKAGES if package.name in chosen]
    print(table(rows))
    for row in rows:
        for warning in row.warnings:
            print(f"{row.package}: warning of the build: {warning}")
    return 1 if any(row.failure for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
