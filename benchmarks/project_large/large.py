"""A database of BYTES, made of two tables that tests use and one that only takes room."""

import sqlite3

BYTES = 50_000
BLOB = 3_500


def migrate(path):
    connection = sqlite3.connect(path)
    connection.execute("pragma synchronous=off")
    connection.execute("create table settings (key text primary key, value text not null)")
    connection.execute("create table accounts (id integer primary key, email text not null unique, name text)")
    connection.execute("create table filler (id integer primary key, body blob)")
    connection.execute("insert into settings values ('origin', 'golden')")
    rows = max(1, (BYTES - 24_576) // 4096)
    connection.execute(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)"
        " insert into filler (body) select randomblob(?) from n",
        (rows, BLOB),
    )
    connection.commit()
    connection.close()
