"""Summaries by DMARC that others send of mail in the name of a domain (RFC 7489 §7.2 and appendix C, RFC 9990).

    report = parse(xml)

Read by expat in one pass, element by element, so that a report is never in memory as a tree. A DTD, an entity of its
own or anything from elsewhere is refused. Namespaces and unknown elements are passed over; an element that is repeated
where one is expected counts once. Needed are the domain of the policy, the times and a report id. Raises BadReport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar
from xml.parsers import expat

from app.wire.domain import Domain
from app.wire.reports import values
from app.wire.reports.values import BadReport
from app.wire.smtp.address import IPAddress

T = TypeVar("T")

MAX_DEPTH: Final = 10  # the schema has five
MAX_ROWS: Final = 10_000  # a second of work
MAX_ELEMENTS: Final = 500  # in one row, or in what stands before the rows
MAX_ATTRIBUTES: Final = 20  # of an element; the schema has none
MAX_PIECE: Final = 64 * 1024  # bytes of a tag or a text, which expat reads at once while nothing else runs
MAX_LIST: Final = 20  # signatures, reasons or errors of which each is kept


class Disposition(Enum):
    """What the receiver did with messages."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResult:
    """What one check of SPF or DKIM said."""

    domain: str
    result: str  # in lower case: pass, fail, softfail, ...
    selector: str = ""  # of DKIM
    scope: str = ""  # of SPF: mfrom or helo
    words: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether the domain vouches for the messages."""
        return self.result == "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcRow:
    """Messages from one address that were judged alike."""

    source: IPAddress | None
    count: int
    disposition: Disposition
    dkim: bool  # aligned
    spf: bool
    header_from: str
    envelope_from: str = ""
    envelope_to: str = ""
    reasons: tuple[str, ...] = ()  # why it was not done what the policy says
    dkim_results: tuple[AuthResult, ...] = ()
    spf_results: tuple[AuthResult, ...] = ()

    @property
    def has_passed(self) -> bool:
        """Whether DMARC passed."""
        return self.dkim or self.spf


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPolicy:
    """The policy that the receiver found in DNS, as it is told."""

    domain: Domain
    policy: str
    subdomain_policy: str = ""
    dkim_alignment: str = ""
    spf_alignment: str = ""
    percentage: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcReport:
    """A report about the mail of some hours."""

    organisation: str
    email: str
    report_id: str
    begin: int  # seconds since 1970
    end: int
    policy: PublishedPolicy
    contact: str = ""
    errors: tuple[str, ...] = ()
    rows: tuple[DmarcRow, ...] = ()


@dataclass(slots=True)
class _Element:
    """An element with its text and what it holds."""

    name: str
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[_Element]:
        """The children of a name."""
        return (child for child in self.children if child.name == name)

    def first(self, name: str) -> _Element:
        """A child, or an empty element."""
        for child in self.children:
            if child.name == name:
                return child
        return _Element(name)

    def value(self, name: str) -> str:
        """The text of a child, for people."""
        return values.text(self.first(name).text)

    def word(self, name: str) -> str:
        """The text of a child that is a word of the standard."""
        return self.value(name).lower()


class _Reading:
    """The state of one pass."""

    def __init__(self) -> None:
        self.open: list[_Element] = []
        self.head = _Element("feedback")
        self.rows: list[DmarcRow] = []
        self.elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        local = name.rpartition(" ")[2].lower()
        if not self.open and local != "feedback":
            raise BadReport("the XML is no DMARC report: it does not begin with <feedback>")
        self.elements += 1
        if len(self.open) >= MAX_DEPTH or self.elements > MAX_ELEMENTS or len(attributes) > MAX_ATTRIBUTES:
            raise BadReport("the XML of the report has too many elements in one place")
        self.open.append(_Element(local))

    def characters(self, data: str) -> None:
        """Text of the innermost element."""
        if self.open and len(self.open[-1].text) < values.MAX_TEXT:
            self.open[-1].text += data

    def end(self, _name: str) -> None:
        """An element ends."""
        element = self.open.pop()
        if len(self.open) > 1:
            self.open[-1].children.append(element)
        elif self.open and element.name == "record":
            self._add(element)
        elif self.open:
            self.head.children.append(element)

    def _add(self, record: _Element) -> None:
        if len(self.rows) >= MAX_ROWS:
            raise BadReport(f"the report has more than {MAX_ROWS} rows")
        self.rows.append(_row(record))
        self.elements = len(self.head.children)


def parse(xml: bytes) -> DmarcReport:
    """The report."""
    _check_pieces(xml)
    reading = _Reading()
    parser = _parser(reading)
    try:
        parser.Parse(xml.lstrip(), True)
    except BadReport:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that nobody knows
        code = getattr(error, "code", None)
        why = expat.ErrorString(code) if isinstance(code, int) else "unknown encoding"
        raise BadReport(f"the XML of the report is broken at line {parser.ErrorLineNumber}: {why}") from None
    return _report(reading)


def _check_pieces(xml: bytes) -> None:
    start = 0
    while start + MAX_PIECE < len(xml):
        start = xml.rfind(b">", start, start + MAX_PIECE) + 1
        if not start:
            raise BadReport("the XML of the report has a piece that is too long")


def _parser(reading: _Reading) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.CharacterDataHandler = reading.characters
    parser.EndElementHandler = reading.end
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    return parser


def _refuse(*_what: object) -> int:
    raise BadReport("the XML of the report has a DTD or entities of its own, which no report needs")


def _report(reading: _Reading) -> DmarcReport:
    about = reading.head.first("report_metadata")
    times = about.first("date_range")
    report_id = about.value("report_id")
    if not report_id:
        raise BadReport("the report has no report id")
    begin = values.moment(times.first("begin").text, "the begin of the report")
    end = values.moment(times.first("end").text, "the end of the report")
    if end < begin:
        raise BadReport("the report ends before it begins")
    return DmarcReport(
        organisation=about.value("org_name") or about.value("email").rpartition("@")[2],
        email=about.value("email"),
        contact=about.value("extra_contact_info"),
        report_id=report_id,
        begin=begin,
        end=end,
        errors=_some(about.all("error"), lambda error: values.text(error.text)),
        policy=_policy(reading.head.first("policy_published")),
        rows=tuple(reading.rows),
    )


def _policy(published: _Element) -> PublishedPolicy:
    return PublishedPolicy(
        domain=values.domain(published.first("domain").text, "the domain of the policy"),
        policy=published.word("p"),
        subdomain_policy=published.word("sp"),
        dkim_alignment=published.word("adkim"),
        spf_alignment=published.word("aspf"),
        percentage=values.percentage(published.first("pct").text),
    )


def _row(record: _Element) -> DmarcRow:
    row, names, results = record.first("row"), record.first("identifiers"), record.first("auth_results")
    evaluated = row.first("policy_evaluated")
    return DmarcRow(
        source=values.address(row.first("source_ip").text),
        count=values.count(row.first("count").text, "a count of messages"),
        disposition=_disposition(evaluated.word("disposition")),
        dkim=evaluated.word("dkim") == "pass",
        spf=evaluated.word("spf") == "pass",
        header_from=names.word("header_from"),
        envelope_from=names.word("envelope_from"),
        envelope_to=names.word("envelope_to"),
        reasons=tuple(filter(None, _some(evaluated.all("reason"), _reason))),
        dkim_results=_some(results.all("dkim"), _result),
        spf_results=_some(results.all("spf"), _result),
    )


def _disposition(word: str) -> Disposition:
    """RFC 9990 says pass, some say nothing: the message was let in."""
    return next((one for one in Disposition if one.value == word), Disposition.NONE)


def _some(found: Iterator[_Element], read: Callable[[_Element], T]) -> tuple[T, ...]:
    return tuple(read(element) for element, _ in zip(found, range(MAX_LIST), strict=False))


def _reason(element: _Element) -> str:
    return ": ".join(filter(None, (element.value("type"), element.value("comment"))))


def _result(element: _Element) -> AuthResult:
    return AuthResult(
        domain=element.word("domain"),
        result=element.word("result") or "none",
        selector=element.value("selector"),
        scope=element.word("scope"),
        words=element.value("human_result"),
    )
