"""What people enter in their mail programs: protocol, host, port and security for a domain.

`client_settings` is every way there is, for an administrator; `make_offer` is what mail programs are told: only ways in
which somebody can sign in, best first. All formats of `clientprofiles.py`, and the pages, are made from these.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import ConfigDomain
from app.config.listener import Listener
from app.config.pending import STATIC, is_pending
from app.config.static import Static
from app.errors import Refusal
from app.wire.domain import Domain

IMAP = "IMAP"
SUBMISSION = "Submission (SMTP)"
PUBLIC = "public"  # the listener that the world reaches


class Security(enum.Enum):
    """How a connection is protected, as mail programs call it."""

    TLS = "TLS"
    STARTTLS = "STARTTLS"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSetting:
    """One way to reach the server."""

    protocol: str
    host: Domain
    port: int
    security: Security
    listener: str
    note: str = ""

    @property
    def is_detour(self) -> bool:
        """Whether this is only for networks that let nothing else through."""
        return bool(self.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What mail programs are told for a domain: at least one way in and one way out, the best first."""

    domain: Domain
    incoming: tuple[ClientSetting, ...]
    outgoing: tuple[ClientSetting, ...]


def client_settings(static: Static, domain: ConfigDomain) -> list[ClientSetting]:
    """Every way, those with TLS from the start first."""
    found = [
        setting
        for name, listener in static.listeners.items()
        for setting in _of_listener(
            name, listener, domain.client_settings_domain or listener.hostname or static.hostname
        )
    ]
    return sorted(found, key=lambda setting: setting.security is not Security.TLS)


def _of_listener(name: str, listener: Listener, host: Domain) -> Iterator[ClientSetting]:
    for protocol, secure in ((IMAP, listener.imaps), (SUBMISSION, listener.submissions)):
        if secure and secure.enabled:
            yield ClientSetting(protocol=protocol, host=host, port=secure.port, security=Security.TLS, listener=name)
            if secure.enabled_on_https:
                note = "for networks where only HTTPS gets through"
                yield ClientSetting(
                    protocol=protocol, host=host, port=443, security=Security.TLS, listener=name, note=note
                )
    security = Security.STARTTLS if listener.tls else Security.NONE
    for protocol, plain in ((IMAP, listener.imap), (SUBMISSION, listener.submission)):
        if plain and plain.enabled:
            yield ClientSetting(protocol=protocol, host=host, port=plain.port, security=security, listener=name)


def make_offer(static: Static, domain: Domain, config: ConfigDomain) -> Offer:
    """What to tell mail programs; raises Refusal when nobody could read mail, or send it, with a mail program.

    Those of the listener "public" alone when that has all that is needed, as others may be for this machine only.
    """
    ways = [setting for setting in client_settings(static, config) if _works(static, setting)]
    ways.sort(key=lambda setting: (setting.is_detour, _RANK[setting.security]))
    public = _offer(domain, [setting for setting in ways if setting.listener == PUBLIC])
    offer = public if public.incoming and public.outgoing else _offer(domain, ways)
    if not offer.incoming or not offer.outgoing:
        missing = "reading mail (IMAP)" if not offer.incoming else "sending mail (Submission)"
        raise Refusal(f"this server has no service switched on for {missing} with a mail program")
    return offer


_RANK = {Security.TLS: 0, Security.STARTTLS: 1, Security.NONE: 2}
_DETOURS = {IMAP: "IMAPS", SUBMISSION: "Submissions"}


def _offer(domain: Domain, ways: list[ClientSetting]) -> Offer:
    distinct = {(way.protocol, way.host, way.port): way for way in reversed(ways)}  # the first of equal ones stays
    kept = [way for way in ways if distinct[way.protocol, way.host, way.port] is way]
    return Offer(
        domain=domain,
        incoming=tuple(way for way in kept if way.protocol == IMAP),
        outgoing=tuple(way for way in kept if way.protocol == SUBMISSION),
    )


def _works(static: Static, setting: ClientSetting) -> bool:
    """Whether somebody can sign in this way: without TLS only where the listener says so."""
    if setting.is_detour:
        return not is_pending(("Listeners", "*", _DETOURS[setting.protocol], "EnabledOnHTTPS"), STATIC)
    listener = static.listeners[setting.listener]
    service = listener.imap if setting.protocol == IMAP else listener.submission
    return setting.security is not Security.NONE or (service is not None and service.no_require_starttls)
