"""Where does a message come from? Reverse name, SPF, DKIM and DMARC, together one `Evidence`.

Reverse name, SPF and the keys of signatures are asked for at the same time; DMARC then compares. The author is
validated when SPF or a signature of the author's organisation vouches, whether or not the domain has a DMARC record:
what reputation stands on is that the domain is really the sender's, not that it publishes a policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from app.clock import SYSTEM, Clock
from app.errors import WireError
from app.smtpserver.arrival import Arrival
from app.smtpserver.checks.evaluation import evaluation
from app.smtpserver.checks.found import Found
from app.smtpserver.checks.results import results_fields
from app.smtpserver.checks.timing import note_dkim, note_dmarc, note_iprev, note_spf, timed
from app.smtpserver.evidence import Evidence, Origin
from app.smtpserver.verdict import Wish
from app.trust.arc import ArcResult, ArcStatus, check_arc
from app.trust.budget import Budget
from app.trust.dkim.result import SignatureResult, Status
from app.trust.dkim.verify import verify
from app.trust.dmarc.authors import read_authors
from app.trust.dmarc.evaluate import DmarcStatus, Proved, check_dmarc
from app.trust.dmarc.record import DmarcPolicy
from app.trust.dmarc.suffixes import is_public_suffix, organisation
from app.trust.iprev import IprevStatus, check_iprev
from app.trust.lookup import Resolver
from app.trust.spf.evaluate import check_spf
from app.trust.spf.result import SpfIdentity, SpfResult, SpfStatus
from app.wire.domain import Domain, parse_domain
from app.wire.smtp.address import Address

MAX_PROOF: Final = 24  # questions before the message, beside those for it: ten terms, and some hosts that they name
_REPORT_SERVICES: Final = {"*", "tlsrpt"}
_WISHES: Final = {DmarcPolicy.QUARANTINE: Wish.QUARANTINE, DmarcPolicy.REJECT: Wish.REJECT}


@dataclass(frozen=True, slots=True)
class Authentication:
    """The checks, with the resolver they ask. `sample` gives the random number from 0 to 100 of DMARC's pct."""

    resolver: Resolver
    clock: Clock = SYSTEM
    sample: Callable[[], float] = field(default=lambda: random.uniform(0, 100))  # no secret
    one_large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def __call__(self, origin: Origin, arrived: Arrival, trusted: Collection[Domain] = ()) -> Evidence:
        """All that is found out about a message; `trusted` are forwarders whose ARC seals count."""
        resolver = Budget(self.resolver)
        authors = read_authors(arrived.header)
        identity = self._identity(origin)
        iprev, spf, (signatures, arc) = await asyncio.gather(
            timed(check_iprev(resolver, origin.remote), note_iprev),
            timed(check_spf(resolver, identity), note_spf),
            self._check_seals(resolver, arrived, authors.domains, trusted),
        )
        proved = _proved(spf, signatures)
        dmarc = await timed(check_dmarc(resolver, authors, proved, sample=self.sample()), note_dmarc)
        return evidence(
            Found(
                origin=origin,
                identity=identity,
                authors=authors,
                iprev=iprev,
                spf=spf,
                signatures=signatures,
                dmarc=dmarc,
                arc=arc,
            )
        )

    async def may_send(self, origin: Origin) -> bool:
        """Whether SPF vouches for the reverse-path."""
        resolver = Budget(self.resolver, max_lookups=MAX_PROOF)
        return (await check_spf(resolver, self._identity(origin))).status is SpfStatus.PASS

    async def _check_seals(
        self, resolver: Resolver, arrived: Arrival, authors: Collection[Domain], trusted: Collection[Domain]
    ) -> tuple[tuple[SignatureResult, ...], ArcResult]:
        """DKIM and ARC, which need the whole message; of those in files one at a time is in memory."""
        data = arrived.body.data
        async with contextlib.nullcontext() if isinstance(data, bytes) else self.one_large:
            message = data if isinstance(data, bytes) else await asyncio.to_thread(lambda: data[:])
            return await asyncio.gather(
                timed(verify(message, resolver, now=int(self.clock.now()), authors=tuple(authors)), note_dkim),
                check_arc(message, resolver, trusted=trusted),
            )

    def _identity(self, origin: Origin) -> SpfIdentity:
        return SpfIdentity(
            ip=origin.remote,
            helo=origin.helo,
            mail_from=origin.reverse_path,
            hostname=origin.hostname.ascii,
            time=int(self.clock.now()),
        )


def _proved(spf: SpfResult, signatures: tuple[SignatureResult, ...]) -> Proved:
    return Proved(
        spf_domain=_domain(spf.domain),
        spf_passed=spf.status is SpfStatus.PASS,
        spf_is_unsure=spf.status is SpfStatus.TEMPERROR,
        signatures=signatures,
    )


def evidence(found: Found) -> Evidence:
    """What the results mean."""
    spf, dmarc, authors = found.spf, found.dmarc, found.authors
    passed = (one.domain for one in found.signatures if one.has_passed)
    # Under a public suffix anybody may register, so a signature of one vouches for nobody.
    signers = tuple(dict.fromkeys(one for one in passed if one is not None and not is_public_suffix(one)))
    report_signers = {one.domain for one in found.signatures if one.has_passed and _REPORT_SERVICES & {*one.services}}
    mail_from = _mail_from(found)
    proved = (*signers, *([mail_from.domain] if mail_from is not None else ()))
    is_validated = dmarc.has_passed or found.is_vouched_for or _is_aligned(authors.domain, proved)
    return Evidence(
        remote=found.origin.remote,
        author=authors.address,
        org_domain=dmarc.org_domain,
        is_validated=is_validated,
        is_unsure=not is_validated and _is_unsure(found),
        passes_dmarc=dmarc.has_passed,
        wish=_wish(found),
        spf_fails=spf.status in (SpfStatus.FAIL, SpfStatus.SOFTFAIL),
        # A name that DNS does not tell now is not held against anybody.
        has_reverse_name=found.iprev.status in (IprevStatus.PASS, IprevStatus.TEMPERROR),
        reverse_name=found.iprev.name.ascii if found.iprev.name is not None else "",
        has_tls=found.origin.has_tls,
        mail_from=mail_from,
        signers=signers,
        report_signers=tuple(one for one in signers if one in report_signers),
        fields=results_fields(found),
        trace=tuple(_trace(found)),
        evaluation=evaluation(found),
    )


def _wish(found: Found) -> Wish:
    if found.is_vouched_for:
        return Wish.NONE
    if found.dmarc.status is DmarcStatus.TEMPERROR:
        return Wish.UNKNOWN
    return _WISHES.get(found.dmarc.applied, Wish.NONE)


def _mail_from(found: Found) -> Address | None:
    """The sender that SPF has proved; for notifications the postmaster at the HELO name."""
    if found.spf.status is not SpfStatus.PASS:
        return None
    path = found.origin.reverse_path
    if isinstance(path, Address):
        return path
    domain = _domain(found.spf.domain)
    return Address("postmaster", domain) if domain is not None else None


def _is_aligned(author: Domain | None, proved: Iterable[Domain]) -> bool:
    """Whether one of the domains is of the author's organisation."""
    if author is None:
        return False
    return any(
        one == author or (organisation(one) == organisation(author) and not is_public_suffix(one)) for one in proved
    )


def _is_unsure(found: Found) -> bool:
    return (
        found.dmarc.status is DmarcStatus.TEMPERROR
        or found.spf.status is SpfStatus.TEMPERROR
        or any(one.status is Status.TEMPERROR for one in found.signatures)
    )


def _domain(name: str) -> Domain | None:
    try:
        return parse_domain(name)
    except WireError:
        return None


def _trace(found: Found) -> Iterable[str]:
    """A line for each check, for the person whose mail it is."""
    remote, iprev = found.origin.remote, found.iprev
    name = f"{iprev.name}" if iprev.name is not None else iprev.problem
    yield f"Sending server: {remote} ({name}), {'with' if found.origin.has_tls else 'without'} TLS."
    yield f"SPF: {found.spf.status.value}: {found.spf.words(remote)}."
    for one in found.signatures:
        signer = one.domain.log_form() if one.domain is not None else "nobody"
        yield f"DKIM: {one.status.value} for {signer}{f': {one.reason}' if one.reason else ''}."
    if not found.signatures:
        yield "DKIM: not signed."
    yield f"DMARC: {found.dmarc.status.value}: {found.dmarc.words}."
    if found.arc.status is not ArcStatus.NONE:
        vouched = "; it saw the message pass for its author" if found.is_vouched_for else ""
        yield f"ARC: {found.arc.status.value}: {found.arc.words}{vouched}."
    if found.authors.address is not None:
        yield f"Author: {_shown(found.authors.address)}."
    if found.authors.shown_as is not None:
        yield f"The name of the author looks like an address of {_both(found.authors.shown_as)}, which it is not."


def _shown(address: Address) -> str:
    """An address with both forms of a domain that may look like another."""
    domain = address.domain
    return str(address) if domain.unicode == domain.ascii else f"{address} (in DNS {domain.ascii})"


def _both(domain: Domain) -> str:
    return domain.ascii if domain.unicode == domain.ascii else f"{domain.unicode} (in DNS {domain.ascii})"
