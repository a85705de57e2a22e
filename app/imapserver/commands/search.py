"""SEARCH and UID SEARCH with their old and extended results (RFC 9051 §6.4.4, RFC 4731, RFC 7162 §3.1.5).

`Asked` and `write_found` are also what the extended SORT is made of: it differs in the order of its result only. A
result that is to be kept up to date is followed from before the search (`contexts.py`, RFC 5267 §4.3).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.errors import ImapSyntaxError
from app.imapserver.commands.messageset import selected_of
from app.imapserver.commands.progress import watched
from app.imapserver.contexts import MAX_CONTEXTS, MAX_SORTED, Context, Contexts, Followed
from app.imapserver.messagelimit import finish, narrow
from app.imapserver.replies import UidRequired
from app.imapserver.selected import Selected
from app.imapserver.session import Session
from app.store.account.progress import Progress
from app.store.account.search import Match, Search, find_matches
from app.wire.imap.frozenkey import View, depends_on_time, freeze
from app.wire.imap.parse.search import CancelupdateCommand, Returns, SearchCommand, SearchReturn
from app.wire.imap.parse.searchkey import SearchKey, has_seqs
from app.wire.imap.parse.sort import Criterion
from app.wire.imap.respond.search import Found, Searched, esearch_response, noupdate, search_response
from app.wire.imap.response import Status, untagged

_ALL = Returns(frozenset({SearchReturn.ALL}))
_ALL_OF_IT = {SearchReturn.ALL, SearchReturn.COUNT}
_TELLS_NOTHING = {SearchReturn.SAVE, SearchReturn.UPDATE, SearchReturn.CONTEXT}
_SOME_OF_IT = {SearchReturn.MIN, SearchReturn.MAX, SearchReturn.PARTIAL}


async def search(session: Session, command: SearchCommand) -> None:
    """Find messages; without RETURN the answer is a list, with it an ESEARCH response."""
    check_charset(session, has_charset=command.has_charset)
    asked = Asked(tag=command.tag, uid=command.uid, returns=command.returns, has_modseq=command.has_modseq)
    wanted, bounded = narrow(session, begin(session, command.key, asked))
    account = selected_of(session).account
    msg_dir = account.directory / "msg"
    with following(session, asked, wanted) as context:
        found = account.read(lambda db: find_matches(db, msg_dir, wanted))
        matches = await watched(session, command.tag, found, wanted.progress)
        if context is not None:
            context.begin(matches)
    save(session, asked, matches)
    if asked.returns is None and "IMAP4REV2" not in session.enabled:
        session.write(search_response(asked.numbers(selected_of(session), matches), asked.modseq(matches)))
    else:
        write_found(session, asked, matches)  # IMAP4rev2 answers with ESEARCH always (RFC 9051 §6.4.4)
    finish(session, command.tag, "searched", bounded)


def check_charset(session: Session, *, has_charset: bool) -> None:
    """Raise for a charset where there is only one (RFC 9755 §3)."""
    if has_charset and "UTF8=ACCEPT" in session.enabled:
        raise ImapSyntaxError("leave CHARSET out, all text is UTF-8 now")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client wants to know of a result."""

    tag: str
    uid: bool
    returns: Returns | None = None
    has_modseq: bool = False
    criteria: tuple[Criterion, ...] = ()  # of SORT
    mailbox: Searched | None = None  # with ESEARCH

    @property
    def updates(self) -> bool:
        """Whether the result is to be kept up to date."""
        return self.returns is not None and self.returns.updates

    def numbers(self, selected: Selected | None, matches: Sequence[Match]) -> list[int]:
        """The matches as uids, or as sequence numbers of the selected mailbox."""
        if self.uid:
            return [match.uid for match in matches]
        assert selected is not None
        return [selected.seq_of(match.uid) for match in matches]

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
    if asked.updates and selected.contexts is not None and asked.tag in selected.contexts:  # RFC 5267 §4.3
        raise ImapSyntaxError("a search with this tag is kept up to date; use another tag")
    if asked.has_modseq:
        session.enable_condstore()
    wanted = Search(
        mailbox_id=selected.mailbox.id,
        key=key,
        view=array("I", selected.uids),
        saved=selected.search_result,
        now=int(selected.account.clock.now()),
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
    if returns.saves and returns.options <= _TELLS_NOTHING:
        return
    numbers = asked.numbers(session.selected, matches)
    modseq = asked.modseq(matches)
    found = Found(tag=asked.tag, uid=asked.uid, numbers=numbers, modseq=modseq, mailbox=asked.mailbox)
    session.write(esearch_response(found, returns, utf8=session.utf8))


@contextmanager
def following(session: Session, asked: Asked, wanted: Search) -> Iterator[Context | None]:
    """While the search runs, collect what changes, if its result is to be kept up to date and may be."""
    if not asked.updates:
        yield None
        return
    selected = selected_of(session)
    if selected.contexts is None:
        selected.contexts = Contexts(selected.account, selected.mailbox.id)
    contexts = selected.contexts
    if refusal := _why_not(contexts, wanted.key):
        refuse_updates(session, asked.tag, refusal)
        yield None
        return
    assert asked.returns is not None
    followed = Followed(
        tag=asked.tag,
        uid=asked.uid,
        key=freeze(wanted.key, View(wanted.view, wanted.saved)),
        criteria=asked.criteria,
        items=asked.returns.update_items,
        mailbox=asked.mailbox,
    )
    is_begun = False
    try:
        yield contexts.open(followed, selected.untold_new())
        is_begun = True
    finally:
        if not is_begun:
            contexts.close(asked.tag)
    if contexts.sorted_count > MAX_SORTED:
        contexts.close(asked.tag)
        refuse_updates(session, asked.tag, "too many results are kept sorted")


def _why_not(contexts: Contexts, key: SearchKey) -> str:
    if len(contexts) >= MAX_CONTEXTS:
        return f"{MAX_CONTEXTS} results are kept up to date; end one with CANCELUPDATE"
    return "a result that changes with time alone is not kept up to date" if depends_on_time(key) else ""


def refuse_updates(session: Session, tag: str, text: str) -> None:
    """The search goes on without its updates (RFC 5267 §4.3.1)."""
    session.write(untagged(Status.NO, text, noupdate(tag)))


def cancelupdate(session: Session, command: CancelupdateCommand) -> None:
    """Follow these results no more (RFC 5267 §4.3.5)."""
    contexts = selected_of(session).contexts
    if contexts is None or not all(tag in contexts for tag in command.tags):
        raise ImapSyntaxError("no search with such a tag is kept up to date")
    for tag in command.tags:
        contexts.close(tag)
    session.ok(command.tag, "no longer kept up to date")
