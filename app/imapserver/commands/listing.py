"""LIST and LSUB (RFC 9051 §6.3.9, RFC 3501 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 9590).

Names, subscriptions and annotations come from one read, so a line and what follows about its mailbox belong together.
Whether a mailbox has children and what it is for is always said; \\Subscribed when it was asked for. A subscription may
name a mailbox that is not there, which only a selection of subscriptions shows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from app.imapserver.commands.status import check_items, write_status
from app.imapserver.session import Session
from app.store.account import mailboxes
from app.store.account.annotations import annotations_named
from app.store.account.mailboxes import parents
from app.store.account.records import Mailbox
from app.wire.imap.mailboxname import compile_pattern
from app.wire.imap.parse.listing import ListCommand, LsubCommand, ReturnOption, SelectOption
from app.wire.imap.respond.listing import ROOT, Listed, list_response, lsub_response
from app.wire.imap.respond.metadata import metadata_response

Matches = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Names:
    """The mailboxes of an account by name, Inbox first, and its subscriptions."""

    mailboxes: dict[str, Mailbox]
    subscribed: set[str]
    with_children: set[str]


def read_names(db: sqlite3.Connection) -> Names:
    """All names, as they are at one moment."""
    found = {mailbox.name: mailbox for mailbox in mailboxes.all_mailboxes(db)}
    return Names(found, mailboxes.subscriptions(db), {name.rpartition("/")[0] for name in found})


async def list_mailboxes(session: Session, command: ListCommand) -> None:
    """Write a line for each name that is meant, and its STATUS and METADATA where they were asked for."""
    check_items(session, command.status_items)
    if command.patterns == ("",):
        session.write(ROOT)
    else:
        entries = command.metadata_entries
        names, values = await session.account.read(lambda db: (read_names(db), annotations_named(db, entries)))
        lines: list[bytes] = []
        for listed in choose(command, names):
            lines.append(list_response(listed, utf8=session.utf8))
            mailbox = names.mailboxes.get(listed.name)
            if mailbox is not None and command.status_items:
                lines.append(write_status(session, mailbox, command.status_items))
            if mailbox is not None and entries:
                known = values.get(mailbox.id, {})
                asked = {entry: known.get(entry) for entry in entries}
                lines.append(metadata_response(mailbox.name, asked, utf8=session.utf8))
        session.write(b"".join(lines))
    session.ok(command.tag, "listed")


def choose(command: ListCommand, names: Names) -> list[Listed]:
    """The names that LIST is to show, in their order."""
    select = command.select
    chosen = _chosen(select, names)
    above: set[str] = set()
    if SelectOption.RECURSIVEMATCH in select:
        above = {parent for name in chosen for parent in parents(name)}
    matches = _matcher(command.reference, command.patterns)
    shown = chosen | above
    order = [name for name in names.mailboxes if name in shown] + sorted(shown - names.mailboxes.keys())
    criteria = tuple(option.value for option in (SelectOption.SUBSCRIBED, SelectOption.SPECIAL_USE) if option in select)
    shows_subscribed = SelectOption.SUBSCRIBED in select or ReturnOption.SUBSCRIBED in command.returns
    return [
        Listed(
            name=name,
            attributes=attributes_of(names, name, shows_subscribed=shows_subscribed),
            childinfo=criteria if name in above else (),
        )
        for name in order
        if matches(name)
    ]


def _chosen(select: frozenset[SelectOption], names: Names) -> set[str]:
    """The names that meet the selection, whatever the pattern."""
    chosen = set(names.subscribed if SelectOption.SUBSCRIBED in select else names.mailboxes)
    if SelectOption.SPECIAL_USE in select:
        chosen &= {name for name, mailbox in names.mailboxes.items() if mailbox.special_use}
    return chosen


def _matcher(reference: str, patterns: tuple[str, ...]) -> Matches:
    compiled = [compile_pattern(reference + pattern) for pattern in patterns]
    if len(compiled) == 1:
        return compiled[0].matches
    return lambda name: any(pattern.matches(name) for pattern in compiled)


def attributes_of(names: Names, name: str, *, shows_subscribed: bool) -> tuple[str, ...]:
    """What LIST says of a name, whether there is such a mailbox or not."""
    mailbox = names.mailboxes.get(name)
    attributes = ["\\NonExistent"] if mailbox is None else []
    attributes.append("\\HasChildren" if name in names.with_children else "\\HasNoChildren")
    if mailbox is not None and mailbox.special_use:
        attributes.append(mailbox.special_use)
    if shows_subscribed and name in names.subscribed:
        attributes.append("\\Subscribed")
    return tuple(attributes)


async def lsub(session: Session, command: LsubCommand) -> None:
    """Write the subscriptions; `%` also shows what is only above one, as \\Noselect (RFC 3501 §6.3.9)."""
    subscribed = await session.account.read(mailboxes.subscriptions)
    matches = _matcher(command.reference, (command.pattern,))
    above: set[str] = set()
    if command.pattern.endswith("%"):
        above = {parent for name in subscribed if not matches(name) for parent in parents(name)} - subscribed
    lines = [
        lsub_response(name, ("\\Noselect",) if name in above else (), utf8=session.utf8)
        for name in sorted(subscribed | above)
        if matches(name)
    ]
    session.write(b"".join(lines))
    session.ok(command.tag, "listed")
