"""What the account's own history says about a sender: the flags its holder gave to earlier mail, and whom it wrote to.

Signs are asked from the strongest to the weakest; the first that says anything decides. A sign has a `Tally` of earlier
messages with a junk flag; mail without flags says nothing. `is_conclusive` means that no other check need be asked.

- The From address, the domain, the organisational domain. Only when the From address is validated (aligned with SPF or
  DKIM): anybody can write anything there, so what is not validated is never conclusive, and being without what earlier
  mail of that sender had is a bad sign.
- That the account wrote to the address, or to somebody of its domain. Domains whose addresses are given to anybody
  (`providers`) count by address only.
- Domains of passing signatures and of SPF; then the networks the message came from, from small to large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from app.junk.providers import is_public_provider
from app.wire.domain import Domain


class Method(Enum):
    """What the reputation is about; the words stand in log lines and in the header of the message."""

    ADDRESS = "msgfromfull"
    SENT_TO_ADDRESS = "msgtofull"
    DOMAIN = "msgfromdomain"
    ORG_DOMAIN = "msgfromorgdomain"
    SENT_TO_DOMAIN = "msgtodomain"
    SENT_TO_ORG_DOMAIN = "msgtoorgdomain"
    DKIM_SPF = "dkimspf"
    NETWORK1 = "ip1"
    NETWORK2 = "ip2"
    NETWORK3 = "ip3"
    NONE = "none"

    @property
    def is_weak(self) -> bool:
        """Whether the sign does not name a person or an organisation, or is none."""
        return self in _WEAK

    @property
    def is_personal(self) -> bool:
        """Whether the account knows this very address."""
        return self in (Method.ADDRESS, Method.SENT_TO_ADDRESS)


_WEAK = {Method.DKIM_SPF, Method.NETWORK1, Method.NETWORK2, Method.NETWORK3, Method.NONE}
_NETWORKS = (Method.NETWORK1, Method.NETWORK2, Method.NETWORK3)
_ENOUGH_OF_NETWORK = {Method.NETWORK1: 2, Method.NETWORK2: 5, Method.NETWORK3: 10}


@dataclass(frozen=True, slots=True)
class Tally:
    """Earlier messages with a flag that share a sign."""

    junk: int = 0
    wanted: int = 0
    newest_is_junk: bool = False
    localparts: int = 0  # different ones of the From addresses

    @property
    def total(self) -> int:
        """How many."""
        return self.junk + self.wanted

    @property
    def share(self) -> float:
        """The part that is junk; call only when there are some."""
        return self.junk / self.total


NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class ByValidation:
    """The tallies of messages whose From was validated, and of those where it was not."""

    validated: Tally = NOTHING
    other: Tally = NOTHING

    def of(self, is_validated: bool) -> Tally:
        """The one for the same state."""
        return self.validated if is_validated else self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All that the account knows about a sender."""

    address: ByValidation = ByValidation()
    domain: ByValidation = ByValidation()
    org_domain: ByValidation = ByValidation()
    wrote_to: frozenset[Method] = frozenset()  # of the three SENT_TO methods
    signers: Mapping[str, Tally] = field(default_factory=dict)  # by DKIM domain, SPF address or domain
    networks: Sequence[Tally] = (NOTHING, NOTHING, NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The From address as far as reputation needs it."""

    address: str
    domain: Domain
    is_validated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """`is_junk` is None when there is no opinion."""

    is_junk: bool | None = None
    is_conclusive: bool = False
    method: Method = Method.NONE
    words: str = "nothing is known about the sender"


UNKNOWN = Reputation()


def judge(past: Past, sender: Sender | None) -> Reputation:
    """The reputation of a message; `sender` is None when its author cannot be told."""
    by_sender = _of_sender(past, sender) if sender is not None else None
    return by_sender or _of_signers(past.signers) or _of_networks(past.networks) or UNKNOWN


def _of_sender(past: Past, sender: Sender) -> Reputation | None:
    valid = sender.is_validated
    found = _of_address(past.address, sender)
    if found is not None:
        return found
    if valid and Method.SENT_TO_ADDRESS in past.wrote_to:
        return _good(Method.SENT_TO_ADDRESS, f"this account has written to {sender.address}")
    if is_public_provider(sender.domain):
        return None
    for method, tallies in ((Method.DOMAIN, past.domain), (Method.ORG_DOMAIN, past.org_domain)):
        found = _of_domain(method, tallies, valid)
        if found is not None:
            return found
    for method in (Method.SENT_TO_DOMAIN, Method.SENT_TO_ORG_DOMAIN):
        if valid and method in past.wrote_to:
            return _good(method, f"this account has written to addresses of {sender.domain}")
    return None


def _of_address(tallies: ByValidation, sender: Sender) -> Reputation | None:
    tally, method = tallies.of(sender.is_validated), Method.ADDRESS
    if tally.total:
        if tally.newest_is_junk and tally.wanted:
            return Reputation(method=method, words="earlier mail of this address was marked as junk and as wanted")
        said = "junk" if tally.newest_is_junk else "wanted"
        return Reputation(
            is_junk=tally.newest_is_junk,
            is_conclusive=sender.is_validated,
            method=method,
            words=f"earlier mail of {sender.address} was marked as {said}",
        )
    if not sender.is_validated and tallies.validated.total:
        words = "earlier mail of this address proved where it came from, this one does not"
        return Reputation(is_junk=True, method=method, words=words)
    return None


def _of_domain(method: Method, tallies: ByValidation, is_validated: bool) -> Reputation | None:
    tally = tallies.of(is_validated)
    if not tally.total:
        if not is_validated and tallies.validated.total:
            words = "earlier mail of this domain proved where it came from, this one does not"
            return Reputation(is_junk=True, method=method, words=words)
        return None
    counted = f"{tally.junk} of {tally.total} earlier messages of the domain were marked as junk"
    if tally.share < 0.2:
        return Reputation(is_junk=False, is_conclusive=is_validated, method=method, words=counted)
    if not tally.wanted:
        conclusive = is_validated and tally.localparts >= 3
        return Reputation(is_junk=True, is_conclusive=conclusive, method=method, words=counted)
    return Reputation(method=method, words=counted)


def _of_signers(signers: Mapping[str, Tally]) -> Reputation | None:
    known = {name: tally for name, tally in signers.items() if tally.total}
    good = [name for name, tally in known.items() if tally.share < 0.1]
    bad = [name for name, tally in known.items() if tally.share > 0.9]
    if bool(good) == bool(bad):
        return None
    words = (
        f"earlier mail that {', '.join(sorted(good or bad))} vouched for was marked as {'wanted' if good else 'junk'}"
    )
    if good:
        return _good(Method.DKIM_SPF, words)
    is_conclusive = sum(known[name].total for name in bad) > 1
    return Reputation(is_junk=True, is_conclusive=is_conclusive, method=Method.DKIM_SPF, words=words)


def _of_networks(networks: Sequence[Tally]) -> Reputation | None:
    """The smallest network from which there was flagged mail."""
    for method, tally in zip(_NETWORKS, networks, strict=True):
        if not tally.total:
            continue
        share = tally.share
        is_clear = tally.total >= _ENOUGH_OF_NETWORK[method] and (share <= 0.1 or share >= 0.9)
        return Reputation(
            is_junk=True if share > 0.75 else False if share < 0.25 else None,
            is_conclusive=is_clear,
            method=method,
            words=f"{tally.junk} of {tally.total} earlier messages from this network were marked as junk",
        )
    return None


def _good(method: Method, words: str) -> Reputation:
    return Reputation(is_junk=False, is_conclusive=True, method=method, words=words)
