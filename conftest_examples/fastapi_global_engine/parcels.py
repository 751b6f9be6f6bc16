"""Parcels that are accepted at a counter; their labels are printed in the background."""

import os
import threading

from fastapi import BackgroundTasks, FastAPI, HTTPException
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///parcels.db"))
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Parcel(Base):
    __tablename__ = "parcel"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str]
    label: Mapped[str | None]


@app.post("/parcels", status_code=202)
def accept(address: str, background: BackgroundTasks) -> dict[str, int]:
    """Store a parcel; its label follows when the answer is out, in a thread with the same engine."""
    with Session(engine) as session:
        parcel = Parcel(address=address)
        session.add(parcel)
        session.commit()
        background.add_task(print_label, parcel.id)
        return {"id": parcel.id}


def print_label(parcel_id: int) -> None:
    with Session(engine) as session:
        parcel = session.scalars(select(Parcel).where(Parcel.id == parcel_id)).one()
        parcel.label = f"{parcel.id}: {parcel.address}, printed by {threading.current_thread().name}"
        session.commit()


@app.get("/parcels/{parcel_id}")
def look_up(parcel_id: int) -> dict[str, str | None]:
    """Return where a parcel goes, and its label."""
    with Session(engine) as session:
        parcel = session.get(Parcel, parcel_id)
        if parcel is None:
            raise HTTPException(404)
        return {"address": parcel.address, "label": parcel.label}


@app.get("/parcels")
def addresses() -> list[str]:
    """Return all addresses, in the order of acceptance."""
    with Session(engine) as session:
        return list(session.scalars(select(Parcel.address).order_by(Parcel.id)))
