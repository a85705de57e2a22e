"""The addresses of accounts as pages show them: in words, with where their mail goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.config.dynamic import Destination, Dynamic
from app.config.lookup import destination_address
from app.errors import WireError
from app.wire.domain import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An address of an account."""

    key: str  # of Destinations
    account: str
    localpart: str  # "" for a catchall
    domain: Domain
    destination: Destination

    @property
    def words(self) -> str:
        """The address; of a catchall, what it means."""
        return self.key if self.localpart else f"everything else at {self.domain}"

    @property
    def goes_to(self) -> str:
        """What becomes of mail to it."""
        if self.destination.smtp_error:
            return f"refused: {self.destination.smtp_error}"
        rules = len(self.destination.rulesets)
        by_rule = f", {rules} {'rule' if rules == 1 else 'rules'} first" if rules else ""
        return f"{self.destination.mailbox or 'Inbox'}{by_rule}"


def held(dynamic: Dynamic) -> Iterator[Held]:
    """Every address of every account."""
    for name in dynamic.accounts:
        yield from held_by(dynamic, name)


def held_by(dynamic: Dynamic, account: str) -> Iterator[Held]:
    """The addresses of an account, catchalls last."""
    found = []
    for key, destination in dynamic.accounts[account].destinations.items():
        try:
            localpart, domain = destination_address(key)
        except WireError:
            continue
        found.append(Held(key=key, account=account, localpart=localpart, domain=domain, destination=destination))
    yield from sorted(found, key=lambda one: not one.localpart)


def held_in(dynamic: Dynamic, domain: Domain) -> list[Held]:
    """The addresses of a domain, catchalls last."""
    found = [one for one in held(dynamic) if one.domain == domain]
    return sorted(found, key=lambda one: (not one.localpart, one.key))
