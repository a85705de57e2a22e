"""Delivery status notifications: what a sender is told of a message: late, lost, or delivered (RFC 3464, RFC 6533).

`compose` makes a multipart/report of three parts: a text that a person understands, the same facts for programs, and
the header of the message (or all of it, when asked with RET=FULL). `read_status` reads the second part of
notifications that others send. Texts of remote servers are shown, never trusted: control characters go, lengths are
bounded.

Where an address or the header needs UTF-8, the parts take the `message/global` forms of RFC 6533. The result has CRLF
lines and may have 8-bit bytes. Nothing here decides who is told; `queue/notices.py` does.
"""

from __future__ import annotations

import datetime
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from app.clock import utc
from app.ids import boundary as new_boundary
from app.wire.smtp.address import Address, AddressLiteral
from app.wire.smtp.reply import Reply

MAX_HEADER = 64 * 1024
MAX_TEXT = 2000
MAX_STATUS = 256 * 1024  # of a delivery-status part that is read
MAX_GROUPS = 1000

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)


class Action(Enum):
    """What was done for a recipient (RFC 3464 §2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What became of one recipient."""

    recipient: Address | AddressLiteral
    code: str  # enhanced, such as "5.1.1"
    reason: str  # for a person
    advice: str = ""  # what to do next, if it is known better than the code tells
    reply: Reply | None = None  # what the remote server said
    remote_host: str = ""
    remote_ip: str = ""
    last_attempt: float = 0.0
    orcpt: str = ""  # type and address that came with RCPT (RFC 3461 §4.2), decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """All that a notification says. `waits_s` are the waits before the attempts still to come."""

    action: Action
    hostname: str  # ours
    postmaster: Address
    to: Address | AddressLiteral
    message_id: str
    now: float
    arrived: float
    statuses: tuple[Status, ...]
    original: bytes  # the message, or at least its header
    original_id: str = ""  # its Message-ID
    subject: str = ""  # of the message, decoded
    full: bool = False
    waits_s: tuple[float, ...] = ()
    envid: str = ""


def compose(told: Notification, boundary: str = "") -> bytes:
    """The notification as a message."""
    mark = boundary or new_boundary()
    utf8 = not told.original[:MAX_HEADER].isascii() or not all(one.recipient.is_ascii for one in told.statuses)
    text = _text(told)
    status = _status(told, utf8)
    kind = "global-delivery-status" if utf8 else "delivery-status"
    parts = [
        _part(f"text/plain; charset={'us-ascii' if text.isascii() else 'utf-8'}", text.encode()),
        _part(f"message/{kind}", status.encode("utf-8" if utf8 else "ascii", "replace")),
        _original(told, utf8),
    ]
    body = b"".join(b"--" + mark.encode() + b"\r\n" + part for part in parts)
    return _header(told, mark, kind).encode() + b"\r\n" + body + b"--" + mark.encode() + b"--\r\n"


@dataclass(frozen=True, slots=True)
class _Words:
    """What a notification says to people."""

    subject: str
    opening: str
    closing: str = ""


_WORDS = {
    Action.FAILED: _Words("Your message was not delivered", "Your message could not be delivered to:"),
    Action.DELAYED: _Words("Your message is delayed", "Your message has not been delivered yet to:"),
    Action.DELIVERED: _Words(
        "Your message was delivered",
        "Your message was delivered to:",
        "It is in the mailbox; whether it is read is not known.",
    ),
    Action.RELAYED: _Words(
        "Your message was passed on",
        "Your message was taken by the next mail server for:",
        "That server does not tell what becomes of it. If it cannot deliver it, you may hear from it.",
    ),
}


def _header(told: Notification, mark: str, kind: str) -> str:
    lines = [
        f"From: Mail delivery <{told.postmaster.wire}>",
        f"To: <{told.to.wire}>",
        f"Subject: {_WORDS[told.action].subject}",
        f"Date: {write_date(told.now)}",
        f"Message-ID: {told.message_id}",
    ]
    if told.original_id:
        reference = _safe(told.original_id, 900)
        lines += [f"In-Reply-To: {reference}", f"References: {reference}"]
    lines += [
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind};\r\n boundary="{mark}"',
    ]
    return "".join(line + "\r\n" for line in lines)


def _text(told: Notification) -> str:
    """The part for people: what happened, to whom, why, and what to do."""
    lines = [_WORDS[told.action].opening, ""]
    for one in told.statuses:
        lines += [f"    {one.recipient}", *_indented(_safe(one.reason))]
        if one.reply is not None:
            lines += _indented(f"{_place(one)} said: {_safe(str(one.reply))}")
        lines.append("")
    if told.subject:
        lines.append(f"Subject: {_safe(told.subject, 200)}")
    lines += [f"Sent:    {write_date(told.arrived)}", ""]
    lines += [line for one in _known_advice(told.statuses) for line in (*textwrap.wrap(one, 76), "")]
    lines += _advice(told)
    return "".join(line + "\r\n" for line in lines)


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, 76, initial_indent=" " * 8, subsequent_indent=" " * 8)


def _place(one: Status) -> str:
    return f"The server {one.remote_host or 'there'}" + (f" [{one.remote_ip}]" if one.remote_ip else "")


def _advice(told: Notification) -> list[str]:
    if told.action is Action.DELAYED:
        return _delay_advice(told)
    if told.action is Action.FAILED:
        return _failure_advice(told.statuses)
    return [_WORDS[told.action].closing, "You asked to be told. You need not do anything."]


def _delay_advice(told: Notification) -> list[str]:
    times = [write_time(at) for at in _attempts_to_come(told)]
    if not times:
        return ["It will be tried again. You need not do anything."]
    which = f"at {', '.join(times[:-1])} and {times[-1]}" if len(times) > 1 else f"at {times[0]}"
    return [
        "You need not do anything and should not send it again: delivery will be tried",
        f"{which} (UTC).",
        "If the last attempt fails too, you will be told.",
    ]


def _attempts_to_come(told: Notification) -> list[float]:
    at = max(one.last_attempt for one in told.statuses) or told.now
    times = []
    for wait in told.waits_s:
        at += wait
        times.append(at)
    return times


_ADVICE = (
    ("5.1.1", "Check that the address is spelled correctly. That server does not know it."),
    ("5.1.2", "Check that what follows the @ is spelled correctly. There is no such mail domain."),
    ("5.1.10", "Check that what follows the @ is spelled correctly. That domain takes no mail."),
    ("5.2.2", "The mailbox is full. Tell the recipient in another way, or try again in some days."),
    ("5.2.3", "The message is too large for that server. Send it without attachments, or in parts."),
    ("5.3.4", "The message is too large for that server. Send it without attachments, or in parts."),
    ("5.7.", "That server refuses the message by its own rules. Its answer above may say what to change."),
    ("4.", "The other server was not ready in all that time. You may send the message again later."),
)


def _known_advice(statuses: Sequence[Status]) -> list[str]:
    return list(dict.fromkeys(one.advice for one in statuses if one.advice))


def _failure_advice(statuses: Sequence[Status]) -> list[str]:
    found = []
    for start, advice in _ADVICE:
        if advice not in found and any(
            one.code == start or (start[-1] == "." and one.code.startswith(start)) for one in statuses if not one.advice
        ):
            found.append(advice)
    return [*found, "It will not be tried again. The header of your message is attached."]


def _status(told: Notification, utf8: bool) -> str:
    """The part for programs (RFC 3464 §2)."""
    groups = [
        [
            ("Original-Envelope-Id", _safe(told.envid, 200)),
            ("Reporting-MTA", f"dns; {told.hostname}"),
            ("Arrival-Date", write_date(told.arrived)),
        ]
    ]
    groups += [_group(told, one, utf8) for one in told.statuses]
    return "\r\n".join("".join(f"{name}: {value}\r\n" for name, value in group if value) for group in groups)


def _group(told: Notification, one: Status, utf8: bool) -> list[tuple[str, str]]:
    remote = f"dns; {one.remote_host}" if one.remote_host else ""
    if remote and one.remote_ip:
        remote += f" ({one.remote_ip})"
    times = _attempts_to_come(told)
    return [
        ("Original-Recipient", _safe(one.orcpt, 500).replace(";", "; ", 1)),
        ("Final-Recipient", f"{'utf-8' if utf8 and not one.recipient.is_ascii else 'rfc822'}; {one.recipient.wire}"),
        ("Action", told.action.value),
        ("Status", one.code),
        ("Remote-MTA", remote),
        ("Diagnostic-Code", "smtp; " + _fold(_safe(str(one.reply))) if one.reply is not None else ""),
        ("Last-Attempt-Date", write_date(one.last_attempt) if one.last_attempt else ""),
        ("Will-Retry-Until", write_date(times[-1]) if told.action is Action.DELAYED and times else ""),
    ]


def _original(told: Notification, utf8: bool) -> bytes:
    if told.full:
        return _part("message/global" if utf8 else "message/rfc822", told.original)
    end = told.original.find(b"\r\n\r\n", 0, MAX_HEADER)
    header = told.original[: end + 2 if end >= 0 else MAX_HEADER]
    return _part("message/global-headers" if utf8 else "text/rfc822-headers", header)


def _part(content_type: str, body: bytes) -> bytes:
    encoding = b"7bit" if body.isascii() else b"8bit"
    head = b"Content-Type: " + content_type.encode() + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    return head + body + (b"" if body.endswith(b"\r\n") else b"\r\n")


def _safe(text: str, limit: int = MAX_TEXT) -> str:
    return _UNSAFE.sub(" ", text[:limit]).strip()


def _fold(text: str) -> str:
    """Text from elsewhere in lines below the 998 bytes of RFC 5322 §2.1.1, also when each character is three bytes."""
    return "\r\n ".join(text[at : at + 300] for at in range(0, len(text), 300))


def write_date(seconds: float) -> str:
    """A date as RFC 5322 §3.3 writes it, in UTC."""
    at = utc(seconds)
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"


def write_time(seconds: float) -> str:
    """A time for people, such as "14:30 on 2 Jan"."""
    at: datetime.datetime = utc(seconds)
    return f"{at:%H:%M} on {at.day} {_MONTHS[at.month - 1]}"


# Not strftime's names: those follow the locale.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The delivery-status part of a notification: fields of the message and of each recipient, names in lower case."""

    message: dict[str, str]
    recipients: tuple[dict[str, str], ...]


def read_status(data: bytes) -> StatusReport:
    """Read a delivery-status part. Never raises: what is no field is skipped, of repeated fields the first counts."""
    groups: list[dict[str, str]] = [{}]
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", data[:MAX_STATUS])
    for line in unfolded.splitlines():
        if not line.strip():
            if groups[-1] and len(groups) <= MAX_GROUPS:
                groups.append({})
        elif match := _FIELD.fullmatch(line):
            name = match[1].decode("ascii").lower()
            groups[-1].setdefault(name, match[2].decode("utf-8", "replace").strip())
    if not groups[-1]:
        groups.pop()
    return StatusReport(groups[0] if groups else {}, tuple(groups[1:]))
