"""What must be proven of the connection to a server before mail goes there: MTA-STS, DANE, REQUIRETLS, or nothing.

    rules = await rules_for(setup, row)             # once for a recipient domain
    demand = await demand_of(setup, rules, host)    # for each of its servers

DANE counts only when the answers for the MX, the host and the TLSA records are all authentic (RFC 7672 §2.2); where it
does, it decides in place of the authorities (RFC 8461 §2), but an MTA-STS policy still says which hosts there are. A
sender's `TLS-Required: No` makes every demand a wish (RFC 8689 §3); REQUIRETLS makes a verified certificate of a
verified host a must (RFC 8689 §4.2.1). A server that may not get the mail raises NotAllowed; DNS that cannot tell about
TLSA records raises LookupFailed, as an attacker might be the reason (RFC 7672 §2.1.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from app.errors import MailError
from app.metrics import counter
from app.queue.outcome import Outcome, deferred, failed
from app.queue.policies import Found
from app.queue.setup import Setup
from app.store.queuerecords import Queued, Report
from app.store.tlsresults import TlsResult
from app.trust.dane import usable
from app.trust.lookup import LookupFailed, Tlsa
from app.trust.mtasts import Mode
from app.wire.domain import Domain
from app.wire.reports.tls import TlsFailure

_authentic = counter("queue_destinations_authentic_total", "Servers for mail that DNSSEC proves to be the right ones.")
_dane = counter("queue_destination_dane_required_total", "Servers for mail that have TLSA records.")
_unusable = counter("queue_destination_dane_starttlsunverified_total", "Servers whose TLSA records cannot be used.")
_no_tlsa = counter("queue_destination_dane_gathertlsa_errors_total", "TLSA records that DNS could not tell.")
_REQUIRED = counter("queue_requiretls_unsupported_total", "Mail with REQUIRETLS that cannot go so.", ("reason",))
_ignored = counter("queue_tlsrequiredno_ignored_total", "Demands passed over for TLS-Required: No.", ("ignored",))

STS, TLSA, NO_POLICY = "sts", "tlsa", "no-policy-found"  # RFC 8460 §4.4
NEEDS_REQUIRETLS = "5.7.30"


class Proof(Enum):
    """What is asked of the server."""

    ENCRYPTION = "encryption"  # any certificate
    AUTHORITY = "authority"  # a certificate for the host from a known authority
    RECORDS = "records"  # a certificate that the TLSA records name


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a connection must prove. `words` say who asks for it, as the end of a sentence."""

    proof: Proof
    words: str
    is_strict: bool = True  # no mail without
    is_required: bool = False  # by the sender, who hears at once that it cannot be
    records: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()  # that a certificate may be for, besides records about it alone

    @property
    def policy(self) -> str:
        """The kind of policy in reports."""
        return STS if self.proof is Proof.AUTHORITY else TLSA


class NotAllowed(MailError):
    """No mail for this host; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all servers of a domain."""

    row: Queued
    domain: Domain
    found: Found

    @property
    def requires(self) -> bool:
        """Whether the sender wants TLS at any price."""
        return self.row.require_tls is True

    @property
    def waives(self) -> bool:
        """Whether the sender wants delivery at any price."""
        return self.row.require_tls is False

    @property
    def mode(self) -> Mode:
        """Of the MTA-STS policy."""
        return self.found.policy.mode if self.found.policy else Mode.NONE

    def result(self, kind: str, lines: tuple[str, ...] = (), hosts: tuple[str, ...] = ()) -> TlsResult:
        """A result to be reported, still without its failure."""
        is_optional = self.row.report is not Report.NONE
        return TlsResult(domain=self.domain, kind=kind, lines=lines, hosts=hosts, is_optional=is_optional)

    def sts_result(self) -> TlsResult:
        """The same for the MTA-STS policy."""
        policy = self.found.policy
        return self.result(STS, policy.lines, policy.hosts) if policy else self.result(STS)


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A server and how sure DNS is of it."""

    name: str
    base: str  # where its addresses stand, after CNAMEs
    is_named_authentically: bool  # by the MX
    is_authentic: bool  # its addresses too


@dataclass(frozen=True, slots=True)
class Demanded:
    """The demand on a server, if any, and what reports say of connections to it."""

    demand: Demand | None
    results: tuple[TlsResult, ...]


async def rules_for(setup: Setup, row: Queued) -> Rules:
    """The rules for mail to the domain of a recipient."""
    found = await setup.mtasts.find(row.domain) if setup.mtasts else Found()
    rules = Rules(row, Domain(row.domain), found)
    if found.trouble is not None:
        failure = TlsFailure(result=found.trouble.result, sessions=1, information=found.trouble.words)
        setup.record_tls(replace(rules.sts_result(), failure=failure))
    return rules


async def demand_of(setup: Setup, rules: Rules, host: HostFacts) -> Demanded:
    """What a server must prove. Raises NotAllowed and LookupFailed."""
    is_listed = _check_listed(setup, rules, host)
    results = [rules.sts_result()] if rules.mode is not Mode.NONE else []
    records = await _records(setup, rules, host)
    if records:
        lines = tuple(f"{one.usage} {one.selector} {one.matching} {one.data.hex()}" for one in records)
        of_domain = rules.result(TLSA, lines, (host.base,))
        results += [of_domain, replace(of_domain, domain=Domain(host.base), is_host=True)]
    demand = _demand(rules, host, records, is_listed)
    return Demanded(demand, tuple(results) or (rules.result(NO_POLICY),))


def _check_listed(setup: Setup, rules: Rules, host: HostFacts) -> bool:
    """Whether the MTA-STS policy names the host; one that must be named and is not gets no mail."""
    policy = rules.found.policy
    if policy is None or policy.mode is Mode.NONE:
        return False
    if policy.allows(host.name):
        return True
    failure = TlsFailure(result="validation-failure", sessions=1, receiving_host=host.name, code="mx-mismatch")
    setup.record_tls(replace(rules.sts_result(), failure=failure))
    if policy.mode is Mode.ENFORCE and rules.waives:
        _ignored.labels("mtastsmx").inc()
    elif policy.mode is Mode.ENFORCE:
        note_required(rules.requires, "mtastsmx")
        words = f"The server {host.name} is not one of those that {rules.domain} allows (MTA-STS)."
        raise NotAllowed(failed(NEEDS_REQUIRETLS, words) if rules.requires else deferred("4.7.5", words))
    return False


async def _records(setup: Setup, rules: Rules, host: HostFacts) -> tuple[Tlsa, ...]:
    """The TLSA records of a host, when all that leads to them is authentic."""
    if not (host.is_named_authentically and host.is_authentic):
        return ()
    _authentic.inc()
    try:
        for name in dict.fromkeys((host.base, host.name)):
            answer = await setup.resolver.tlsa(f"_{setup.smtp_port}._tcp.{name}")
            if answer.authentic and answer.records:
                _dane.inc()
                return answer.records
    except LookupFailed as err:
        _no_tlsa.inc()
        failure = TlsFailure(result="dnssec-invalid", sessions=1, receiving_host=host.name, information=err.reason)
        setup.record_tls(replace(rules.result(TLSA, hosts=(host.base,)), failure=failure))
        if not rules.waives:
            raise
        _ignored.labels("tlsagather").inc()
    return ()


def _demand(rules: Rules, host: HostFacts, records: tuple[Tlsa, ...], is_listed: bool) -> Demand | None:
    good = usable(records)
    strict = not rules.waives
    _unusable.inc(bool(records) and not good)
    if good:
        names = tuple(dict.fromkeys((host.base, host.name, rules.domain.ascii)))
        words = f"{host.name} shows in DNS which certificate it has (DANE)"
        proof = Demand(proof=Proof.RECORDS, words=words, is_strict=strict, records=good, names=names)
    elif is_listed and (rules.mode is Mode.ENFORCE or not rules.requires):
        words = f"{rules.domain} demands encryption with a valid certificate (MTA-STS)"
        proof = Demand(proof=Proof.AUTHORITY, words=words, is_strict=strict and rules.mode is Mode.ENFORCE)
    elif rules.requires:
        return _required(host)
    elif records:
        words = f"{host.name} demands encryption (DANE)"
        proof = Demand(proof=Proof.ENCRYPTION, words=words, is_strict=strict)
    elif rules.mode is Mode.TESTING:
        words = f"{rules.domain} would like encryption with a valid certificate (MTA-STS)"
        proof = Demand(proof=Proof.AUTHORITY, words=words, is_strict=False)
    else:
        return None
    return replace(proof, is_required=True) if rules.requires else proof


def note_required(is_required: bool, reason: str) -> None:
    """Count a message that demands encryption all the way and cannot have it."""
    if is_required:
        _REQUIRED.labels(reason).inc()


def _required(host: HostFacts) -> Demand:
    """REQUIRETLS alone: the host must be the right one by DNSSEC, its certificate by an authority."""
    if not host.is_named_authentically:
        words = (
            f"The sender demands encryption all the way (REQUIRETLS), but nothing proves that {host.name} is the"
            " right server: its domain has neither MTA-STS nor DNSSEC."
        )
        note_required(True, "nopolicy")
        raise NotAllowed(failed(NEEDS_REQUIRETLS, words))
    words = "the sender demands encryption with a valid certificate (REQUIRETLS)"
    return Demand(proof=Proof.AUTHORITY, words=words, is_required=True)
