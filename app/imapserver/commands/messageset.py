"""Which messages a command means: a set of sequence numbers or uids as uids of the client's view.

Sequence numbers count in what the client was told, never in what is there now; so a message that another session
removed keeps its number until this client has heard of it. `$` is the result saved by the last SEARCH (RFC 5182).
"""

from __future__ import annotations

from array import array

from app.errors import ReadOnly
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.wire.imap.sequence import SequenceSet


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
