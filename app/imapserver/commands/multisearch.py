"""ESEARCH: one search in many mailboxes (RFC 7377, MULTISEARCH).

Answers name their mailbox and have uids only; a mailbox in which nothing matches has none. The selected mailbox is
searched as its client knows it, others as they are. Mailboxes are read in groups, so that a large account does not keep
a reader for itself, and within a group the word index is asked once for each text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.errors import ImapSyntaxError
from app.imapserver.commands.messageset import selected_of
from app.imapserver.commands.progress import watched
from app.imapserver.commands.search import Asked, begin, check_charset, following, refuse_updates, save, write_found
from app.imapserver.mailboxscope import MailboxScope
from app.imapserver.messagelimit import check_count
from app.imapserver.replies import CommandFailed, UidRequired
from app.imapserver.session import Session
from app.store.account import mailboxes, messages
from app.store.account.progress import Progress
from app.store.account.records import Mailbox
from app.store.account.search import Lookups, Match, Search, find_matches
from app.wire.imap import response
from app.wire.imap.parse.mailboxfilter import FilterKind
from app.wire.imap.parse.multisearch import EsearchCommand
from app.wire.imap.parse.searchkey import SearchKey, has_seqs
from app.wire.imap.respond.search import Searched

MAX_MAILBOXES: Final = 5000
GROUP: Final = 50  # mailboxes of one read
GROUP_MESSAGES: Final = 20_000  # and messages, but for a larger mailbox


async def esearch(session: Session, command: EsearchCommand) -> None:
    """Search, and tell of each mailbox in which something was found."""
    check_charset(session, has_charset=command.has_charset)
    _check(session, command)
    asked = Asked(tag=command.tag, uid=True, returns=command.returns, has_modseq=command.has_modseq)
    found = await _chosen(session, command)
    if len(found) > MAX_MAILBOXES:
        raise CommandFailed(
            f"these are {len(found)} mailboxes, {MAX_MAILBOXES} can be searched at once", response.LIMIT
        )
    for mailbox in found:
        check_count(session, mailbox.total)
    progress = Progress()
    await watched(session, command.tag, _search(session, command.key, asked, found, progress), progress)
    session.ok(command.tag, "searched")


def _check(session: Session, command: EsearchCommand) -> None:
    """What depends on the session: states, `$` and updates (RFC 7377 §2.2)."""
    kinds = {source.kind for source in command.sources}
    returns = command.returns
    if FilterKind.SELECTED in kinds and session.selected is None:
        raise ImapSyntaxError("no mailbox is selected; say IN which mailboxes to search")
    if returns is not None and returns.saves and kinds != {FilterKind.SELECTED}:
        raise ImapSyntaxError("SAVE is for the selected mailbox alone")
    if returns is not None and returns.updates and session.selected is None:
        raise ImapSyntaxError("UPDATE is about the selected mailbox, and there is none")
    if session.has_uidonly and has_seqs(command.key):
        raise UidRequired("name messages by UID in what is searched")
    if command.has_modseq:
        session.enable_condstore()


async def _chosen(session: Session, command: EsearchCommand) -> list[Mailbox]:
    scope = MailboxScope(command.sources, session.account.inboxes)
    selected_id = 0
    if any(source.kind is FilterKind.SELECTED for source in command.sources):
        selected_id = selected_of(session).mailbox.id

    def choose(db: sqlite3.Connection) -> list[Mailbox]:
        subscribed = mailboxes.subscriptions(db)
        return [
            mailbox
            for mailbox in mailboxes.all_mailboxes(db)
            if mailbox.id == selected_id or scope.has(mailbox.name, is_subscribed=mailbox.name in subscribed)
        ]

    return await session.account.read(choose)


async def _search(session: Session, key: SearchKey, asked: Asked, found: list[Mailbox], progress: Progress) -> None:
    selected_id = session.selected.mailbox.id if session.selected is not None else 0
    if asked.updates and all(mailbox.id != selected_id for mailbox in found):
        refuse_updates(session, asked.tag, "the selected mailbox is not searched")
    progress.goal = len(found)
    msg_dir, now = session.account.directory / "msg", int(session.account.clock.now())
    for group in _groups(found, selected_id):
        if group[0].id == selected_id:
            await _search_selected(session, key, _about(asked, group[0]))
        else:
            searches = [Search(mailbox_id=mailbox.id, key=key, view=(), now=now) for mailbox in group]
            results = await session.account.read(lambda db, some=searches: _find(db, msg_dir, some))  # type: ignore[misc]
            for mailbox, matches in zip(group, results, strict=True):
                if matches:
                    write_found(session, _about(asked, mailbox), matches)
        await session.connection.drain()
        progress.done += len(group)


def _about(asked: Asked, mailbox: Mailbox) -> Asked:
    return replace(asked, mailbox=Searched(mailbox.name, mailbox.uidvalidity))


def _groups(found: Iterable[Mailbox], selected_id: int) -> Iterator[list[Mailbox]]:
    """Mailboxes that are read together; the selected one is by itself."""
    group: list[Mailbox] = []
    count = 0
    for mailbox in found:
        is_alone = mailbox.id == selected_id
        if group and (is_alone or len(group) == GROUP or count + mailbox.total > GROUP_MESSAGES):
            yield group
            group, count = [], 0
        group.append(mailbox)
        count += mailbox.total
        if is_alone:
            yield group
            group, count = [], 0
    if group:
        yield group


def _find(db: sqlite3.Connection, msg_dir: Path, searches: list[Search]) -> list[list[Match]]:
    lookups: Lookups = {}
    return [
        find_matches(db, msg_dir, replace(search, view=messages.all_uids(db, search.mailbox_id), lookups=lookups))
        for search in searches
    ]


async def _search_selected(session: Session, key: SearchKey, asked: Asked) -> None:
    wanted = begin(session, key, asked)
    account = selected_of(session).account
    msg_dir = account.directory / "msg"
    with following(session, asked, wanted) as context:
        matches = await account.read(lambda db: find_matches(db, msg_dir, wanted))
        if context is not None:
            context.begin(matches)
    save(session, asked, matches)
    if matches:
        write_found(session, asked, matches)
