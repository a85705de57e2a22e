"""What is still to do before mail works as well as it can: facts to items, for the set-up and for the admin.

Pure: whoever asks gathers the facts. A fact that is None was not looked at, and makes an item that says so. An item
that is not done says why it matters and what to do next, in plain words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Standing(Enum):
    """How an item stands."""

    DONE = "done"
    TO_DO = "to do"
    UNKNOWN = "not looked at"

    @property
    def badge(self) -> str:
        """The kind of mark that pages have for it."""
        return {Standing.DONE: "ok", Standing.TO_DO: "warn", Standing.UNKNOWN: "unknown"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a server."""

    runs: bool | None = None
    starts_at_boot: bool | None = None
    records_published: bool | None = None
    reverse_dns: bool | None = None  # names and addresses fit, both ways
    can_send: bool | None = None  # port 25 out is open
    has_received: bool | None = None
    has_sent: bool | None = None
    certificate_trusted: bool | None = None  # by mail programs, without asking
    web_reachable: bool | None = None  # autoconfig and mta-sts answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the list."""

    key: str
    title: str
    standing: Standing
    why: str = ""  # and what to do; empty when done


@dataclass(frozen=True, slots=True)
class _Kind:
    key: str
    title: str
    why: str


_KINDS = (
    _Kind("runs", "The server runs", "Start it; its log says what is in the way."),
    _Kind(
        "starts_at_boot",
        "It starts again with the machine",
        "After a restart of the machine somebody has to start it. With systemd, this does it: systemctl enable --now "
        "mox.service, with the full path of the file in mox's directory.",
    ),
    _Kind(
        "records_published",
        "All DNS records are published",
        "Without them mail goes elsewhere, or is taken for forged. Enter what is missing where the domain is managed.",
    ),
    _Kind(
        "reverse_dns",
        "Reverse DNS names this server",
        "Large providers refuse mail from addresses without a matching name. Whoever rents you the address sets it.",
    ),
    _Kind(
        "can_send",
        "Mail can go out on port 25",
        "Many providers of servers close it until asked. Ask yours, or send through a relay.",
    ),
    _Kind("has_received", "A message from outside arrived", "Send one to your new address from another account."),
    _Kind("has_sent", "A message to elsewhere was taken", "Write to an address that you have elsewhere."),
    _Kind(
        "certificate_trusted",
        "The certificate is one that mail programs trust",
        "One that this server made itself makes each program ask, and one that has expired makes it refuse. The admin "
        "page Certificates tells why none has come yet, or has Let's Encrypt make one.",
    ),
    _Kind(
        "web_reachable",
        "Mail programs find their settings",
        "They ask the hosts autoconfig and mta-sts of your domain, and want a certificate that they trust there. Where "
        "these do not answer, see the DNS records, the certificate and the web server.",
    ),
)


def checklist(facts: Facts) -> list[Item]:
    """Every item, what is to be done first."""
    items = [_item(kind, getattr(facts, kind.key)) for kind in _KINDS]
    return sorted(items, key=lambda item: item.standing is Standing.DONE)


def _item(kind: _Kind, fact: bool | None) -> Item:
    if fact is None:
        return Item(key=kind.key, title=kind.title, standing=Standing.UNKNOWN, why="Not looked at yet. " + kind.why)
    standing = Standing.DONE if fact else Standing.TO_DO
    return Item(key=kind.key, title=kind.title, standing=standing, why="" if fact else kind.why)


def is_green(items: Sequence[Item]) -> bool:
    """Whether nothing is left."""
    return all(item.standing is Standing.DONE for item in items)
