"""Tell a client what happened while it was away: QRESYNC (RFC 7162 §3.2.5, §3.2.6).

Removals first, as VANISHED (EARLIER), then the flags that changed, so that a client never counts messages that are
gone. Removals come from tombstones. When those that the client asks about were forgotten, every uid that is not there
counts as removed, which the client's list of what it knew (known uids, or uids by sequence number) keeps short. A
message that the client's view still has is no earlier removal: it is told at the end of the command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.imapserver import updates
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.store.account.expunge import removed_since
from app.wire.imap.parse.select import Resync, SequenceMatch
from app.wire.imap.respond.sync import vanished
from app.wire.imap.sequence import SequenceSet, count_in, gaps, intersect, spans
from app.wire.imap.tokens import MAX_NUMBER

MAX_MATCHES = 10_000  # pairs of sequence number and uid that are looked at; they only shorten the answer


async def tell_changes(session: Session, selected: Selected, known: Resync) -> None:
    """Answer the QRESYNC parameter of SELECT, whose uidvalidity is right."""
    index = selected.index
    changed = [uid for uid, modseq in zip(index.uids, index.modseqs, strict=True) if modseq > known.modseq]
    if known.known_uids is not None:
        changed = known.known_uids.select_uids(changed)
    removed = await _removed(selected, known.modseq)
    if removed is None:
        first = _last_match(selected.uids, known.match) + 1 if known.match else 1
        removed = intersect(_absent(selected), [range(first, MAX_NUMBER + 1)])
    if known.known_uids is not None:
        removed = intersect(removed, known.known_uids.numbers(MAX_NUMBER))
    session.write(vanished(removed, is_earlier=True))
    for start in range(0, len(changed), updates.LINES_AT_ONCE):
        if start:
            await session.connection.drain()
            await asyncio.sleep(0)  # other connections first
        session.write(updates.flag_lines(session, selected, changed[start : start + updates.LINES_AT_ONCE]))


async def tell_removed(session: Session, selected: Selected, uids: SequenceSet, since: int) -> None:
    """Answer VANISHED of UID FETCH: which of `uids` were removed after that modseq."""
    if uids.is_saved:  # what was saved is there, as far as the client knows
        return
    removed = await _removed(selected, since)
    if removed is None:
        removed = _absent(selected)
    session.write(vanished(intersect(removed, uids.numbers(MAX_NUMBER)), is_earlier=True))


async def _removed(selected: Selected, since: int) -> list[range] | None:
    """Uids removed after a modseq that the client's view does not have; None when they were forgotten."""
    mailbox = selected.mailbox
    uids = await selected.account.read(lambda db: removed_since(db, mailbox.id, since))
    if uids is None:
        return None
    return spans(uid for uid in uids if not selected.seq_of(uid))


def _absent(selected: Selected) -> list[range]:
    """Every uid that was given out and is not in the client's view."""
    view = selected.uids
    return gaps(view, max(selected.mailbox.uidnext - 1, view[-1] if view else 0))


def _last_match(view: Sequence[int], match: SequenceMatch) -> int:
    """The highest uid that has the sequence number which the client knew: nothing was removed up to there."""
    seqs, uids = match.seqs.numbers(MAX_NUMBER), match.uids.numbers(MAX_NUMBER)
    if not count_in(seqs) == count_in(uids) <= MAX_MATCHES:
        return 0
    known = zip((seq for span in seqs for seq in span), (uid for span in uids for uid in span), strict=True)
    return max((uid for seq, uid in known if seq <= len(view) and view[seq - 1] == uid), default=0)
