"""Transports of mox.conf: ways for outgoing mail other than straight to the recipient's mail server.

A transport is one of: through another server (Submissions, Submission, SMTP), through a SOCKS proxy, directly over one
address family, or an immediate failure. Routes in domains.conf say which mail takes which transport.
"""

from __future__ import annotations

from app.config.schema import IPAddress, optional, required, settings
from app.wire.domain import Domain

DEFAULT_MECHANISMS = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5")
DEFAULT_FAIL_CODE = 554
DEFAULT_FAIL_MESSAGE = "transport fail: explicit immediate delivery failure per configuration"


@settings
class TransportAuth:
    """How to sign in at the other server."""

    username: str = required("Name to sign in with.")
    password: str = required("Password to sign in with.", secret=True)
    mechanisms: tuple[str, ...] = optional(
        "SASL mechanisms to try, best first. PLAIN, which shows the password to the server, is used only when listed. "
        f"By default: {' '.join(DEFAULT_MECHANISMS)}.",
        default=(),
    )


@settings
class SmtpTransport:
    """Another mail server that passes our mail on."""

    host: Domain = required("Name of the server.")
    port: int = optional("Port of the server: 465 for Submissions, 587 for Submission, 25 for SMTP.", default=0)
    starttls_insecure_skip_verify: bool = optional(
        "Accept any certificate of the server. Whoever sits between can then read the mail and the password.",
        default=False,
        name="STARTTLSInsecureSkipVerify",
    )
    no_starttls: bool = optional("Never use STARTTLS.", default=False, name="NoSTARTTLS")
    auth: TransportAuth | None = optional("Sign in before sending.", default=None)


@settings
class SocksTransport:
    """A SOCKS5 proxy; mail goes to the recipient's server from there."""

    address: str = required("Host and port of the proxy, such as localhost:1080.")
    remote_ips: tuple[IPAddress, ...] = required(
        "Addresses that the recipient's server sees, for SPF checks and DNS records.", name="RemoteIPs"
    )
    remote_hostname: Domain = required("Host name that belongs to these addresses, for EHLO.")


@settings
class DirectTransport:
    """Straight to the recipient's server over one address family."""

    disable_ipv4: bool = optional("Do not use IPv4.", default=False, name="DisableIPv4")
    disable_ipv6: bool = optional("Do not use IPv6.", default=False, name="DisableIPv6")


@settings
class FailTransport:
    """Mail that takes this way fails at once."""

    smtp_code: int = optional("Reply code to fail with, 4xx or 5xx.", default=DEFAULT_FAIL_CODE, name="SMTPCode")
    smtp_message: str = optional(
        "Text to fail with, at most 256 ASCII characters.", default=DEFAULT_FAIL_MESSAGE, name="SMTPMessage"
    )


@settings
class Transport:
    """One way out; exactly one of these."""

    submissions: SmtpTransport | None = optional("A server that takes mail with TLS from the start.", default=None)
    submission: SmtpTransport | None = optional("A server that takes mail with STARTTLS.", default=None)
    smtp: SmtpTransport | None = optional("A server that takes mail as from another server.", default=None, name="SMTP")
    socks: SocksTransport | None = optional("A SOCKS5 proxy.", default=None)
    direct: DirectTransport | None = optional("Straight to the recipient, with a choice of IPv4 or IPv6.", default=None)
    fail: FailTransport | None = optional("Fail at once.", default=None)
