"""Tell a client what changed in its mailbox: the only place that writes EXISTS, EXPUNGE, VANISHED and unasked FETCH.

Order: new keywords first, as FLAGS (RFC 9051 §7.3.5), before anything names them; then removals, so that the sequence
numbers after them are the new ones; then how many messages there are; then changed flags. While a command is under way
that answers with sequence numbers, removals wait (RFC 9051 §7.5.1). What leaves a result that is kept up to date is
told before the removals, what else changes in it after the flags (RFC 5267 §4.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.imapserver.selected import Selected
from app.imapserver.wishes import Telling
from app.wire.imap.flags import write_flags
from app.wire.imap.respond.sync import exists, expunges, vanished
from app.wire.imap.response import Code, Status, flags_response, highestmodseq, permanentflags, untagged
from app.wire.imap.sequence import spans

if TYPE_CHECKING:
    from app.imapserver.session import Session

LINES_AT_ONCE = 1000  # joined for one write


def has_news(selected: Selected, telling: Telling, *, may_expunge: bool) -> bool:
    """Whether `write` would tell anything of the mailbox."""
    return (telling.has_counts and selected.has_counts(may_expunge=may_expunge)) or (
        telling.has_flags and selected.has_flags
    )


def write(session: Session, *, may_expunge: bool, is_answer: bool = False) -> None:
    """Write what the client of `session` has not been told yet and wants to hear, and removals for which it asked."""
    if session.annotation_news is not None and (news := session.annotation_news.take(utf8=session.utf8)):
        session.write(news)
    selected = session.selected
    if selected is None:
        return
    if selected.has_news():
        telling = session.telling
        if telling.has_counts:
            write_keywords(session, selected)
        contexts = selected.contexts
        if contexts is not None:
            session.write(contexts.write_gone(selected.seq_of, utf8=session.utf8))
        if may_expunge and (telling.has_counts or is_answer):
            _write_expunged(session, selected)
        if telling.has_counts and selected.take_new():
            session.write(exists(len(selected.uids)))
        if telling.has_flags:
            _write_flags(session, selected)
    if selected.contexts is not None:
        session.write(selected.contexts.write_changes(selected.seq_of, utf8=session.utf8))
    if selected.gone and may_expunge:
        session.write(untagged(Status.BYE, "the selected mailbox was deleted by another session, or numbered anew"))
        session.unselect()
        session.connection.close()


def write_keywords(session: Session, selected: Selected) -> None:
    """Tell keywords that came up since the client was told of them last."""
    keywords = selected.take_new_keywords()
    if keywords is not None:
        session.write(flags_response(keywords))
        code = permanentflags(keywords, is_read_only=selected.read_only)
        session.untagged_ok("flags you can change", code)


def _write_expunged(session: Session, selected: Selected) -> None:
    uids, seqs = selected.take_expunged()
    if session.has_qresync or session.has_uidonly:
        session.write(vanished(spans(uids)))
        return
    for start in range(0, len(seqs), LINES_AT_ONCE):
        session.write(expunges(seqs[start : start + LINES_AT_ONCE]))


def _write_flags(session: Session, selected: Selected) -> None:
    uids = selected.take_flags()
    for start in range(0, len(uids), LINES_AT_ONCE):
        session.write(flag_lines(session, selected, uids[start : start + LINES_AT_ONCE]))


def modseq_code(session: Session) -> Code | None:
    """HIGHESTMODSEQ after removals, for a client that was just told everything (RFC 7162 §3.2.7)."""
    selected = session.selected
    if not session.has_qresync or selected is None or selected.has_news():
        return None
    return highestmodseq(selected.highest_modseq())


@dataclass(frozen=True, slots=True)
class FetchForm:
    """How a FETCH response is written: by which number it names a message, and the line for it and its items."""

    number: Callable[[int], int]  # of a uid
    line: bytes


_BY_UID = FetchForm(lambda uid: uid, b"* %d UIDFETCH (%b)\r\n")


def fetch_form(session: Session, selected: Selected) -> FetchForm:
    """As this client reads it: with sequence numbers, or as UIDFETCH (RFC 9586 §3.3)."""
    return _BY_UID if session.has_uidonly else FetchForm(selected.seq_of, b"* %d FETCH (%b)\r\n")


def flag_lines(session: Session, selected: Selected, uids: list[int]) -> bytes:
    """FETCH responses with flags, and with the uid and modseq for a client that asked for modseqs (RFC 7162 §3.1).

    What comes unasked names the uid as well, as numbers may have changed since the client's last command.
    """
    form = fetch_form(session, selected)
    names_uid = (session.has_condstore or session.notices is not None) and not session.has_uidonly
    lines: list[bytes] = []
    for uid in uids:
        entry = selected.entry(uid)
        if entry is None:
            continue
        flags = write_flags(entry.flags, entry.keywords)
        items = b"UID %d FLAGS %b" % (uid, flags) if names_uid else b"FLAGS %b" % flags
        if session.has_condstore:
            items += b" MODSEQ (%d)" % entry.modseq
        lines.append(form.line % (form.number(uid), items))
    return b"".join(lines)
