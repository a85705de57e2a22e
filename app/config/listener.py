"""Listeners of mox.conf: addresses, TLS, and the services that answer there.

A service is on when its section is there with `Enabled: true`. Ports have the registered numbers as defaults. What goes
together with what is checked in `check_static.py`.
"""

from __future__ import annotations

import enum

from app.config.schema import IPAddress, IPNetwork, Seconds, optional, required, settings
from app.wire.domain import Domain

DEFAULT_MAX_MESSAGE_SIZE = 100 * 1024 * 1024
DEFAULT_FIRST_TIME_SENDER_DELAY = Seconds(15.0)

_ENABLED = "Whether this service runs on this listener."
_NO_REQUIRE_STARTTLS = (
    "Allow signing in without TLS, which shows passwords to everyone on the way. Only for tests, or behind a proxy "
    "that does TLS."
)
_ON_HTTPS = (
    "Also answer on port 443 of the web server, for networks that let nothing else through. The client asks for it in "
    "the TLS handshake (ALPN)."
)
_FORWARDED = (
    "Requests come through a reverse proxy: take the client's address from X-Forwarded-For, and the scheme from "
    "X-Forwarded-Proto. Only when the port cannot be reached in any other way."
)
_NON_TLS = "Serve plain HTTP, for a reverse proxy in front that does TLS."
_NO_RATE_LIMIT = "Do not limit how many requests one network may make."


class TlsVersion(enum.Enum):
    """A version of TLS, as the setting spells it."""

    TLS_1_0 = "TLSv1.0"
    TLS_1_1 = "TLSv1.1"
    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"


@settings
class KeyCert:
    """A certificate and its key."""

    cert_file: str = required("PEM file with the certificate and those that lead to its root, relative to mox.conf.")
    key_file: str = required("PEM file with the private key of the certificate.")


@settings
class ListenerTls:
    """TLS of a listener."""

    acme: str = optional("Name of an entry of ACME that gets certificates for this listener.", default="", name="ACME")
    key_certs: tuple[KeyCert, ...] = optional("Certificates and keys in files; instead of ACME.", default=())
    min_version: TlsVersion = optional("The oldest version of TLS to accept.", default=TlsVersion.TLS_1_2)
    host_private_key_files: tuple[str, ...] = optional(
        "PEM files with the keys for certificates of the host name that come from ACME, so that the TLSA records of "
        "DANE stay valid when certificates are renewed. An RSA key of 2048 bits and an ECDSA key on P-256.",
        default=(),
    )
    client_auth_disabled: bool = optional("Do not ask mail clients for TLS certificates.", default=False)


@settings
class Smtp:
    """Incoming mail from other servers."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=25)
    no_starttls: bool = optional("Do not offer STARTTLS.", default=False, name="NoSTARTTLS")
    require_starttls: bool = optional(
        "Refuse recipients before STARTTLS. Much mail then does not arrive; TLS reports are let in all the same.",
        default=False,
        name="RequireSTARTTLS",
    )
    no_require_tls: bool = optional(
        "Do not announce REQUIRETLS, with which a sender can demand TLS on the whole way.",
        default=False,
        name="NoRequireTLS",
    )
    dnsbls: tuple[Domain, ...] = optional(
        "DNS block lists to ask about a sender's address when nothing else is known about it. Most lists ask for some "
        "agreement before regular use.",
        default=(),
        name="DNSBLs",
    )
    first_time_sender_delay: Seconds = optional(
        "How long mail from a sender without history waits before it is accepted.",
        default=DEFAULT_FIRST_TIME_SENDER_DELAY,
        zero=True,
    )
    tls_session_tickets_disabled: bool = optional(
        "Do not give out TLS session tickets; some large senders fail when they resume a session.",
        default=True,
        name="TLSSessionTicketsDisabled",
    )


@settings
class Submission:
    """Mail from signed-in users, with STARTTLS."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=587)
    no_require_starttls: bool = optional(_NO_REQUIRE_STARTTLS, default=False, name="NoRequireSTARTTLS")


@settings
class Submissions:
    """Mail from signed-in users, with TLS from the first byte."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=465)
    enabled_on_https: bool = optional(_ON_HTTPS, default=False, name="EnabledOnHTTPS")


@settings
class Imap:
    """IMAP with STARTTLS."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=143)
    no_require_starttls: bool = optional(_NO_REQUIRE_STARTTLS, default=False, name="NoRequireSTARTTLS")


@settings
class Imaps:
    """IMAP with TLS from the first byte."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=993)
    enabled_on_https: bool = optional(_ON_HTTPS, default=False, name="EnabledOnHTTPS")


@settings
class WebService:
    """Pages of one kind; port and path default to those of the kind."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on; 80 without TLS and 443 with TLS by default.", default=0)
    path: str = optional("Path of the pages, starting and ending with a slash.", default="")
    forwarded: bool = optional(_FORWARDED, default=False)


@settings
class Metrics:
    """Figures about the running server."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=8010)


@settings
class Pprof:
    """Profiles of the running server."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on; must be a port of its own.", default=8011)


@settings
class WellKnown:
    """Files that mail clients and mail servers fetch over HTTPS."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=443)
    non_tls: bool = optional(_NON_TLS, default=False, name="NonTLS")
    forwarded: bool = optional(_FORWARDED, default=False)


@settings
class WebserverHttp:
    """The web server for sites of our own, without TLS."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=80)
    rate_limit_disabled: bool = optional(_NO_RATE_LIMIT, default=False)


@settings
class WebserverHttps:
    """The web server for sites of our own."""

    enabled: bool = required(_ENABLED)
    port: int = optional("Port to listen on.", default=443)
    rate_limit_disabled: bool = optional(_NO_RATE_LIMIT, default=False)


_ACCOUNT = "Pages where account holders change their settings."
_ADMIN = "Pages for the administrator."
_WEBMAIL = "Mail in the browser."
_WEBAPI = "Sending and receiving for programs, over HTTP."
_TLS_TOO = " Over HTTPS."
_PLAIN = " Over HTTP without TLS: only for addresses that nobody else can reach."


@settings
class Listener:
    """Addresses and what is served on them."""

    ips: tuple[IPAddress, ...] = required(
        "Addresses to listen on: 0.0.0.0 and :: for all. Better name the addresses of the host, so that mail goes out "
        "from the address whose DNS records say so.",
        name="IPs",
    )
    nat_ips: tuple[IPAddress, ...] = optional(
        "Addresses by which the world reaches this listener, when the ones in IPs are behind NAT.",
        default=(),
        name="NATIPs",
    )
    ips_nated: bool = optional(
        "Old form of NATIPs, which says only that there is NAT. Use NATIPs.", default=False, name="IPsNATed"
    )
    hostname: Domain | None = optional(
        "Host name of this listener, when it is not the one of the server.", default=None
    )
    tls: ListenerTls | None = optional(
        "Certificates of this listener, either from ACME or from files.", default=None, name="TLS"
    )
    smtp_max_message_size: int = optional(
        "Bytes of the largest message to accept, in and out.",
        default=DEFAULT_MAX_MESSAGE_SIZE,
        name="SMTPMaxMessageSize",
    )
    proxy_protocol_from: tuple[IPNetwork, ...] = optional(
        "Addresses and networks of proxies in front of this listener, such as HAProxy with send-proxy-v2. They say who "
        "connected to them, in a header of the PROXY protocol, and SMTP, submission and IMAP count that address. "
        "Connections from there must begin with the header; from elsewhere it is not believed. Web pages have "
        "Forwarded instead. The Go server does not know this setting.",
        default=(),
    )
    smtp: Smtp | None = optional("Mail from other servers.", default=None, name="SMTP")
    submission: Submission | None = optional("Mail from users, TLS by STARTTLS.", default=None)
    submissions: Submissions | None = optional(
        "Mail from users, TLS from the start. Better than Submission.", default=None
    )
    imap: Imap | None = optional("Reading mail, TLS by STARTTLS.", default=None, name="IMAP")
    imaps: Imaps | None = optional("Reading mail, TLS from the start. Better than IMAP.", default=None, name="IMAPS")
    account_http: WebService | None = optional(_ACCOUNT + _PLAIN, default=None, name="AccountHTTP")
    account_https: WebService | None = optional(_ACCOUNT + _TLS_TOO, default=None, name="AccountHTTPS")
    admin_http: WebService | None = optional(_ADMIN + _PLAIN, default=None, name="AdminHTTP")
    admin_https: WebService | None = optional(_ADMIN + _TLS_TOO, default=None, name="AdminHTTPS")
    webmail_http: WebService | None = optional(_WEBMAIL + _PLAIN, default=None, name="WebmailHTTP")
    webmail_https: WebService | None = optional(_WEBMAIL + _TLS_TOO, default=None, name="WebmailHTTPS")
    webapi_http: WebService | None = optional(_WEBAPI + _PLAIN, default=None, name="WebAPIHTTP")
    webapi_https: WebService | None = optional(_WEBAPI + _TLS_TOO, default=None, name="WebAPIHTTPS")
    metrics_http: Metrics | None = optional(
        "Figures for Prometheus, at /metrics. Not for addresses that the world can reach.",
        default=None,
        name="MetricsHTTP",
    )
    pprof_http: Pprof | None = optional(
        "Profiles for developers. Not for addresses that the world can reach.", default=None, name="PprofHTTP"
    )
    autoconfig_https: WellKnown | None = optional(
        "Settings that mail programs fetch to set themselves up, at autoconfig.<domain> and others.",
        default=None,
        name="AutoconfigHTTPS",
    )
    mtasts_https: WellKnown | None = optional(
        "Policies at mta-sts.<domain> that tell other servers to deliver with TLS only.",
        default=None,
        name="MTASTSHTTPS",
    )
    webserver_http: WebserverHttp | None = optional(
        "Sites of WebHandlers in domains.conf, without TLS.", default=None, name="WebserverHTTP"
    )
    webserver_https: WebserverHttps | None = optional(
        "Sites of WebHandlers in domains.conf.", default=None, name="WebserverHTTPS"
    )
