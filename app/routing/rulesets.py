"""Which rule of an address a message falls under: all conditions of a rule must hold, the first such rule counts.

`read_facts` takes from a message what rules can ask about, `find_ruleset` compares; both are pure. Rules come in as the
settings of `app.config.dynamic`, known here only by what is read of them. What the conditions compare:

- SMTPMailFromRegexp: the reverse-path; an empty text for a notification.
- MsgFromRegexp: the address of the From field, if there is exactly one; domains are in Unicode form.
- VerifiedDomain: one of the verified domains is this domain or below it.
- HeadersRegexp: for each entry, some field matches with name and value, both in lower case. A value is on one line; it
  is compared as it stands, and with its encoded words decoded.

The header is hostile: MAX_FIELDS fields are looked at, and MAX_VALUE characters of each value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from app.errors import WireError
from app.wire.domain import Domain, parse_domain
from app.wire.message.addresses import HeaderAddress, mailboxes, parse_addresses
from app.wire.message.encodedword import decode_words
from app.wire.message.header import find_fields, raw_fields, unfold
from app.wire.smtp.address import write_localpart

MAX_FIELDS = 1000
MAX_VALUE = 8 * 1024  # characters


class Expression(Protocol):
    """A regular expression."""

    def search(self, subject: str) -> bool:
        """Whether it matches anywhere in `subject`."""


class Rule(Protocol):
    """What is read of a rule."""

    @property
    def smtp_mail_from_regexp(self) -> Expression | None:
        """On the reverse-path."""

    @property
    def msg_from_regexp(self) -> Expression | None:
        """On the author's address."""

    @property
    def verified_domain(self) -> Domain | None:
        """Of whom the message must verifiably be."""

    @property
    def headers_regexp(self) -> Mapping[Any, Expression]:  # keys are expressions too; Mapping wants their very type
        """On names and values of fields."""


R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, slots=True)
class HeaderFact:
    """One header field: its name in lower case, and the forms of its value that are compared."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules can ask about a message."""

    mail_from: str = ""
    msg_from: str = ""  # empty when there is not exactly one author
    verified_domains: frozenset[Domain] = frozenset()
    headers: tuple[HeaderFact, ...] = ()


def read_facts(header: bytes, mail_from: str, verified_domains: frozenset[Domain] = frozenset()) -> Facts:
    """The facts of a message with this header section."""
    headers = tuple(map(_header_fact, raw_fields(header)[:MAX_FIELDS]))
    return Facts(mail_from=mail_from, msg_from=author_of(header), verified_domains=verified_domains, headers=headers)


def find_ruleset(rulesets: Iterable[R], facts: Facts) -> R | None:
    """The first rule whose conditions all hold; None when there is none."""
    return next((rule for rule in rulesets if _holds(rule, facts)), None)


def _header_fact(raw: bytes) -> HeaderFact:
    name, _, value = raw.partition(b":")
    text = _on_one_line(value[: 2 * MAX_VALUE])[:MAX_VALUE]
    decoded = decode_words(text).lower()
    written = text.lower()
    values = (written,) if decoded == written else (written, decoded)
    return HeaderFact(name.rstrip(b" \t").decode("ascii", "replace").lower(), values)


def _on_one_line(value: bytes) -> str:
    """The value with its lines joined by one space, however they are indented."""
    if value.find(b"\n", 0, -1) >= 0:
        value = b" ".join(map(bytes.strip, value.split(b"\n")))
    return unfold(value)


def author_of(header: bytes) -> str:
    """The address of the From field in Unicode form; empty when there is not exactly one author."""
    values = find_fields(header, "From")
    if len(values) != 1:
        return ""
    authors = list(itertools.islice(mailboxes(parse_addresses(values[0][:MAX_VALUE])), 2))
    return _written(authors[0]) if len(authors) == 1 else ""


def _written(address: HeaderAddress) -> str:
    try:
        domain = parse_domain(address.domain).unicode
    except WireError:
        domain = address.domain.lower()
    return f"{write_localpart(address.localpart)}@{domain}"


def _holds(rule: Rule, facts: Facts) -> bool:
    """Whether all conditions hold; the cheap ones are asked first. A rule without any holds for nothing."""
    mail_from, msg_from, domain = rule.smtp_mail_from_regexp, rule.msg_from_regexp, rule.verified_domain
    if mail_from is None and msg_from is None and domain is None and not rule.headers_regexp:
        return False
    return (
        (domain is None or any(verified.is_subdomain_of(domain) for verified in facts.verified_domains))
        and (mail_from is None or mail_from.search(facts.mail_from))
        and (msg_from is None or bool(facts.msg_from and msg_from.search(facts.msg_from)))
        and all(_has_field(name, value, facts) for name, value in rule.headers_regexp.items())
    )


def _has_field(name: Expression, value: Expression, facts: Facts) -> bool:
    return any(name.search(header.name) and any(map(value.search, header.values)) for header in facts.headers)
