"""What is fuzzed: for each a name, seeds, and a function that takes any bytes.

The function raises for what must never be. An error of `app/errors.py` is an answer like any other.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import MailError
from app.junk.features import features_of
from app.routing.dsn import read_status
from app.routing.refusals import explain
from app.smtpserver.arrival import arrival
from app.smtpserver.checks.authentication import Authentication
from app.store.account.prepare import prepare
from app.store.spool import Body
from app.trust.budget import Budget
from app.trust.dkim.record import parse_key
from app.trust.dkim.signature import parse_signature
from app.trust.dmarc.authors import read_authors
from app.trust.dmarc.record import parse_record as parse_dmarc
from app.trust.spf.evaluate import check_spf
from app.trust.spf.record import parse_record as parse_spf
from app.trust.spf.result import SpfIdentity
from app.wire.imap.server import ImapServer
from app.wire.message.addresses import parse_addresses, parse_from
from app.wire.message.authresults import parse_results, without_claims
from app.wire.message.contenttype import parse_content_type, parse_disposition
from app.wire.message.dates import parse_date
from app.wire.message.decode import header_text, search_text
from app.wire.message.encodedword import decode_extended, decode_words
from app.wire.message.header import read_fields, unfold
from app.wire.message.part import parse_message
from app.wire.message.preview import preview
from app.wire.message.received import count_received
from app.wire.message.references import parse_message_id, parse_references
from app.wire.message.subject import parse_subject
from app.wire.proxy import parse_header
from app.wire.regexp.matcher import compile_regexp
from app.wire.reports import attached, dmarc, tls
from app.wire.reports.unpack import unpack
from app.wire.sconf import parse as parse_sconf
from app.wire.sconf import write as write_sconf
from app.wire.smtp.reply import ReplyParser
from tests.smtpserver.test_authentication import ORIGIN, ZONE
from tests.support.machines import DictionaryResolver
from tests.wire.smtp.test_server import Talk

Check = Callable[[bytes], object]
_FOLDER = Path(__file__).parent / "seeds"


def seeds_of(name: str) -> list[bytes]:
    """The seeds of a file, with lines ended by CRLF where that means something."""
    parts = (_FOLDER / f"{name}.txt").read_bytes().split(b"%%\n")
    if name in ("message", "imap", "smtp", "smtp-reply"):
        return [part.replace(b"\n", b"\r\n") for part in parts]
    return [part.removesuffix(b"\n") for part in parts]


_PACKED = [gzip.compress(part, mtime=0) for part in seeds_of("report")]
SENDER = "sender.example"
_KEYS = {f"{name}._domainkey.{SENDER}": {"TXT": [seeds_of("tags")[at].decode()]} for name, at in (("e", 1), ("r", 2))}


def meant(error: Exception) -> str:
    """The words of an error that is an answer; raises every other."""
    if not isinstance(error, MailError):
        raise error
    return re.sub(r"[0-9'\"].*", "", str(error))[:60]


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that reads what strangers send."""

    name: str
    seeds: Sequence[bytes]
    check: Check


def _message(data: bytes) -> object:
    prepared = prepare(Body.of(data))
    for text in (prepared.message_id or "", *prepared.references, prepared.base_subject):
        text.encode()  # the database takes nothing else
    root = parse_message(data)
    texts = [*search_text(data, root, True), preview(data, root), header_text(data[:1000])]
    assert b"\n" not in prepared.envelope + prepared.bodystructure or b"{" in prepared.envelope + prepared.bodystructure
    return len(texts), prepared.bodystructure.count(b"("), min(len(features_of(data, root).numbers), 20)


def _header(data: bytes) -> object:
    arrived = arrival(Body.of(data))
    authors = read_authors(arrived.header)
    assert authors.domain is None or authors.domain in authors.domains
    kept = without_claims(arrived.header, [ORIGIN.hostname.ascii])
    assert without_claims(kept, [ORIGIN.hostname.ascii]) == kept
    return authors.fault, count_received(kept), len(list(read_fields(data))), arrived.author() is None


_READERS: tuple[Callable[[str], object], ...] = (
    parse_addresses, parse_date, parse_content_type, parse_disposition, decode_words, decode_extended, parse_subject,
    parse_references, parse_message_id, parse_from, parse_results,
)  # fmt: skip


def _value(data: bytes) -> object:
    text = unfold(data)
    found = []
    for read in _READERS:
        try:
            found.append(type(read(text)).__name__)
        except Exception as error:
            found.append(meant(error))
    return found


def _authentication(data: bytes) -> object:
    checks = Authentication(DictionaryResolver(ZONE | _KEYS), sample=lambda: 0.0)
    evidence = asyncio.run(checks(ORIGIN, arrival(Body.of(data))))
    assert all(line.isprintable() for line in evidence.trace), evidence.trace
    return evidence.is_validated, evidence.wish, [re.sub(r"\W.*", "", line) for line in evidence.trace]


def _spf(data: bytes) -> object:
    text = data.decode("latin-1")
    zone: dict[str, dict[str, Any]] = {name: {"TXT": [text]} for name in (SENDER, f"_spf.{SENDER}", f"a.{SENDER}")}
    zone[SENDER] |= {"MX": [f"10 mail.{SENDER}"]}
    budget = Budget(DictionaryResolver(zone))
    result = asyncio.run(check_spf(budget, SpfIdentity(ip=ORIGIN.remote, helo="h", mail_from=ORIGIN.reverse_path)))
    assert budget.lookups <= 64
    assert result.words(ORIGIN.remote).isprintable()
    parse_spf(data)
    return result.status, result.problem[:20]


def _tags(data: bytes) -> object:
    found = []
    for read in (parse_key, parse_signature, parse_dmarc):
        try:
            found.append(type(read(data)).__name__)
        except Exception as error:
            found.append(meant(error))
    return found


def _report(data: bytes) -> object:
    content = unpack(data)
    return type((dmarc.parse if b"<" in content[:50] else tls.parse)(content)).__name__


def _report_message(data: bytes) -> object:
    return len(attached.find_report(data, parse_message(data), attached.DMARC))


def _imap(data: bytes) -> object:
    server = ImapServer()
    server.is_signed_in, server.append_limit = True, 1000
    seen = []
    for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
        server.receive_data(piece)
        while (event := server.next_event()) is not None:
            seen.append(f"{type(event).__name__} {getattr(event, 'text', '')}")
    return seen[:5]


def _smtp(data: bytes) -> object:
    talk = Talk().feed(data[: len(data) // 2]).feed(data[len(data) // 2 :])
    assert all("\n" not in one.replace("\r\n", "") for one in talk.replies)
    return talk.replies[:5]


def _reply(data: bytes) -> object:
    replies = ReplyParser().receive_data(data)
    return [explain("gmail-smtp-in.l.google.com", one) for one in replies][:3]


def _sconf(data: bytes) -> object:
    document = parse_sconf(data)
    written = write_sconf(document)
    assert document.faults or write_sconf(parse_sconf(written)) == written
    return len(document.lines)


def _regexp(data: bytes) -> object:
    pattern, _, text = data.decode("utf-8", "replace").partition("\n")
    return compile_regexp(pattern[:2000]).search(text[:2000] or "abc foo xyyaaab")


def _status(data: bytes) -> object:
    return len(read_status(data).recipients)


def _proxy(data: bytes) -> object:
    header = parse_header(data)
    assert header is None or header.size <= len(data)
    return header is None or (header.source is not None, header.size > 100)


_PROXY = (
    b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\nEHLO",
    b"PROXY TCP6 2001:db8::9 ::1 40000 25\r\n",
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x13" + bytes(range(19)),
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24" + bytes(36),
)

TARGETS = (
    Target("message", seeds_of("message"), _message),
    Target("header", seeds_of("message"), _header),
    Target("value", seeds_of("value"), _value),
    Target("authentication", seeds_of("message"), _authentication),
    Target("spf", seeds_of("spf"), _spf),
    Target("tags", seeds_of("tags"), _tags),
    Target("report", (*_PACKED, *seeds_of("report")), _report),
    Target("report-message", seeds_of("message"), _report_message),
    Target("imap", seeds_of("imap"), _imap),
    Target("smtp", seeds_of("smtp"), _smtp),
    Target("smtp-reply", seeds_of("smtp-reply"), _reply),
    Target("proxy", _PROXY, _proxy),
    Target("sconf", seeds_of("sconf"), _sconf),
    Target("regexp", seeds_of("regexp"), _regexp),
    Target("delivery-status", seeds_of("value"), _status),
)
