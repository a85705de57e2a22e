"""What the queue has done for the first time, so that the checklist of a new server knows what works.

A row is written once and stays. SQL for the table milestone of `queue/index.db` is only here.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from app.store.queuerecords import Ending, Finished

_REACHED = "reached"
_DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestones:
    """When it was; None when it was not yet."""

    reached: float | None  # another server answered
    delivered: float | None  # another server took a message


def note(db: sqlite3.Connection, result: Finished) -> None:
    """Remember what an attempt was the first to do; one that stayed on this machine has no address of a server."""
    done = result.attempt
    if not done.ip:
        return
    if done.code:
        _note(db, _REACHED, done.started)
    if result.ending is Ending.DELIVERED:
        _note(db, _DELIVERED, done.started)


def _note(db: sqlite3.Connection, name: str, time: float) -> None:
    db.execute("INSERT OR IGNORE INTO milestone (name, time) VALUES (?, ?)", (name, time))


def milestones(db: sqlite3.Connection) -> Milestones:
    """What is known."""
    found = dict(db.execute("SELECT name, time FROM milestone").fetchall())
    return Milestones(reached=found.get(_REACHED), delivered=found.get(_DELIVERED))
