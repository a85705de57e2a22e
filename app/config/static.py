"""mox.conf: what only root decides and a restart makes true.

Paths in it are relative to its own directory (`Live.resolve`). Sizes are bytes, durations Go's.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.config.listener import Listener
from app.config.schema import Seconds, optional, required, settings
from app.config.transports import Transport
from app.log import Level
from app.wire.domain import Domain

DEFAULT_USER = "mox"
DEFAULT_RENEW_BEFORE = Seconds(30 * 24 * 3600.0)


@settings
class CertificateRoots:
    """Certificates of authorities to trust."""

    additional_to_system: bool = optional(
        "Trust these besides those of the system, not instead of them.", default=False
    )
    cert_files: tuple[str, ...] = optional("PEM files with certificates, relative to mox.conf.", default=())


@settings
class GlobalTls:
    """TLS for everything that we connect to."""

    ca: CertificateRoots | None = optional(
        "Authorities to trust when certificates are asked for (ACME).", default=None, name="CA"
    )


@settings
class ExternalAccountBinding:
    """Ties an ACME account to one that the authority knows already."""

    key_id: str = required("Identifier of the key, from the authority.", name="KeyID")
    key_file: str = required("File with the key as base64url, relative to mox.conf.")


@settings
class Acme:
    """An authority that gives out certificates automatically."""

    directory_url: str = required(
        "Address of the directory, such as https://acme-v02.api.letsencrypt.org/directory.", name="DirectoryURL"
    )
    renew_before: Seconds = optional("How long before its end a certificate is renewed.", default=DEFAULT_RENEW_BEFORE)
    contact_email: str = required("Address for messages of the authority about certificates.")
    port: int = optional(
        "Port on which the authority's tls-alpn-01 check arrives, when 443 is passed on to another port.", default=443
    )
    issuer_domain_name: str = optional(
        "Name of the authority in CAA records; letsencrypt.org is known by its address.", default=""
    )
    external_account_binding: ExternalAccountBinding | None = optional(
        "Account at the authority, for those that ask for one.", default=None
    )


@settings
class Postmaster:
    """Who reads mail for postmaster."""

    account: str = required("Account that gets it.")
    mailbox: str = required("Mailbox that it goes to.")


@settings
class HostTlsRpt:
    """Where TLS reports about this host arrive."""

    account: str = required("Account that gets the reports.")
    mailbox: str = required("Mailbox that they go to.")
    localpart: str = required("Localpart at the host name that the DNS record asks reports to be sent to.")


@settings
class SpecialUse:
    """Mailboxes that mail programs look for by their use."""

    sent: str = optional("For copies of what was sent.", default="")
    archive: str = optional("For what is done with.", default="")
    trash: str = optional("For what is deleted.", default="")
    draft: str = optional("For what is not sent yet.", default="")
    junk: str = optional("For junk.", default="")


@settings
class InitialMailboxes:
    """Mailboxes of a new account besides Inbox."""

    special_use: SpecialUse | None = optional("Names of mailboxes with a special use.", default=None)
    regular: tuple[str, ...] = optional("Names of more mailboxes.", default=())


@settings
class Static:
    """The whole of mox.conf."""

    data_dir: str = required("Directory for mail and databases, relative to mox.conf.")
    log_level: Level = required("Least level to log: error, info, debug, trace, traceauth or tracedata.")
    package_log_levels: Mapping[str, Level] = optional(
        "Levels for single packages, such as smtpserver, imapserver, queue, smtpclient, dkim, spf, dmarc, junk.",
        default={},
    )
    user: str = optional(
        "System user to change to after binding ports as root, or a number for one that has no name.",
        default=DEFAULT_USER,
    )
    no_fix_permissions: bool = optional("Do not set owner and modes of files at start.", default=False)
    hostname: Domain = required("Full name of this host, such as mail.example.org; in Unicode if internationalised.")
    check_updates: bool = optional(
        "Ask DNS once a day for a new version, and say so on the admin pages; nothing is changed by itself.",
        default=False,
    )
    pedantic: bool = optional(
        "Treat faults of clients that are usually tolerated as errors. Only for testing.", default=False
    )
    tls: GlobalTls | None = optional("TLS for connections that we make.", default=None, name="TLS")
    acme: Mapping[str, Acme] = optional(
        "Authorities for automatic certificates, by a name of your choice that listeners refer to.",
        default={},
        name="ACME",
    )
    admin_password_file: str = optional(
        "File with the hash of the administrator's password, relative to mox.conf. Without it nobody signs in to the "
        "admin pages.",
        default="",
    )
    listeners: Mapping[str, Listener] = required(
        "Addresses and services, by a name of your choice. The one named public is what the world reaches."
    )
    postmaster: Postmaster = required("Who gets mail for postmaster, and messages about the server.")
    host_tlsrpt: HostTlsRpt | None = optional(
        "Where TLS reports about this host go, as with DANE other servers report about the host and not the domain.",
        default=None,
        name="HostTLSRPT",
    )
    initial_mailboxes: InitialMailboxes | None = optional(
        "Mailboxes of a new account besides Inbox. By default Sent, Archive, Trash, Drafts and Junk.", default=None
    )
    default_mailboxes: tuple[str, ...] = optional("Old form of InitialMailboxes.", default=())
    transports: Mapping[str, Transport] = optional(
        "Ways for outgoing mail, by a name of your choice that Routes in domains.conf refer to.", default={}
    )
    no_outgoing_dmarc_reports: bool = optional(
        "Do not send DMARC reports about mail that we received.", default=False, name="NoOutgoingDMARCReports"
    )
    no_outgoing_tls_reports: bool = optional(
        "Do not send TLS reports about connections that we made.", default=False, name="NoOutgoingTLSReports"
    )
    outgoing_tls_reports_for_all_success: bool = optional(
        "Send TLS reports also when there was nothing to complain about.",
        default=False,
        name="OutgoingTLSReportsForAllSuccess",
    )
    quota_message_size: int = optional(
        "Bytes of messages that an account may hold unless it has a limit of its own; 0 for no limit.", default=0
    )


DEFAULT_SPECIAL_USE = SpecialUse(sent="Sent", archive="Archive", trash="Trash", draft="Drafts", junk="Junk")


def initial_mailboxes(static: Static) -> tuple[tuple[str, str | None], ...]:
    """Names of the mailboxes of a new account besides Inbox, each with its special use (RFC 6154 §2) or None."""
    initial = static.initial_mailboxes
    if initial is None:
        names = static.default_mailboxes
        initial = InitialMailboxes(regular=names) if names else InitialMailboxes(special_use=DEFAULT_SPECIAL_USE)
    uses = initial.special_use or SpecialUse()
    special = (
        (uses.sent, "\\Sent"),
        (uses.archive, "\\Archive"),
        (uses.trash, "\\Trash"),
        (uses.draft, "\\Drafts"),
        (uses.junk, "\\Junk"),
    )
    return (*(pair for pair in special if pair[0]), *((name, None) for name in initial.regular))


def quota_bytes(static: Static, account_quota: int) -> int:
    """Bytes that an account may hold, given its own QuotaMessageSize; 0 for no limit."""
    return max(account_quota or static.quota_message_size, 0)
