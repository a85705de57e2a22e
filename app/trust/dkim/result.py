"""What became of a signature: the words of RFC 8601 §2.7.1, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.errors import MailError
from app.wire.domain import Domain


class Status(Enum):
    """The result of one signature."""

    PASS = "pass"
    FAIL = "fail"  # the message is not as it was signed, or the signature is of another key
    NEUTRAL = "neutral"  # the field cannot be read, or fails while its signer says that it is a test
    POLICY = "policy"  # may well be right, and does not say enough for us
    TEMPERROR = "temperror"  # the key cannot be looked up now
    PERMERROR = "permerror"  # will never be right


class Unusable(MailError):
    """Why a signature or a key cannot be used, and the status that it makes."""

    def __init__(self, reason: str, status: Status = Status.PERMERROR) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureResult:
    """One signature. What could not be read of it is empty."""

    status: Status
    reason: str  # for people; empty for a plain pass
    domain: Domain | None = None  # d=
    selector: str = ""  # s=
    identity: str = ""  # i=, as written
    algorithm: str = ""  # a=
    signature: str = ""  # the first characters of b=, which tell two signatures of a domain apart
    key_bits: int = 0
    is_authentic: bool = False  # the key came with DNSSEC
    is_testing: bool = False  # the key says t=y
    services: tuple[str, ...] = ("*",)  # the key's s=

    @property
    def has_passed(self) -> bool:
        """Whether the domain vouches for the message."""
        return self.status is Status.PASS
