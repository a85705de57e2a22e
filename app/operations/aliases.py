"""Aliases: addresses that stand for several of our accounts, as edits of domains.conf.

An alias is named by its whole address; its members are addresses of accounts here, kept in the spelling that the
account has. An alias always has a member. What was removed comes back with the earlier version of the configuration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.config.dynamic import Alias, ConfigDomain, Dynamic
from app.config.live import Live
from app.errors import Refusal
from app.operations.edits import change, need_domain, with_domain
from app.operations.localaddresses import canonical_address, destination_key, holder, refuse_taken
from app.wire.domain import Domain


@dataclass(frozen=True, slots=True)
class AliasFound:
    """An alias in the file: the domain and localpart under which it stands there."""

    domain: Domain
    localpart: str
    alias: Alias

    @property
    def address(self) -> str:
        """Its address."""
        return f"{self.localpart}@{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasFlags:
    """What is allowed with an alias; None leaves it as it is."""

    post_public: bool | None = None
    list_members: bool | None = None
    allow_msg_from: bool | None = None


def find_alias(dynamic: Dynamic, address: str) -> AliasFound:
    """The alias with this address; raises Refusal."""
    key, domain = _alias_key(address)
    wanted = canonical_address(dynamic, key)
    for localpart, alias in need_domain(dynamic, domain).aliases.items():
        if canonical_address(dynamic, f"{localpart}@{domain}") == wanted:
            return AliasFound(domain, localpart, alias)
    raise Refusal(f"there is no alias {key}")


def aliases_with(dynamic: Dynamic, member: str) -> Sequence[AliasFound]:
    """The aliases that an address is a member of."""
    wanted = canonical_address(dynamic, member)
    return [
        AliasFound(domain, localpart, alias)
        for domain, config in dynamic.domains.items()
        for localpart, alias in config.aliases.items()
        if any(canonical_address(dynamic, one) == wanted for one in alias.addresses)
    ]


def add_alias(live: Live, address: str, alias: Alias, *, by: str = "") -> None:
    """Add an alias; its members may be in any spelling."""
    key, domain = _alias_key(address)
    localpart = key.rpartition("@")[0]

    def edit(dynamic: Dynamic) -> Dynamic:
        config = need_domain(dynamic, domain)
        refuse_taken(dynamic, key)
        members = _members(dynamic, alias.addresses, ())
        if not members:
            raise Refusal("an alias needs at least one member")
        new = dataclasses.replace(alias, addresses=members)
        return _with_aliases(dynamic, domain, config, {**config.aliases, localpart: new})

    change(live, edit, by, f"alias {key} added")


def update_alias(live: Live, address: str, flags: AliasFlags, *, by: str = "") -> None:
    """Change what is allowed with an alias."""
    given = {name: value for name, value in dataclasses.asdict(flags).items() if value is not None}

    def edit(dynamic: Dynamic) -> Dynamic:
        found = find_alias(dynamic, address)
        return _replaced(dynamic, found, dataclasses.replace(found.alias, **given))

    change(live, edit, by, f"alias {address} changed")


def remove_alias(live: Live, address: str, *, by: str = "") -> None:
    """Take an alias out; its members keep their addresses."""

    def edit(dynamic: Dynamic) -> Dynamic:
        found = find_alias(dynamic, address)
        config = dynamic.domains[found.domain]
        rest = {localpart: alias for localpart, alias in config.aliases.items() if localpart != found.localpart}
        return _with_aliases(dynamic, found.domain, config, rest)

    change(live, edit, by, f"alias {address} removed")


def add_members(live: Live, address: str, members: Sequence[str], *, by: str = "") -> None:
    """Give an alias more members."""

    def edit(dynamic: Dynamic) -> Dynamic:
        found = find_alias(dynamic, address)
        added = _members(dynamic, members, found.alias.addresses)
        return _replaced(dynamic, found, dataclasses.replace(found.alias, addresses=(*found.alias.addresses, *added)))

    change(live, edit, by, f"members of alias {address} added: {', '.join(members)}")


def remove_members(live: Live, address: str, members: Sequence[str], *, by: str = "") -> None:
    """Take members out of an alias; one must stay."""

    def edit(dynamic: Dynamic) -> Dynamic:
        found = find_alias(dynamic, address)
        present = {canonical_address(dynamic, member) for member in found.alias.addresses}
        for member in members:
            if canonical_address(dynamic, member.strip()) not in present:
                raise Refusal(f"{member} is not a member of {found.address}")
        return _replaced(dynamic, found, without_members(dynamic, found, members))

    change(live, edit, by, f"members of alias {address} removed: {', '.join(members)}")


def without_members(dynamic: Dynamic, found: AliasFound, members: Iterable[str]) -> Alias:
    """The alias without these members; raises Refusal when none would be left."""
    gone = {canonical_address(dynamic, member.strip()) for member in members}
    rest = tuple(member for member in found.alias.addresses if canonical_address(dynamic, member) not in gone)
    if not rest:
        last = ", ".join(found.alias.addresses)
        is_one = "is the last member" if len(found.alias.addresses) == 1 else "are the last members"
        raise Refusal(f"{last} {is_one} of the alias {found.address}; remove the alias first")
    return dataclasses.replace(found.alias, addresses=rest)


def without_address(dynamic: Dynamic, address: str) -> Dynamic:
    """The same with an address taken out of every alias."""
    for found in aliases_with(dynamic, address):
        dynamic = _replaced(dynamic, found, without_members(dynamic, found, [address]))
    return dynamic


def with_member(dynamic: Dynamic, alias: str, member: str) -> Dynamic:
    """The same with an address back in an alias, if that is still there and the address not yet in it."""
    try:
        found = find_alias(dynamic, alias)
        added = _members(dynamic, [member], found.alias.addresses)
    except Refusal:
        return dynamic
    return _replaced(dynamic, found, dataclasses.replace(found.alias, addresses=(*found.alias.addresses, *added)))


def _alias_key(address: str) -> tuple[str, Domain]:
    key, domain = destination_key(address)
    if key.startswith("@"):
        raise Refusal("an alias has a localpart, such as team@example.org")
    return key, domain


def _members(dynamic: Dynamic, typed: Sequence[str], present: Sequence[str]) -> tuple[str, ...]:
    """New members in the spelling of their accounts."""
    seen = {canonical_address(dynamic, member) for member in present}
    found: list[str] = []
    for text in typed:
        key, _ = destination_key(text)
        held = holder(dynamic, key)
        if held is None or key.startswith("@"):
            raise Refusal(f"{key} is not an address of an account here; members are, and no other addresses")
        if (canonical := canonical_address(dynamic, key)) in seen:
            raise Refusal(f"{held.key} is a member already" if present else f"{held.key} is given twice")
        seen.add(canonical)
        found.append(held.key)
    return tuple(found)


def _replaced(dynamic: Dynamic, found: AliasFound, alias: Alias) -> Dynamic:
    config = dynamic.domains[found.domain]
    return _with_aliases(dynamic, found.domain, config, {**config.aliases, found.localpart: alias})


def _with_aliases(dynamic: Dynamic, domain: Domain, config: ConfigDomain, aliases: Mapping[str, Alias]) -> Dynamic:
    return with_domain(dynamic, domain, dataclasses.replace(config, aliases=aliases))
