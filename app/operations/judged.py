"""Mail that came in, and why it is where it is, for the person whose mail it is; and taking back what was refused.

The words were written when the verdict was made. Texts of the message come from strangers, and are text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.operations.arrivals import field_text
from app.store.account import flags, mailboxes, messages, provenance
from app.store.account.flags import FlagChange, Mode
from app.store.account.handle import Tx
from app.store.account.provenance import Came
from app.wire.imap.flags import JUNK, NOTJUNK
from app.wire.imap.mailboxname import INBOX

MAX_SHOWN: Final = 100
_TAKEN: Final = "Delivered"
_VERDICTS: Final = ("Refused", _TAKEN)  # how the line with the verdict begins


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMessage:
    """A message with the words about it."""

    id: int
    sender: str
    to: str
    subject: str
    received: int  # seconds since 1970
    mailbox: str
    destined: str  # where it was meant to go
    is_reject: bool  # refused, or kept apart as if it were
    reason: str
    trace: Sequence[str]
    is_junk: bool  # as its holder said
    is_wanted: bool

    @property
    def conclusion(self) -> str:
        """What was done with it, and why."""
        at = self._end
        return self.trace[at] if at is not None else self.reason

    @property
    def checks(self) -> Sequence[str]:
        """What was found out before."""
        return self.trace[: self._end]

    @property
    def remedy(self) -> str:
        """What would have changed the verdict; "" when there is nothing to say."""
        at = self._end
        return " ".join(self.trace[at + 1 :]) if at is not None else ""

    @property
    def _end(self) -> int | None:
        """The line of the trace with the verdict; None when it was too long to be kept."""
        ends = [at for at, line in enumerate(self.trace) if line.startswith(_VERDICTS)]
        return ends[-1] if ends else None

    @property
    def is_refused(self) -> bool:
        """Whether its sender was told so; else it was taken, if only to be kept apart."""
        return self.is_reject and not self.conclusion.startswith(_TAKEN)

    @property
    def can_be_junk(self) -> bool:
        """Whether its holder may say that it is junk: it was let in, and nobody has said so yet."""
        return not self.is_reject and not self.is_junk

    @property
    def can_be_taken(self) -> bool:
        """Whether it still lies where refused mail is kept."""
        return self.is_reject and self.mailbox != self.destined and not self.is_wanted


def newest(*, only_refused: bool = False) -> Callable[[sqlite3.Connection], list[JudgedMessage]]:
    """What to run with `account.read`: the messages that came last."""
    return lambda db: list(map(_judged, provenance.newest_came(db, MAX_SHOWN, only_rejects=only_refused)))


def find(number: int) -> Callable[[sqlite3.Connection], JudgedMessage | None]:
    """What to run with `account.read`: one message; None when it is gone."""

    def read(db: sqlite3.Connection) -> JudgedMessage | None:
        came = provenance.find_came(db, number)
        return _judged(came) if came is not None else None

    return read


def take_back(tx: Tx, number: int) -> str | None:
    """Move a refused message to where it was meant to go and mark it as wanted; the mailbox, None when it is gone.

    Mail of its sender is then let in: this is what teaches the server.
    """
    came = provenance.find_came(tx.db, number)
    if came is None or not came.told.is_reject:
        return None
    target = mailboxes.ensure(tx, came.destined or INBOX)
    moved = messages.move(tx, came.mailbox_id, [came.uid], target.id)
    _mark(tx, target.id, moved.target_uids, NOTJUNK)
    return target.name


def call_junk(tx: Tx, number: int) -> str | None:
    """Move a message to the mailbox for junk and mark it so, which the filter learns from; the mailbox, None when it is
    gone."""
    came = provenance.find_came(tx.db, number)
    if came is None:
        return None
    target = mailboxes.for_use(tx, "\\Junk", "Junk")
    uids = [came.uid]
    if came.mailbox_id != target.id:
        uids = list(messages.move(tx, came.mailbox_id, uids, target.id).target_uids)
    _mark(tx, target.id, uids, JUNK)
    return target.name


def _mark(tx: Tx, mailbox_id: int, uids: Sequence[int], flag: int) -> None:
    for mode, bits in ((Mode.REMOVE, (JUNK | NOTJUNK) & ~flag), (Mode.ADD, flag)):
        flags.store(tx, mailbox_id, uids, FlagChange(mode=mode, flags=bits))


def _judged(came: Came) -> JudgedMessage:
    return JudgedMessage(
        id=came.content_id,
        sender=field_text(came.list_fields, "From"),
        to=field_text(came.list_fields, "To"),
        subject=field_text(came.list_fields, "Subject"),
        received=came.received,
        mailbox=came.mailbox,
        destined=came.destined,
        is_reject=came.told.is_reject,
        reason=came.told.reason,
        trace=tuple(came.told.trace.splitlines()),
        is_junk=bool(came.flags & JUNK),
        is_wanted=bool(came.flags & NOTJUNK),
    )
