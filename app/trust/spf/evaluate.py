"""Evaluation of SPF for one message: the function check_host() of RFC 7208 §4, with its limits of §4.6.4.

`check_spf` never raises for what a sender or a zone does: a lookup that cannot be done is temperror, a record that
cannot be used is permerror, and both say why. Terms are tried one after the other, as the first that matches decides
and most messages need one or two.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final, TypeVar

from app.errors import WireError
from app.trust.lookup import Answer, LookupFailed, Resolver
from app.trust.spf.macro import MacroString, MacroValues, expand, expand_domain, parse_macro_string
from app.trust.spf.names import ConfirmedNames, is_below
from app.trust.spf.record import (
    All,
    Exists,
    Hosts,
    Include,
    Mechanism,
    Network,
    Ptr,
    Qualifier,
    Record,
    parse_record,
    spf_records,
)
from app.trust.spf.result import SpfIdentity, SpfResult, SpfStatus
from app.wire.domain import MAX_DOMAIN
from app.wire.smtp.address import IPAddress

MAX_TERMS: Final = 10
MAX_VOID: Final = 2
MAX_MX: Final = 10
MAX_EXPLANATION: Final = 500  # characters: one reply of SMTP
MAX_SHOWN: Final = 300

T = TypeVar("T")
_STATUS: Final = {
    Qualifier.PASS: SpfStatus.PASS,
    Qualifier.FAIL: SpfStatus.FAIL,
    Qualifier.SOFTFAIL: SpfStatus.SOFTFAIL,
    Qualifier.NEUTRAL: SpfStatus.NEUTRAL,
}


async def check_spf(resolver: Resolver, identity: SpfIdentity) -> SpfResult:
    """What the domain of the sender, or of the HELO name, says of the client."""
    check = _Check(resolver, identity)
    domain = identity.domain.removesuffix(".")
    try:
        outcome = await check.host(domain)
    except LookupFailed as err:
        outcome = _Outcome(SpfStatus.TEMPERROR, problem=str(err))
    except _Unusable as err:
        outcome = _Outcome(SpfStatus.PERMERROR, problem=str(err))
    explanation = await check.explanation(outcome) if outcome.status is SpfStatus.FAIL else ""
    return SpfResult(
        status=outcome.status,
        domain=_printable(domain, MAX_DOMAIN),
        is_helo=identity.is_helo,
        mechanism=outcome.mechanism[:MAX_SHOWN],
        problem=_printable(outcome.problem, MAX_SHOWN),
        explanation=explanation,
        is_authentic=check.is_authentic and check.has_asked and outcome.status is not SpfStatus.TEMPERROR,
        terms=check.terms,
    )


def is_domain(name: str) -> bool:
    """Whether a name can have an SPF record: two labels at least, none too long or empty (RFC 7208 §4.3)."""
    labels = name.split(".")
    return (
        len(name) <= MAX_DOMAIN
        and len(labels) > 1
        and name.isascii()
        and "[" not in name
        and all(0 < len(label) <= 63 for label in labels)
    )


class _Unusable(Exception):
    """Evaluation ends with permerror."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one record says, and where its explanation is."""

    status: SpfStatus
    mechanism: str = ""
    problem: str = ""
    explained_by: MacroString | None = None
    domain: str = ""


class _Check:
    """One evaluation, with what it has used of its limits."""

    __slots__ = ("_identity", "_ip", "_names", "_resolver", "_voids", "has_asked", "is_authentic", "terms")

    def __init__(self, resolver: Resolver, identity: SpfIdentity) -> None:
        mapped = identity.ip.ipv4_mapped if identity.ip.version == 6 else None
        self._ip: IPAddress = mapped or identity.ip
        self._resolver = resolver
        self._identity = identity
        self._names = ConfirmedNames(resolver, self._ip)
        self._voids = 0
        self.terms = 0
        self.is_authentic = True
        self.has_asked = False

    async def host(self, domain: str) -> _Outcome:
        """check_host() for a domain; raises LookupFailed and _Unusable."""
        if not is_domain(domain):
            return _Outcome(SpfStatus.NONE, problem="not the name of a domain")
        record = await self._record(domain)
        if record is None:
            return _Outcome(SpfStatus.NONE)
        for directive in record.directives:
            if await self._matches(directive.mechanism, domain):
                status = _STATUS[directive.qualifier]
                return _Outcome(status, directive.text, explained_by=record.explanation, domain=domain)
        if record.redirect is None:
            return _Outcome(SpfStatus.NEUTRAL, "default")
        return await self._redirected(record.redirect, domain)

    async def _redirected(self, redirect: MacroString, domain: str) -> _Outcome:
        self._count_term()
        target = await self._name(redirect, domain)
        outcome = await self.host(target or "")
        if outcome.status is SpfStatus.NONE:  # RFC 7208 §6.1
            raise _Unusable(f"redirect={redirect.text[:80]}: there is no SPF record")
        return outcome

    async def _record(self, domain: str) -> Record | None:
        found = spf_records(self._seen(await self._resolver.txt(domain)).records)
        if not found:
            return None
        if len(found) > 1:
            raise _Unusable(f"{domain} has {len(found)} SPF records, and one is allowed")
        try:
            return parse_record(found[0])
        except WireError as err:
            raise _Unusable(f"the record of {domain} has a fault: {err.message}") from None

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        match mechanism:
            case All():
                return True
            case Network(network):
                return self._ip in network
        self._count_term()
        match mechanism:
            case Include(target):
                return await self._matches_include(target, domain)
            case Hosts(of_mx=True):
                return await self._matches_mx(mechanism, domain)
            case Hosts():
                name = await self._name(mechanism.target, domain)
                return bool(name) and await self._has_address(name or "", mechanism, counts=True)
            case Ptr(target):
                return await self._matches_ptr(target, domain)
            case Exists(target):
                name = await self._name(target, domain)
                return bool(name) and bool(self._counted(await self._resolver.ipv4(name or "")).records)

    async def _matches_include(self, target: MacroString, domain: str) -> bool:
        name = await self._name(target, domain)
        outcome = await self.host(name or "")
        if outcome.status is SpfStatus.NONE:  # RFC 7208 §5.2
            raise _Unusable(f"include:{target.text[:80]}: there is no SPF record")
        return outcome.status is SpfStatus.PASS

    async def _matches_mx(self, mechanism: Hosts, domain: str) -> bool:
        name = await self._name(mechanism.target, domain)
        if not name:
            return False
        found = self._counted(await self._resolver.mx(name)).records
        if len(found) > MAX_MX:
            raise _Unusable(f"{name} has {len(found)} mail exchangers, and {MAX_MX} are looked at")
        # Terms are counted and not questions: exchangers without IPv6 must not make a record void for IPv6 clients.
        for mx in sorted(found):
            if mx.host and await self._has_address(mx.host, mechanism, counts=False):
                return True
        return False

    async def _has_address(self, name: str, mechanism: Hosts, *, counts: bool) -> bool:
        """Whether the client is at or around an address of a name."""
        ask, prefix = (
            (self._resolver.ipv4, mechanism.prefix4)
            if self._ip.version == 4
            else (self._resolver.ipv6, mechanism.prefix6)
        )
        answer = await ask(name)
        found = self._counted(answer) if counts else self._seen(answer)
        if prefix == self._ip.max_prefixlen:
            return self._ip in found.records
        network = ipaddress.ip_network((self._ip, prefix), strict=False)
        return any(ip in network for ip in found.records)

    async def _matches_ptr(self, target: MacroString | None, domain: str) -> bool:
        name = await self._name(target, domain)
        names = await self._confirmed()
        if self._names.is_void:
            self._count_void()
        return bool(name) and any(is_below(one, name or "") for one in names)

    async def _confirmed(self) -> tuple[str, ...]:
        names = await self._names.get()
        self.is_authentic = self.is_authentic and self._names.is_authentic
        return names

    async def _name(self, macro: MacroString | None, domain: str) -> str | None:
        """The name that a term means; None when DNS has no such name for sure, and so nothing can match."""
        if macro is None:
            return domain
        name = expand_domain(macro, await self._values(macro, domain))
        if name is None or not all(0 < len(label) <= 63 for label in name.split(".")):
            return None
        return name

    async def _values(self, macro: MacroString, domain: str) -> MacroValues:
        identity = self._identity
        return MacroValues(
            localpart=identity.localpart,
            sender_domain=identity.domain,
            domain=domain,
            ip=self._ip,
            helo=identity.helo,
            name=_best_name(await self._confirmed(), domain) if macro.needs_names else "unknown",
            receiver=identity.hostname,
            time=identity.time,
        )

    async def explanation(self, outcome: _Outcome) -> str:
        """The words of the domain; any fault there means that there are none (RFC 7208 §6.2)."""
        if outcome.explained_by is None:
            return ""
        try:
            name = await self._name(outcome.explained_by, outcome.domain)
            texts = (await self._resolver.txt(name)).records if name else ()
            if len(texts) != 1:
                return ""
            macro = parse_macro_string(texts[0].decode("ascii"), is_explanation=True)
            text = expand(macro, await self._values(macro, outcome.domain))
        except (LookupFailed, WireError, UnicodeDecodeError):
            return ""
        return _printable(text or "", MAX_EXPLANATION)

    def _count_term(self) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise _Unusable(f"more than {MAX_TERMS} terms that ask DNS")

    def _seen(self, answer: Answer[T]) -> Answer[T]:
        self.has_asked = True
        self.is_authentic = self.is_authentic and answer.authentic
        return answer

    def _counted(self, answer: Answer[T]) -> Answer[T]:
        """An answer to a term; only two may be empty (RFC 7208 §4.6.4)."""
        if not answer.records:
            self._count_void()
        return self._seen(answer)

    def _count_void(self) -> None:
        self._voids += 1
        if self._voids > MAX_VOID:
            raise _Unusable(f"more than {MAX_VOID} terms name what is not in DNS")


def _printable(text: str, limit: int) -> str:
    """What strangers wrote, fit for a log, a reply and a header field."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:limit])


def _best_name(names: tuple[str, ...], domain: str) -> str:
    """What %{p} stands for (RFC 7208 §7.3): the domain itself, else a name below it, else any."""
    if domain.lower() in names:
        return domain.lower()
    return next((name for name in names if is_below(name, domain)), names[0] if names else "unknown")
