"""Where readings come from."""

from sqlalchemy.orm import Mapped, mapped_column

from weather.base import Base


class Station(Base):
    __tablename__ = "station"

    name: Mapped[str] = mapped_column(primary_key=True)
    altitude: Mapped[int]
