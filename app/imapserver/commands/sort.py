"""SORT and THREAD, by sequence number or uid (RFC 5256 §3, RFC 5957, RFC 5267 §3).

Matching, reading, sorting and threading are one read, in a thread of the store.
"""

from __future__ import annotations

import sqlite3

from app.imapserver.commands.messageset import selected_of
from app.imapserver.commands.progress import watched
from app.imapserver.commands.search import Asked, begin, following, save, write_found
from app.imapserver.messagelimit import check_search
from app.imapserver.session import Session
from app.store.account.search import Match, find_matches
from app.store.account.sorting import Rank, rank_matches, sort_matches
from app.store.account.threads import read_threads
from app.wire.imap.parse.sort import SortCommand, ThreadCommand
from app.wire.imap.respond.thread import sort_response, thread_response


async def sort(session: Session, command: SortCommand) -> None:
    """Find messages and tell them in order; with RETURN as an ESEARCH response, which keeps the order too."""
    asked = Asked(
        tag=command.tag,
        uid=command.uid,
        returns=command.returns,
        has_modseq=command.has_modseq,
        criteria=command.criteria,
    )
    wanted = begin(session, command.key, asked)
    check_search(session, wanted)
    account, mailbox_id = selected_of(session).account, wanted.mailbox_id
    msg_dir = account.directory / "msg"

    def look(db: sqlite3.Connection, *, has_ranks: bool) -> tuple[list[Match], list[Rank]]:
        found = find_matches(db, msg_dir, wanted)
        if not has_ranks:
            return sort_matches(db, msg_dir, mailbox_id, found, command.criteria), []
        ranks = sorted(rank_matches(db, msg_dir, mailbox_id, found, command.criteria))
        by_uid = {match.uid: match for match in found}
        return [by_uid[rank[-1]] for rank in ranks], ranks

    with following(session, asked, wanted) as context:
        found = account.read(lambda db: look(db, has_ranks=context is not None))
        matches, ranks = await watched(session, command.tag, found, wanted.progress)
        if context is not None:
            context.begin(matches, ranks)
    save(session, asked, matches)
    if asked.returns is None:
        session.write(sort_response(asked.numbers(selected_of(session), matches), asked.modseq(matches)))
    else:
        write_found(session, asked, matches)
    session.ok(command.tag, "sorted")


async def thread(session: Session, command: ThreadCommand) -> None:
    """Find messages and tell them in threads."""
    asked = Asked(tag=command.tag, uid=command.uid, has_modseq=command.has_modseq)
    wanted = begin(session, command.key, asked)
    check_search(session, wanted)
    account = selected_of(session).account
    msg_dir = account.directory / "msg"
    found = account.read(
        lambda db: read_threads(db, msg_dir, wanted.mailbox_id, find_matches(db, msg_dir, wanted), command.algorithm)
    )
    threads = await watched(session, command.tag, found, wanted.progress)
    number_of = (lambda uid: uid) if command.uid else selected_of(session).seq_of
    session.write(thread_response(threads, number_of))
    session.ok(command.tag, "threaded")
