"""An application with a global engine, for plugins that bind its sessionmaker to a test database."""

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///app.sqlite")
SessionLocal = sessionmaker(engine)
