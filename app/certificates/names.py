"""Which host names need certificates from which authority: pure, from the configuration.

The host name first, as mail depends on it, then the names for mail programs and policies, then those of web sites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import Dynamic
from app.config.listener import Listener
from app.config.lookup import is_reports_only
from app.config.static import Static
from app.wire.domain import Domain

AUTOCONFIG, MTA_STS = "autoconfig", "mta-sts"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate for one name."""

    authority: str  # its name in ACME
    name: str  # in ASCII
    is_host: bool = False  # a name of this host, for which the configuration may give keys


def wanted(static: Static, dynamic: Dynamic) -> list[Wanted]:
    """Every certificate, each once, the most important first."""
    found: dict[tuple[str, str], Wanted] = {}
    listeners = [one for one in static.listeners.values() if one.tls is not None and one.tls.acme]
    for names in (_hosts, _of_mail, _of_sites):
        for listener in listeners:
            assert listener.tls is not None
            for name in names(static, dynamic, listener):
                one = Wanted(listener.tls.acme, name.ascii, is_host=names is _hosts)
                found.setdefault((one.authority, one.name), one)
    return list(found.values())


def _hosts(static: Static, dynamic: Dynamic, listener: Listener) -> Iterator[Domain]:
    yield listener.hostname or static.hostname


def _of_mail(static: Static, dynamic: Dynamic, listener: Listener) -> Iterator[Domain]:
    autoconfig, policies = listener.autoconfig_https, listener.mtasts_https
    for domain, config in dynamic.domains.items():
        if config.disabled or is_reports_only(domain, dynamic):
            continue
        if autoconfig is not None and autoconfig.enabled and not autoconfig.non_tls:
            yield Domain(f"{AUTOCONFIG}.{domain.ascii}")
        if config.client_settings_domain is not None:
            yield config.client_settings_domain
        if config.mtasts is not None and policies is not None and policies.enabled and not policies.non_tls:
            yield Domain(f"{MTA_STS}.{domain.ascii}")


def _of_sites(static: Static, dynamic: Dynamic, listener: Listener) -> Iterator[Domain]:
    server = listener.webserver_https
    if server is None or not server.enabled:
        return
    yield from dynamic.web_domain_redirects
    for handler in dynamic.web_handlers:
        yield handler.domain
