"""What the checks of a message say, each in its own terms; `authentication` draws from it what matters to a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from app.smtpserver.evidence import Origin
from app.trust.arc import ArcResult
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
    arc: ArcResult

    @property
    def is_vouched_for(self) -> bool:
        """Whether a forwarder that the recipient relies on saw the message pass DMARC for this author."""
        author, believed = self.authors.domain, self.arc.believed
        if author is None or believed is None:
            return False
        passes = [one for one in believed.results if (one.method, one.result) == ("dmarc", "pass")]
        return any(one.value("header", "from").lower() == author.ascii for one in passes)
