"""What a DMARC report will say of a message (RFC 7489 §7.2), when the domain whose record applies asks for reports."""

from __future__ import annotations

from typing import Final

from app.smtpserver.checks.found import Found
from app.store.evaluations import Evaluation
from app.trust.dmarc.evaluate import DmarcStatus
from app.trust.dmarc.record import DmarcRecord
from app.wire.domain import Domain
from app.wire.reports import values
from app.wire.reports.dmarc import AuthResult, Disposition, DmarcRow, PublishedPolicy
from app.wire.smtp.address import Address

HOURS: Final = (1, 2, 3, 4, 6, 8, 12, 24)  # between reports, so that periods begin at midnight
MAX_SIGNATURES: Final = 5  # in one row


def evaluation(found: Found) -> Evaluation | None:
    """As if the message had been let in; what was done is added when it is known."""
    dmarc = found.dmarc
    record, domain, author = dmarc.record, dmarc.record_domain, found.authors.domain
    if record is None or domain is None or author is None or dmarc.status is DmarcStatus.TEMPERROR:
        return None
    if not any(one.address is not None for one in record.aggregate):
        return None
    path = found.origin.reverse_path
    row = DmarcRow(
        source=found.origin.remote,
        count=1,
        disposition=Disposition.NONE,
        dkim=dmarc.dkim_aligned,
        spf=dmarc.spf_aligned,
        header_from=author.ascii,
        envelope_from=path.domain.ascii if isinstance(path, Address) else "",
        dkim_results=_signatures(found),
        spf_results=(_spf(found),),
    )
    return Evaluation(policy=published(domain, record), row=row, interval_h=hours(record.interval_s))


def hours(interval_s: int) -> int:
    """The interval between reports that comes nearest to the wish of the domain, and is not shorter."""
    return next((one for one in HOURS if one * 3600 >= interval_s), HOURS[-1])


def published(domain: Domain, record: DmarcRecord) -> PublishedPolicy:
    """The policy as reports tell it."""
    return PublishedPolicy(
        domain=domain,
        policy=record.policy.value,
        subdomain_policy=record.subdomain_policy.value,
        dkim_alignment=record.dkim_alignment.value,
        spf_alignment=record.spf_alignment.value,
        percentage=record.percentage,
    )


def _signatures(found: Found) -> tuple[AuthResult, ...]:
    """Those that say something about the author come first."""
    named = sorted(
        (one for one in found.signatures if one.domain is not None), key=lambda one: (not one.has_passed, one.reason)
    )
    return tuple(
        AuthResult(
            domain=one.domain.ascii if one.domain is not None else "",
            result=one.status.value,
            selector=values.text(one.selector),
        )
        for one in named[:MAX_SIGNATURES]
    )


def _spf(found: Found) -> AuthResult:
    return AuthResult(
        domain=values.text(found.spf.domain).lower(),
        result=found.spf.status.value,
        scope="helo" if found.spf.is_helo else "mfrom",
    )
