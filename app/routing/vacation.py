"""Who gets a vacation answer, and what it says: the rules that keep such answers from doing harm (RFC 3834).

`why_silent` is a pure function over what is known of a message: an answer goes only to a person who wrote to the holder
of the account, from an address that is proven, and never to lists, machines, or other answers. How often one sender
gets an answer is the store's to remember.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from datetime import datetime

from app.wire.message.addresses import HeaderAddress, mailboxes, parse_addresses
from app.wire.message.compose import fold, text, write_field, write_mailbox
from app.wire.message.dates import write_date
from app.wire.message.encodedword import decode_words
from app.wire.message.header import field_name, find_field, find_fields, raw_fields
from app.wire.smtp.address import Address, ReversePath

MAX_FIELDS = 1000
MAX_NAMED = 200  # addresses in To and Cc that are looked at
MAX_SUBJECT = 200  # characters
MAX_REFERENCES = 2000
DEFAULT_SUBJECT = "Automatic answer: {}"

# Localparts of programs (RFC 3834 §2).
_MACHINES = re.compile(
    r"(?:owner-.*|.*-owner|.*-request|.*-bounces?(?:[+=-].*)?|bounces?(?:[+=-].*)?|mailer-daemon|mailer|majordomo"
    r"|listserv|daemon|no-?reply.*|do-?not-?reply.*|donotreply.*|srs[01][=+-].*|prvs=.*)\Z",
    re.IGNORECASE,
)
_LIST = re.compile(rb"list-[a-z-]+|mailing-list|x-mailing-list|x-loop|x-auto-response-suppress|feedback-id")
_BULK = re.compile(r"bulk|list|junk|auto[_-]?reply", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is known of a message that was delivered."""

    header: bytes
    reverse_path: ReversePath
    holder: Address | None  # the address of the holder that To or Cc names
    is_own: bool  # the holder has sent it
    is_proven: bool  # the reverse-path belongs to whoever wrote the message
    is_welcome: bool  # it was let in as any mail, and not as junk


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the holder wants to say, and who says it."""

    name: str  # to show with the address; "" for none
    subject: str  # "" for the usual one
    text: str


def why_silent(letter: Letter) -> str:
    """Why the message gets no answer, in a few words; "" when it gets one."""
    if not isinstance(letter.reverse_path, Address):
        return "it has no sender to answer to"
    reasons = (
        (_MACHINES.match(letter.reverse_path.localpart) is not None, "its sender is a program"),
        (not letter.is_welcome, "it counts as junk"),
        (not letter.is_proven, "its sender is not proven"),
        (letter.is_own, "it is from the holder"),
        (letter.holder is None, "it does not name the holder in To or Cc"),
    )
    return next((reason for holds, reason in reasons if holds), "") or _why_no_person(letter.header)


def _why_no_person(header: bytes) -> str:
    """Why its header says that no person has written it."""
    if any(_LIST.fullmatch(field_name(raw)) for raw in raw_fields(header)[:MAX_FIELDS]):
        return "it is from a list or a program"
    if any(value.split(";")[0].strip().lower() != "no" for value in find_fields(header, "Auto-Submitted")):
        return "a program has made it"
    if any(_BULK.search(value) for value in find_fields(header, "Precedence")):
        return "it is bulk mail"
    return ""


def addressees(header: bytes) -> list[HeaderAddress]:
    """Who stands in To and Cc."""
    found: list[HeaderAddress] = []
    for name in ("To", "Cc"):
        for value in find_fields(header, name):
            found += itertools.islice(mailboxes(parse_addresses(value)), MAX_NAMED - len(found))
    return found


def compose(answer: Answer, letter: Letter, message_id: str, now: datetime) -> bytes:
    """The answer as a message; `letter` is one that `why_silent` has nothing against."""
    sender, holder = letter.reverse_path, letter.holder
    assert isinstance(sender, Address)
    assert holder is not None
    about = decode_words(find_field(letter.header, "Subject") or "").strip()[:MAX_SUBJECT]
    content = text(answer.text)
    fields = [
        fold("From", write_mailbox(answer.name, holder.wire)),
        fold("To", f"<{sender.wire}>"),
        write_field("Subject", answer.subject or DEFAULT_SUBJECT.format(about).strip().removesuffix(":")),
        fold("Date", write_date(now)),
        fold("Message-Id", message_id),
        *_threading(letter.header),
        fold("Auto-Submitted", "auto-replied"),
        fold("Precedence", "bulk"),
        fold("X-Auto-Response-Suppress", "All"),
        fold("MIME-Version", "1.0"),
        *(fold(field.name, field.value) for field in content.fields),
    ]
    return b"".join(fields) + b"\r\n" + content.body


def _threading(header: bytes) -> list[bytes]:
    """The fields that put the answer under the message (RFC 5322 §3.6.4)."""
    own = (find_field(header, "Message-Id") or "").strip()
    if not own:
        return []
    before = " ".join((find_field(header, "References") or "").split())[-MAX_REFERENCES:].partition("<")
    references = f"{before[1]}{before[2]} {own}".strip()
    return [fold("In-Reply-To", own), fold("References", references)]
