"""Messages as programs hand them to sendmail, made fit to be submitted: pure text work.

What comes in is whatever cron, a web page or a script wrote: any line ends, a header that is folded, broken or missing,
addresses without a domain. What goes out has CRLF, one From that the server lets us use, a Date, a Message-Id, no Bcc.
The display name of the author stays. The body stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import ids
from app.errors import Refusal, WireError
from app.wire.message.addresses import HeaderAddress, mailboxes, parse_addresses
from app.wire.message.compose import fold, write_mailbox
from app.wire.message.dates import write_date
from app.wire.message.header import field_name, find_fields
from app.wire.smtp.address import Address, parse_address, write_localpart

MAX_RECIPIENTS = 1000
_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_RECIPIENT_FIELDS = ("To", "Cc", "Bcc")
_REPLACED = frozenset({b"from", b"bcc", b"return-path"})
_HERE = frozenset({"localhost", "localhost.localdomain"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends from this machine, and what is known of it."""

    address: Address
    local_hostname: str
    default: Address | None = None  # who gets mail for local names
    name: str = ""  # to show, in the place of the name in the message
    allows_weak_tls: bool = False  # "TLS-Required: No" (RFC 8689 §5)


@dataclass(frozen=True, slots=True)
class Handed:
    """A message as it was handed over."""

    fields: tuple[bytes, ...]  # whole header fields
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> Handed:
        """Take bytes apart; the header ends at an empty line, or before the first line that belongs to no field."""
        lines = _LINE_END.sub(b"\r\n", data).split(b"\r\n")
        if lines[0].startswith(b"From "):  # the separator of an mbox
            del lines[0]
        fields: list[bytes] = []
        end = 0
        for line in lines:
            if line[:1] in (b" ", b"\t") and line.strip() and fields:
                fields[-1] += line + b"\r\n"
            elif _FIELD.match(line):
                fields.append(line + b"\r\n")
            else:
                break
            end += 1
        body = lines[end + 1 :] if lines[end : end + 1] == [b""] else lines[end:]
        return cls(tuple(fields), b"\r\n".join(body) + (b"" if not body or body[-1] == b"" else b"\r\n"))

    @property
    def header(self) -> bytes:
        """All fields."""
        return b"".join(self.fields)


def recipients(handed: Handed, arguments: Sequence[str], sender: Sender, *, from_header: bool) -> tuple[Address, ...]:
    """Who gets the message: the arguments, and with `from_header` whom To, Cc and Bcc name; each once.

    Raises Refusal for what is no address, or when there is nobody.
    """
    found = [address for text in arguments for address in _typed(text, sender)]
    if from_header:
        values = [value for name in _RECIPIENT_FIELDS for value in find_fields(handed.header, name)]
        found += [address for value in values for address in _addresses(value, sender)]
    found = list(dict.fromkeys(found))
    if not found:
        where = (
            "no To, Cc or Bcc field names an address"
            if from_header
            else "give an address, or -t for those in the message"
        )
        raise Refusal(f"nobody to send to: {where}")
    if len(found) > MAX_RECIPIENTS:
        raise Refusal(f"{len(found)} recipients; at most {MAX_RECIPIENTS} are possible at once")
    return tuple(found)


def _typed(text: str, sender: Sender) -> Iterable[Address]:
    """An argument: one address, exactly, or several as in a header field."""
    if "@" not in text or "<" in text or "," in text:
        return _addresses(text, sender)
    try:
        address = parse_address(text.strip())
    except WireError as error:
        raise Refusal(f"{text!r} is not an address: {error}") from None
    return [_local(address.localpart, sender) if address.domain.ascii in _HERE else address]


def _addresses(text: str, sender: Sender) -> Iterable[Address]:
    for one in mailboxes(parse_addresses(text)):
        yield _local(one.localpart, sender) if one.domain.lower() in _HERE or not one.domain else _address(one)


def _address(one: HeaderAddress) -> Address:
    try:
        return parse_address(f"{write_localpart(one.localpart)}@{one.domain}")
    except WireError as error:
        raise Refusal(f"{one.address!r} is not an address: {error}") from None


def _local(name: str, sender: Sender) -> Address:
    if sender.default is None:
        raise Refusal(f"no mail is kept on this machine, and {name!r} has no domain; set DefaultDestination")
    return sender.default


def compose(handed: Handed, to: Sequence[Address], sender: Sender, now: datetime) -> bytes:
    """The message to submit."""
    names = {field_name(field).lower() for field in handed.fields}
    author = write_mailbox(sender.name or _name_in(handed), str(sender.address), utf8=False)
    fields = [fold("From", author)]
    fields += [field for field in handed.fields if field_name(field).lower() not in _REPLACED]
    if not names & {b"to", b"cc"}:
        fields.append(fold("To", f"<{to[0]}>" if len(to) == 1 and b"bcc" not in names else "undisclosed-recipients:;"))
    if b"date" not in names:
        fields.append(fold("Date", write_date(now)))
    if b"message-id" not in names:
        fields.append(fold("Message-Id", ids.message_id(sender.local_hostname)))
    if not handed.body.isascii() and not names & {b"mime-version", b"content-type"}:
        fields += _described(handed.body)
    if sender.allows_weak_tls and b"tls-required" not in names:
        fields.append(fold("TLS-Required", "No"))
    return b"".join(fields) + b"\r\n" + handed.body


def _name_in(handed: Handed) -> str:
    """The name that the program gave to its author."""
    found = [one for value in find_fields(handed.header, "From") for one in mailboxes(parse_addresses(value))]
    return found[0].name_text if found else ""


def _described(body: bytes) -> list[bytes]:
    """Text in UTF-8 says so, as nobody else can tell later."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return []
    return [
        fold("MIME-Version", "1.0"),
        fold("Content-Type", "text/plain; charset=utf-8"),
        fold("Content-Transfer-Encoding", "8bit"),
    ]
