"""Which pages a listener has on which of its ports: pure, from its configuration.

Several services share a port, each below its own path. Files for mail programs and policies (autoconfig, MTA-STS) and
the owner's web sites are told apart by host name and path before that. The files are also served without TLS where the
listener has the plain web port, as mail programs ask there too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from app.config.listener import Listener, WebService


class MountKind(enum.Enum):
    """What is served."""

    ACCOUNT = "account"
    ADMIN = "admin"
    CLIENT_FILES = "autoconfig"  # autoconfig, autodiscover, profiles
    POLICY = "mtasts"
    CHALLENGES = "acme"  # answers that an authority of certificates looks for
    SITES = "webserver"  # what WebHandlers and WebDomainRedirects say


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One service on a port."""

    kind: MountKind
    path: str = "/"
    is_forwarded: bool = False
    is_limited: bool = True  # in requests for each network
    https_port: int = 0  # of SITES: where the same sites are with TLS, if anywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePort:
    """A port and all that it serves."""

    port: int
    is_tls: bool
    mounts: tuple[Mount, ...]


def page_ports(listener: Listener, acme_port: int = 0) -> list[PagePort]:
    """The ports of a listener that serve pages, each once; `acme_port` is where an authority looks by TLS."""
    found: dict[tuple[int, bool], list[Mount]] = {}
    for port, is_tls, mount in (*_wanted(listener), *_sites(listener), *_challenges(listener, acme_port)):
        mounts = found.setdefault((port, is_tls), [])
        if all(other.path != mount.path or not _is_pages(other) or not _is_pages(mount) for other in mounts):
            mounts.append(mount)
    return [PagePort(port=port, is_tls=tls, mounts=tuple(mounts)) for (port, tls), mounts in found.items()]


def _is_pages(mount: Mount) -> bool:
    return mount.kind in (MountKind.ACCOUNT, MountKind.ADMIN)


def _sites(listener: Listener) -> Iterator[tuple[int, bool, Mount]]:
    secure = listener.webserver_https
    https_port = secure.port if secure is not None and secure.enabled else 0
    for service, is_tls in ((listener.webserver_http, False), (secure, True)):
        if service is not None and service.enabled:
            is_limited = not service.rate_limit_disabled
            yield service.port, is_tls, Mount(kind=MountKind.SITES, is_limited=is_limited, https_port=https_port)


def _challenges(listener: Listener, acme_port: int) -> Iterator[tuple[int, bool, Mount]]:
    if acme_port:
        yield acme_port, True, Mount(kind=MountKind.CHALLENGES)
        if listener.webserver_http is not None and listener.webserver_http.enabled:
            yield listener.webserver_http.port, False, Mount(kind=MountKind.CHALLENGES)


def _wanted(listener: Listener) -> Iterator[tuple[int, bool, Mount]]:
    for service, is_tls, kind in (
        (listener.account_http, False, MountKind.ACCOUNT),
        (listener.account_https, True, MountKind.ACCOUNT),
        (listener.admin_http, False, MountKind.ADMIN),
        (listener.admin_https, True, MountKind.ADMIN),
    ):
        if service is not None and service.enabled:
            yield service.port or (443 if is_tls else 80), is_tls, _pages(service, kind)
    yield from _files(listener)


def _pages(service: WebService, kind: MountKind) -> Mount:
    path = service.path or ("/admin/" if kind is MountKind.ADMIN else "/")
    return Mount(kind=kind, path=path, is_forwarded=service.forwarded)


def _files(listener: Listener) -> Iterator[tuple[int, bool, Mount]]:
    plain = listener.webserver_http
    for service, kind in (
        (listener.autoconfig_https, MountKind.CLIENT_FILES),
        (listener.mtasts_https, MountKind.POLICY),
    ):
        if service is None or not service.enabled:
            continue
        mount = Mount(kind=kind, is_forwarded=service.forwarded)
        yield service.port, not service.non_tls, mount
        if kind is MountKind.CLIENT_FILES and not service.non_tls and plain is not None and plain.enabled:
            yield plain.port, False, mount
