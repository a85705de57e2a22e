"""Accounts and their addresses: add and remove, as edits of domains.conf.

New accounts have the defaults of the quickstart: junk flags by mailbox, the word filter, Rejects. Mail on disk is not
touched here; `removedaccounts.py` removes an account with its mail. An address that was removed comes back with the
earlier version of the configuration.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Mapping

from app.config.dynamic import DEFAULT_SUBJECT_PASS_PERIOD, Account, Destination, Dynamic, SubjectPass
from app.config.junksettings import NEW_ACCOUNT_FILTER, NEW_ACCOUNT_JUNK, NEW_ACCOUNT_NEUTRAL, AutomaticJunkFlags
from app.config.live import Live
from app.config.lookup import destination_address
from app.config.static import Static
from app.errors import Refusal, WireError
from app.operations.aliases import without_address
from app.operations.edits import change, change_account, need_account, need_domain, with_account
from app.operations.localaddresses import canonical_address, destination_key, holder, key_of, refuse_taken
from app.wire.domain import Domain, parse_domain

REJECTS = "Rejects"
_NAME = re.compile(r"\w(?:[\w .+@-]{0,62}[\w.+@-])?")  # what can be a directory, a key of domains.conf, and typed


def new_account(domain: Domain, addresses: Mapping[str, Destination]) -> Account:
    """The configuration of a new account."""
    return Account(
        domain=domain.unicode,
        destinations=addresses,
        subject_pass=SubjectPass(period=DEFAULT_SUBJECT_PASS_PERIOD),
        rejects_mailbox=REJECTS,
        automatic_junk_flags=AutomaticJunkFlags(
            enabled=True, junk_mailbox_regexp=NEW_ACCOUNT_JUNK, neutral_mailbox_regexp=NEW_ACCOUNT_NEUTRAL
        ),
        junk_filter=NEW_ACCOUNT_FILTER,
        no_custom_password=True,
    )


def add_account(live: Live, name: str, address: str, *, by: str = "") -> None:
    """Add an account with one address of a domain that is there."""
    key, domain = destination_key(address)

    def edit(dynamic: Dynamic) -> Dynamic:
        refuse_account_name(live, dynamic, name)
        need_domain(dynamic, domain)
        refuse_taken(dynamic, key)
        return with_account(dynamic, name, new_account(domain, {key: Destination()}))

    change(live, edit, by, f"account {name} added")


def refuse_account_name(live: Live, dynamic: Dynamic, name: str) -> None:
    """Raise Refusal for the name of an account that is there, in the configuration or as mail on disk."""
    if not _NAME.fullmatch(name):
        raise Refusal(
            "give the account a short name of letters and digits, such as jane; it becomes the name of a directory"
        )
    if name in dynamic.accounts:
        raise Refusal(f"there is an account {name!r} already")
    same = next((other for other in dynamic.accounts if other.lower() == name.lower()), None)
    if same is not None:  # two directories that some file systems and most people take for one
        raise Refusal(f"there is an account {same!r} already, which differs only in upper and lower case")
    if (live.data_dir / "accounts" / name).exists():
        raise Refusal(f"there is mail of an earlier account {name!r} in accounts/{name}; move it away first")


def without_account(dynamic: Dynamic, static: Static, name: str) -> Dynamic:
    """The same without an account, its addresses out of the aliases; raises Refusal when something needs it."""
    account = need_account(dynamic, name)
    dynamic = _without_reports(dynamic, name)
    _refuse_needed(dynamic, static, name)
    for address in account.destinations:
        dynamic = without_address(dynamic, address)
    rest = {other: value for other, value in dynamic.accounts.items() if other != name}
    return dataclasses.replace(dynamic, accounts=rest)


def remove_account(live: Live, name: str, *, by: str = "") -> None:
    """Take an account out of the configuration alone; its mail stays where it is."""
    change(live, lambda dynamic: without_account(dynamic, live.static, name), by, f"account {name} removed")


def add_address(live: Live, address: str, account_name: str, *, by: str = "") -> None:
    """Give an account another address; "@domain" takes what no other address of the domain does."""
    key, domain = destination_key(address)

    def edit(dynamic: Dynamic) -> Dynamic:
        need_domain(dynamic, domain)
        account = need_account(dynamic, account_name)
        refuse_taken(dynamic, key)
        return _with_destinations(dynamic, account_name, {**account.destinations, key: Destination()})

    change(live, edit, by, f"address {key} added to account {account_name}")


def remove_address(live: Live, address: str, *, by: str = "") -> None:
    """Take an address from the account that has it, and out of aliases."""
    key, _ = destination_key(address)

    def edit(dynamic: Dynamic) -> Dynamic:
        held = holder(dynamic, key)
        if held is None:
            raise Refusal(f"no account has the address {key}")
        return _without_destination(without_address(dynamic, held.key), held.account, held.key)

    change(live, edit, by, f"address {key} removed")


def account_with(dynamic: Dynamic, address: str) -> str:
    """The name of the account that has exactly this address; raises Refusal."""
    key, _ = destination_key(address)
    if held := holder(dynamic, key):
        return held.account
    raise Refusal(f"no account has the address {key}")


def set_login_disabled(live: Live, account_name: str, reason: str, *, by: str = "") -> None:
    """Let nobody sign in to the account, telling the reason; an empty one lets them again."""
    what = f"signing in to account {account_name} {'switched off' if reason else 'allowed again'}"
    change_account(
        live, account_name, lambda account: dataclasses.replace(account, login_disabled=reason.strip()), by, what
    )


def _refuse_needed(dynamic: Dynamic, static: Static, name: str) -> None:
    for section, role in (("Postmaster", static.postmaster), ("HostTLSRPT", static.host_tlsrpt)):
        if role and role.account == name:
            raise Refusal(f"{section} in mox.conf needs this account; name another there first")
    for domain, config in dynamic.domains.items():
        for what, report in (("DMARC", config.dmarc), ("TLS", config.tlsrpt)):
            if report and report.account == name:
                way = "let them go to another one, or remove the domain first"
                raise Refusal(f"{what} reports about {domain} go to this account; {way}")


def _without_reports(dynamic: Dynamic, name: str) -> Dynamic:
    """The same without the reports about the account's own domain, when nobody else has an address of that.

    It may have been added with the domain; else each of the two would need the other to be removed first.
    """
    others = {domain for other in dynamic.accounts if other != name for domain in _domains_of(dynamic.accounts[other])}
    domains = dict(dynamic.domains)
    for domain, config in dynamic.domains.items():
        if domain not in others and dynamic.accounts[name].domain in (domain.unicode, domain.ascii):
            dmarc, tlsrpt = (None if one and one.account == name else one for one in (config.dmarc, config.tlsrpt))
            domains[domain] = dataclasses.replace(config, dmarc=dmarc, tlsrpt=tlsrpt)
    return dataclasses.replace(dynamic, domains=domains)


def _domains_of(account: Account) -> set[Domain]:
    """The domain of an account and those of its addresses."""
    found: set[Domain] = set()
    with contextlib.suppress(WireError):
        found.add(parse_domain(account.domain))
    for key in account.destinations:
        with contextlib.suppress(WireError):
            found.add(destination_address(key)[1])
    return found


def _with_destinations(dynamic: Dynamic, name: str, destinations: Mapping[str, Destination]) -> Dynamic:
    return with_account(dynamic, name, dataclasses.replace(dynamic.accounts[name], destinations=destinations))


def _without_destination(dynamic: Dynamic, name: str, key: str) -> Dynamic:
    """The account without an address, also among those that sign in for addresses of their own in MAIL FROM."""
    account = dynamic.accounts[name]
    gone = canonical_address(dynamic, key)
    kept = tuple(one for one in account.from_id_login_addresses if canonical_address(dynamic, one) != gone)
    rest = {other: value for other, value in account.destinations.items() if other != key_of(dynamic, account, key)}
    return with_account(dynamic, name, dataclasses.replace(account, destinations=rest, from_id_login_addresses=kept))
