"""Find the record that applies to a domain, and the organisation it belongs to (RFC 7489 §6.6.3, RFC 9989 §4.10).

The domain's own record comes first. Without one, the walk asks at each name above it, at most MAX_STEPS in all, up to a
record that says `psd=`: `psd=n` is an organisation, `psd=y` is one label above it. Where nobody says, the organisation
is the one of the public suffix list; its record applies, or else the highest one below it, or the suffix's own.

One `Tree` serves one message and asks nothing twice. LookupFailed passes through: whoever asked cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.trust.dmarc.record import BadRecord, DmarcPolicy, DmarcRecord, Psd, is_dmarc, parse_record
from app.trust.dmarc.suffixes import is_public_suffix, organisation
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain

MAX_STEPS = 8  # RFC 9989 §4.10
_JUMP_TO = 7  # labels, for names that are longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What stands at `_dmarc` of a domain: a record, a fault in words, or nothing."""

    domain: Domain
    record: DmarcRecord | None = None
    fault: str = ""
    text: str = ""  # the record as written
    is_authentic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """The record that applies to an author's domain."""

    author: Domain
    published: Published | None  # None when nobody has published one
    policy: DmarcPolicy = DmarcPolicy.NONE  # for this very domain
    org_domain: Domain | None = None


class Tree:
    """The records above the names in one message."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[Domain, Published] = {}

    async def published(self, domain: Domain) -> Published:
        """What a domain publishes."""
        if domain not in self._known:
            answer = await self._resolver.txt(f"_dmarc.{domain.ascii}")
            self._known[domain] = _read(domain, answer.records, authentic=answer.authentic)
        return self._known[domain]

    async def discover(self, author: Domain) -> Discovered:
        """The record that applies to mail from `author`."""
        own = await self.published(author)
        if own.record or own.fault:
            policy = own.record.policy if own.record else DmarcPolicy.NONE
            return Discovered(author=author, published=own, policy=policy)
        org_domain, above = await self._look_above(author)
        if above is None or above.record is None:
            return Discovered(author=author, published=None, org_domain=org_domain)
        policy = await self._policy_below(above.record, author)
        return Discovered(author=author, published=above, policy=policy, org_domain=org_domain)

    async def organisation(self, domain: Domain) -> Domain:
        """The organisation that a domain belongs to, for relaxed alignment."""
        top = organisation(domain)
        below = domain
        for name in walk(domain):
            if not name.is_subdomain_of(top):
                break
            record = (await self.published(name)).record
            if record and record.psd is Psd.NO:
                return name
            if record and record.psd is Psd.YES:
                return below
            below = name
        return top

    async def _look_above(self, author: Domain) -> tuple[Domain, Published | None]:
        """Organisation, and the record that applies when the author has none."""
        found: dict[Domain, Published] = {}
        top = organisation(author)
        below = author
        for name in walk(author)[1:]:
            try:
                published = await self.published(name)
            except LookupFailed:
                if name.is_subdomain_of(top):
                    raise
                break  # nothing that a public suffix might say is worth a delay
            if published.record:
                found[name] = published
                if published.record.psd is Psd.NO:
                    return name, published
                if published.record.psd is Psd.YES:
                    return below, found.get(below, published)
            below = name
        if top in found:
            return top, found[top]
        within = [name for name in found if not is_public_suffix(name)]
        chosen = within[-1] if within else next(iter(found), None)
        return top, found[chosen] if chosen else None

    async def _policy_below(self, record: DmarcRecord, author: Domain) -> DmarcPolicy:
        if record.nonexistent_policy is record.subdomain_policy:
            return record.subdomain_policy
        try:
            exists = (await self._resolver.mx(author.ascii)).exists
        except LookupFailed:
            exists = True
        return record.subdomain_policy if exists else record.nonexistent_policy


def walk(domain: Domain) -> list[Domain]:
    """The names that the walk asks at: the domain, and those above it from its seventh label on."""
    labels = domain.ascii.split(".")
    above = labels[-_JUMP_TO:] if len(labels) > MAX_STEPS else labels[1:]
    return [domain, *(Domain(".".join(above[index:])) for index in range(len(above)))]


def _read(domain: Domain, texts: tuple[bytes, ...], *, authentic: bool) -> Published:
    meant = [text for text in texts[:100] if is_dmarc(text)]
    if not meant:
        return Published(domain=domain, is_authentic=authentic)
    text = meant[0].decode("utf-8", "replace")
    if len(meant) > 1:
        fault = f"{domain} has {len(meant)} DMARC records, so that none counts"
        return Published(domain=domain, fault=fault, text=text, is_authentic=authentic)
    try:
        return Published(domain=domain, record=parse_record(meant[0]), text=text, is_authentic=authentic)
    except BadRecord as err:
        fault = f"the DMARC record of {domain} does not count: {err}"
        return Published(domain=domain, fault=fault, text=text, is_authentic=authentic)
