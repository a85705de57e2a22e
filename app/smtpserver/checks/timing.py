"""How long each check of a message took, as metrics, with the names that dashboards for this kind of server know.

A check runs until DNS has answered, so these times are mostly those of DNS. Labels come from small fixed sets: what a
sender can choose, such as the name of an algorithm, is "other" unless it is one of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.metrics import counter, histogram
from app.trust.dkim.result import SignatureResult
from app.trust.dkim.signature import ALGORITHMS
from app.trust.dmarc.evaluate import DmarcResult, DmarcStatus
from app.trust.dmarc.record import DmarcPolicy
from app.trust.dnsbl import DnsblResult
from app.trust.iprev import IprevResult
from app.trust.spf.result import SpfResult
from app.wire.domain import Domain

T = TypeVar("T")
Note = Callable[[T, float], None]

_SPF = histogram("spf_verify_duration_seconds", "SPF checks of messages.", ("status",))
_DKIM = histogram(
    "dkim_verify_duration_seconds",
    "DKIM signatures, each with the time of all of its message.",
    ("algorithm", "status"),
)
_DMARC = histogram("dmarc_verify_duration_seconds", "DMARC checks of messages.", ("status", "reject", "use"))
_IPREV = counter("iprev_lookup_total", "Reverse names of clients looked at.", ("status",))
_DNSBL = histogram("dnsbl_lookup_duration_seconds", "Questions of DNS block lists.", ("zone", "status"))


async def timed(check: Awaitable[T], note: Note[T]) -> T:
    """The result of a check, after noting it with its time in seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    result = await check
    note(result, loop.time() - began)
    return result


def note_spf(result: SpfResult, seconds: float) -> None:
    """Of a message, not of a question before it."""
    _SPF.labels(result.status.value).observe(seconds)


def note_dkim(results: tuple[SignatureResult, ...], seconds: float) -> None:
    """Each signature that was looked at."""
    for one in results:
        algorithm = one.algorithm if one.algorithm in ALGORITHMS else "other"
        _DKIM.labels(algorithm, one.status.value).observe(seconds)


def note_dmarc(result: DmarcResult, seconds: float) -> None:
    """`use` is "no" when the domain wants its policy for a part of its mail, and this message is not of that part."""
    is_spared = result.status is DmarcStatus.FAIL and result.policy is not result.applied
    reject = "yes" if result.applied is DmarcPolicy.REJECT else "no"
    _DMARC.labels(result.status.value, reject, "no" if is_spared else "yes").observe(seconds)


def note_iprev(result: IprevResult, _: float) -> None:
    """A count is enough."""
    _IPREV.labels(result.status.value).inc()


def note_dnsbl(zone: Domain) -> Note[DnsblResult]:
    """For the list of that zone."""
    return lambda result, seconds: _DNSBL.labels(zone.ascii, result.status.value).observe(seconds)
