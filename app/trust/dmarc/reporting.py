"""Whether reports may go to an address outside the domain that asks for them (RFC 7489 §7.1, RFC 9990 §4).

A domain elsewhere agrees by a record at `AUTHOR._report._dmarc.ITS-NAME` that begins with v=DMARC1; it may name other
addresses of its own there. Without this, anybody could have reports about himself sent to a stranger.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.trust.dmarc.record import ReportUri, is_dmarc, parse_reports
from app.trust.dmarc.suffixes import organisation
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import MAX_DOMAIN, Domain


class Consent(Enum):
    """What is known about a destination of reports."""

    OWN = "same organisation"
    GIVEN = "agreed"
    REFUSED = "not agreed"
    UNKNOWN = "cannot tell now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One address for reports, and whether they may go there."""

    uri: ReportUri
    consent: Consent
    words: str
    instead: tuple[ReportUri, ...] = ()  # where the other domain wants them

    @property
    def may_send(self) -> bool:
        """Whether reports go there."""
        return self.consent in (Consent.OWN, Consent.GIVEN)


async def check_destination(resolver: Resolver, record_domain: Domain, uri: ReportUri) -> Destination:
    """Whether the domain of `uri` takes reports about `record_domain`; never raises."""
    if uri.address is None:
        return Destination(uri=uri, consent=Consent.REFUSED, words="reports are sent by mail only")
    host = uri.address.domain
    if organisation(host) == organisation(record_domain):
        return Destination(uri=uri, consent=Consent.OWN, words=f"{host} and {record_domain} are one organisation")
    name = f"{record_domain.ascii}._report._dmarc.{host.ascii}"
    if len(name) > MAX_DOMAIN:
        return Destination(uri=uri, consent=Consent.REFUSED, words="the name to ask at is too long for DNS")
    try:
        answer = await resolver.txt(name)
    except LookupFailed as err:
        return Destination(uri=uri, consent=Consent.UNKNOWN, words=f"{name} cannot be looked up now: {err.reason}")
    found = [text for text in answer.records[:100] if is_dmarc(text)]
    if not found:
        return Destination(uri=uri, consent=Consent.REFUSED, words=f"there is no record v=DMARC1 at {name}")
    named = parse_reports(found[0])
    instead = tuple(one for one in named if one.address and one.address.domain == host)
    return Destination(uri=uri, consent=Consent.GIVEN, words=f"{host} agrees", instead=instead)
