"""Fills an account with everything it can hold."""

from __future__ import annotations

import asyncio

from app.operations.testdata.oddmail import odd_messages
from app.store.account import (
    archives,
    credentials,
    expunge,
    flags,
    forwards,
    grants,
    imports,
    indexing,
    junkfilter,
    mailboxes,
    messages,
    preferences,
    rejects,
    urlkeys,
    vacation,
)
from app.store.account.annotations import annotate
from app.store.account.handle import Account, Tx
from app.store.account.messages import Incoming
from app.store.account.prepare import Prepared, prepare
from app.store.account.provenance import Kind, Provenance, Sign
from app.store.spool import Spool
from app.wire.imap.flags import ANSWERED, DELETED, FLAGGED, JUNK, NOTJUNK, SEEN
from app.wire.imap.mailboxname import INBOX
from app.wire.imap.rights import Right

_FLAGS = (0, SEEN, SEEN | ANSWERED, FLAGGED, JUNK, NOTJUNK, DELETED)
_FOLDERS = ("Work/2026/November", "ünïcode ☺", "Emptied")
_SIGNS = (Sign(Kind.DOMAIN, "body.example"), Sign(Kind.NETWORK1, "192.0.2.1"))
_SERVER = imports.Server(host="imap.old.example", port=993, user="test", security="tls", is_verified=True)


async def fill(account: Account, password: str) -> None:
    """Do it; an account that is empty."""
    made = await asyncio.to_thread(credentials.derive, password)
    await account.write(lambda tx: credentials.replace(tx, made))
    for number, data in enumerate(odd_messages()):
        prepared = await _prepared(account, data)
        await account.write(lambda tx, number=number, prepared=prepared: _add(tx, number, prepared))  # type: ignore[misc]
        prepared.body.discard()
    await account.write(_arrange)
    await account.write(_keep_more)
    await _forward(account)
    wanted = vacation.Vacation(is_on=True, subject="away", text="until Monday", begins=1, ends=None)
    await vacation.change(account, wanted)
    await account.write(lambda tx: vacation.take_turn(tx, "some@body.example"))
    await junkfilter.retrain(account)
    while await indexing.index_segment(account):
        pass
    account.trainer.close()
    await account.write(_mark_later)


async def _prepared(account: Account, data: bytes) -> Prepared:
    spool = Spool(account.directory.parent.parent / "tmp")
    spool.write(data)
    return prepare(await asyncio.to_thread(spool.finish))


def _add(tx: Tx, number: int, prepared: Prepared) -> None:
    came = Provenance(
        destined=INBOX, signs=_SIGNS, localpart="some", is_validated=True, reason="good", trace="SPF pass"
    )
    incoming = Incoming(
        mailbox=INBOX,
        prepared=prepared,
        prefix=b"Return-Path: <some@body.example>\r\n" if number % 2 else b"",
        flags=_FLAGS[number % len(_FLAGS)],
        keywords=("$label1", "work") if number % 3 == 0 else (),
        internaldate=1_790_000_000 + number,
        provenance=came if number % 2 else None,
    )
    messages.deliver(tx, incoming)
    if number == 0:
        rejects.keep(tx, Incoming(mailbox="Rejects", prepared=prepared, provenance=came), forever=False)


def _arrange(tx: Tx) -> None:
    """Mailboxes below others, a deleted one, copies, moves, what was expunged."""
    for name in _FOLDERS:
        mailboxes.create(tx, name)
    inbox = mailboxes.get(tx.db, INBOX)
    for name in _FOLDERS:
        messages.copy(tx, inbox.id, [1, 2, 3], mailboxes.get(tx.db, name).id)
    messages.move(tx, inbox.id, [2], mailboxes.get(tx.db, "Archive").id)
    expunge.expunge(tx, mailboxes.get(tx.db, "Emptied"), [1, 2, 3])
    mailboxes.create(tx, "Gone")
    mailboxes.delete(tx, "Gone")
    mailboxes.unsubscribe(tx, "Emptied")
    mailboxes.rename(tx, "Work/2026", "Work/2025")


def _keep_more(tx: Tx) -> None:
    inbox = mailboxes.get(tx.db, INBOX)
    annotate(tx, 0, {"/private/comment": b"of the account"})
    annotate(tx, inbox.id, {"/private/comment": b"of the Inbox", "/shared/comment": b"\x00\xff"})
    grants.give(tx, inbox.id, "test1", Right.LOOKUP | Right.READ)
    urlkeys.ensure_key(tx, inbox.id)
    preferences.choose(tx, preferences.Preference.QUARANTINE_TO_JUNK, on=True)
    preferences.pass_key(tx)
    source = imports.begin(tx, _SERVER)
    imports.note(tx, source, b"INBOX", imports.Reached(uidvalidity=7, last_uid=9), 3)
    imports.note_numbers(tx, source, [1, 2, 3])
    imports.end(tx, source, "done")
    archive = archives.begin(tx, archives.Wishes(name="mail.zip"), 0)
    archives.note(tx, archive, archives.Step(passed=2, taken=1, present=0, problem_count=1, problems=["a: no message"]))


async def _forward(account: Account) -> None:
    code = await forwards.add(account, "test0@mox.example", "else@where.example")
    [target] = await account.read(lambda db: list(forwards.targets(db)))
    await forwards.confirm(account, target.id, code)
    await forwards.set_copy(account, "test0@mox.example", keeps=False)
    await account.write(lambda tx: forwards.note_failure(tx, "test0@mox.example", "else@where.example", "no such user"))


def _mark_later(tx: Tx) -> None:
    """A flag that the junk filter has not learnt yet."""
    inbox = mailboxes.get(tx.db, INBOX)
    flags.store(tx, inbox.id, [1], flags.FlagChange(mode=flags.Mode.ADD, flags=JUNK))
