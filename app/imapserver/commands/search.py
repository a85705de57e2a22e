"""SEARCH and UID SEARCH with their old and extended results (RFC 9051 §6.4.4, RFC 4731, RFC 7162 §3.1.5).

`Asked` and `write_found` are also what the extended SORT is made of: it differs in the order of its result only.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import ImapSyntaxError
from app.imapserver.commands.messageset import selected_of
from app.imapserver.commands.progress import watched
from app.imapserver.replies import UidRequired
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.store.account.progress import Progress
from app.store.account.search import Match, Search, find_matches
from app.wire.imap.parse.search import Returns, SearchCommand, SearchReturn
from app.wire.imap.parse.searchkey import SearchKey, has_seqs
from app.wire.imap.respond.search import Found, esearch_response, search_response

_ALL = Returns(frozenset({SearchReturn.ALL}))
_ALL_OF_IT = {SearchReturn.ALL, SearchReturn.COUNT}
_SOME_OF_IT = {SearchReturn.MIN, SearchReturn.MAX, SearchReturn.PARTIAL}


async def search(session: Session, command: SearchCommand) -> None:
    """Find messages; without RETURN the answer is a list, with it an ESEARCH response."""
    if command.has_charset and "UTF8=ACCEPT" in session.enabled:
        raise ImapSyntaxError("leave CHARSET out, all text is UTF-8 now")  # RFC 9755 §3
    asked = Asked(tag=command.tag, uid=command.uid, returns=command.returns, has_modseq=command.has_modseq)
    wanted = begin(session, command.key, asked)
    msg_dir = session.account.directory / "msg"
    found = session.account.read(lambda db: find_matches(db, msg_dir, wanted))
    matches = await watched(session, command.tag, found, wanted.progress)
    save(session, asked, matches)
    if asked.returns is None and "IMAP4REV2" not in session.enabled:
        session.write(search_response(asked.numbers(selected_of(session), matches), asked.modseq(matches)))
    else:
        write_found(session, asked, matches)  # IMAP4rev2 answers with ESEARCH always (RFC 9051 §6.4.4)
    session.ok(command.tag, "searched")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client wants to know of a result."""

    tag: str
    uid: bool
    returns: Returns | None = None
    has_modseq: bool = False

    def numbers(self, selected: Selected, matches: Sequence[Match]) -> list[int]:
        """The matches as uids or sequence numbers."""
        return [match.uid if self.uid else selected.seq_of(match.uid) for match in matches]

    def named(self, matches: list[Match]) -> list[Match]:
        """What the answer names and `$` holds: with MIN, MAX or PARTIAL alone only those, else everything (RFC 5182
        §2.4, RFC 9394 §3.3)."""
        returns = self.returns or _ALL
        if not matches or returns.options & _ALL_OF_IT or not returns.options & _SOME_OF_IT:
            return matches
        found = matches[returns.partial.places(len(matches))] if returns.partial else []
        if SearchReturn.MIN in returns.options and matches[0] not in found[:1]:
            found = [matches[0], *found]
        if SearchReturn.MAX in returns.options and matches[-1] not in found[-1:]:
            found = [*found, matches[-1]]
        return found

    def modseq(self, matches: list[Match]) -> int | None:
        """The highest modseq of the messages that the answer names (RFC 4731 §3.2), when there was a MODSEQ key."""
        return max((match.modseq for match in self.named(matches)), default=None) if self.has_modseq else None


def begin(session: Session, key: SearchKey, asked: Asked) -> Search:
    """The search over the selected mailbox as the client sees it; what it saves is empty until it is done."""
    selected = selected_of(session)
    if session.has_uidonly and has_seqs(key):
        raise UidRequired("name messages by UID in what is searched")
    if asked.has_modseq:
        session.enable_condstore()
    wanted = Search(
        mailbox_id=selected.mailbox.id,
        key=key,
        view=array("I", selected.uids),
        saved=selected.search_result,
        now=int(session.account.clock.now()),
        progress=Progress(),
    )
    if asked.returns is not None and asked.returns.saves:
        selected.search_result = array("I")  # what it is when the search fails (RFC 5182 §2.1)
    return wanted


def save(session: Session, asked: Asked, matches: list[Match]) -> None:
    """Keep the result as `$` when that was asked for."""
    if asked.returns is not None and asked.returns.saves:
        selected_of(session).search_result = array("I", sorted(match.uid for match in asked.named(matches)))


def write_found(session: Session, asked: Asked, matches: list[Match]) -> None:
    """The ESEARCH response; none when the result was only to be saved."""
    returns = asked.returns or _ALL
    if returns.options == {SearchReturn.SAVE}:
        return
    numbers = asked.numbers(selected_of(session), matches)
    found = Found(tag=asked.tag, uid=asked.uid, numbers=numbers, modseq=asked.modseq(matches))
    session.write(esearch_response(found, returns))
