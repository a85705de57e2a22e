"""What is known about a message and where it came from, before anybody asks whose mail it is. Values only.

Made once for a message, by `checks`; a message that never left this machine has none, as nobody doubts it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.smtpserver.verdict import Wish
from app.store.account.provenance import Kind, Sign
from app.store.evaluations import Evaluation
from app.wire.domain import Domain
from app.wire.smtp.address import Address, IPAddress, ReversePath

MAX_SIGN: Final = 320  # characters of one sign; an address has no more

_PREFIXES: Final = {4: (32, 26, 21), 6: (64, 48, 32)}
_NETWORKS: Final = (Kind.NETWORK1, Kind.NETWORK2, Kind.NETWORK3)
_OF_FORWARDER: Final = frozenset({*_NETWORKS, Kind.MAIL_FROM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who hands a message over, by what the connection and the envelope say."""

    remote: IPAddress
    helo: str  # as the client wrote it
    reverse_path: ReversePath
    has_tls: bool
    hostname: Domain  # ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All checks of one message."""

    remote: IPAddress
    author: Address | None = None  # of the one From field, when it has one address
    org_domain: Domain | None = None  # of the author
    is_validated: bool = False  # the author's domain, by SPF or DKIM
    is_unsure: bool = False  # DNS did not tell, so that it may come out otherwise
    passes_dmarc: bool = False
    wish: Wish = Wish.NONE
    spf_fails: bool = False
    has_reverse_name: bool = False
    reverse_name: str = ""  # of the client, confirmed
    has_tls: bool = False
    mail_from: Address | None = None  # or postmaster@ the HELO name; only when SPF has proved it
    signers: Sequence[Domain] = ()  # domains with a passing signature, each once
    report_signers: Sequence[Domain] = ()  # those whose key may sign TLS reports (RFC 8460 §3)
    fields: bytes = b""  # Authentication-Results and Received-SPF, whole header fields
    trace: Sequence[str] = ()  # a line for each check, for people
    evaluation: Evaluation | None = None  # for a DMARC report; None where nobody wants one

    @property
    def verified_domains(self) -> frozenset[Domain]:
        """The domains that vouch for the message."""
        proved = [self.mail_from.domain] if self.mail_from is not None else []
        return frozenset((*self.signers, *proved))

    def signs(self) -> tuple[Sign, ...]:
        """What this message has in common with others of its sender."""
        found = [*self._author_signs(), *(Sign(Kind.SIGNER, domain.ascii) for domain in self.signers)]
        if self.mail_from is not None:
            found.append(Sign(Kind.MAIL_FROM, self.mail_from.wire.lower()[:MAX_SIGN]))
            found.append(Sign(Kind.MAIL_FROM, self.mail_from.domain.ascii))
        found += network_signs(self.remote)
        return tuple(found)

    def _author_signs(self) -> Iterable[Sign]:
        if self.author is not None:
            yield Sign(Kind.ADDRESS, self.author.wire.lower()[:MAX_SIGN])
            yield Sign(Kind.DOMAIN, self.author.domain.ascii)
            if self.org_domain is not None:
                yield Sign(Kind.ORG_DOMAIN, self.org_domain.ascii)


def network_signs(remote: IPAddress) -> list[Sign]:
    """The three networks around an address, from small to large."""
    return [
        Sign(kind, str(ipaddress.ip_network((remote, bits), strict=False)))
        for kind, bits in zip(_NETWORKS, _PREFIXES[remote.version], strict=True)
    ]


def without_forwarder(signs: Iterable[Sign], forwarder: Domain | None) -> tuple[Sign, ...]:
    """The signs of the original sender, when a server of the recipient's own passes the mail on."""
    own = Sign(Kind.SIGNER, forwarder.ascii) if forwarder is not None else None
    return tuple(sign for sign in signs if sign.kind not in _OF_FORWARDER and sign != own)
