"""Play with the application on a database that is gone afterwards."""

from pathlib import Path

import templatedb
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tasks import add, finish, still_to_do

with templatedb.load(Path(__file__).parent).golden() as golden, golden.clone("memory") as clone:
    engine = create_engine(clone.url)
    with Session(engine) as session:
        add(session, "write", "read")
        finish(session, "write")
        print(f"golden {golden.key.short} {golden.outcome}; still to do:", *still_to_do(session))
    engine.dispose()
