"""All models: whoever imports this module has every table in ``Base.metadata``."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from weather.base import Base
from weather.stations import Station

__all__ = ["Base", "Reading", "Station"]


class Reading(Base):
    __tablename__ = "reading"
    __table_args__ = (CheckConstraint("celsius > -273.15", name="possible"),)

    station_name: Mapped[str] = mapped_column(ForeignKey("station.name"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    celsius: Mapped[float]
