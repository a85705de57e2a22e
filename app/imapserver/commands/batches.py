"""UIDBATCHES: ranges of uids that hold equally many messages, so that a client can ask for a part (RFC 10022).

The ranges leave no uid out: each begins below the one before, and the oldest reaches down to 1. Nothing is searched, as
the uids of the mailbox are in memory, so only the length of the answer is bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.imapserver import updates
from app.imapserver.commands.messageset import selected_of
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.wire.imap import response
from app.wire.imap.parse.batches import UidbatchesCommand
from app.wire.imap.respond.batches import uidbatches_response

MIN_SIZE: Final = 500  # messages of a batch; smaller ones would only be more commands (RFC 10022 §3.1.4)
MAX_BATCHES: Final = 2000  # in one answer; a million messages in the smallest batches


def uidbatches(session: Session, command: UidbatchesCommand) -> None:
    """Tell what is new, then the ranges."""
    if command.last is not None and command.last < command.first:
        session.bad(command.tag, "the batches are counted upwards", response.CLIENTBUG)
        return
    if command.size < MIN_SIZE:
        raise CommandFailed(f"a batch has {MIN_SIZE} messages at least", response.TOOFEW)
    updates.write(session, may_expunge=True)
    if session.selected is None:  # the mailbox is gone, and that was all there was to tell
        return
    spans = _cut(selected_of(session).uids, command)
    if len(spans) > MAX_BATCHES:
        raise CommandFailed(f"that would be {len(spans)} batches, ask for {MAX_BATCHES} at most", response.TOOMANY)
    session.write(uidbatches_response(command.tag, spans))
    session.ok(command.tag, "done")


def _cut(uids: Sequence[int], command: UidbatchesCommand) -> list[range]:
    """The wanted batches, newest first."""
    count = -(-len(uids) // command.size)
    last = count if command.last is None else min(command.last, count)
    # Where a batch begins, counted in messages; what is below the oldest message belongs to the last batch.
    starts = [max(len(uids) - number * command.size, 0) for number in range(command.first - 1, last + 1)]
    lows = [uids[start] if start else 1 for start in starts[1:]]
    highs = [uids[-1] if command.first == 1 else uids[starts[0]] - 1, *(low - 1 for low in lows)] if lows else []
    return [range(low, high + 1) for low, high in zip(lows, highs, strict=False)]
