"""What the checks of a message say, each in its own terms; `authentication` draws from it what matters to a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from app.smtpserver.evidence import Origin
from app.trust.dkim.result import SignatureResult
from app.trust.dmarc.authors import Authors
from app.trust.dmarc.evaluate import DmarcResult
from app.trust.iprev import IprevResult
from app.trust.spf.result import SpfIdentity, SpfResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the checks say, each in its own terms."""

    origin: Origin
    identity: SpfIdentity
    authors: Authors
    iprev: IprevResult
    spf: SpfResult
    signatures: tuple[SignatureResult, ...]
    dmarc: DmarcResult
