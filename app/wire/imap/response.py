"""Responses: tagged, untagged and continuation, with response codes (RFC 9051 §7.1).

    response = (tag / "*") SP ("OK" / "NO" / "BAD" / "BYE" / "PREAUTH") SP ["[" code "]" SP] text CRLF

Every writer returns the bytes of whole responses, so a caller cannot leave half a literal behind. Text is made safe
when written: what a client or a message said cannot end the line. A code that clients must understand is made by a
function here; what it holds is written by us and needs no quoting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.wire.imap.flags import ALL, write_flags
from app.wire.imap.sequence import compact

MAX_TEXT: Final = 900  # RFC 7162 §4: keep a line well below 8192; nobody reads a longer text

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Status(Enum):
    """How a command went, or what the server says by itself."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    BYE = "BYE"
    PREAUTH = "PREAUTH"


@dataclass(frozen=True, slots=True)
class Code:
    """A response code: what stands between [ and ]."""

    text: str

    def __str__(self) -> str:
        return f"[{self.text}]"


ALERT: Final = Code("ALERT")
ALREADYEXISTS: Final = Code("ALREADYEXISTS")
AUTHENTICATIONFAILED: Final = Code("AUTHENTICATIONFAILED")
AUTHORIZATIONFAILED: Final = Code("AUTHORIZATIONFAILED")
CANNOT: Final = Code("CANNOT")
CLIENTBUG: Final = Code("CLIENTBUG")
CLOSED: Final = Code("CLOSED")
COMPRESSIONACTIVE: Final = Code("COMPRESSIONACTIVE")
EXPUNGEISSUED: Final = Code("EXPUNGEISSUED")
HASCHILDREN: Final = Code("HASCHILDREN")
INUSE: Final = Code("INUSE")
LIMIT: Final = Code("LIMIT")
NONEXISTENT: Final = Code("NONEXISTENT")
NOPERM: Final = Code("NOPERM")
NOTIFICATIONOVERFLOW: Final = Code("NOTIFICATIONOVERFLOW")
NOTSAVED: Final = Code("NOTSAVED")
OVERQUOTA: Final = Code("OVERQUOTA")
PARSE: Final = Code("PARSE")
PRIVACYREQUIRED: Final = Code("PRIVACYREQUIRED")
READ_ONLY: Final = Code("READ-ONLY")
READ_WRITE: Final = Code("READ-WRITE")
SERVERBUG: Final = Code("SERVERBUG")
TOOBIG: Final = Code("TOOBIG")
TOOFEW: Final = Code("TOOFEW")
TOOMANY: Final = Code("TOOMANY")
TRYCREATE: Final = Code("TRYCREATE")
UIDNOTSTICKY: Final = Code("UIDNOTSTICKY")
UIDREQUIRED: Final = Code("UIDREQUIRED")
UNAVAILABLE: Final = Code("UNAVAILABLE")
UNKNOWN_CTE: Final = Code("UNKNOWN-CTE")
URLMECH: Final = Code("URLMECH INTERNAL")  # how URLs of the mailbox are given to others (RFC 4467 §8)
USEATTR: Final = Code("USEATTR")
BADCHARSET: Final = Code("BADCHARSET (US-ASCII UTF-8)")


def capability(atoms: str) -> Code:
    """The capabilities at this point, so that the client need not ask."""
    return Code(f"CAPABILITY {atoms}")


def appenduid(uidvalidity: int, uids: Iterable[int]) -> Code:
    """Where an appended message is now (RFC 9051 §7.1)."""
    return Code(f"APPENDUID {uidvalidity} {compact(uids)}")


def copyuid(uidvalidity: int, source: Iterable[int], destination: Iterable[int]) -> Code:
    """Where copied messages are now; the two sets match in order, so both must be sorted the same way."""
    return Code(f"COPYUID {uidvalidity} {compact(source)} {compact(destination)}")


def modified(numbers: Iterable[int]) -> Code:
    """What STORE UNCHANGEDSINCE left alone (RFC 7162 §3.1.3)."""
    return Code(f"MODIFIED {compact(numbers)}")


def badevent(events: Iterable[str]) -> Code:
    """Some event is not known; these are (RFC 5465 §5)."""
    return Code(f"BADEVENT ({' '.join(events)})")


def highestmodseq(modseq: int) -> Code:
    """The highest modseq of the mailbox (RFC 7162 §3.1.2.1)."""
    return Code(f"HIGHESTMODSEQ {modseq}")


def uidvalidity_is(uidvalidity: int) -> Code:
    """The uidvalidity of the selected mailbox."""
    return Code(f"UIDVALIDITY {uidvalidity}")


def uidnext_is(uidnext: int) -> Code:
    """The uid that the next message gets, at least."""
    return Code(f"UIDNEXT {uidnext}")


def mailboxid_is(objectid: str) -> Code:
    """The object id of a mailbox (RFC 8474 §4)."""
    return Code(f"MAILBOXID ({objectid})")


def messagelimit(limit: int, lowest: int = 0) -> Code:
    """So many messages can be worked on by one command; the lowest uid that was reached, if any (RFC 9738 §3.1)."""
    return Code(f"MESSAGELIMIT {limit} {lowest}" if lowest else f"MESSAGELIMIT {limit}")


def inprogress(tag: str, done: int | None, goal: int | None) -> Code:
    """A command is not done yet; how far it is, where that is known (RFC 9585 §4)."""
    words = ["NIL" if number is None else str(number) for number in (done, goal)]
    return Code(f'INPROGRESS ("{tag}" {words[0]} {words[1]})')


def unseen_from(seq: int) -> Code:
    """The first message without \\Seen (RFC 3501 §7.1)."""
    return Code(f"UNSEEN {seq}")


def permanentflags(keywords: str = "", *, is_read_only: bool = False) -> Code:
    """The flags that a client can change for good; `\\*` says that it may make up keywords."""
    if is_read_only:
        return Code("PERMANENTFLAGS ()")
    flags = write_flags(ALL, " ".join((*keywords.split(), "\\*")))
    return Code(f"PERMANENTFLAGS {flags.decode('ascii')}")


def tagged(tag: str, status: Status, text: str, code: Code | None = None) -> bytes:
    """The end of a command."""
    return _line(tag, status, text, code)


def untagged(status: Status, text: str, code: Code | None = None) -> bytes:
    """A status that belongs to no command, or comes before its end."""
    return _line("*", status, text, code)


def _line(tag: str, status: Status, text: str, code: Code | None) -> bytes:
    if not text.isprintable():
        text = _UNSAFE.sub(" ", text)
    prefix = f"{tag} {status.value} [{code.text}] " if code else f"{tag} {status.value} "
    return f"{prefix}{text[:MAX_TEXT] or '-'}\r\n".encode("utf-8", "replace")


def untagged_data(data: bytes) -> bytes:
    """A response that is data: `data` is all between `* ` and the end of the line."""
    return b"* %b\r\n" % data


def continuation(text: str = "go on") -> bytes:
    """Ask the client for the rest of its command."""
    return f"+ {_UNSAFE.sub(' ', text)}\r\n".encode("utf-8", "replace")


def challenge(base64: bytes) -> bytes:
    """Ask the client for its next SASL message (RFC 9051 §6.2.2)."""
    return b"+ %b\r\n" % base64


def flags_response(keywords: str = "") -> bytes:
    """The flags that messages of the selected mailbox have; `keywords` separated by spaces."""
    return b"* FLAGS %b\r\n" % write_flags(ALL, keywords)
