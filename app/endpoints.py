"""What the listeners of mox.conf serve, as bound sockets: made early, while the process may still be root.

Certificates and keys are read here too, as only root may be able to. A port of the configuration whose service belongs
to a later version is not opened; `config test` names those settings.
"""

from __future__ import annotations

import enum
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.config.listener import Listener, ListenerTls, TlsVersion
from app.config.live import Live
from app.log import logger
from app.net.certificatefile import memory_key_cert
from app.net.handover import Place
from app.net.listen import bind, has_ipv6
from app.net.selfsigned import make_self_signed
from app.net.tls import KeyCert, ServerCertificates, TlsSettings
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
    certificates: ServerCertificates | None = None  # behind `tls`
    is_tls_first: bool = False  # TLS from the first byte
    passwords_need_tls: bool = True
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """An endpoint with its listening socket."""

    endpoint: Endpoint
    socket: socket.socket


def open_endpoints(live: Live, given: dict[Place, socket.socket]) -> list[Bound]:
    """Every endpoint, listening, on a socket that was given where there is one. Raises ListenError or CertificateError.

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
            sock = given.pop((endpoint.address, endpoint.port), None)
            if sock is None:
                sock = bind(endpoint.address, endpoint.port, is_shared=endpoint.port in shared)
            bound.append(Bound(endpoint, sock))
    except BaseException:
        for one in bound:
            one.socket.close()
        raise
    for address, port in given:
        log.warn("a socket was handed over that no listener of mox.conf is for", address=address, port=port)
    return bound


def _shared_ports(wanted: Sequence[Endpoint]) -> set[int]:
    """Ports wanted for all addresses and also for one, as quickstart writes behind NAT: 0.0.0.0:80 and 127.0.0.1:80."""
    everywhere = {one.port for one in wanted if one.address in _ALL}
    return {one.port for one in wanted if one.address not in _ALL} & everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tls:
    """The certificates of a listener, as its services want them."""

    mail: ServerCertificates
    asking: ServerCertificates  # for services that people sign in to, some with a certificate of their own
    pages: ServerCertificates


def endpoints(live: Live) -> Iterator[Endpoint]:
    """What is to be served."""
    for listener in live.static.listeners.values():
        tls = _tls(live, listener)
        for address in listener.ips:
            yield from _mail(live, listener, str(address), tls)
            yield from _http(live, listener, str(address), tls)


def _mail(live: Live, listener: Listener, address: str, tls: _Tls | None) -> Iterator[Endpoint]:
    """SMTP, submission and IMAP."""
    mail, asking = (tls.mail, tls.asking) if tls is not None else (None, None)
    asks = asking.context if asking is not None else None
    for made, port in services(listener, live.static.hostname, mail.context if mail is not None else None):
        is_smtp = made.kind is ServiceKind.SMTP
        yield Endpoint(
            kind=Kind.SMTP,
            listener=listener,
            address=address,
            port=port,
            smtp=made if is_smtp else replace(made, tls=asks),
            certificates=mail if is_smtp else asking,
        )
    for service, is_tls_first in ((listener.imap, False), (listener.imaps, True)):
        if service is not None and service.enabled:
            yield Endpoint(
                kind=Kind.IMAP,
                listener=listener,
                address=address,
                port=service.port,
                tls=asks,
                certificates=asking,
                is_tls_first=is_tls_first,
                passwords_need_tls=not getattr(service, "no_require_starttls", False),
            )


def _http(live: Live, listener: Listener, address: str, tls: _Tls | None) -> Iterator[Endpoint]:
    if (metrics := listener.metrics_http) is not None and metrics.enabled:
        yield Endpoint(kind=Kind.METRICS, listener=listener, address=address, port=metrics.port)
    acme = live.static.acme.get(listener.tls.acme) if listener.tls is not None else None
    for one in page_ports(listener, acme.port if acme is not None else 0):
        if one.is_tls and tls is None:
            log.warn("no certificate, pages over TLS are not served", address=address, port=one.port)
            continue
        pages = tls.pages if one.is_tls and tls is not None else None
        yield Endpoint(
            kind=Kind.PAGES,
            listener=listener,
            address=address,
            port=one.port,
            tls=pages.context if pages is not None else None,
            certificates=pages,
            mounts=one.mounts,
        )


def automatic_certificates(bound: Sequence[Bound]) -> dict[str, list[ServerCertificates]]:
    """The certificates that come by themselves, by the authority of their listener."""
    found: dict[str, list[ServerCertificates]] = {}
    for endpoint in (one.endpoint for one in bound):
        authority = endpoint.listener.tls.acme if endpoint.listener.tls is not None else ""
        certificates = found.setdefault(authority, []) if authority else []
        if endpoint.certificates is not None and endpoint.certificates not in certificates:
            certificates.append(endpoint.certificates)
    return found


def certificates_in_files(live: Live, bound: Sequence[Bound]) -> list[tuple[ServerCertificates, list[KeyCert]]]:
    """Those whose files may change, with the files."""
    found: list[tuple[ServerCertificates, list[KeyCert]]] = []
    for endpoint in (one.endpoint for one in bound):
        tls, made = endpoint.listener.tls, endpoint.certificates
        if made is not None and tls is not None and tls.key_certs and all(one is not made for one, _ in found):
            found.append((made, _files(live, endpoint.listener, tls)))
    return found


def _tls(live: Live, listener: Listener) -> _Tls | None:
    """The certificates of the listener; None without TLS."""
    if listener.tls is None or not (listener.tls.key_certs or listener.tls.acme):
        return None
    files = _files(live, listener, listener.tls)
    usual = TlsSettings(
        min_version=_TLS_VERSIONS[listener.tls.min_version],
        session_tickets=listener.smtp is None or not listener.smtp.tls_session_tickets_disabled,
    )
    asks = not listener.tls.client_auth_disabled
    return _Tls(
        mail=ServerCertificates(files, usual),
        asking=ServerCertificates(files, replace(usual, asks_client_certificates=asks)),
        pages=ServerCertificates(files, replace(usual, refuses_unknown_names=bool(listener.tls.acme))),
    )


def _files(live: Live, listener: Listener, tls: ListenerTls) -> list[KeyCert]:
    """The files of the configuration; where certificates come by themselves, one of our own for the time until then."""
    if tls.key_certs:
        return [KeyCert(str(live.resolve(pair.cert_file)), str(live.resolve(pair.key_file))) for pair in tls.key_certs]
    name = (listener.hostname or live.static.hostname).ascii
    made = make_self_signed([name], time.time())
    return [memory_key_cert(made.certificate + made.key)]
