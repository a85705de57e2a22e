"""What the listeners of mox.conf serve, as bound sockets: made early, while the process may still be root.

Certificates and keys are read here too, as only root may be able to. A port of the configuration whose service belongs
to a later version is not opened; `config test` names those settings.
"""

from __future__ import annotations

import enum
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.config.listener import Listener, TlsVersion
from app.config.live import Live
from app.log import logger
from app.net.listen import bind, has_ipv6
from app.net.tls import KeyCert, TlsSettings, server_context
from app.smtpserver.conversation import Kind as ServiceKind
from app.smtpserver.conversation import Service
from app.smtpserver.listener import services
from app.web.mounts import Mount, page_ports

log = logger("serve")

_TLS_VERSIONS = {
    TlsVersion.TLS_1_0: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS_1_1: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}


_ALL = ("0.0.0.0", "::")


class Kind(enum.Enum):
    """What is served."""

    SMTP = "smtp"
    IMAP = "imap"
    METRICS = "metrics"
    PAGES = "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One service of a listener, on one of its addresses."""

    kind: Kind
    listener: Listener
    address: str
    port: int
    smtp: Service | None = None
    tls: ssl.SSLContext | None = None
    is_tls_first: bool = False  # TLS from the first byte
    passwords_need_tls: bool = True
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """An endpoint with its listening socket."""

    endpoint: Endpoint
    socket: socket.socket


def open_endpoints(live: Live) -> list[Bound]:
    """Every endpoint, listening. Raises ListenError or CertificateError.

    On a machine without IPv6 the IPv6 addresses are left out with a warning: a configuration names both families.
    """
    wanted = list(endpoints(live))
    if not has_ipv6() and (left_out := {one.address for one in wanted if ":" in one.address}):
        log.warn("no IPv6 on this machine, not listening there", addresses=" ".join(sorted(left_out)))
        wanted = [one for one in wanted if one.address not in left_out]
    bound: list[Bound] = []
    shared = _shared_ports(wanted)
    try:
        for endpoint in wanted:
            is_shared = endpoint.port in shared
            bound.append(Bound(endpoint, bind(endpoint.address, endpoint.port, is_shared=is_shared)))
    except BaseException:
        for one in bound:
            one.socket.close()
        raise
    return bound


def _shared_ports(wanted: Sequence[Endpoint]) -> set[int]:
    """Ports wanted for all addresses and also for one, as quickstart writes behind NAT: 0.0.0.0:80 and 127.0.0.1:80."""
    everywhere = {one.port for one in wanted if one.address in _ALL}
    return {one.port for one in wanted if one.address not in _ALL} & everywhere


def endpoints(live: Live) -> Iterator[Endpoint]:
    """What is to be served."""
    for listener in live.static.listeners.values():
        tls = _tls_context(live, listener)
        asking = _tls_context(live, listener, asks_client_certificates=True)
        for address in listener.ips:
            yield from _mail(live, listener, str(address), tls, asking)
            yield from _http(listener, str(address), tls)


def _mail(
    live: Live, listener: Listener, address: str, tls: ssl.SSLContext | None, asking: ssl.SSLContext | None
) -> Iterator[Endpoint]:
    """SMTP, submission and IMAP; `asking` is for services that people sign in to."""
    for made, port in services(listener, live.static.hostname, tls):
        service = made if made.kind is ServiceKind.SMTP else replace(made, tls=asking)
        yield Endpoint(kind=Kind.SMTP, listener=listener, address=address, port=port, smtp=service)
    if (imap := listener.imap) is not None and imap.enabled:
        need_tls = not imap.no_require_starttls
        yield Endpoint(
            kind=Kind.IMAP, listener=listener, address=address, port=imap.port, tls=asking, passwords_need_tls=need_tls
        )
    if (imaps := listener.imaps) is not None and imaps.enabled:
        yield Endpoint(
            kind=Kind.IMAP, listener=listener, address=address, port=imaps.port, tls=asking, is_tls_first=True
        )


def _http(listener: Listener, address: str, tls: ssl.SSLContext | None) -> Iterator[Endpoint]:
    if (metrics := listener.metrics_http) is not None and metrics.enabled:
        yield Endpoint(kind=Kind.METRICS, listener=listener, address=address, port=metrics.port)
    for one in page_ports(listener):
        if one.is_tls and tls is None:
            log.warn("no certificate, pages over TLS are not served", address=address, port=one.port)
            continue
        context = tls if one.is_tls else None
        yield Endpoint(
            kind=Kind.PAGES, listener=listener, address=address, port=one.port, tls=context, mounts=one.mounts
        )


def _tls_context(live: Live, listener: Listener, *, asks_client_certificates: bool = False) -> ssl.SSLContext | None:
    """The listener's context; None without certificates in files (those from ACME belong to a later version)."""
    if listener.tls is None or not listener.tls.key_certs:
        return None
    files = [
        KeyCert(str(live.resolve(pair.cert_file)), str(live.resolve(pair.key_file))) for pair in listener.tls.key_certs
    ]
    settings = TlsSettings(
        min_version=_TLS_VERSIONS[listener.tls.min_version],
        asks_client_certificates=asks_client_certificates and not listener.tls.client_auth_disabled,
        session_tickets=listener.smtp is None or not listener.smtp.tls_session_tickets_disabled,
    )
    return server_context(files, settings)
