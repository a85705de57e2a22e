"""The record at `_smtp._tls.DOMAIN` by which a domain asks for TLS reports (RFC 8460 §3).

    uris = parse_record(b"v=TLSRPTv1; rua=mailto:tls@example.com,https://example.com/tls")
    found = await lookup(resolver, domain)

Several records, or one that cannot be read, ask for nothing. `parse_record` raises BadRecord.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from app.errors import MailError, WireError
from app.trust.lookup import Resolver
from app.wire.domain import Domain
from app.wire.smtp.address import Address, parse_address

MAX_RECORD: Final = 8 * 1024
MAX_URIS: Final = 20

_VERSION = re.compile(rb"v=TLSRPTv1[ \t]*(?:;|\Z)")
_URI = re.compile(r"(mailto|https):([^\s!,;]+)\Z", re.IGNORECASE)


class BadRecord(MailError):
    """A TLSRPT record that does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsReportUri:
    """Where reports go; `address` is None for https:."""

    uri: str
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a domain asks for."""

    uris: tuple[TlsReportUri, ...] = ()
    text: str = ""  # the record as written
    fault: str = ""  # why it asks for nothing


async def lookup(resolver: Resolver, domain: Domain) -> Asked:
    """What a domain asks for; LookupFailed passes through."""
    answer = await resolver.txt(f"_smtp._tls.{domain.ascii}")
    meant = [text for text in answer.records[:100] if _VERSION.match(text)]
    if not meant:
        return Asked(fault="there is no TLSRPT record")
    text = meant[0][:MAX_RECORD].decode("utf-8", "replace")
    if len(meant) > 1:
        return Asked(text=text, fault="there is more than one TLSRPT record, so that none counts")
    try:
        return Asked(uris=parse_record(meant[0]), text=text)
    except BadRecord as error:
        return Asked(text=text, fault=str(error))


def parse_record(raw: bytes) -> tuple[TlsReportUri, ...]:
    """The destinations that can be read, at least one."""
    if not _VERSION.match(raw):
        raise BadRecord("it does not begin with v=TLSRPTv1")
    if len(raw) > MAX_RECORD:
        raise BadRecord(f"it is longer than {MAX_RECORD} bytes")
    for field in raw.decode("utf-8", "replace").split(";")[1:]:
        name, equals, value = field.partition("=")
        if equals and name.strip() == "rua":
            uris = tuple(found for one in value.split(",", MAX_URIS)[:MAX_URIS] if (found := _uri(one.strip())))
            if uris:
                return uris
    raise BadRecord("it names no address for reports (rua=)")


def _uri(text: str) -> TlsReportUri | None:
    match = _URI.match(text)
    if match is None:
        return None
    if match[1].lower() == "https":
        return TlsReportUri(uri=text)
    try:
        return TlsReportUri(uri=text, address=parse_address(unquote(match[2].partition("?")[0])))
    except WireError:
        return None
