from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from weather.models import Reading, Station
from weather.reports import record, warmest

MAY_DAY = date(2026, 5, 1)


@pytest.fixture(autouse=True)
def stations(clone_session: Session) -> None:
    clone_session.add_all([Station(name="Harbour", altitude=3), Station(name="Summit", altitude=2962)])
    clone_session.commit()


def test_the_warmest_reading_of_each_station_is_reported(clone_session: Session) -> None:
    for days, celsius in enumerate([11.5, 17.0, 14.5]):
        day = MAY_DAY + timedelta(days)
        record(clone_session, Reading(station_name="Harbour", day=day, celsius=celsius))
    record(clone_session, Reading(station_name="Summit", day=MAY_DAY, celsius=-4.0))
    assert warmest(clone_session) == {"Harbour": 17.0, "Summit": -4.0}
    assert warmest(clone_session, above=1000) == {"Summit": -4.0}


def test_a_corrected_reading_replaces_the_first(clone_session: Session) -> None:
    for celsius in (71.0, 17.0):
        record(clone_session, Reading(station_name="Harbour", day=MAY_DAY, celsius=celsius))
    assert warmest(clone_session) == {"Harbour": 17.0}


def test_a_reading_below_absolute_zero_is_refused(clone_session: Session) -> None:
    """The check of the model is in the database, under the name of the convention."""
    with pytest.raises(IntegrityError, match="ck_reading_possible"):
        record(clone_session, Reading(station_name="Harbour", day=MAY_DAY, celsius=-300.0))
    clone_session.rollback()
    assert clone_session.scalar(select(func.count()).select_from(Reading)) == 0
