"""Each item has a unit. A migration that imports nothing: yoyo puts ``step`` into its module."""

__depends__ = {"0002.movements"}

step(  # noqa: F821
    "alter table item add column unit text not null default 'kg'",
    "alter table item drop column unit",
)
