"""Writes projects with an Alembic history, the models that belong to it, and the same tables as Django models."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent

ASPECTS = ("", "_lines", "_events", "_notes", "_files", "_labels", "_prices", "_states", "_links", "_copies")
NOUNS = (
    *("orders", "invoices", "payments", "parcels", "carriers", "products", "suppliers", "stocks", "returns"),
    *("contracts", "projects", "tasks", "meetings", "people", "teams", "sites", "devices", "tickets", "reports"),
)

COLUMNS = (
    'sa.Column("id", sa.Integer, primary_key=True)',
    'sa.Column("reference", sa.String(40), nullable=False)',
    'sa.Column("name", sa.String(200), nullable=False)',
    'sa.Column("status", sa.String(20), nullable=False, server_default="new")',
    'sa.Column("amount", sa.Numeric(12, 2))',
    'sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true())',
    'sa.Column("created_at", sa.DateTime, nullable=False, server_default=sa.func.current_timestamp())',
    'sa.Column("notes", sa.Text)',
)
"""Of every table but the two that the tests use; a reference to the table before it follows."""
SETTINGS = ('sa.Column("key", sa.String(40), primary_key=True)', 'sa.Column("value", sa.String(40), nullable=False)')
ACCOUNTS = (
    'sa.Column("id", sa.Integer, primary_key=True)',
    'sa.Column("email", sa.String(320), nullable=False, unique=True)',
    'sa.Column("name", sa.String(200), nullable=False)',
    'sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true())',
    'sa.Column("created_at", sa.DateTime, nullable=False, server_default=sa.func.current_timestamp())',
)


INDEXES = (("parent_id", False), ("reference", True), ("status", False))
"""What tables have an index on, the first ones first, and whether it is unique."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schema:
    """How large a generated history is."""

    tables: int
    """As many as the history leads to, without Alembic's own."""
    indexes: int
    """As many in all, spread over the tables; each is a page of the file."""
    revisions: int = 0
    """At least as many: revisions that add a column each are appended."""


SCHEMAS = {
    7: Schema(tables=7, indexes=2),
    67: Schema(tables=67, indexes=125),
    190: Schema(tables=190, indexes=370),
}
"""By number of tables; they lead to goldens of 57 kB, 856 kB and 2.4 MB."""


@dataclasses.dataclass(frozen=True)
class Table:
    """One table of a history."""

    name: str
    columns: tuple[str, ...]
    indexes: tuple[tuple[str, bool], ...] = ()
    """The columns that have one, and whether it is unique."""

    @property
    def model(self) -> str:
        """Name of its class."""
        return "".join(word.capitalize() for word in self.name.split("_"))


def tables_of(schema: Schema) -> list[Table]:
    """Return the tables of *schema*, each after those that it refers to."""
    tables = [Table("settings", SETTINGS), Table("accounts", ACCOUNTS)]
    generated = schema.tables - len(tables)
    for number in range(generated):
        name = NOUNS[number % len(NOUNS)] + ASPECTS[number // len(NOUNS)]
        parent = f'sa.Column("parent_id", sa.Integer, sa.ForeignKey("{tables[-1].name}.id"))'
        indexes = schema.indexes // generated + (number < schema.indexes % generated)
        tables.append(Table(name, (*COLUMNS, parent), INDEXES[:indexes]))
    return tables


def write_project(folder: Path, schema: Schema) -> None:
    """Write a project with the models and the Alembic history of *schema* into *folder*, which must not exist."""
    (folder / "shop").mkdir(parents=True)
    places = {"alembic_env.py": "migrations/env.py", "django_app.py": "shop/apps.py"}
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    for source in sorted((HERE / "project").glob("*.*")):
        shutil.copyfile(source, folder / places.get(source.name, source.name))
    tables = tables_of(schema)
    (folder / "models.py").write_text(_models(tables, schema))
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "models.py").write_text(_django_models(tables))
    for number, (title, body) in enumerate(_steps(schema), start=1):
        before = f'"{number - 1:04d}"' if number > 1 else None
        (versions / f"{number:04d}_{title.replace(' ', '_')}.py").write_text(
            f'"""{title}"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
            f'revision, down_revision = "{number:04d}", {before}\n\n\ndef upgrade():\n{body}\n\n'
            "def downgrade():\n    raise NotImplementedError\n"
        )


def _steps(schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield title and body of each revision: the tables, columns added later, the row that every test looks for."""
    tables = tables_of(schema)
    for table in tables:
        columns = "".join(f"        {column},\n" for column in table.columns)
        indexes = "".join(
            f'    op.create_index("ix_{table.name}_{column}", "{table.name}", ["{column}"], unique={unique})\n'
            for column, unique in table.indexes
        )
        yield f"create {table.name}", f'    op.create_table(\n        "{table.name}",\n{columns}    )\n{indexes}'
    for table, column in _added(schema, tables):
        yield f"add {table.name} {column}", f'    op.add_column("{table.name}", sa.Column("{column}", sa.Integer))\n'
    yield "seed settings", "    op.execute(\"insert into settings (key, value) values ('origin', 'golden')\")\n"


def _added(schema: Schema, tables: list[Table]) -> list[tuple[Table, str]]:
    """Return tables and the columns that later revisions add to them, until there are as many revisions as wanted."""
    missing = max(0, schema.revisions - len(tables) - 1)
    return [(tables[2 + number % (len(tables) - 2)], f"detail_{number}") for number in range(missing)]


def _models(tables: list[Table], schema: Schema) -> str:
    lines = [
        '"""The application\'s models."""\n',
        "import sqlalchemy as sa",
        "from sqlalchemy.orm import DeclarativeBase\n\n",
        "class Base(DeclarativeBase):",
        "    pass\n",
    ]
    for table in tables:
        lines += [f"\nclass {table.model}(Base):", f'    __table__ = sa.Table("{table.name}", Base.metadata,']
        lines += [f"        {column}," for column in table.columns]
        lines += [f'        sa.Column("{name}", sa.Integer),' for at, name in _added(schema, tables) if at is table]
        for column, unique in table.indexes:
            lines.append(f'        sa.Index("ix_{table.name}_{column}", "{column}", unique={unique}),')
        lines.append("    )\n")
    lines += [
        "",
        '@sa.event.listens_for(Settings.__table__, "after_create")',
        "def seed(_table, connection, **_options):",
        '    """What the last revision does, for those who create their tables from the models."""',
        '    connection.execute(sa.insert(Settings), [{"key": "origin", "value": "golden"}])',
    ]
    return "\n".join(lines) + "\n"


def _django_models(tables: list[Table]) -> str:
    """Return the same tables for Django: as many columns, indexes and references."""
    lines = [
        "from django.db import models\n",
        "\nclass Settings(models.Model):",
        "    key = models.CharField(max_length=40, primary_key=True)",
        "    value = models.CharField(max_length=40)\n",
        "\nclass Accounts(models.Model):",
        "    email = models.CharField(max_length=320, unique=True)",
        "    name = models.CharField(max_length=200)",
        "    is_active = models.BooleanField(default=True)",
        "    created_at = models.DateTimeField(auto_now_add=True)\n",
    ]
    for before, table in itertools.pairwise(tables[1:]):
        parent, reference, status = (index in table.indexes for index in INDEXES)
        lines += [
            f"\nclass {table.model}(models.Model):",
            f"    reference = models.CharField(max_length=40, unique={reference})",
            "    name = models.CharField(max_length=200)",
            f'    status = models.CharField(max_length=20, default="new", db_index={status})',
            "    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)",
            "    is_active = models.BooleanField(default=True)",
            "    created_at = models.DateTimeField(auto_now_add=True)",
            "    notes = models.TextField(null=True)",
            f"    parent = models.ForeignKey({before.model}, models.CASCADE, null=True, db_index={parent})\n",
        ]
    return "\n".join(lines)
