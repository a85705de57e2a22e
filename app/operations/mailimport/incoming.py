"""A message that an import has read, and what became of a batch of them."""

from __future__ import annotations

from dataclasses import dataclass

from app.store.spool import Body
from app.wire.imap.flags import NO_FLAGS, FlagSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message for a mailbox. Who takes it discards its body afterwards."""

    mailbox: str
    body: Body
    flags: FlagSet = NO_FLAGS
    internaldate: int | None = None  # seconds since 1970; None: when it says that it was sent, else now
    origin: str = ""  # where it was found, for a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a batch; `problems` are sentences without their end."""

    added: int = 0
    added_bytes: int = 0
    present: int = 0  # were there already
    mended: int = 0  # were there, damaged, and are whole again
    problems: tuple[str, ...] = ()
