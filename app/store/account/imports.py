"""Mail that is taken from other servers: which servers, and how far each of their folders was taken.

A place is noted in the transaction that adds the messages, so none is taken twice and none is left out, whatever ends
an import. Places belong to a uidvalidity of the folder; under another one the same uids are other messages. Gmail
shows a message in several folders, so there its numbers are noted as well. A password is never kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.store.account.handle import Tx

MAX_SOURCES: Final = 20
MAX_WORDS: Final = 1000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mail is taken from, and how."""

    host: str
    port: int
    user: str
    security: str
    is_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A server that mail was taken from, with what became of the latest import; times are seconds since 1970."""

    id: int
    server: Server
    began: int
    ended: int | None  # None: under way, or the process ended meanwhile
    taken: int  # messages, by all imports
    words: str


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a folder was taken.

    After a change of uidvalidity, messages up to `compared_to` may be there from before, and are compared. Those that
    the server `refused` to give are asked for again the next time.
    """

    uidvalidity: int
    last_uid: int
    compared_to: int = 0
    refused: tuple[int, ...] = ()  # uids


def begin(tx: Tx, server: Server) -> int:
    """Note that an import begins; the number of its source."""
    sql = """INSERT INTO import_source (host, user, port, security, is_verified, began) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (host, user) DO UPDATE SET port = excluded.port, security = excluded.security,
        is_verified = excluded.is_verified, began = excluded.began, ended = NULL, words = '' RETURNING id"""
    values = (server.host, server.user, server.port, server.security, server.is_verified, tx.now())
    (number,) = tx.db.execute(sql, values).fetchone()
    _forget_oldest(tx)
    return int(number)


def _forget_oldest(tx: Tx) -> None:
    rows = tx.db.execute("SELECT id FROM import_source ORDER BY began DESC, id DESC LIMIT -1 OFFSET ?", (MAX_SOURCES,))
    for (number,) in rows.fetchall():
        forget(tx, number)


def forget(tx: Tx, source_id: int) -> None:
    """Forget a source; another import from it takes everything once more."""
    tx.db.execute("DELETE FROM import_folder WHERE source_id = ?", (source_id,))
    tx.db.execute("DELETE FROM import_message WHERE source_id = ?", (source_id,))
    tx.db.execute("DELETE FROM import_source WHERE id = ?", (source_id,))


def end(tx: Tx, source_id: int, words: str) -> None:
    """Note that an import is over, and what became of it."""
    tx.db.execute(
        "UPDATE import_source SET ended = ?, words = ? WHERE id = ?", (tx.now(), words[:MAX_WORDS], source_id)
    )


def sources(db: sqlite3.Connection) -> list[Source]:
    """All of them, the latest first."""
    sql = """SELECT id, began, ended, taken, words, host, port, user, security, is_verified FROM import_source
        ORDER BY began DESC, id DESC"""
    return [
        Source(
            id=number,
            began=began,
            ended=ended,
            taken=taken,
            words=words,
            server=Server(host=host, port=port, user=user, security=security, is_verified=bool(is_verified)),
        )
        for number, began, ended, taken, words, host, port, user, security, is_verified in db.execute(sql)
    ]


def reached(db: sqlite3.Connection, source_id: int, folder: bytes) -> Reached | None:
    """How far a folder was taken; None when nothing was."""
    sql = "SELECT uidvalidity, last_uid, compared_to, refused FROM import_folder WHERE source_id = ? AND folder = ?"
    row = db.execute(sql, (source_id, folder)).fetchone()
    if row is None:
        return None
    uidvalidity, last_uid, compared_to, refused = row
    return Reached(uidvalidity, last_uid, compared_to, tuple(map(int, refused.split())))


def note(tx: Tx, source_id: int, folder: bytes, place: Reached, taken: int) -> None:
    """Note how far a folder was taken, by `taken` messages more."""
    tx.db.execute(
        """INSERT OR REPLACE INTO import_folder (source_id, folder, uidvalidity, last_uid, compared_to, refused)
        VALUES (?, ?, ?, ?, ?, ?)""",
        (source_id, folder, place.uidvalidity, place.last_uid, place.compared_to, " ".join(map(str, place.refused))),
    )
    tx.db.execute("UPDATE import_source SET taken = taken + ? WHERE id = ?", (taken, source_id))


def note_numbers(tx: Tx, source_id: int, numbers: Iterable[int]) -> None:
    """Note messages by the numbers that Gmail has for them."""
    rows = ((source_id, _signed(number)) for number in numbers)
    tx.db.executemany("INSERT OR IGNORE INTO import_message (source_id, number) VALUES (?, ?)", rows)


def known_numbers(db: sqlite3.Connection, source_id: int, numbers: Sequence[int]) -> set[int]:
    """Those of the numbers that were noted."""
    sql = "SELECT 1 FROM import_message WHERE source_id = ? AND number = ?"
    return {number for number in numbers if db.execute(sql, (source_id, _signed(number))).fetchone() is not None}


def _signed(number: int) -> int:
    """Gmail's numbers have 64 bits, SQLite's a sign."""
    return number - (1 << 64) if number >= 1 << 63 else number
