"""What reports of other servers mean, in words for people, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.store.receiveddmarc import DmarcSource, network_of, organisation_of
from app.wire.smtp.address import IPAddress


class Standing(Enum):
    """Who a source that fails seems to be."""

    OURSELVES = "ourselves"
    NOT_ALIGNED = "not aligned"
    OTHER = "other"
    NOBODY = "nobody"


_ADVICE: Final = {
    Standing.OURSELVES: "This is this server. Look at the DNS records of the domain: SPF or a DKIM key is missing, "
    "or differs from the configuration.",
    Standing.NOT_ALIGNED: "Your own name vouches for it, but another one than in From. When you send from a name below "
    "your domain, let it sign with that name, or make the alignment in the DMARC record relaxed.",
    Standing.OTHER: "If you let this service send for you, switch on DKIM for your domain in its settings, so that its "
    "mail counts as yours. If you do not know it, it forwards mail of yours (a few messages are usual), or pretends to "
    "be you.",
    Standing.NOBODY: "Nobody vouches for this mail. If the address is of a device or program of yours, let it send "
    "through this server. If not, somebody pretends to be you, and your policy decides what becomes of it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source as it is shown."""

    source: DmarcSource
    is_own: bool
    result: str  # how it passed, or that it did not
    advice: str = ""


def view_source(source: DmarcSource, own_ips: Sequence[IPAddress]) -> SourceView:
    """The source with its meaning."""
    is_own = source.network in {network_of(ip) for ip in own_ips}
    advice = "" if source.has_passed else _ADVICE[_standing(source, is_own=is_own)]
    return SourceView(
        source=source, is_own=is_own, result=result_words(dkim=source.dkim, spf=source.spf), advice=advice
    )


def _standing(source: DmarcSource, *, is_own: bool) -> Standing:
    if is_own:
        return Standing.OURSELVES
    if not source.sender:
        return Standing.NOBODY
    return Standing.NOT_ALIGNED if source.sender == organisation_of(source.domain) else Standing.OTHER


def result_words(*, dkim: bool, spf: bool) -> str:
    """How messages passed DMARC, if they did."""
    if dkim and spf:
        return "passed by DKIM and SPF"
    if dkim:
        return "passed by DKIM"
    return "passed by SPF" if spf else "failed"


DISPOSITIONS: Final = {"none": "let in", "quarantine": "put aside as junk", "reject": "refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a kind of failure means, and what to do."""

    title: str
    advice: str


_RENEW = "Look at the certificate of the name that was asked for: on the overview, and in the log of the server."
_DANE = (
    "Compare the TLSA records with the certificate's key on the page DNS of the domain, and publish those shown there."
)
_STS = "Look at the MTA-STS policy in the settings of the domain, and at the certificate of its host name mta-sts."

_MEANINGS: Final = {
    "starttls-not-supported": Meaning(
        title="Encryption was not offered",
        advice="Either STARTTLS is switched off for a listener, or something between the two servers takes it away: a "
        "firewall that inspects SMTP, or an attacker.",
    ),
    "certificate-host-mismatch": Meaning(
        title="The certificate is for another name",
        advice=f"The MX record must name a host of the certificate. {_RENEW}",
    ),
    "certificate-expired": Meaning(
        title="The certificate had expired", advice=f"It should be renewed weeks before its end. {_RENEW}"
    ),
    "certificate-not-trusted": Meaning(
        title="The certificate is from nobody that is trusted",
        advice=f"It is self-signed, or a certificate between it and the authority is missing. {_RENEW}",
    ),
    "validation-failure": Meaning(
        title="The encryption could not be checked",
        advice="The sender does not say more. When it comes from several senders, look at certificate, DNS and policy.",
    ),
    "tlsa-invalid": Meaning(title="The TLSA records do not fit", advice=_DANE),
    "dnssec-invalid": Meaning(
        title="DNSSEC of the domain is broken",
        advice="Ask who runs the DNS of your domain: signatures have expired, or the DS record is of another key.",
    ),
    "dane-required": Meaning(
        title="DANE was required, and there are no TLSA records",
        advice="That is the choice of the sender. TLSA records need DNSSEC; the page DNS of the domain shows them.",
    ),
    "sts-policy-fetch-error": Meaning(title="The MTA-STS policy could not be fetched", advice=_STS),
    "sts-policy-invalid": Meaning(title="The MTA-STS policy cannot be read", advice=_STS),
    "sts-webpki-invalid": Meaning(title="The certificate of the host with the MTA-STS policy is wrong", advice=_STS),
}
_UNKNOWN: Final = Meaning(
    title="Another failure", advice="The sender's own word for it stands beside; its report may say more."
)


def meaning(result: str) -> Meaning:
    """What a word of RFC 8460 §4.3 means."""
    return _MEANINGS.get(result, _UNKNOWN)


POLICIES: Final = {
    "sts": "MTA-STS",
    "tlsa": "DANE (TLSA records)",
    "no-policy-found": "no policy: encrypted if possible",
}
