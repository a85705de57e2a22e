"""Which MTA-STS policy holds for a domain now: the one that is kept, or a new one when DNS says there is (RFC 8461).

The TXT record is asked for at each use, as that is cheap; the policy is fetched when the record's id is another than
that of the policy kept, and once a day (`refresh`), so that a policy does not run out while it is in use. What is kept
holds until it is over, whatever DNS says or however fetching fails (RFC 8461 §5): a domain takes its policy back by
publishing one with the mode none. A failed fetch is not repeated for five minutes. Without any policy mail goes on as
if the domain had none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.clock import Clock
from app.errors import MailError, WireError
from app.log import logger
from app.metrics import counter, histogram
from app.net.policyfetch import FetchFailed
from app.store.mtastspolicies import KnownPolicy, MtaStsPolicies
from app.trust.lookup import LookupFailed, Resolver
from app.trust.mtasts import MtaStsPolicy, parse_policy, parse_record, records_of

RETRY_S = 300.0
MAX_REFRESHED = 20  # in one go
FETCH_ERROR, WEBPKI_INVALID, POLICY_INVALID = "sts-policy-fetch-error", "sts-webpki-invalid", "sts-policy-invalid"

log = logger("queue")
_durations = histogram("mtasts_get_duration_seconds", "Fetches of MTA-STS policies.", ("result",))
_fetches = counter("mtastsdb_get_total", "MTA-STS policies looked for.", ("result",))

Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a policy that should be there could not be had: a result type of RFC 8460 §4.3, and words."""

    result: str
    words: str


@dataclass(frozen=True, slots=True)
class Found:
    """The policy that holds, if any, and what stood in the way of a newer one."""

    policy: MtaStsPolicy | None = None
    trouble: Trouble | None = None


class MtaSts:
    """Finds policies."""

    def __init__(self, resolver: Resolver, known: MtaStsPolicies, clock: Clock, fetch: Fetch) -> None:
        self._resolver = resolver
        self._known = known
        self._clock = clock
        self._fetch = fetch

    async def find(self, domain: str) -> Found:
        """What holds for mail to this domain."""
        known = await self._known.find(domain)
        policy = known.policy if known else None
        record_id = await self.record_id(domain)
        if not record_id:
            _fetches.labels("kept" if policy else "none").inc()
            return Found(policy)
        if known is not None and policy is not None and known.record_id == record_id:
            _fetches.labels("kept").inc()
            return Found(policy)
        if known is not None and known.retry_after > self._clock.now():
            return Found(policy, Trouble(FETCH_ERROR, known.error))
        return await self._fetch_new(domain, record_id, known)

    async def record_id(self, domain: str) -> str:
        """The id that DNS has now; "" when there is no usable record or DNS does not tell."""
        try:
            records = records_of((await self._resolver.txt(f"_mta-sts.{domain}")).records)
            return parse_record(records[0]) if len(records) == 1 else ""
        except LookupFailed as err:
            log.debug("no MTA-STS record", domain=domain, err=err)
        except WireError as err:
            log.debug("MTA-STS record is broken", domain=domain, err=err)
        return ""

    async def refresh(self) -> None:
        """Fetch what is a day old, so that it holds on."""
        for domain in await self._known.due(MAX_REFRESHED):
            known = await self._known.find(domain)
            # Without a record the policy is fetched nevertheless (RFC 8461 §5.1); its id stays.
            record_id = await self.record_id(domain) or (known.record_id if known else "")
            await self._fetch_new(domain, record_id, known)

    async def _fetch_new(self, domain: str, record_id: str, known: KnownPolicy | None) -> Found:
        started, result = self._clock.monotonic(), "error"
        try:
            text = await self._fetch(domain)
            policy = parse_policy(text)
            result = "ok"
        except WireError as err:
            trouble = Trouble(POLICY_INVALID, err.message)
        except FetchFailed as err:
            trouble = Trouble(WEBPKI_INVALID if err.is_certificate else FETCH_ERROR, str(err))
        except MailError as err:
            trouble = Trouble(FETCH_ERROR, str(err))
        else:
            _fetches.labels("fetched").inc()
            await self._known.put(domain, record_id, text, policy)
            return Found(policy)
        finally:
            _durations.labels(result).observe(self._clock.monotonic() - started)
        _fetches.labels("error").inc()
        log.info("no MTA-STS policy could be fetched", domain=domain, reason=trouble.words)
        await self._known.put_failure(domain, trouble.words, self._clock.now() + RETRY_S)
        return Found(known.policy if known else None, trouble)
