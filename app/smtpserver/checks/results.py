"""What was found out about a message, as header fields: Authentication-Results (RFC 8601) and Received-SPF (RFC 7208).

The order of methods is iprev, DKIM for each signature, SPF, DMARC, and ARC for a message that was sealed on its way.
Whether DNSSEC vouched for what DNS said stands in a comment. Values from outside are made safe by the writers.
"""

from __future__ import annotations

from app.smtpserver.checks.found import Found
from app.trust.arc import ArcStatus
from app.trust.dkim import fields as dkim_fields
from app.trust.dmarc import fields as dmarc_fields
from app.trust.spf.receivedfield import write_received_spf
from app.trust.spf.result import SpfStatus
from app.wire.message.authresults import MethodResult, Property, write_results
from app.wire.smtp.address import Address


def results_fields(found: Found) -> bytes:
    """Both fields, whole."""
    results = (
        _iprev(found),
        *dkim_fields.method_results(found.signatures),
        _spf(found),
        dmarc_fields.method_result(found.dmarc),
        *((found.arc.method_result(),) if found.arc.status is not ArcStatus.NONE else ()),
    )
    field = write_results(found.origin.hostname.ascii, results)
    return field + write_received_spf(found.identity, found.spf)


def _iprev(found: Found) -> MethodResult:
    one = found.iprev
    return MethodResult(
        method="iprev",
        result=one.status.value,
        comment=_dnssec(one.is_authentic),
        reason=one.problem,
        properties=(Property("policy", "iprev", str(found.origin.remote)),),
    )


def _spf(found: Found) -> MethodResult:
    spf, path = found.spf, found.origin.reverse_path
    if spf.is_helo:
        about = Property("smtp", "helo", spf.domain)
    else:
        about = Property("smtp", "mailfrom", path.wire if isinstance(path, Address) else spf.domain)
    is_error = spf.status in (SpfStatus.TEMPERROR, SpfStatus.PERMERROR)
    return MethodResult(
        method="spf",
        result=spf.status.value,
        comment=_dnssec(spf.is_authentic),
        reason=spf.problem if is_error else "",
        properties=(about,) if about.value else (),
    )


def _dnssec(is_authentic: bool) -> str:
    return "with dnssec" if is_authentic else "without dnssec"
