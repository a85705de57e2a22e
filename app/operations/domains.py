"""Domains: add with keys and report addresses, remove, switch off and on, as edits of domains.conf.

A new domain has two DKIM keys that sign, addresses for DMARC and TLS reports, and MTA-STS in testing mode when a
listener serves its policy: reports come then, but no mail is lost over a mistake. The records to publish are in
`dnsrecords.py`. The files of the keys of a removed domain stay, so that the earlier version of the configuration can
come back; they are never erased.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from app.clock import utc
from app.config.dynamic import (
    Account,
    ConfigDomain,
    Destination,
    Dkim,
    Dynamic,
    MtaSts,
    MtaStsMode,
    ReportAddress,
)
from app.config.live import Live
from app.config.lookup import destination_address
from app.config.schema import Seconds
from app.config.static import Static
from app.errors import Refusal, WireError
from app.operations.accounts import new_account, refuse_account_name
from app.operations.dkimkeys import dkim_settings, key_files, make_keys
from app.operations.edits import change, change_domain, need_account, need_domain, with_account
from app.operations.localaddresses import destination_key, refuse_taken
from app.operations.newfiles import written
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address, parse_localpart

SEPARATOR = "+"
POLICY_MAX_AGE = Seconds(24 * 3600.0)
DMARC_LOCALPART, DMARC_MAILBOX = "dmarcreports", "DMARC"
TLSRPT_LOCALPART, TLSRPT_MAILBOX = "tlsreports", "TLSRPT"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDomain:
    """What is decided about a new domain."""

    domain: Domain
    hostname: Domain
    account: str
    serves_mtasts: bool
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class LocalDomain:
    """A domain of ours."""

    domain: Domain
    config: ConfigDomain


def new_domain(wanted: NewDomain, dkim: Dkim, now: float) -> ConfigDomain:
    """The configuration of a new domain."""
    stamp = utc(now).strftime("%Y%m%dT%H%M%S")
    policy = MtaSts(policy_id=stamp, mode=MtaStsMode.TESTING, max_age=POLICY_MAX_AGE, mx=(wanted.hostname.unicode,))
    return ConfigDomain(
        disabled=wanted.disabled,
        client_settings_domain=client_settings_domain(wanted.domain),
        localpart_catchall_separator=SEPARATOR,
        dkim=dkim,
        dmarc=ReportAddress(localpart=DMARC_LOCALPART, account=wanted.account, mailbox=DMARC_MAILBOX),
        mtasts=policy if wanted.serves_mtasts else None,
        tlsrpt=ReportAddress(localpart=TLSRPT_LOCALPART, account=wanted.account, mailbox=TLSRPT_MAILBOX),
    )


def client_settings_domain(domain: Domain) -> Domain:
    """The host name for mail programs, that can later point to another server."""
    return Domain(f"mail.{domain.ascii}")


def serves_mtasts(static: Static) -> bool:
    """Whether some listener serves MTA-STS policies."""
    return any(one.mtasts_https and one.mtasts_https.enabled for one in static.listeners.values())


def parse_domain_name(text: str) -> Domain:
    """A domain as a person types it; raises Refusal."""
    try:
        return parse_domain(text.strip())
    except WireError as err:
        raise Refusal(f"{text!r} is not a domain, such as example.org: {err.message}") from None


def parse_local_domain(dynamic: Dynamic, text: str) -> LocalDomain:
    """A domain of ours as a person types it; raises Refusal."""
    domain = parse_domain_name(text)
    return LocalDomain(domain, need_domain(dynamic, domain))


def add_domain(live: Live, wanted: NewDomain, localpart: str, now: float, *, by: str = "") -> None:
    """Add a domain with new keys. `localpart` is for a new account, and empty for one that is there."""
    _refuse_domain(live, live.dynamic, wanted, localpart)  # before the keys, which take a while
    keys = make_keys(wanted.domain, now)
    config = new_domain(wanted, dkim_settings(keys), now)

    def edit(dynamic: Dynamic) -> Dynamic:
        _refuse_domain(live, dynamic, wanted, localpart)
        added = dataclasses.replace(dynamic, domains={**dynamic.domains, wanted.domain: config})
        return _with_owner(added, live.static, wanted, localpart)

    with written(key_files(keys, live.config_dir)):
        change(live, edit, by, f"domain {wanted.domain} added")


def _refuse_domain(live: Live, dynamic: Dynamic, wanted: NewDomain, localpart: str) -> None:
    if wanted.domain in dynamic.domains:
        raise Refusal(f"there is a domain {wanted.domain} already")
    if (wanted.account in dynamic.accounts) == bool(localpart):
        known = "there already; leave the localpart out" if localpart else "new; give the localpart of its address"
        raise Refusal(f"the account {wanted.account!r} is {known}")
    if localpart:
        refuse_account_name(live, dynamic, wanted.account)


def _with_owner(dynamic: Dynamic, static: Static, wanted: NewDomain, localpart: str) -> Dynamic:
    """A new account gets the address asked for; one that is there reads postmaster, unless it does so for all."""
    if localpart:
        address, _ = destination_key(str(Address(_localpart(localpart), wanted.domain)))
        return with_account(dynamic, wanted.account, new_account(wanted.domain, {address: Destination()}))
    if wanted.account == static.postmaster.account:
        return dynamic
    account = need_account(dynamic, wanted.account)
    address = f"postmaster@{wanted.domain}"
    refuse_taken(dynamic, address)
    destinations = {**account.destinations, address: Destination()}
    return with_account(dynamic, wanted.account, dataclasses.replace(account, destinations=destinations))


def _localpart(text: str) -> str:
    """What stands before the @, as typed: with quotes where it needs them, or without."""
    try:
        localpart, end = parse_localpart(text)
    except WireError as err:
        raise Refusal(f"{text!r} is not a localpart: {err.message}") from None
    if end != len(text):
        raise Refusal(f"{text!r} is not a localpart: give only what stands before the @")
    return localpart


def remove_domain(live: Live, domain: Domain, *, by: str = "") -> None:
    """Take a domain out with its aliases and its first postmaster; refused while accounts have addresses of it."""

    def edit(dynamic: Dynamic) -> Dynamic:
        need_domain(dynamic, domain)
        if len(dynamic.domains) == 1:
            raise Refusal("this is the last domain; add another one first")
        dynamic = _without_postmaster(dynamic, domain)
        if users := _users(dynamic, domain):
            raise Refusal(f"still in use: {', '.join(users)}; remove these addresses or change these accounts first")
        rest = {other: value for other, value in dynamic.domains.items() if other != domain}
        return dataclasses.replace(dynamic, domains=rest)

    change(live, edit, by, f"domain {domain} removed")


def _without_postmaster(dynamic: Dynamic, domain: Domain) -> Dynamic:
    """The same without the address that adding the domain gave to an account of another domain."""
    address = f"postmaster@{domain}"
    for name, account in dynamic.accounts.items():
        if not _is_default(account, domain) and account.destinations.get(address) == Destination():
            rest = {key: value for key, value in account.destinations.items() if key != address}
            return with_account(dynamic, name, dataclasses.replace(account, destinations=rest))
    return dynamic


def set_disabled(live: Live, domain: Domain, disabled: bool, *, by: str = "") -> None:
    """Switch a domain off, so that it takes and sends no mail, or on."""
    what = f"domain {domain} switched {'off' if disabled else 'on'}"
    change_domain(live, domain, lambda config: dataclasses.replace(config, disabled=disabled), by, what)


def _users(dynamic: Dynamic, domain: Domain) -> list[str]:
    """What needs a domain: addresses, accounts whose default it is, domains whose reports arrive at it."""
    found: list[str] = []
    for name, account in dynamic.accounts.items():
        found.extend(key for key in account.destinations if _domain_of(key) == domain)
        if _is_default(account, domain):
            found.append(f"account {name}")
    for other, config in dynamic.domains.items():
        if any(one and one.domain == domain for one in (config.dmarc, config.tlsrpt)) and other != domain:
            found.append(f"reports about {other}")
    return found


def _domain_of(key: str) -> Domain | None:
    try:
        return destination_address(key)[1]
    except WireError:
        return None


def _is_default(account: Account, domain: Domain) -> bool:
    return account.domain in {domain.unicode, domain.ascii}
