"""SEARCH and UID SEARCH with their old and extended results (RFC 9051 §6.4.4, RFC 4731, RFC 7162 §3.1.5)."""

from __future__ import annotations

from array import array

from app.errors import ImapSyntaxError
from app.imapserver.commands.messageset import selected_of
from app.imapserver.replies import UidRequired
from app.imapserver.session import Session
from app.store.account.search import Match, Search, find_matches
from app.wire.imap.parse.search import SearchCommand, SearchReturn
from app.wire.imap.parse.searchkey import has_seqs
from app.wire.imap.respond.search import Found, esearch_response, search_response


async def search(session: Session, command: SearchCommand) -> None:
    """Find messages; without RETURN the answer is a list, with it an ESEARCH response."""
    selected = selected_of(session)
    if command.has_charset and "UTF8=ACCEPT" in session.enabled:
        raise ImapSyntaxError("leave CHARSET out, all text is UTF-8 now")  # RFC 9755 §3
    if session.has_uidonly and has_seqs(command.key):
        raise UidRequired("name messages by UID in what is searched")
    if command.has_modseq:
        session.enable_condstore()
    account = session.account
    wanted = Search(
        mailbox_id=selected.mailbox.id,
        key=command.key,
        view=array("I", selected.uids),
        saved=selected.search_result,
        now=int(account.clock.now()),
    )
    saves = command.returns is not None and SearchReturn.SAVE in command.returns
    if saves:
        selected.search_result = array("I")  # what it is when the search fails (RFC 5182 §2.1)
    msg_dir = account.directory / "msg"
    matches = await account.read(lambda db: find_matches(db, msg_dir, wanted))
    if saves:
        selected.search_result = array("I", [match.uid for match in _saved(command, matches)])
    _write_result(session, command, matches)
    session.ok(command.tag, "searched")


def _saved(command: SearchCommand, matches: list[Match]) -> list[Match]:
    """What the answer names and `$` holds: with MIN or MAX alone only those, else everything (RFC 5182 §2.4)."""
    returns = command.returns or frozenset()
    if not matches or returns & {SearchReturn.ALL, SearchReturn.COUNT} or not returns & _ENDS:
        return matches
    ends = [matches[0]] if SearchReturn.MIN in returns else []
    return ends + ([matches[-1]] if SearchReturn.MAX in returns and matches[-1:] != ends else [])


_ENDS = {SearchReturn.MIN, SearchReturn.MAX}


def _write_result(session: Session, command: SearchCommand, matches: list[Match]) -> None:
    selected = selected_of(session)
    numbers = [match.uid if command.uid else selected.seq_of(match.uid) for match in matches]
    returns = command.returns
    meant = _saved(command, matches)  # MODSEQ is that of the messages which the answer names (RFC 4731 §3.2)
    modseq = max((match.modseq for match in meant), default=None) if command.has_modseq else None
    if returns is None and "IMAP4REV2" not in session.enabled:
        session.write(search_response(numbers, modseq))
        return
    if returns is None:
        returns = frozenset({SearchReturn.ALL})  # IMAP4rev2 answers with ESEARCH always (RFC 9051 §6.4.4)
    elif returns == {SearchReturn.SAVE}:
        return
    found = Found(tag=command.tag, uid=command.uid, numbers=numbers, modseq=modseq)
    session.write(esearch_response(found, returns))
