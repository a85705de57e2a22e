"""Addresses as people type them, and whose they are in a configuration.

An address counts in its canonical form: `Jane+shop@Example.org` is `jane@example.org` where case does not matter and
`+` separates. Keys of Destinations and members of aliases are the text that the file has; they are found by meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import Account, Dynamic
from app.config.lookup import canonical_localpart, destination_address
from app.errors import Refusal, WireError
from app.wire.domain import Domain
from app.wire.smtp.address import Address


@dataclass(frozen=True, slots=True)
class Held:
    """An address of an account, as the file has it."""

    account: str
    key: str


def destination_key(text: str) -> tuple[str, Domain]:
    """The key of Destinations for an address as typed, and its domain; raises Refusal."""
    try:
        localpart, domain = destination_address(text.strip())
    except WireError as err:
        raise Refusal(f"{text!r} is not an address, localpart@domain or @domain: {err.message}") from None
    key = str(Address(localpart, domain)) if localpart else f"@{domain.unicode}"
    if ":" in key or key.startswith("#"):
        raise Refusal(f"{key} cannot be kept in domains.conf, where a colon ends a name and # starts a comment")
    return key, domain


def canonical_address(dynamic: Dynamic, text: str) -> str:
    """The form in which two addresses are the same; of what is no address the text."""
    try:
        localpart, domain = destination_address(text)
    except WireError:
        return text
    config = dynamic.domains.get(domain)
    return f"{canonical_localpart(config, localpart) if config else localpart}@{domain.ascii}"


def holder(dynamic: Dynamic, text: str) -> Held | None:
    """The account that has exactly this address, not by its catchall."""
    wanted = canonical_address(dynamic, text)
    return next((held for held in all_held(dynamic) if canonical_address(dynamic, held.key) == wanted), None)


def key_of(dynamic: Dynamic, account: Account, text: str) -> str:
    """The account's own spelling of an address, or nothing."""
    wanted = canonical_address(dynamic, text)
    return next((key for key in account.destinations if canonical_address(dynamic, key) == wanted), "")


def all_held(dynamic: Dynamic) -> Iterator[Held]:
    """Every address of every account."""
    for name, account in dynamic.accounts.items():
        for key in account.destinations:
            yield Held(name, key)


def refuse_taken(dynamic: Dynamic, text: str) -> None:
    """Raise Refusal when an account or an alias has this address already."""
    if held := holder(dynamic, text):
        raise Refusal(f"{held.key} is an address of the account {held.account!r} already")
    wanted = canonical_address(dynamic, text)
    for domain, config in dynamic.domains.items():
        for localpart in config.aliases:
            if canonical_address(dynamic, alias := f"{localpart}@{domain}") == wanted:
                raise Refusal(f"{alias} is an alias already")
