"""Domains: add with keys and report addresses, remove, switch off and on, as edits of domains.conf.

A new domain has two DKIM keys that sign, addresses for DMARC and TLS reports, and MTA-STS in testing mode when a
listener serves its policy: reports come then, but no mail is lost over a mistake. The records to publish are in
`dnsrecords.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from app.operations.accounts import new_account, with_account
from app.operations.dkimkeys import dkim_settings, key_files, make_keys
from app.operations.newfiles import written
from app.wire.domain import Domain
from app.wire.smtp.address import Address

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


def add_domain(live: Live, wanted: NewDomain, localpart: str, now: float) -> None:
    """Add a domain with new keys. `localpart` is for a new account, and empty for one that is there."""
    present = live.dynamic
    if wanted.domain in present.domains:
        raise Refusal(f"there is a domain {wanted.domain} already")
    if (wanted.account in present.accounts) == bool(localpart):
        known = "there already; leave the localpart out" if localpart else "new; give the localpart of its address"
        raise Refusal(f"the account {wanted.account!r} is {known}")
    keys = make_keys(wanted.domain, now)
    config = new_domain(wanted, dkim_settings(keys), now)

    def edit(dynamic: Dynamic) -> Dynamic:
        added = dataclasses.replace(dynamic, domains={**dynamic.domains, wanted.domain: config})
        return _with_owner(added, live.static, wanted, localpart)

    with written(key_files(keys, live.config_dir)):
        live.change(edit)


def _with_owner(dynamic: Dynamic, static: Static, wanted: NewDomain, localpart: str) -> Dynamic:
    """A new account gets the address asked for; one that is there reads postmaster, unless it does so for all."""
    if localpart:
        address = str(Address(localpart, wanted.domain))
        return with_account(dynamic, wanted.account, new_account(wanted.domain, {address: Destination()}))
    if wanted.account == static.postmaster.account:
        return dynamic
    account = dynamic.accounts[wanted.account]
    destinations = {**account.destinations, f"postmaster@{wanted.domain}": Destination()}
    return with_account(dynamic, wanted.account, dataclasses.replace(account, destinations=destinations))


def remove_domain(live: Live, domain: Domain) -> None:
    """Take a domain out; refused while accounts have addresses of it. Its keys go to dkim/old/."""
    dkim = None

    def edit(dynamic: Dynamic) -> Dynamic:
        nonlocal dkim
        config = _need(dynamic, domain)
        if len(dynamic.domains) == 1:
            raise Refusal("this is the last domain; add another one first")
        if users := _users(dynamic, domain):
            raise Refusal(f"still in use: {', '.join(users)}; remove these addresses or change these accounts first")
        dkim = config.dkim
        return dataclasses.replace(
            dynamic, domains={other: value for other, value in dynamic.domains.items() if other != domain}
        )

    live.change(edit)
    _retire_keys(live, dkim)


def set_disabled(live: Live, domain: Domain, disabled: bool) -> None:
    """Switch a domain off, so that it takes and sends no mail, or on."""

    def edit(dynamic: Dynamic) -> Dynamic:
        config = dataclasses.replace(_need(dynamic, domain), disabled=disabled)
        return dataclasses.replace(dynamic, domains={**dynamic.domains, domain: config})

    live.change(edit)


def _need(dynamic: Dynamic, domain: Domain) -> ConfigDomain:
    if config := dynamic.domains.get(domain):
        return config
    raise Refusal(f"there is no domain {domain}")


def _users(dynamic: Dynamic, domain: Domain) -> list[str]:
    """The addresses of a domain, and the accounts whose default domain it is."""
    found: list[str] = []
    for name, account in dynamic.accounts.items():
        found.extend(key for key in account.destinations if _domain_of(key) == domain)
        if _is_default(account, domain):
            found.append(f"account {name}")
    return found


def _domain_of(key: str) -> Domain | None:
    try:
        return destination_address(key)[1]
    except WireError:
        return None


def _is_default(account: Account, domain: Domain) -> bool:
    return account.domain in {domain.unicode, domain.ascii}


def _retire_keys(live: Live, dkim: Dkim | None) -> None:
    """Move the key files that no domain uses any more; they are never erased."""
    domains: Sequence[ConfigDomain] = tuple(live.dynamic.domains.values())
    used = {selector.private_key_file for one in domains if one.dkim for selector in one.dkim.selectors.values()}
    for selector in dkim.selectors.values() if dkim else ():
        if selector.private_key_file not in used:
            _retire(live.resolve(selector.private_key_file), live.config_dir / "dkim")


def _retire(path: Path, keys: Path) -> None:
    if path.parent != keys or not path.exists():
        return
    old = keys / "old"
    old.mkdir(mode=0o750, exist_ok=True)
    path.rename(old / path.name)
