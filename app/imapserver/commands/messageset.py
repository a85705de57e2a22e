"""Which messages a command means: a set of sequence numbers or uids as uids of the client's view.

Sequence numbers count in what the client was told, never in what is there now; so a message that another session
removed keeps its number until this client has heard of it. `$` is the result saved by the last SEARCH (RFC 5182).
"""

from __future__ import annotations

from array import array

from app.errors import ImapSyntaxError, ReadOnly
from app.imapserver.replies import CommandFailed
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.wire.imap import response
from app.wire.imap.sequence import STAR, SequenceSet


def selected_of(session: Session) -> Selected:
    """The selected mailbox; the command table lets only commands through that have one."""
    assert session.selected is not None
    return session.selected


def writable(session: Session) -> Selected:
    """The selected mailbox when it may be changed; raises ReadOnly."""
    selected = selected_of(session)
    if selected.read_only:
        raise ReadOnly("the mailbox was opened for reading only; use SELECT instead of EXAMINE")
    return selected


def choose(selected: Selected, sequence: SequenceSet, *, uid: bool) -> array[int]:
    """The uids in the client's view that `sequence` names, sorted."""
    if sequence.is_saved:
        return selected.search_result
    view = selected.uids
    spans = sequence.uid_spans(view) if uid else sequence.seq_spans(len(view))
    if len(spans) == 1:
        return view[spans[0].start : spans[0].stop]
    chosen = array("I")
    for span in spans:
        chosen.extend(view[span.start : span.stop])
    return chosen


def choose_one(selected: Selected, number: int, *, uid: bool) -> int:
    """The uid of the one message that is named by its number; STAR is the last in the client's view."""
    view = selected.uids
    if number == STAR or not uid:
        place = len(view) if number == STAR else number
        if not 0 < place <= len(view):
            raise ImapSyntaxError(f"there is no message with that sequence number, the last one is {len(view)}")
        number = view[place - 1]
    elif not selected.seq_of(number):
        raise CommandFailed("there is no message with that uid")
    if selected.is_expunged(number):
        raise CommandFailed("the message was expunged by another session", response.EXPUNGEISSUED)
    return number
