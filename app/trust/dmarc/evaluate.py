"""The verdict of DMARC on one message (RFC 7489 §6.6, RFC 9989 §5.3).

    result = await check_dmarc(resolver, read_authors(header), proved, sample=random.uniform(0, 100))

`proved` is what SPF and DKIM have found. The result says pass or fail, what the author's domain wants done, and in
words how it came about. Never raises: "cannot tell" is TEMPERROR, and then nothing is asked to be done. When From is
such that no single domain is the author's, the message cannot pass, and the strictest policy of all domains applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from app.metrics import counter
from app.trust.dkim.result import SignatureResult, Status
from app.trust.dmarc.authors import Authors
from app.trust.dmarc.discovery import Discovered, Tree
from app.trust.dmarc.record import Alignment, DmarcPolicy, DmarcRecord
from app.trust.dmarc.suffixes import is_public_suffix, organisation
from app.trust.lookup import LookupFailed, Resolver
from app.wire.domain import Domain

MAX_SIGNATURES: Final = 10

_results = counter("dmarc_verify_total", "DMARC verdicts.", ("result",))


class DmarcStatus(Enum):
    """The words of RFC 7489 §11.2."""

    PASS = "pass"
    FAIL = "fail"
    NONE = "none"  # nobody has published a record
    TEMPERROR = "temperror"
    PERMERROR = "permerror"  # a record that does not count, or no author


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The domains that SPF and DKIM have proved, or not."""

    spf_domain: Domain | None = None  # of MAIL FROM, or of HELO for the null reverse-path
    spf_passed: bool = False
    spf_is_unsure: bool = False  # a temporary error
    signatures: Sequence[SignatureResult] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcResult:
    """The verdict."""

    status: DmarcStatus
    words: str  # how it came about, for people
    author: Domain | None = None
    org_domain: Domain | None = None  # of the author
    record: DmarcRecord | None = None
    record_domain: Domain | None = None
    policy: DmarcPolicy = DmarcPolicy.NONE  # published for the author's domain
    applied: DmarcPolicy = DmarcPolicy.NONE  # what is to be done now; NONE unless the status is FAIL
    spf_aligned: bool = False  # and passed
    dkim_aligned: bool = False  # and passed
    is_authentic: bool = False  # the record came with DNSSEC

    @property
    def has_passed(self) -> bool:
        """Whether the author's domain vouches for the message."""
        return self.status is DmarcStatus.PASS


async def check_dmarc(resolver: Resolver, authors: Authors, proved: Proved, *, sample: float) -> DmarcResult:
    """`sample` is a random number from 0 up to 100, which the record's pct= is compared with."""
    result = await _check(resolver, authors, proved, sample)
    _results.labels(result.status.value).inc()
    return result


async def _check(resolver: Resolver, authors: Authors, proved: Proved, sample: float) -> DmarcResult:
    tree = Tree(resolver)
    if not authors.domains:
        return DmarcResult(status=DmarcStatus.PERMERROR, words=authors.fault)
    if not authors.fault:
        return await _judge(tree, authors.domains[0], proved, sample)
    if authors.has_more:
        words = f"{authors.fault}, too many to ask for their policies"
        return DmarcResult(status=DmarcStatus.FAIL, words=words, applied=DmarcPolicy.REJECT)
    results = [await _judge(tree, domain, Proved(), sample) for domain in authors.domains]
    worst = max(results, key=lambda one: (one.applied.strictness, one.status is not DmarcStatus.NONE))
    words = f"{authors.fault}, so that it cannot pass; {worst.words}"
    status = DmarcStatus.PERMERROR if worst.status is DmarcStatus.NONE else worst.status
    return replace(worst, status=status, words=words)


async def _judge(tree: Tree, author: Domain, proved: Proved, sample: float) -> DmarcResult:
    """The verdict for one domain as author."""
    plain = organisation(author)
    try:
        found = await tree.discover(author)
    except LookupFailed as err:
        words = f"the DMARC record of {author} cannot be looked up now: {err.reason}"
        return DmarcResult(status=DmarcStatus.TEMPERROR, words=words, author=author, org_domain=plain)
    draft = DmarcResult(status=DmarcStatus.NONE, words="", author=author, org_domain=found.org_domain or plain)
    if found.published is None:
        return replace(draft, words=f"{author} has no DMARC record")
    draft = replace(draft, record_domain=found.published.domain, is_authentic=found.published.is_authentic)
    if found.published.record is None:
        return replace(draft, status=DmarcStatus.PERMERROR, words=found.published.fault)
    draft = replace(draft, record=found.published.record, policy=found.policy)
    return await _Comparison(tree, author, found.published.record).verdict(draft, proved, found, sample)


class _Comparison:
    """Alignment of what is proved with one author's domain."""

    def __init__(self, tree: Tree, author: Domain, record: DmarcRecord) -> None:
        self._tree = tree
        self._author = author
        self._record = record
        self._org: Domain | None = None
        self._failure = ""  # of a lookup that alignment needed

    async def verdict(self, draft: DmarcResult, proved: Proved, found: Discovered, sample: float) -> DmarcResult:
        """The draft with status, words and what is to be done."""
        by_spf = proved.spf_passed and await self._aligns(proved.spf_domain, self._record.spf_alignment)
        signers = await self._aligned_signers(proved, Status.PASS)
        draft = replace(draft, spf_aligned=by_spf, dkim_aligned=bool(signers), org_domain=self._org or draft.org_domain)
        if by_spf or signers:
            ways = [f"SPF of {proved.spf_domain}"] * by_spf + [f"the DKIM signature of {one}" for one in signers[:1]]
            words = f"{' and '.join(ways)} {'proves' if len(ways) == 1 else 'prove'} that it is from {self._author}"
            return replace(draft, status=DmarcStatus.PASS, words=words)
        unsure = await self._is_unsure(proved)
        if unsure or self._failure:
            words = f"DNS does not tell now whether it is from {self._author}"
            return replace(draft, status=DmarcStatus.TEMPERROR, words=words)
        return self._failed(draft, found.policy, sample)

    async def _is_unsure(self, proved: Proved) -> bool:
        if proved.spf_is_unsure and await self._aligns(proved.spf_domain, self._record.spf_alignment):
            return True
        return bool(await self._aligned_signers(proved, Status.TEMPERROR))

    async def _aligned_signers(self, proved: Proved, status: Status) -> list[Domain]:
        domains = dict.fromkeys(one.domain for one in proved.signatures[:MAX_SIGNATURES] if one.status is status)
        return [one for one in domains if one and await self._aligns(one, self._record.dkim_alignment)]

    async def _aligns(self, domain: Domain | None, alignment: Alignment) -> bool:
        """RFC 7489 §3.1.1, §3.1.2."""
        if domain is None or domain == self._author:
            return domain is not None
        if alignment is Alignment.STRICT or organisation(domain) != organisation(self._author):
            return False
        if is_public_suffix(domain):
            return False
        try:
            if self._org is None:
                self._org = await self._tree.organisation(self._author)
            return domain.is_subdomain_of(self._org) and await self._tree.organisation(domain) == self._org
        except LookupFailed as err:
            self._failure = err.reason
            return False

    def _failed(self, draft: DmarcResult, policy: DmarcPolicy, sample: float) -> DmarcResult:
        words = f"neither SPF nor DKIM proves that it is from {self._author}"
        applied = policy
        if self._record.is_testing or sample >= self._record.percentage:
            applied = policy.milder
        words += f", which asks to {_WISHES[policy]}" if policy is not DmarcPolicy.NONE else ""
        if applied is not policy:
            words += (
                " and says that it is only trying this out" if self._record.is_testing else ", but not for all mail"
            )
        return replace(draft, status=DmarcStatus.FAIL, words=words, applied=applied)


_WISHES: Final = {DmarcPolicy.QUARANTINE: "treat it as junk", DmarcPolicy.REJECT: "refuse it"}
