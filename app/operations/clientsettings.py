"""What people enter in their mail programs: protocol, host, port and security for a domain."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import ConfigDomain
from app.config.listener import Listener
from app.config.static import Static
from app.wire.domain import Domain


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
    for protocol, secure in (("IMAP", listener.imaps), ("Submission (SMTP)", listener.submissions)):
        if secure and secure.enabled:
            yield ClientSetting(protocol=protocol, host=host, port=secure.port, security=Security.TLS, listener=name)
            if secure.enabled_on_https:
                note = "for networks where only HTTPS gets through"
                yield ClientSetting(
                    protocol=protocol, host=host, port=443, security=Security.TLS, listener=name, note=note
                )
    security = Security.STARTTLS if listener.tls else Security.NONE
    for protocol, plain in (("IMAP", listener.imap), ("Submission (SMTP)", listener.submission)):
        if plain and plain.enabled:
            yield ClientSetting(protocol=protocol, host=host, port=plain.port, security=security, listener=name)
