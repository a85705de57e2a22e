"""Whose an address is: a Directory is built once for each snapshot of the configuration and answers by dict lookups.

Order for an address of a domain of ours: an address for reports, by its whole localpart; then, by its canonical
localpart (cut at the catchall separators, lower-cased unless the domain distinguishes case), an alias or a destination;
then the domain's catchall "@domain"; then the postmaster of mox.conf for postmaster. At the host names of this server
there are only postmaster and the address for TLS reports about the host (RFC 5321 §4.5.1).

Signing in and sending follow the same lookup, without the postmaster fallback.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import Account, Alias, ConfigDomain, Destination, Dynamic
from app.config.static import Static
from app.errors import WireError
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address, parse_address

POSTMASTER = "postmaster"


class Purpose(enum.Enum):
    """Why an address belongs to an account."""

    ADDRESS = "address"
    CATCHALL = "catchall"
    POSTMASTER = "postmaster"
    DMARC_REPORTS = "dmarc reports"
    TLS_REPORTS = "tls reports"
    HOST_TLS_REPORTS = "host tls reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destined:
    """The account and destination that an address leads to."""

    account_name: str
    account: Account
    destination_key: str  # of Destinations: "jane@example.org" or "@example.org"; for others the address
    destination: Destination
    localpart: str  # canonical: what is left of the separators, in lower case where case does not matter
    purpose: Purpose = Purpose.ADDRESS

    @property
    def mailbox(self) -> str:
        """The mailbox when no ruleset says otherwise."""
        return self.destination.mailbox or "Inbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasFound:
    """The address is an alias."""

    address: Address  # canonical
    alias: Alias
    members: tuple[Destined, ...]


def canonical_localpart(domain: ConfigDomain, localpart: str) -> str:
    """The localpart that counts for finding a destination."""
    for separator in domain.separators:
        localpart = localpart.partition(separator)[0]
    return normal_localpart(domain, localpart)


def normal_localpart(domain: ConfigDomain, localpart: str) -> str:
    """The whole localpart in the form that is compared."""
    localpart = localpart if localpart.isascii() else unicodedata.normalize("NFC", localpart)
    return localpart if domain.localpart_case_sensitive else localpart.lower()


def destination_address(key: str) -> tuple[str, Domain]:
    """Localpart (empty for a catchall) and domain of a full destination key; raises WireError."""
    if key.startswith("@"):
        return "", parse_domain(key[1:])
    address = parse_address(key)
    return address.localpart, address.domain


def is_reports_only(domain: Domain, dynamic: Dynamic) -> bool:
    """Whether a domain is here only so that its reports, which go to another domain, are asked for."""
    config = dynamic.domains[domain]
    elsewhere = [report for report in (config.dmarc, config.tlsrpt) if report and report.domain not in {None, domain}]
    if len(elsewhere) < 2 or config.aliases:
        return False
    suffixes = {"@" + domain.unicode, "@" + domain.ascii}
    keys = (key for account in dynamic.accounts.values() for key in account.destinations)
    return not any(key[key.rfind("@") :].lower() in suffixes for key in keys)


class Directory:
    """Every address of one configuration."""

    def __init__(self, static: Static, dynamic: Dynamic) -> None:
        self.static = static
        self.dynamic = dynamic
        self.hostnames = frozenset(
            [static.hostname, *(one.hostname for one in static.listeners.values() if one.hostname is not None)]
        )
        self._local = {domain for domain in dynamic.domains if not is_reports_only(domain, dynamic)}
        self._found: dict[str, Destined] = {}  # by canonical address, a catchall by "@domain"
        self._reports: dict[str, Destined] = {}  # by whole localpart
        self._aliases: dict[str, AliasFound] = {}
        for name, account in dynamic.accounts.items():
            self._add_destinations(name, account)
        for domain, config in dynamic.domains.items():
            self._add_reports(domain, config)
        self._add_host_reports()
        for domain, config in dynamic.domains.items():
            self._add_aliases(domain, config)

    def is_local(self, domain: Domain) -> bool:
        """Whether mail for the domain is ours to take; also when the domain is disabled."""
        return domain in self._local or domain in self.hostnames

    def is_disabled(self, domain: Domain) -> bool:
        """Whether the domain is ours but set to take and send no mail."""
        config = self.dynamic.domains.get(domain)
        return config is not None and config.disabled

    def find(self, address: Address) -> Destined | AliasFound | None:
        """What mail to this address leads to; None for an unknown user, also of a domain that is not ours."""
        found = self._find(address)
        if found is None and address.localpart.lower() == POSTMASTER and self.is_local(address.domain):
            return self.postmaster()
        return found

    def postmaster(self) -> Destined | None:
        """What mail to `<Postmaster>` without a domain leads to."""
        wanted = self.static.postmaster
        return self._role(wanted.account, wanted.mailbox, POSTMASTER, Purpose.POSTMASTER)

    def login_account(self, text: str) -> Destined | None:
        """The account that signs in with this address; None if there is none, or its domain is disabled."""
        try:
            address = parse_address(unicodedata.normalize("NFC", text))
        except WireError:
            return None
        found = self._find(address)
        return found if isinstance(found, Destined) and not self.is_disabled(address.domain) else None

    def may_send_as(self, account_name: str, address: Address) -> bool:
        """Whether the account may use this address in From and MAIL FROM."""
        found = self._find(address)
        if isinstance(found, AliasFound):
            is_member = any(member.account_name == account_name for member in found.members)
            return found.alias.allow_msg_from and is_member
        return found is not None and found.account_name == account_name

    def addresses(self, account_name: str) -> Iterator[str]:
        """The destination keys of an account, in the order of the file."""
        account = self.dynamic.accounts.get(account_name)
        yield from account.destinations if account else ()

    def _find(self, address: Address) -> Destined | AliasFound | None:
        config = self.dynamic.domains.get(address.domain)
        at_domain = "@" + address.domain.ascii
        if config is None:
            return self._reports.get(address.localpart.lower() + at_domain)
        if report := self._reports.get(normal_localpart(config, address.localpart) + at_domain):
            return report
        canonical = canonical_localpart(config, address.localpart)
        key = canonical + at_domain
        return self._aliases.get(key) or self._found.get(key) or self._catchall(canonical, at_domain)

    def _catchall(self, localpart: str, at_domain: str) -> Destined | None:
        found = self._found.get(at_domain)
        if found is None:
            return None
        return Destined(
            account_name=found.account_name,
            account=found.account,
            destination_key=found.destination_key,
            destination=found.destination,
            localpart=localpart,
            purpose=Purpose.CATCHALL,
        )

    def _add_destinations(self, name: str, account: Account) -> None:
        for key, destination in account.destinations.items():
            try:
                localpart, domain = destination_address(key)
            except WireError:  # a problem that the checks report
                continue
            if config := self.dynamic.domains.get(domain):
                canonical = canonical_localpart(config, localpart)
                self._found[f"{canonical}@{domain.ascii}"] = Destined(
                    account_name=name,
                    account=account,
                    destination_key=key,
                    destination=destination,
                    localpart=canonical,
                    purpose=Purpose.ADDRESS if canonical else Purpose.CATCHALL,
                )

    def _add_reports(self, domain: Domain, config: ConfigDomain) -> None:
        for report, purpose in ((config.dmarc, Purpose.DMARC_REPORTS), (config.tlsrpt, Purpose.TLS_REPORTS)):
            if report is None:
                continue
            at = report.domain or domain
            owner = self.dynamic.domains.get(at, config)
            localpart = normal_localpart(owner, report.localpart)
            if found := self._role(report.account, report.mailbox, f"{report.localpart}@{at}", purpose, localpart):
                self._reports.setdefault(f"{localpart}@{at.ascii}", found)

    def _add_host_reports(self) -> None:
        if report := self.static.host_tlsrpt:
            localpart = report.localpart.lower()
            key = f"{localpart}@{self.static.hostname.ascii}"
            if found := self._role(report.account, report.mailbox, key, Purpose.HOST_TLS_REPORTS, localpart):
                self._reports.setdefault(key, found)

    def _role(
        self, account_name: str, mailbox: str, key: str, purpose: Purpose, localpart: str = POSTMASTER
    ) -> Destined | None:
        account = self.dynamic.accounts.get(account_name)
        if account is None:
            return None
        return Destined(
            account_name=account_name,
            account=account,
            destination_key=key,
            destination=Destination(mailbox=mailbox),
            localpart=localpart,
            purpose=purpose,
        )

    def _add_aliases(self, domain: Domain, config: ConfigDomain) -> None:
        for localpart, alias in config.aliases.items():
            canonical = canonical_localpart(config, localpart)
            self._aliases[f"{canonical}@{domain.ascii}"] = AliasFound(
                address=Address(canonical, domain),
                alias=alias,
                members=tuple(member for text in alias.addresses if (member := self._member(text))),
            )

    def _member(self, text: str) -> Destined | None:
        try:
            localpart, domain = destination_address(text)
        except WireError:
            return None
        config = self.dynamic.domains.get(domain)
        return self._found.get(f"{canonical_localpart(config, localpart)}@{domain.ascii}") if config else None
