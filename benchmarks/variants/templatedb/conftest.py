"""templatedb as it comes: alembic.ini is found, tests ask for clone_session."""
