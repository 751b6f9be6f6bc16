"""Tests with two databases of the same golden, side by side."""

from collections.abc import Callable

from templatedb import Clone

from club import replicate

INSERT = "insert into account (email, active) values (?, true)"


def test_a_replica_catches_up(clone_factory: Callable[[], Clone]) -> None:
    with clone_factory() as main, clone_factory() as replica:
        source, target = main.connect(), replica.connect()
        for emails in (["ada@example.org", "bob@example.org"], ["cleo@example.org"], []):
            with source:
                source.executemany(INSERT, [[email] for email in emails])
            assert replicate(source, target) == len(emails)
            assert replica.dump() == main.dump()


def test_replication_only_reads_the_source(clone_factory: Callable[[], Clone]) -> None:
    with clone_factory() as main, clone_factory() as replica:
        with main.connect() as source:
            source.execute(INSERT, ["ada@example.org"])
        before = main.dump()
        replicate(main.connect(), replica.connect())
        assert main.dump() == replica.dump() == before
