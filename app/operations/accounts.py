"""Accounts and their addresses: add and remove, as edits of domains.conf.

New accounts have the defaults of the quickstart: junk flags by mailbox, the word filter, Rejects. Mail on disk is not
touched here: who removes an account decides what becomes of its directory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from app.config.dynamic import (
    DEFAULT_SUBJECT_PASS_PERIOD,
    Account,
    Alias,
    ConfigDomain,
    Destination,
    Dynamic,
    SubjectPass,
)
from app.config.junksettings import NEW_ACCOUNT_FILTER, NEW_ACCOUNT_JUNK, NEW_ACCOUNT_NEUTRAL, AutomaticJunkFlags
from app.config.live import Live
from app.config.lookup import destination_address
from app.errors import Refusal, WireError
from app.wire.domain import Domain
from app.wire.smtp.address import Address

REJECTS = "Rejects"


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


def add_account(live: Live, name: str, address: str) -> None:
    """Add an account with one address of a domain that is there."""
    key, domain = _destination_key(address)

    def edit(dynamic: Dynamic) -> Dynamic:
        if name in dynamic.accounts:
            raise Refusal(f"there is an account {name!r} already")
        _need_domain(dynamic, domain)
        return with_account(dynamic, name, new_account(domain, {key: Destination()}))

    live.change(edit)


def remove_account(live: Live, name: str) -> None:
    """Take an account out; its addresses leave the aliases that they are members of."""
    for section, account in (("Postmaster", live.static.postmaster), ("HostTLSRPT", live.static.host_tlsrpt)):
        if account and account.account == name:
            raise Refusal(f"{section} in mox.conf needs this account; name another there first")

    def edit(dynamic: Dynamic) -> Dynamic:
        account = _need_account(dynamic, name)
        for address in account.destinations:
            dynamic = _without_member(dynamic, address)
        rest = {other: value for other, value in dynamic.accounts.items() if other != name}
        return dataclasses.replace(dynamic, accounts=rest)

    live.change(edit)


def add_address(live: Live, address: str, account_name: str) -> None:
    """Give an account another address; "@domain" takes what no other address of the domain does."""
    key, domain = _destination_key(address)

    def edit(dynamic: Dynamic) -> Dynamic:
        _need_domain(dynamic, domain)
        account = _need_account(dynamic, account_name)
        if key in account.destinations:
            raise Refusal(f"account {account_name!r} has the address {key} already")
        return _with_destinations(dynamic, account_name, {**account.destinations, key: Destination()})

    live.change(edit)


def remove_address(live: Live, address: str) -> None:
    """Take an address from the account that has it, and out of aliases."""
    key, _ = _destination_key(address)

    def edit(dynamic: Dynamic) -> Dynamic:
        for name, account in dynamic.accounts.items():
            if found := _same_address(account, key):
                rest = {other: value for other, value in account.destinations.items() if other != found}
                return _with_destinations(_without_member(dynamic, found), name, rest)
        raise Refusal(f"no account has the address {key}")

    live.change(edit)


def set_login_disabled(live: Live, account_name: str, reason: str) -> None:
    """Let nobody sign in to the account, telling the reason; an empty one lets them again."""

    def edit(dynamic: Dynamic) -> Dynamic:
        account = _need_account(dynamic, account_name)
        return with_account(dynamic, account_name, dataclasses.replace(account, login_disabled=reason))

    live.change(edit)


def with_account(dynamic: Dynamic, name: str, account: Account) -> Dynamic:
    """The same with this account added or replaced."""
    return dataclasses.replace(dynamic, accounts={**dynamic.accounts, name: account})


def _with_destinations(dynamic: Dynamic, name: str, destinations: Mapping[str, Destination]) -> Dynamic:
    return with_account(dynamic, name, dataclasses.replace(dynamic.accounts[name], destinations=destinations))


def _destination_key(text: str) -> tuple[str, Domain]:
    """The key of Destinations for an address as typed, and its domain."""
    try:
        localpart, domain = destination_address(text)
    except WireError as err:
        raise Refusal(f"{text!r} is not an address, localpart@domain or @domain: {err.message}") from None
    return (str(Address(localpart, domain)) if localpart else f"@{domain.unicode}"), domain


def _need_account(dynamic: Dynamic, name: str) -> Account:
    if account := dynamic.accounts.get(name):
        return account
    raise Refusal(f"there is no account {name!r}")


def _need_domain(dynamic: Dynamic, domain: Domain) -> None:
    if domain not in dynamic.domains:
        raise Refusal(f"there is no domain {domain}; add it first")


def _same_address(account: Account, key: str) -> str:
    """The account's own spelling of an address, or nothing."""
    return next((other for other in account.destinations if other.lower() == key.lower()), "")


def _without_member(dynamic: Dynamic, address: str) -> Dynamic:
    domains = {domain: _domain_without_member(config, address) for domain, config in dynamic.domains.items()}
    return dynamic if domains == dynamic.domains else dataclasses.replace(dynamic, domains=domains)


def _domain_without_member(config: ConfigDomain, address: str) -> ConfigDomain:
    if all(address not in alias.addresses for alias in config.aliases.values()):
        return config
    aliases = {
        localpart: _alias_without_member(localpart, alias, address) for localpart, alias in config.aliases.items()
    }
    return dataclasses.replace(config, aliases=aliases)


def _alias_without_member(localpart: str, alias: Alias, address: str) -> Alias:
    rest = tuple(member for member in alias.addresses if member != address)
    if not rest:
        raise Refusal(f"{address} is the last member of the alias {localpart!r}; remove the alias first")
    return dataclasses.replace(alias, addresses=rest)
