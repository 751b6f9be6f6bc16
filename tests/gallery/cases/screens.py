"""What is shown while all is well, and when a test fails."""

from __future__ import annotations

import shutil
from pathlib import Path

from gallery.case import Group, Said, case, scenario
from gallery.page import between
from gallery.shops import ENV, ORDERS, age, alembic_shop, date_uses, keep, migration, ready_shop
from gallery.world import World
from templatedb import load
from templatedb.uses import Use

_S = Group.SCREENS
_TESTS = """
from sqlalchemy import text

ADD = text("insert into users (email) values (:email)")


def test_a_user_is_added(clone_session):
    clone_session.execute(ADD, {"email": "bob@example.org"})
    clone_session.commit()


def test_an_order_is_added(clone_session):
    clone_session.execute(text("insert into orders (user_id, total) values (1, 30)"))
    clone_session.commit()


def test_there_is_one_user(clone_session):
    assert clone_session.scalar(text("select count(*) from users")) == 1
"""
_FAILING = """
from sqlalchemy import text


def test_a_price_is_raised(clone_session):
    clone_session.execute(text("insert into orders (user_id, total) values (1, 30), (1, 50)"))
    clone_session.execute(text("update users set email = 'ada@example.com'"))
    clone_session.commit()
    clone_session.execute(text("update orders set total = total + 1"))
    total = clone_session.scalar(text("select sum(total) from orders"))
    assert total == 80
"""
_PRICES = 'op.create_table("prices", sa.Column("id", sa.Integer, primary_key=True), sa.Column("amount", sa.Integer))'
_THIRD = "migrations/versions/0003_add_prices.py"


def _pytest(world: World, *words: str) -> Said:
    return world.said(world.pytest(*words), " ".join(["pytest", *words]))


def _command(world: World, *words: str) -> Said:
    _, out, err = world.run(*words)
    return world.said(err + out, " ".join(["templatedb", *words]))


@case(_S, "pytest on an empty cache")
def pytest_cold(world: World) -> Said:
    alembic_shop(world)
    world.write("tests/test_shop.py", _TESTS)
    return _pytest(world)


@case(_S, "pytest when the golden is there")
def pytest_warm(world: World) -> Said:
    ready_shop(world)
    world.write("tests/test_shop.py", _TESTS)
    return _pytest(world)


@case(_S, "pytest after a migration was edited")
def pytest_edited(world: World) -> Said:
    ready_shop(world)
    world.write("migrations/versions/0002_create_orders.py", migration(2, "create orders", f"{ORDERS}\npass"))
    world.write("tests/test_shop.py", _TESTS)
    return _pytest(world, "-q")


@case(_S, "a failed test, with what it changed")
def pytest_failure(world: World) -> Said:
    ready_shop(world)
    world.write("tests/test_shop.py", _FAILING)
    said = _pytest(world)
    return said._replace(text=between(said.text, "= FAILURES =", "= short test summary"))


@case(_S, "the same with all rows, afterwards")
def diff(world: World) -> Said:
    ready_shop(world)
    world.write("tests/test_shop.py", _FAILING)
    world.pytest("-q")
    return _command(world, "diff")


@case(_S, "the same where several tests have failed")
def diff_several(world: World) -> Said:
    ready_shop(world)
    others = "".join(f"\n\ndef test_{name}(clone):\n    assert False\n" for name in ("a_shop_opens", "a_shop_closes"))
    world.write("tests/test_shop.py", others + _FAILING)
    world.pytest("-q")
    return _command(world, "diff")


@case(_S, "building the golden")
def build(world: World) -> Said:
    alembic_shop(world)
    return _command(world, "build")


@case(_S, "the golden is there")
def build_hit(world: World) -> Said:
    ready_shop(world)
    return _command(world, "build")


@case(_S, "the key")
def key(world: World) -> Said:
    alembic_shop(world)
    return _command(world, "key")


@case(_S, "the path of the golden")
def path(world: World) -> Said:
    ready_shop(world)
    return _command(world, "path")


@case(_S, "a writable copy")
def clone(world: World) -> Said:
    ready_shop(world)
    return _command(world, "clone", "dev.sqlite")


def _lived(world: World) -> None:
    """Make a cache that has been in use for a while: goldens of two states of the shop, and one of another project."""
    third = migration(3, "add prices", _PRICES)
    blog = world.shop.parent / "blog"
    with_prices, of_blog = _goldens()
    golden = ready_shop(world)
    shutil.copytree(with_prices, world.cache, dirs_exist_ok=True)
    shutil.copytree(of_blog, world.cache, dirs_exist_ok=True)
    world.write(_THIRD, third)
    age(world, load().key(), days=41, used_days=40)
    (world.shop / _THIRD).unlink()
    _blog(blog)
    age(world, load(blog).key(), days=12, used_days=3, project=blog)
    for number in range(12):
        use = Use(golden, load().key(), is_hit=True)
        use.clones, use.saved_s = 9, 9 * 1.98
        use.note(f"run {number}")
    date_uses(golden)


def _blog(folder: Path) -> None:
    """Write another project."""
    folder.mkdir(exist_ok=True)
    (folder / "templatedb.toml").write_text('sql = "sql"\n')
    (folder / "sql").mkdir(exist_ok=True)
    (folder / "sql/0001_posts.sql").write_text("create table posts (id integer primary key, title text);\n")


@scenario
def _goldens(world: World) -> tuple[Path, Path]:
    """Return two caches: with the golden of the shop that has prices, and with that of another project."""
    alembic_shop(world)
    world.write(_THIRD, migration(3, "add prices", _PRICES))
    load().golden().close()
    with_prices = keep(world.cache)
    shutil.rmtree(world.cache)
    blog = world.shop.parent / "blog"
    _blog(blog)
    load(blog).golden().close()
    return with_prices, keep(world.cache)


@case(_S, "what is in the cache")
def status(world: World) -> Said:
    _lived(world)
    return _command(world, "status")


@case(_S, "what would be pruned")
def prune_dry_run(world: World) -> Said:
    _lived(world)
    return _command(world, "prune", "--dry-run")


@case(_S, "why there is a golden")
def explain_hit(world: World) -> Said:
    ready_shop(world)
    return _command(world, "explain")


@case(_S, "why there is no golden any more")
def explain_miss(world: World) -> Said:
    ready_shop(world)
    world.write("migrations/versions/0002_create_orders.py", migration(2, "create orders", f"{ORDERS}\npass"))
    world.write(_THIRD, migration(3, "add prices", _PRICES))
    return _command(world, "explain")


@case(_S, "all that the key is made of")
def explain_all(world: World) -> Said:
    ready_shop(world)
    return _command(world, "explain", "--all")


@case(_S, "migrations that store the time, beside models that they do not need")
def verify(world: World) -> Said:
    alembic_shop(world, env=f"import shop.models\n{ENV}")
    world.write("shop/models.py", "TABLES = 3\n")
    clock = (
        'op.create_table("prices", sa.Column("id", sa.Integer, primary_key=True), sa.Column("since", sa.Text))\n'
        "op.execute(\"insert into prices (since) values (strftime('%Y-%m-%d %H:%M:%f'))\")"
    )
    world.write(_THIRD, migration(3, "add prices", clock))
    return _command(world, "verify")
