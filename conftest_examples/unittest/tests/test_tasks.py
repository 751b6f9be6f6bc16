import unittest
from pathlib import Path

import templatedb
from sqlalchemy import create_engine
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from tasks import add, finish, still_to_do

PROJECT = Path(__file__).parents[1]
golden: templatedb.Golden


def setUpModule() -> None:
    global golden
    golden = unittest.enterModuleContext(templatedb.load(PROJECT).golden())


class DatabaseTestCase(unittest.TestCase):
    """Gives each test a session on a database of its own."""

    def setUp(self) -> None:
        clone = self.enterContext(golden.clone())
        engine = create_engine(clone.url)
        self.addCleanup(engine.dispose)
        self.session = self.enterContext(Session(engine))


class Tasks(DatabaseTestCase):
    def test_a_new_task_is_to_do(self) -> None:
        add(self.session, "write", "read")
        self.assertEqual(still_to_do(self.session), ["write", "read"])

    def test_a_finished_task_is_not(self) -> None:
        add(self.session, "write", "read")
        finish(self.session, "write")
        self.assertEqual(still_to_do(self.session), ["read"])

    def test_a_task_that_is_not_there_cannot_be_finished(self) -> None:
        with self.assertRaises(NoResultFound):
            finish(self.session, "write")
