"""domains.conf: domains, accounts and what belongs to them; changed by pages and commands, read again when it changed.

Keys of Destinations are addresses in canonical form, or "@domain" for what no other address of the domain takes. An old
key without a domain is completed with the account's domain when the file is read.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from app.config.junksettings import AutomaticJunkFlags, JunkFilter
from app.config.regexp import Regexp
from app.config.schema import Seconds, optional, optional_secret, required, settings
from app.config.webhandlers import WebHandler
from app.wire.domain import Domain

DEFAULT_SUBJECT_PASS_PERIOD = Seconds(12 * 3600.0)
DEFAULT_MAX_OUTGOING_PER_DAY = 1000
DEFAULT_MAX_FIRST_TIME_RECIPIENTS_PER_DAY = 200

_ROUTES = (
    "Which transport outgoing mail takes; the first route that matches counts. Account before domain before global."
)


class DkimHash(enum.Enum):
    """Hash of a signature."""

    SHA256 = "sha256"
    SHA1 = "sha1"


class MtaStsMode(enum.Enum):
    """What other servers shall do when TLS to us is not as our policy says."""

    NONE = "none"
    TESTING = "testing"
    ENFORCE = "enforce"


class WebhookEvent(enum.Enum):
    """What happened to a message that was sent."""

    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    DELAYED = "delayed"
    FAILED = "failed"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    CANCELED = "canceled"
    UNRECOGNIZED = "unrecognized"


@settings
class Canonicalization:
    """How much a message may be changed on its way without breaking the signature."""

    header_relaxed: bool = required("Let white space and letter case of header fields change.")
    body_relaxed: bool = required("Let white space of the body change.")


@settings
class Selector:
    """One DKIM key."""

    hash: DkimHash = optional("Hash of signatures; sha256 is the only sensible one.", default=DkimHash.SHA256)
    canonicalization: Canonicalization | None = optional(
        "How messages are compared. Without it nothing at all may change (simple/simple).", default=None
    )
    headers: tuple[str, ...] = optional(
        "Header fields to sign. By default From To Cc Bcc Reply-To References In-Reply-To Subject Date Message-Id "
        "Content-Type.",
        default=(),
    )
    dont_seal_headers: bool = optional("Let others add more header fields of the signed names.", default=False)
    expiration: str = optional("How long a signature is valid, such as 72h.", default="")
    private_key_file: str = required("PEM file (PKCS#8) with an RSA or Ed25519 key, relative to domains.conf.")


@settings
class Dkim:
    """Signatures on outgoing mail."""

    selectors: Mapping[str, Selector] = required("Keys by selector, the name in DNS: <selector>._domainkey.<domain>.")
    sign: tuple[str, ...] = optional("Selectors to sign with. All of them sign each message.", default=())


@settings
class ReportAddress:
    """Where reports about a domain arrive."""

    localpart: str = required("Localpart of the address in the DNS record.")
    domain: Domain | None = optional("Domain of the address, when it is another one of ours.", default=None)
    account: str = required("Account that gets the reports.")
    mailbox: str = required("Mailbox that they go to.")


@settings
class MtaSts:
    """The policy that tells other servers to deliver with TLS only."""

    policy_id: str = required("Changes whenever the policy changes; letters and digits, at most 32.", name="PolicyID")
    mode: MtaStsMode = required("enforce, testing (report, but deliver) or none.")
    max_age: Seconds = required("How long others may remember the policy, such as 24h.")
    mx: tuple[str, ...] = optional("Names of mail servers; by default our host name.", default=(), name="MX")


@settings
class Route:
    """Which mail takes which transport."""

    from_domain: tuple[str, ...] = optional(
        "Domains of senders; .example.org also means those below. All if empty.", default=()
    )
    to_domain: tuple[str, ...] = optional(
        "Domains of recipients; .example.org also means those below. All if empty.", default=()
    )
    minimum_attempts: int = optional("Only after this many failed attempts.", default=0)
    transport: str = required("Name of a transport in mox.conf.")


@settings
class Alias:
    """An address that stands for several."""

    addresses: tuple[str, ...] = required("Members: addresses of accounts here.")
    post_public: bool = optional("Anyone may write to it, not only members.", default=False)
    list_members: bool = optional("Members may see who the members are.", default=False)
    allow_msg_from: bool = optional("Members may send with this address as From.", default=False)


@settings
class ConfigDomain:
    """A domain whose mail we handle."""

    disabled: bool = optional(
        "No mail in or out, no certificates. For a domain that is about to come or go.", default=False
    )
    description: str = optional("Words for yourself.", default="")
    client_settings_domain: Domain | None = optional(
        "Host name that users put in their mail programs, so that it can stay when the server moves.", default=None
    )
    localpart_catchall_separator: str = optional(
        "Text after which the rest of a localpart is ignored, such as +: me+shop@ arrives at me@.", default=""
    )
    localpart_catchall_separators: tuple[str, ...] = optional("Several such texts.", default=())
    localpart_case_sensitive: bool = optional("Distinguish upper and lower case in localparts.", default=False)
    dkim: Dkim | None = optional("Signatures on outgoing mail.", default=None, name="DKIM")
    dmarc: ReportAddress | None = optional("Where DMARC reports of others go.", default=None, name="DMARC")
    mtasts: MtaSts | None = optional("Ask other servers to deliver with TLS only.", default=None, name="MTASTS")
    tlsrpt: ReportAddress | None = optional("Where TLS reports of others go.", default=None, name="TLSRPT")
    routes: tuple[Route, ...] = optional(_ROUTES, default=())
    aliases: Mapping[str, Alias] = optional("Addresses that stand for several, by localpart.", default={})

    @property
    def separators(self) -> tuple[str, ...]:
        """The catchall separators in either form of the setting."""
        single = self.localpart_catchall_separator
        return (single,) if single else self.localpart_catchall_separators


@settings
class OutgoingWebhook:
    """Called with news about messages that were sent."""

    url: str = required("Address to call.", name="URL")
    authorization: str = optional_secret("Value of the Authorization field of the call.", default="")
    events: tuple[WebhookEvent, ...] = optional("Only these events; all if empty.", default=())


@settings
class IncomingWebhook:
    """Called with messages that arrived."""

    url: str = required("Address to call.", name="URL")
    authorization: str = optional_secret("Value of the Authorization field of the call.", default="")


@settings
class SubjectPass:
    """A refused sender may pass by putting a token in the subject."""

    period: Seconds = required("How long a token is valid.")


@settings
class Ruleset:
    """Where matching mail goes; all conditions that are given must match."""

    smtp_mail_from_regexp: Regexp | None = optional(
        "On the MAIL FROM address.", default=None, name="SMTPMailFromRegexp"
    )
    msg_from_regexp: Regexp | None = optional("On the address in the From field.", default=None)
    verified_domain: Domain | None = optional("The sender is verified to be of this domain or one below.", default=None)
    headers_regexp: Mapping[Regexp, Regexp] = optional(
        "On header fields, name and value in lower case: every entry must match some field.", default={}
    )
    is_forward: bool = optional(
        "Mail is passed on by another server: judge the original sender, not that server.", default=False
    )
    list_allow_domain: Domain | None = optional(
        "A mailing list: accept what is verified for this domain.", default=None
    )
    accept_rejects_to_mailbox: str = optional("Put here, and accept, what would be refused as junk.", default="")
    mailbox: str = required("Mailbox that matching mail goes to.")
    comment: str = optional("Words for yourself.", default="")


@settings
class Destination:
    """What happens to mail for one address of an account."""

    mailbox: str = optional("Mailbox it goes to; Inbox by default.", default="")
    rulesets: tuple[Ruleset, ...] = optional("Rules; the first that matches decides.", default=())
    smtp_error: str = optional(
        "Refuse mail to this address with this text after 421 or 550, such as 550 no longer used.",
        default="",
        name="SMTPError",
    )
    message_auth_required_smtp_error: str = optional(
        "Refuse with this text what is not verified to be from its From address.",
        default="",
        name="MessageAuthRequiredSMTPError",
    )
    full_name: str = optional("Name to send with from this address.", default="")


@settings
class Account:
    """One holder of mail."""

    outgoing_webhook: OutgoingWebhook | None = optional("Call this with news about sent messages.", default=None)
    incoming_webhook: IncomingWebhook | None = optional("Call this with messages that arrive.", default=None)
    from_id_login_addresses: tuple[str, ...] = optional(
        "Sign-in addresses whose messages get a MAIL FROM of their own, so that bounces can be told apart.",
        default=(),
        name="FromIDLoginAddresses",
    )
    keep_retired_message_period: Seconds = optional(
        "How long to remember messages that left the queue.", default=Seconds(0.0)
    )
    keep_retired_webhook_period: Seconds = optional(
        "How long to remember webhook calls that were made.", default=Seconds(0.0)
    )
    login_disabled: str = optional("Nobody can sign in; the text says why. Mail still arrives.", default="")
    domain: str = required("Domain of the account, which completes addresses without one.")
    description: str = optional("Words for yourself.", default="")
    full_name: str = optional("Name to send with.", default="")
    destinations: Mapping[str, Destination] = optional(
        "Addresses of the account: localpart@domain, or @domain for what no other address takes.", default={}
    )
    subject_pass: SubjectPass | None = optional("Let refused senders pass with a token in the subject.", default=None)
    quota_message_size: int = optional(
        "Bytes of messages that the account may hold; negative for no limit, otherwise the limit of mox.conf.",
        default=0,
    )
    rejects_mailbox: str = optional("Mailbox for copies of what was refused, such as Rejects.", default="")
    keep_rejects: bool = optional("Do not delete old messages from it.", default=False)
    introbox: str = optional("Mailbox for mail of senders not heard of before.", default="")
    automatic_junk_flags: AutomaticJunkFlags | None = optional("Set junk flags by mailbox.", default=None)
    junk_filter: JunkFilter | None = optional("Learn from junk flags what is junk.", default=None)
    max_outgoing_messages_per_day: int = optional(
        "Recipients that the account may send to in a day.", default=DEFAULT_MAX_OUTGOING_PER_DAY
    )
    max_first_time_recipients_per_day: int = optional(
        "Recipients in a day to whom it has not sent before.", default=DEFAULT_MAX_FIRST_TIME_RECIPIENTS_PER_DAY
    )
    no_first_time_sender_delay: bool = optional("Do not make mail of new senders wait.", default=False)
    no_custom_password: bool = optional("The holder gets made passwords only, and chooses none.", default=False)
    imap_capabilities_disabled: tuple[str, ...] = optional(
        "IMAP capabilities not to offer, for clients that do them wrongly.", default=(), name="IMAPCapabilitiesDisabled"
    )
    routes: tuple[Route, ...] = optional(_ROUTES, default=())


@settings
class Dynamic:
    """The whole of domains.conf."""

    domains: Mapping[Domain, ConfigDomain] = required("Domains whose mail we handle, in Unicode if internationalised.")
    accounts: Mapping[str, Account] = required("Holders of mail, by a short name that becomes a directory.")
    web_domain_redirects: Mapping[Domain, Domain] = optional(
        "Host names whose web requests all go to another host name, over HTTPS.", default={}
    )
    web_handlers: tuple[WebHandler, ...] = optional(
        "What the web server does; the first that matches answers.", default=()
    )
    routes: tuple[Route, ...] = optional(_ROUTES, default=())
    monitor_dnsbls: tuple[Domain, ...] = optional(
        "DNS block lists in which to look for our own addresses.", default=(), name="MonitorDNSBLs"
    )
