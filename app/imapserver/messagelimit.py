"""How many messages one command works on: the newest so many of those it names, and the client is told (RFC 9738).

    bounded = newest(session, uids)              cuts what is too much
    finish(session, tag, "stored", bounded)      OK, with MESSAGELIMIT and the lowest uid that was reached

A client goes on with the uids below that. What must be done whole or not at all, or has an order of its own, is refused
instead: COPY, APPEND, SORT, THREAD and searches of many mailboxes. EXPUNGE and CLOSE have no limit (§3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.store.account.indexes import spans_of
from app.store.account.search import Search
from app.wire.imap.parse.searchkey import And, Messages, SearchKey
from app.wire.imap.response import Code, Status, messagelimit, untagged
from app.wire.imap.sequence import STAR, SequenceSet, count_in, intersect


@dataclass(frozen=True, slots=True)
class Bounded:
    """The uids that a command works on; `lowest` of them when there were more, else 0."""

    uids: Sequence[int]
    lowest: int = 0


def newest(session: Session, uids: Sequence[int]) -> Bounded:
    """The newest of the sorted uids, as many as one command may work on."""
    limit = session.max_messages
    if len(uids) <= limit:
        return Bounded(uids)
    kept = uids[len(uids) - limit :]
    return Bounded(kept, kept[0])


def finish(session: Session, tag: str, text: str, bounded: Bounded, code: Code | None = None) -> None:
    """End a command that went well, as far as it went; when its end has another code, the limit comes before it."""
    if bounded.lowest:
        limit = messagelimit(session.max_messages, bounded.lowest)
        if code is None:
            code = limit
        else:
            session.write(untagged(Status.NO, "only the newest messages were worked on", limit))
    session.ok(tag, text, code)


def check_count(session: Session, count: int, lowest: int = 0) -> None:
    """Raise for more messages than one command may work on, where it is all or nothing."""
    limit = session.max_messages
    if count > limit:
        raise CommandFailed(
            f"these are {count} messages, {limit} can be worked on at once", messagelimit(limit, lowest)
        )


def narrow(session: Session, search: Search) -> tuple[Search, Bounded]:
    """A search in the newest of the messages that its key names, whatever else it says of them."""
    limit, view = session.max_messages, search.view
    if len(view) <= limit or count_in(spans := _named(search.key, search)) <= limit:
        return search, Bounded(())
    left = limit
    for span in reversed(spans):
        if len(span) >= left:
            lowest = view[span.stop - left]
            break
        left -= len(span)
    reached = Messages(SequenceSet(((lowest, STAR),)), uid=True)
    return replace(search, key=And((reached, search.key))), Bounded((), lowest)


def check_search(session: Session, search: Search) -> None:
    """Raise when a search whose result has an order of its own is about too many messages (RFC 9738 §3.3)."""
    if len(search.view) > session.max_messages:
        check_count(session, count_in(_named(search.key, search)))


def _named(key: SearchKey, search: Search) -> list[range]:
    """The positions in the view of the messages that the key names by number; others are not looked at."""
    view = search.view
    if isinstance(key, And):
        spans = [range(len(view))]
        for part in key.keys:
            spans = intersect(spans, _named(part, search))
        return spans
    if not isinstance(key, Messages):
        return [range(len(view))]
    if key.sequence.is_saved:
        return [range(start, end) for start, end in spans_of(view, search.saved)]  # type: ignore[arg-type]
    return key.sequence.uid_spans(view) if key.uid else key.sequence.seq_spans(len(view), strict=False)
