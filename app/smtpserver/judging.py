"""Asks what a verdict needs, for one message and one recipient, until `decide` has an answer.

What costs is asked only when the verdict depends on it: the account's history first, then the junk filter, then block
lists. A question that fails (a database that is busy, DNS that does not answer) counts as not knowing: legitimate mail
is not refused for it. The result has the words for the person whose mail it is.
"""

from __future__ import annotations

import dataclasses
import random
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.config.dynamic import DEFAULT_SUBJECT_PASS_PERIOD, Ruleset
from app.config.lookup import Destined, Purpose
from app.errors import MailError
from app.junk import subjectpass
from app.junk.reputation import Method, Past, Reputation, Sender, judge
from app.junk.subjectpass import Pair, Validity
from app.log import logger
from app.metrics import counter
from app.smtpserver.arrival import Arrival, header_of
from app.smtpserver.decide import decide
from app.smtpserver.evidence import Evidence, Origin, without_forwarder
from app.smtpserver.verdict import Ask, Case, Content, Settings, Verdict, Wish
from app.store.account import mailboxes, preferences, reputation
from app.store.account.handle import Account
from app.store.account.preferences import Preference
from app.store.account.prepare import Prepared
from app.store.account.provenance import Sign
from app.store.queuedb import QueueDb
from app.wire.domain import Domain
from app.wire.message.addresses import mailboxes as header_mailboxes
from app.wire.message.addresses import parse_addresses
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_field, find_fields
from app.wire.smtp.address import Address, ForwardPath, IPAddress

JITTER = 0.5  # of the way from the threshold to certainty
MAX_HEADER = 64 * 1024  # bytes of the header in which the recipient and a token are looked for
JUNK_USE = "\\Junk"

log = logger("smtpserver")

_GIVEN = counter("subjectpass_generate_total", "Tokens given to refused senders.")
_SHOWN = counter(
    "subjectpass_verify_total", "Messages with a token in the subject, by whether it was good.", ("result",)
)


class Authenticator(Protocol):
    """The checks of where a message comes from."""

    async def __call__(self, origin: Origin, arrived: Arrival, trusted: Collection[Domain] = ()) -> Evidence:
        """What they find; `trusted` are forwarders that the recipients rely on. Never raises."""

    async def may_send(self, origin: Origin) -> bool:
        """Whether the domain of the reverse-path says that the client may send for it; asked before the message."""


class Filter(Protocol):
    """The junk filter."""

    async def __call__(self, account: Account, prepared: Prepared) -> Content:
        """What it says about a message."""


class BlockLists(Protocol):
    """The block lists of a listener."""

    async def __call__(self, zones: Sequence[Domain], remote: IPAddress) -> tuple[str, ...]:
        """Those that list the address, with what they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where answers come from."""

    queue: QueueDb
    authenticate: Authenticator
    classify: Filter
    block_lists: BlockLists
    now: Callable[[], float]
    jitter: Callable[[], float] = field(default=lambda: random.uniform(-JITTER, JITTER))  # no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one recipient."""

    account: Account
    destined: Destined
    path: ForwardPath
    rule: Ruleset | None
    prepared: Prepared
    evidence: Evidence
    zones: Sequence[Domain] = ()  # block lists to ask

    @property
    def header(self) -> bytes:
        """The header section."""
        return header_of(self.prepared.body.data)[:MAX_HEADER]

    @property
    def signs(self) -> tuple[Sign, ...]:
        """What it has in common with others of its sender."""
        signs = self.evidence.signs()
        if self.rule is not None and self.rule.is_forward:
            return without_forwarder(signs, self.rule.verified_domain)
        return signs

    @property
    def mailbox(self) -> str:
        """Where it goes when nothing is wrong."""
        return self.rule.mailbox if self.rule is not None else self.destined.mailbox


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, and all that was found, in lines for people."""

    verdict: Verdict
    trace: tuple[str, ...]


async def judge_delivery(sources: Sources, delivery: Delivery) -> Judged:
    """The verdict on a message for a recipient."""
    case = await _first_case(sources, delivery)
    asked: list[str] = []
    while isinstance(found := decide(case), Ask):
        case, words = await _ask(sources, delivery, case, found)
        asked.append(words)
    return Judged(found, (*delivery.evidence.trace, *asked, *_conclusion(found)))


def _conclusion(verdict: Verdict) -> tuple[str, ...]:
    done = "Refused" if verdict.reply is not None else f"Delivered to {verdict.mailbox}"
    lines = (f"{done} ({verdict.reason}): {verdict.words}.",)
    return (*lines, verdict.remedy) if verdict.remedy else lines


async def _first_case(sources: Sources, delivery: Delivery) -> Case:
    evidence = delivery.evidence
    return Case(
        settings=await _settings(delivery),
        author=str(evidence.author or ""),
        is_validated=evidence.is_validated,
        is_unsure=evidence.is_unsure,
        passes_dmarc=evidence.passes_dmarc,
        wish=evidence.wish,
        spf_fails=evidence.spf_fails,
        has_reverse_name=evidence.has_reverse_name,
        has_tls=evidence.has_tls,
        is_addressed=_is_addressed(delivery),
        has_pass=await _has_pass(sources, delivery),
        jitter=sources.jitter(),
    )


_REPORTS = (Purpose.DMARC_REPORTS, Purpose.TLS_REPORTS, Purpose.HOST_TLS_REPORTS)


async def _settings(delivery: Delivery) -> Settings:
    account, rule = delivery.destined.account, delivery.rule
    verified = delivery.evidence.verified_domains
    list_domain = rule.list_allow_domain if rule is not None else None
    return Settings(
        mailbox=delivery.mailbox,
        junk_mailbox=await _quarantine_mailbox(delivery),
        introbox=account.introbox,
        rejects_to=rule.accept_rejects_to_mailbox if rule is not None else "",
        auth_required=delivery.destined.destination.message_auth_required_smtp_error,
        threshold=account.junk_filter.threshold if account.junk_filter is not None else None,
        gives_passes=account.subject_pass is not None,
        delays_first_time=not account.no_first_time_sender_delay,
        is_list=list_domain is not None and any(one.is_subdomain_of(list_domain) for one in verified),
        is_forward=rule is not None and rule.is_forward,
        is_report=delivery.destined.purpose in _REPORTS,
    )


async def _quarantine_mailbox(delivery: Delivery) -> str:
    """Where DMARC's quarantine goes, when the holder chose to have it there."""
    if delivery.evidence.wish is not Wish.QUARANTINE:
        return ""

    def read(db: sqlite3.Connection) -> str:
        if not preferences.is_on(db, Preference.QUARANTINE_TO_JUNK):
            return ""
        return next((one.name for one in mailboxes.all_mailboxes(db) if one.special_use == JUNK_USE), "")

    return await delivery.account.read(read)


async def _has_pass(sources: Sources, delivery: Delivery) -> bool:
    """Whether the subject has a token that was given to this author."""
    settings, author = delivery.destined.account.subject_pass, delivery.evidence.author
    subject = decode_words(find_field(delivery.header, "Subject") or "")
    if settings is None or author is None or "(pass:" not in subject:
        return False
    key = await delivery.account.read(preferences.find_pass_key)
    validity = Validity(now=sources.now(), period_s=settings.period or DEFAULT_SUBJECT_PASS_PERIOD)
    is_good = key is not None and subjectpass.has_pass(subject, key, _pair(delivery), validity)
    _SHOWN.labels("ok" if is_good else "fail").inc()
    return is_good


async def give_pass(sources: Sources, delivery: Delivery) -> str:
    """A token for the author and the recipient of the message."""
    key = await delivery.account.write(preferences.pass_key)
    _GIVEN.inc()
    return subjectpass.give(key, _pair(delivery), sources.now())


def _pair(delivery: Delivery) -> Pair:
    author = delivery.evidence.author
    assert author is not None, "only a verified author gets a token"
    return Pair(author.wire.lower(), delivery.destined.destination_key)


def _is_addressed(delivery: Delivery) -> bool:
    """Whether the recipient, as the sender wrote it, stands in To or Cc."""
    if not isinstance(delivery.path, Address):
        return True
    wanted = (delivery.path.localpart.lower(), delivery.path.domain)
    for value in (*find_fields(delivery.header, "To"), *find_fields(delivery.header, "Cc")):
        for one in header_mailboxes(parse_addresses(value)):
            if one.localpart.lower() == wanted[0] and one.domain.lower() in (wanted[1].ascii, wanted[1].unicode):
                return True
    return False


async def _ask(sources: Sources, delivery: Delivery, case: Case, ask: Ask) -> tuple[Case, str]:
    """The case with one more answer, and the answer in words."""
    if ask is Ask.REPUTATION:
        found = await _reputation(sources, delivery)
        return dataclasses.replace(case, reputation=found), f"Earlier mail: {found.words}."
    if ask is Ask.CONTENT:
        content = await _content(sources, delivery)
        return dataclasses.replace(case, content=content), f"Words: {_content_words(content)}."
    listed = await sources.block_lists(delivery.zones, delivery.evidence.remote) if delivery.zones else ()
    words = f"Block lists: {'; '.join(listed) or 'not listed'}." if delivery.zones else "Block lists: none to ask."
    return dataclasses.replace(case, listed=listed), words


def _content_words(content: Content) -> str:
    if not content.is_significant:
        return content.words
    return f"{content.probability:.1%} junk{f', by {content.words}' if content.words else ''}"


async def _reputation(sources: Sources, delivery: Delivery) -> Reputation:
    evidence = delivery.evidence
    sender = None
    if evidence.author is not None:
        address = evidence.author
        sender = Sender(address=str(address), domain=address.domain, is_validated=evidence.is_validated)
    try:
        past = await delivery.account.read(reputation.past(delivery.mailbox, delivery.signs, int(sources.now())))
        wrote_to = await _wrote_to(sources, delivery)
    except MailError as error:
        log.warn("cannot read the reputation of a sender", account=delivery.account.name, err=error)
        past, wrote_to = Past(), frozenset()
    return judge(dataclasses.replace(past, wrote_to=wrote_to), sender)


async def _wrote_to(sources: Sources, delivery: Delivery) -> frozenset[Method]:
    """Which of author, domain and organisation the account has written to."""
    author, org_domain = delivery.evidence.author, delivery.evidence.org_domain
    if author is None:
        return frozenset()
    names = {Method.SENT_TO_ADDRESS: author.wire.lower(), Method.SENT_TO_DOMAIN: author.domain.ascii}
    if org_domain is not None:
        names[Method.SENT_TO_ORG_DOMAIN] = org_domain.ascii
    known = await sources.queue.wrote_to(delivery.account.name, tuple(names.values()))
    return frozenset(method for method, name in names.items() if name in known)


async def _content(sources: Sources, delivery: Delivery) -> Content:
    try:
        return await sources.classify(delivery.account, delivery.prepared)
    except MailError as error:
        log.warn("cannot ask the junk filter", account=delivery.account.name, err=error)
        return Content(probability=0.0, is_significant=False, words="the filter could not be asked")
