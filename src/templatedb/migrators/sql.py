"""Folders of SQL files: golang-migrate, dbmate, goose or plain ones, run as their own tool runs them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from templatedb.errors import BuildError
from templatedb.inputs import Input, file, setting
from templatedb.migrators import sql_files
from templatedb.migrators.sql_ledgers import BOOKKEEPING, Bookkeeping
from templatedb.migrators.sql_names import Dialect, SqlFile
from templatedb.migrators.sql_sections import RefusedError, Section
from templatedb.migrators.sql_statements import Statement
from templatedb.settings import Settings
from templatedb.steps import Step, StepKind

if TYPE_CHECKING:
    import sqlite3

    from templatedb.migrators.bench import Bench, Ledger, Target

_UNLESS = {
    Dialect.GOLANG_MIGRATE: ", unless x-no-tx-wrap is set: let it run them itself then, by the setting 'command'",
    Dialect.DBMATE: ", unless its mark says transaction:false",
    Dialect.GOOSE: ", unless it says NO TRANSACTION",
}
_SHOWN_LINES, _SHOWN_COLUMNS, _SHOWN_REASON = 15, 160, 200


@dataclasses.dataclass(frozen=True, slots=True)
class SqlFolder:
    """A folder of ``.sql`` files; whose they are shows in their names and marks."""

    kind: ClassVar[str] = "sql"
    folder: str | os.PathLike[str]

    def __post_init__(self) -> None:
        """Take any path-like: the fields travel to the build as text."""
        object.__setattr__(self, "folder", os.fspath(self.folder))

    def __str__(self) -> str:
        """Name the folder by its last two parts: enough to tell two templates apart."""
        return "/".join(Path(self.folder).parts[-2:])

    def inputs(self, settings: Settings) -> Iterator[Input]:
        """Yield the dialect and the file of every migration.

        Raises InputsError when there is none, or when no one tool would run what is there.
        """
        dialect, files = sql_files.find(settings.root / self.folder)
        yield setting("sql", str(dialect))
        for one in files:
            yield file(f"sql/{one.path.name}", one.path)

    def migrate(self, target: Target, bench: Bench) -> Ledger | None:
        """Run the files in order; return what the tool's table must hold, None for plain files.

        Raises InputsError as `inputs` does, and BuildError for what does not run. Nothing is left uncommitted.
        """
        import sqlite3

        from templatedb.migrators import sql_slips

        dialect, files = sql_files.find(target.root / self.folder)
        books = BOOKKEEPING[dialect]
        bench.steps.expect(len(files))
        connection = sqlite3.connect(target.path, isolation_level=None)
        try:
            for statement in books.create:
                connection.execute(statement)
            for one in files:
                step = Step(kind=StepKind.MIGRATION, identity=str(one.version), name=one.title, path=one.path)
                bench.steps.begin(step)
                _Run(connection, books, one, step, target.root).run()
                bench.steps.end()
        finally:
            connection.close()
        for line in sql_slips.told(str(self.folder), target.root / self.folder, dialect, files):
            bench.notice(line)
        return books.ledger([one.version for one in files])


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    """One file on its way into the database."""

    connection: sqlite3.Connection
    books: Bookkeeping
    file: SqlFile
    step: Step
    root: Path

    def run(self) -> None:
        try:
            sections = self.file.sections()
        except RefusedError as refusal:
            raise self._failed(str(refusal), refusal.line) from refusal
        self._record(self.books.before)
        for section in sections:
            self._section(section)
        self._record(self.books.after)

    def _section(self, section: Section) -> None:
        if section.transaction:
            self._record(["BEGIN"])
        for statement in section.statements():
            self._execute(statement)
        if not section.transaction and self.connection.in_transaction:
            raise self._failed("the transaction that it begins is still open at its end")
        self._record(self.books.with_section)
        if section.transaction:
            self._record(["COMMIT"])

    def _execute(self, statement: Statement) -> None:
        import sqlite3

        try:
            # Only the first row is computed at once: what a SELECT does besides needs the others.
            for _ in self.connection.execute(statement.text):
                pass
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise self._failed(str(error), statement.line_of(str(error)), statement) from error

    def _record(self, statements: Iterable[str]) -> None:
        import sqlite3

        for statement in statements:
            try:
                self.connection.execute(statement, {"version": self.file.version})
            except sqlite3.Error as error:
                raise self._failed(str(error)) from error

    def _failed(self, reason: str, line: int | None = None, statement: Statement | None = None) -> BuildError:
        at_line = f", line {line}" if line else ""
        if statement is not None and line is None:
            at_line = f", in the statement that starts in line {statement.line}"
        return BuildError(
            what=f"{self.step} failed: {_cut(' '.join(reason.splitlines()), _SHOWN_REASON)} "
            f"({os.path.relpath(self.file.path, self.root)}{at_line})",
            remedy=f"Nothing was published. Correct {self.file.path}{self._hint(reason)}",
            revision=self.step.identity,
            traceback=f'  File "{self.file.path}"{at_line}\n{_shown(statement)}',
        )

    def _hint(self, reason: str) -> str:
        """Say what the tool does about transactions and semicolons, where that is the usual reason."""
        if reason.startswith("cannot ") and "transaction" in reason and self.file.dialect in _UNLESS:
            return f"\n{self.file.dialect} puts a transaction around each file{_UNLESS[self.file.dialect]}."
        if self.file.dialect is Dialect.GOOSE and reason.startswith(("incomplete input", "unrecognized token")):
            return "\nFor goose, a statement with semicolons inside needs StatementBegin and StatementEnd around it."
        return "\nOr let goose itself run them, by the setting 'command'." if "ENVSUB" in reason else ""


def _shown(statement: Statement | None) -> str:
    """Return *statement* indented, with its middle cut out when it is long; empty for none."""
    lines = statement.text.splitlines() if statement is not None else []
    half = _SHOWN_LINES // 2
    if len(lines) > _SHOWN_LINES:
        lines = [*lines[:half], f"[... {len(lines) - 2 * half} lines ...]", *lines[-half:]]
    return "".join(f"    {_cut(line, _SHOWN_COLUMNS)}\n" for line in lines)


def _cut(text: str, length: int) -> str:
    half = length // 2
    return text if len(text) <= length else f"{text[:half]} [...] {text[-half:]}"
