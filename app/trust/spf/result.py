"""Who is checked, and what SPF says (RFC 7208 §2.4, §2.6, §8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.wire.smtp.address import Address, AddressLiteral, IPAddress, ReversePath


class SpfStatus(Enum):
    """The words of RFC 7208 §2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfIdentity:
    """The client and what it claims. For the null reverse-path the HELO name is checked (RFC 7208 §2.4)."""

    ip: IPAddress
    helo: str  # as the client wrote it
    mail_from: ReversePath
    hostname: str = ""  # ours, for explanations
    time: int = 0  # seconds since 1970, for explanations

    @property
    def is_helo(self) -> bool:
        """Whether the HELO name is what is checked."""
        return not isinstance(self.mail_from, Address | AddressLiteral)

    @property
    def localpart(self) -> str:
        """Of the sender; "postmaster" where there is none (RFC 7208 §4.3)."""
        return (self.mail_from.localpart if isinstance(self.mail_from, Address) else "") or "postmaster"

    @property
    def domain(self) -> str:
        """The domain whose record counts, in ASCII; "" for an address literal."""
        if isinstance(self.mail_from, Address):
            return self.mail_from.domain.ascii
        return self.helo if self.is_helo else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfResult:
    """What a domain says of a client."""

    status: SpfStatus
    domain: str  # that was asked
    is_helo: bool = False  # the domain is the HELO name
    mechanism: str = ""  # the term that matched, as it is written; "default" when none did; "" when none was tried
    problem: str = ""  # in words, where the status is not the mechanism's
    explanation: str = ""  # what the domain wants a refused sender to be told; from outside, ASCII
    is_authentic: bool = False  # DNSSEC vouched for all answers
    terms: int = 0  # that asked DNS

    def words(self, ip: IPAddress) -> str:
        """The result in a sentence, for people and for the comment of a header field."""
        says = {
            SpfStatus.NONE: f"{self.domain or 'the sender'} does not say who may send for it",
            SpfStatus.NEUTRAL: f"{self.domain} says neither that {ip} may send for it nor that it may not",
            SpfStatus.PASS: f"{self.domain} lets {ip} send for it",
            SpfStatus.FAIL: f"{self.domain} does not let {ip} send for it",
            SpfStatus.SOFTFAIL: f"{self.domain} probably does not let {ip} send for it",
            SpfStatus.TEMPERROR: f"DNS does not tell now whether {self.domain} lets {ip} send for it",
            SpfStatus.PERMERROR: f"the SPF record of {self.domain} cannot be used",
        }[self.status]
        return f"{says}: {self.problem}" if self.problem else says
