"""SQL files that do not run, or that their own tool would refuse."""

from __future__ import annotations

from gallery.case import Group, Said, case
from gallery.shops import sql_shop
from gallery.world import World
from templatedb import SqlFolder
from templatedb.migrators.bench import Bench, Target, Way
from templatedb.migrators.revisions import Revisions
from templatedb.steps import Steps

_I = Group.INPUTS
_DOWN = "-- migrate:down\n"


def _refused(world: World, text: str) -> Said:
    """Run one file as a build does, but in this process: what the migrator raises is what a build tells."""
    sql_shop(world, _0001_users=text)
    target = Target(path=world.tmp / "build.sqlite", root=world.shop, import_folders=(), way=Way.PLAIN)
    steps = Steps()
    bench = Bench(
        steps=steps,
        revisions=Revisions(steps),
        replaces=lambda url: None,
        covers=lambda path: None,
        notice=lambda line: None,
        home={},
    )
    return world.error(lambda: SqlFolder("db/migrations").migrate(target, bench))


@case(_I, "a statement fails")
def sql_fails(world: World) -> Said:
    return _refused(world, "create table users (id integer);\n\ninsert into user values (1);\n")


@case(_I, "a statement of several lines fails, where SQLite names a word of it")
def sql_fails_at_a_word(world: World) -> Said:
    return _refused(world, "create table users (\n  id integer,\n  email text not nul,\n  name text\n);\n")


@case(_I, "a statement of several lines fails, where SQLite names nothing of it")
def sql_fails_somewhere(world: World) -> Said:
    return _refused(world, "create table users (id integer);\n\ninsert into user\n  values (1);\n")


@case(_I, "a file leaves its transaction open")
def sql_open_transaction(world: World) -> Said:
    return _refused(world, "begin;\ncreate table users (id integer);\n")


@case(_I, "a file of goose begins a transaction of its own")
def sql_nested_transaction(world: World) -> Said:
    return _refused(world, "-- +goose Up\nbegin;\ncreate table users (id integer);\ncommit;\n")


@case(_I, "a trigger of goose is cut at its first semicolon")
def goose_trigger(world: World) -> Said:
    trigger = "create trigger t after insert on users begin\n  delete from users;\nend;\n"
    return _refused(world, f"-- +goose Up\ncreate table users (id integer);\n{trigger}")


@case(_I, "dbmate finds no way forward")
def dbmate_without_up(world: World) -> Said:
    return _refused(world, _DOWN)


@case(_I, "dbmate finds a statement before its mark")
def dbmate_too_early(world: World) -> Said:
    return _refused(world, f"create table users (id integer);\n-- migrate:up\n{_DOWN}")


@case(_I, "dbmate finds no way back")
def dbmate_without_down(world: World) -> Said:
    return _refused(world, "-- migrate:up\ncreate table users (id integer);\n")


@case(_I, "dbmate finds two ways back")
def dbmate_two_downs(world: World) -> Said:
    return _refused(world, f"-- migrate:up\n{_DOWN}{_DOWN}")


@case(_I, "goose finds no way forward")
def goose_without_up(world: World) -> Said:
    return _refused(world, "-- +goose NO TRANSACTION\n")


@case(_I, "goose finds a block without its end")
def goose_open_block(world: World) -> Said:
    return _refused(world, "-- +goose Up\n-- +goose StatementBegin\nselect 1;\n")


@case(_I, "goose finds a statement before its mark")
def goose_too_early(world: World) -> Said:
    return _refused(world, "create table users (id integer);\n-- +goose Up\n")


@case(_I, "goose would pass over a line")
def goose_empty_block(world: World) -> Said:
    return _refused(world, "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\nselect 1;\n")


@case(_I, "goose finds a statement without its semicolon")
def goose_without_semicolon(world: World) -> Said:
    return _refused(world, "-- +goose Up\ncreate table users (id integer)\n")


@case(_I, "goose finds an annotation that it does not know")
def goose_unknown(world: World) -> Said:
    return _refused(world, "-- +goose Upp\n")


@case(_I, "goose finds two ways forward")
def goose_two_ups(world: World) -> Said:
    return _refused(world, "-- +goose Up\nselect 1;\n-- +goose Up\n")


@case(_I, "goose finds a way back too early")
def goose_down_too_early(world: World) -> Said:
    return _refused(world, "-- +goose Up\n-- +goose StatementBegin\n-- +goose Down\n")


@case(_I, "goose finds the end of a block that did not begin")
def goose_end_too_early(world: World) -> Said:
    return _refused(world, "-- +goose Up\nselect 1;\n-- +goose StatementEnd\n")


@case(_I, "a file of goose asks for environment variables")
def goose_variables(world: World) -> Said:
    return _refused(world, "-- +goose Up\n-- +goose ENVSUB ON\nselect '$NAME';\n")
