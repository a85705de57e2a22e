"""What cannot be in one listener of mox.conf: services without the TLS they need, ports used twice, bad paths.

Only services that are enabled are looked at, as a section with `Enabled: false` is kept for later.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from app.config.checking import Checks
from app.config.listener import KeyCert, Listener, ListenerTls, WebService
from app.config.reading import Path

MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Service:
    """One enabled service: its section, its port, whether it speaks TLS from the first byte, whether it is HTTP."""

    name: str
    port: int
    tls: bool
    http: bool


def services(listener: Listener) -> Iterator[Service]:
    """The enabled services of a listener with their effective ports."""
    for name, mail, tls in (
        ("SMTP", listener.smtp, False),
        ("Submission", listener.submission, False),
        ("Submissions", listener.submissions, True),
        ("IMAP", listener.imap, False),
        ("IMAPS", listener.imaps, True),
    ):
        if mail and mail.enabled:
            yield Service(name, mail.port, tls, False)
    for name, web, tls in _web_services(listener):
        if web and web.enabled:
            yield Service(name, web.port or (443 if tls else 80), tls, True)
    yield from _other_http(listener)


def _web_services(listener: Listener) -> tuple[tuple[str, WebService | None, bool], ...]:
    return (
        ("AccountHTTP", listener.account_http, False),
        ("AccountHTTPS", listener.account_https, True),
        ("AdminHTTP", listener.admin_http, False),
        ("AdminHTTPS", listener.admin_https, True),
        ("WebmailHTTP", listener.webmail_http, False),
        ("WebmailHTTPS", listener.webmail_https, True),
        ("WebAPIHTTP", listener.webapi_http, False),
        ("WebAPIHTTPS", listener.webapi_https, True),
    )


def _other_http(listener: Listener) -> Iterator[Service]:
    if (metrics := listener.metrics_http) and metrics.enabled:
        yield Service("MetricsHTTP", metrics.port, False, True)
    if (pprof := listener.pprof_http) and pprof.enabled:
        yield Service("PprofHTTP", pprof.port, False, False)  # not HTTP here, as it shares its port with nothing
    if (autoconfig := listener.autoconfig_https) and autoconfig.enabled:
        yield Service("AutoconfigHTTPS", autoconfig.port, not autoconfig.non_tls, True)
    if (mtasts := listener.mtasts_https) and mtasts.enabled:
        yield Service("MTASTSHTTPS", mtasts.port, not mtasts.non_tls, True)
    if (plain := listener.webserver_http) and plain.enabled:
        yield Service("WebserverHTTP", plain.port, False, True)
    if (secure := listener.webserver_https) and secure.enabled:
        yield Service("WebserverHTTPS", secure.port, True, True)


class ListenerChecks:
    """The checks of one listener."""

    def __init__(self, checks: Checks, name: str, listener: Listener, acme: frozenset[str]) -> None:
        self.checks = checks
        self.path: Path = ("Listeners", name)
        self.listener = listener
        self.acme = acme

    def run(self) -> None:
        """Complain about everything."""
        self._addresses()
        if self.listener.tls is None:
            self._needs_tls()
        else:
            self._tls(self.listener.tls)
        self._starttls()
        self._ports()
        self._paths()
        if self.listener.smtp_max_message_size < 0:
            self._complain("SMTPMaxMessageSize", text="a number of bytes cannot be negative")

    def _complain(self, *names: str, text: str) -> None:
        self.checks.complain((*self.path, *names), text)

    def _addresses(self) -> None:
        if self.listener.nat_ips and self.listener.ips_nated:
            self._complain("IPsNATed", text="give only NATIPs; IPsNATed is its old form")
        for index, ip in enumerate(self.listener.nat_ips):
            if ip.is_unspecified or ip.is_loopback:
                self._complain("NATIPs", f"[{index}]", text=f"{ip} is no address that the world can reach")
        for index, network in enumerate(self.listener.proxy_protocol_from):
            if network.prefixlen == 0:
                text = f"{network} is everybody: anyone could claim any address; name the proxies"
                self._complain("ProxyProtocolFrom", f"[{index}]", text=text)

    def _needs_tls(self) -> None:
        for service in services(self.listener):
            if service.tls:
                self._complain(service.name, text="needs TLS; add a TLS section to the listener")
        smtp, submission, imap = self.listener.smtp, self.listener.submission, self.listener.imap
        if smtp and smtp.enabled and not smtp.no_starttls:
            self._complain(
                "SMTP", text="offers STARTTLS; add a TLS section to the listener, or 'NoSTARTTLS: true' here"
            )
        for name, mail in (("Submission", submission), ("IMAP", imap)):
            if mail and mail.enabled and not mail.no_require_starttls:
                self._complain(
                    name, text="demands STARTTLS; add a TLS section to the listener, or 'NoRequireSTARTTLS: true' here"
                )

    def _tls(self, tls: ListenerTls) -> None:
        if tls.acme and tls.key_certs:
            self._complain("TLS", text="give either ACME or KeyCerts, not both")
        elif not tls.acme and not tls.key_certs:
            self._complain("TLS", text="give ACME or KeyCerts, where certificates come from")
        if tls.acme and tls.acme not in self.acme:
            self._complain("TLS", "ACME", text=f"there is no {tls.acme!r} in the ACME section")
        for index, pair in enumerate(tls.key_certs):
            self._key_cert(("TLS", "KeyCerts", f"[{index}]"), pair)
        for index, name in enumerate(tls.host_private_key_files):
            self.checks.file((*self.path, "TLS", "HostPrivateKeyFiles", f"[{index}]"), name)

    def _key_cert(self, names: Path, pair: KeyCert) -> None:
        path = (*self.path, *names)
        certificate = self.checks.file((*path, "CertFile"), pair.cert_file)
        key = self.checks.file((*path, "KeyFile"), pair.key_file)
        if certificate is None or key is None or self.checks.directory is None:
            return
        directory = self.checks.directory
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(directory / pair.cert_file, directory / pair.key_file, password=lambda: "")
        except (ssl.SSLError, OSError, ValueError) as err:
            reason = getattr(err, "reason", None) or str(err)
            self.checks.complain(path, f"the certificate and key cannot be used together: {reason}")

    def _starttls(self) -> None:
        smtp = self.listener.smtp
        if smtp and smtp.no_starttls and smtp.require_starttls:
            self._complain("SMTP", "RequireSTARTTLS", text="cannot be demanded together with NoSTARTTLS")
        if smtp and smtp.first_time_sender_delay < 0:
            self._complain("SMTP", "FirstTimeSenderDelay", text="a delay cannot be negative")

    def _ports(self) -> None:
        taken: dict[int, Service] = {}
        for service in services(self.listener):
            if not 0 < service.port <= MAX_PORT:
                self._complain(service.name, "Port", text=f"{service.port} is no port; ports are 1 to {MAX_PORT}")
                continue
            other = taken.setdefault(service.port, service)
            if other is not service and (clash := _clash(other, service)):
                self._complain(service.name, "Port", text=f"port {service.port} is taken by {other.name}; {clash}")

    def _paths(self) -> None:
        for name, web, _ in _web_services(self.listener):
            if web and web.path and not web.path.startswith("/"):
                self._complain(name, "Path", text=f"a path starts with a slash: write '/{web.path}'")


def _clash(one: Service, other: Service) -> str:
    """Why two services cannot share a port, or nothing."""
    if not (one.http and other.http):
        return "give one of them another port"
    if one.tls != other.tls:
        return "one is with TLS and one without; give one of them another port"
    return ""
