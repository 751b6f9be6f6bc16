"""What people ask about the weather."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from weather.models import Reading, Station


def record(session: Session, reading: Reading) -> None:
    """Store a reading and commit; a second one for the same day replaces the first."""
    session.merge(reading)
    session.commit()


def warmest(session: Session, above: int = 0) -> dict[str, float]:
    """Return the highest temperature of each station that is higher up than *above* metres."""
    query = select(Reading.station_name, func.max(Reading.celsius)).join(Station)
    rows = session.execute(query.where(Station.altitude > above).group_by(Reading.station_name))
    return dict(rows.all())
