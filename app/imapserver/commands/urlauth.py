"""GENURLAUTH, URLFETCH and RESETKEY: URLs that others may use to read one thing (RFC 4467, RFC 5524).

A user makes such URLs of own mailboxes. To fetch, a session needs nothing but the URL, if the URL's access includes it:
that of `user+` is for one user, `authuser` and `anonymous` for whoever has signed in here, and `submit+` for submission
servers, which have no sessions of their own yet. Whatever stands in the way of a URL, its answer is NIL, and no message
becomes \\Seen.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import ImapSyntaxError
from app.imapserver.commands.body import Large, Stretch, binary_of, section_of
from app.imapserver.replies import CommandFailed
from app.imapserver.session import Session
from app.imapserver.urls import account_of, cut, find_mailbox, find_message, is_here, is_own
from app.store.account import mailboxes, urlkeys
from app.store.account.handle import Account, Tx
from app.store.account.reader import MessageBytes
from app.wire.imap import response
from app.wire.imap.mailboxname import canonical
from app.wire.imap.parse.url import MessageUrl
from app.wire.imap.parse.urlauth import (
    MECHANISM,
    Access,
    AuthorizedUrl,
    Form,
    GenurlauthCommand,
    ResetkeyCommand,
    UrlfetchCommand,
    UrlToFetch,
)
from app.wire.imap.respond.bodystructure import bodystructure
from app.wire.imap.response import URLMECH, untagged_data
from app.wire.imap.tokens import write_astring
from app.wire.message.section import find_part

MAX_ACCOUNTS: Final = 10  # that one command reads of
_ALONE: Final = (Form.BODY,)

Piece = bytes | Large


async def genurlauth(session: Session, command: GenurlauthCommand) -> None:
    """Answer the URLs with their tokens; the mailbox of each must be there and one's own."""
    for url in command.rumps:
        if url.place.server is None or not is_own(session, url.place.server):
            raise ImapSyntaxError("the URL has to name this server and your own account")
    urls = await session.account.write(lambda tx: [_authorize(tx, url) for url in command.rumps])
    session.write(untagged_data(b"GENURLAUTH " + b" ".join(write_astring(url.encode()) for url in urls)))
    session.ok(command.tag, "done")


def _authorize(tx: Tx, url: AuthorizedUrl) -> str:
    mailbox = find_mailbox(tx.db, url.place)
    if mailbox is None:
        raise ImapSyntaxError("there is no such mailbox")
    token = urlkeys.make_token(urlkeys.ensure_key(tx, mailbox.id), url.rump)
    return f"{url.rump}:{MECHANISM.lower()}:{token}"


async def resetkey(session: Session, command: ResetkeyCommand) -> None:
    """Give a mailbox a new key, or take the keys of all away."""
    if command.mailbox is None:
        await session.account.write(urlkeys.drop_all_keys)
        session.ok(command.tag, "no URL of before can be used any more")
        return
    name = canonical(command.mailbox)
    await session.account.write(lambda tx: urlkeys.reset_key(tx, mailboxes.get(tx.db, name).id))
    session.ok(command.tag, "no URL of before can be used for this mailbox any more", URLMECH)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A URL that this session may fetch, if its token is right."""

    account: Account
    url: AuthorizedUrl
    forms: tuple[Form, ...] | None


async def urlfetch(session: Session, command: UrlfetchCommand) -> None:
    """Answer URL by URL with its data, or NIL."""
    names = [_account_name(session, asked.url) for asked in command.urls]
    if len({name for name in names if name is not None}) > MAX_ACCOUNTS:
        raise CommandFailed(f"fetch URLs of at most {MAX_ACCOUNTS} users at once", response.LIMIT)
    for asked, name in zip(command.urls, names, strict=True):
        pieces = await _read(session, asked, name)
        session.write(b"* URLFETCH " + write_astring(asked.raw) + b" ")
        for piece in pieces or [b"NIL"]:
            if isinstance(piece, bytes):
                session.write(piece)
                continue
            for some in piece.pieces():
                session.write(some)
                await session.connection.drain()
        session.write(b"\r\n")
    session.ok(command.tag, "fetched")


def _account_name(session: Session, url: AuthorizedUrl | None) -> str | None:
    """The account that a URL is about, if this session is one of those that it is meant for."""
    if url is None or url.place.server is None or not is_here(session, url.place.server):
        return None
    if url.access is Access.SUBMIT:
        return None
    if url.access is Access.USER and account_of(session, url.user) != session.account.name:
        return None
    return account_of(session, url.owner)


async def _read(session: Session, asked: UrlToFetch, name: str | None) -> list[Piece] | None:
    if asked.url is None or name is None:
        return None
    account = await session.accounts.open(name)
    if asked.url.expire is not None and account.clock.now() >= asked.url.expire:
        return None
    wanted = _Wanted(account, asked.url, asked.forms)
    return await account.read(lambda db: _find(db, account.directory / "msg", wanted))


def _find(db: sqlite3.Connection, msg_dir: Path, wanted: _Wanted) -> list[Piece] | None:
    url = wanted.url
    mailbox = find_mailbox(db, url.place)
    key = urlkeys.key_of(db, mailbox.id) if mailbox else None
    if not urlkeys.is_token(key, url.rump, url.token) or mailbox is None:
        return None
    message = find_message(db, msg_dir, mailbox.id, url.place.uid)
    if message is None:
        return None
    if wanted.forms is None:
        stretch = cut(section_of(message, url.place.section), url.place)
        return None if stretch is None else [_literal(b"", stretch)]
    return _extended(message, url.place, wanted.forms or _ALONE)


def _extended(message: MessageBytes, place: MessageUrl, forms: tuple[Form, ...]) -> list[Piece] | None:
    """The data in each form, in parentheses; None when there is no such part."""
    if section_of(message, place.section) is None:
        return None
    pieces: list[Piece] = []
    for form in forms:
        piece = _structure(message, place) if form is Form.BODYPARTSTRUCTURE else _data(message, place, form)
        if piece is not None:
            pieces += [b" " if pieces else b"", piece, b")"]
    return pieces or None


def _structure(message: MessageBytes, place: MessageUrl) -> bytes | None:
    """The structure of a part; a header or a text has none."""
    part = find_part(message.root, place.section.part)
    if part is None or place.section.text is not None:
        return None
    return b"(BODYPARTSTRUCTURE " + bodystructure(message.body, part, extended=True)


def _data(message: MessageBytes, place: MessageUrl, form: Form) -> Piece:
    head = b"(%b " % form.value.encode()
    if form is Form.BODY or place.section.text is not None:
        found = cut(section_of(message, place.section), place)
    else:
        try:
            found = cut(binary_of(message, place.section), place)
        except CommandFailed:  # an encoding that nobody knows
            found = None
    if found is None:
        return head + b"NIL"
    return _literal(head, found, may_hold_nul=form is Form.BINARY)


def _literal(head: bytes, found: Stretch, *, may_hold_nul: bool = False) -> Large:
    has_nul = may_hold_nul and (b"\0" in found.prefix or found.body.find(b"\0", found.start, found.stop) >= 0)
    return Large(b"%b%b{%d}\r\n" % (head, b"~" if has_nul else b"", len(found)), found, may_hold_nul=may_hold_nul)
