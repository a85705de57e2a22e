"""One line of an SMTP client to one command value (RFC 5321 §4.1.1 and the extensions that add commands).

    parse_command(b"RCPT TO:<a@example.org>", offers) -> Rcpt(Address(...), RcptParams())

Raises CommandError, which holds the reply code to use. Tolerated, because many clients in the field do it: spaces after
`FROM:` and `TO:`, spaces at the end of a line, and a source route, which is cut off (RFC 5321 §4.1.1.3). Text outside
ASCII is only allowed where a path can be, and there only with SMTPUTF8, which the state machine checks.

Grammar:
    mail  = "MAIL FROM:" reverse-path [SP params]     rcpt = "RCPT TO:" forward-path [SP params]
    bdat  = "BDAT" SP 1*DIGIT [SP "LAST"]             auth = "AUTH" SP mechanism [SP ("=" / base64)]
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from app.errors import SmtpSyntaxError, WireError
from app.wire.domain import Domain, parse_domain
from app.wire.smtp import codes
from app.wire.smtp.address import (
    NULL_PATH,
    POSTMASTER,
    Address,
    AddressLiteral,
    ForwardPath,
    IPAddress,
    ReversePath,
    parse_literal,
    parse_path_address,
)
from app.wire.smtp.params import CommandError, MailParams, RcptParams, parse_mail_params, parse_rcpt_params

MAX_NAME = 255  # RFC 5321 §4.5.3.1.2
MAX_CHUNK = 1 << 40

_VERB = re.compile(rb"([A-Za-z]{1,16})(?: +(.*))?", re.DOTALL)
# A quoted localpart may hold ">" and spaces.
_PATH = re.compile(r'<((?:[^<>"\x00-\x20\x7f]|"(?:[^"\\]|\\.)*")*)>(?: +(.*))?')
_SOURCE_ROUTE = re.compile(r"@[^:@,]+(?:,@[^:@,]+)*:(?=.)")
_GREETING_NAME = re.compile(r"[!-~]+")
_BDAT = re.compile(r"([0-9]{1,13})(?: +(LAST))?", re.IGNORECASE)
_MECHANISM = re.compile(r"[A-Za-z0-9_-]{1,20}")


@dataclass(frozen=True, slots=True)
class GreetingName:
    """What a client calls itself in HELO and EHLO; a domain, an address, or neither."""

    text: str
    domain: Domain | None = None
    ip: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class Helo:
    name: GreetingName


@dataclass(frozen=True, slots=True)
class Ehlo:
    name: GreetingName


@dataclass(frozen=True, slots=True)
class StartTls:
    pass


@dataclass(frozen=True, slots=True)
class Auth:
    """`initial` is the decoded initial response; None where there was none, b"" for `=` (RFC 4954 §4)."""

    mechanism: str
    initial: bytes | None


@dataclass(frozen=True, slots=True)
class Mail:
    reverse_path: ReversePath
    params: MailParams


@dataclass(frozen=True, slots=True)
class Rcpt:
    forward_path: ForwardPath
    params: RcptParams


@dataclass(frozen=True, slots=True)
class Data:
    pass


@dataclass(frozen=True, slots=True)
class Bdat:
    """A counted chunk follows the line (RFC 3030 §2)."""

    size: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Rset:
    pass


@dataclass(frozen=True, slots=True)
class Noop:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    pass


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Vrfy:
    pass


@dataclass(frozen=True, slots=True)
class Expn:
    pass


Command = Helo | Ehlo | StartTls | Auth | Mail | Rcpt | Data | Bdat | Rset | Noop | Quit | Help | Vrfy | Expn


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """The parameters of MAIL and RCPT that a connection knows."""

    mail: frozenset[str] = frozenset()
    rcpt: frozenset[str] = frozenset()


def decode_base64(data: bytes) -> bytes:
    """Base64 as SASL uses it; raises CommandError."""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise CommandError("bad base64", codes.BAD_AUTH_DATA) from None


def parse_greeting_name(text: str) -> GreetingName:
    """The name as far as it can be understood; only bytes that never belong in a name are refused."""
    if not _GREETING_NAME.fullmatch(text) or len(text) > MAX_NAME:
        raise CommandError("a host name or an address literal is needed", codes.BAD_GREETING_NAME)
    try:
        # An address without brackets is wrong and common.
        bare = text if text.startswith("[") else f"[IPv6:{text}]" if ":" in text else f"[{text}]"
        return GreetingName(text, ip=parse_literal(bare))
    except SmtpSyntaxError:
        pass
    try:
        return GreetingName(text, domain=parse_domain(text.removesuffix(".")))
    except WireError:
        return GreetingName(text)


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> Address | AddressLiteral:
    """An address; the same few come again and again on a busy server, and the values are immutable."""
    try:
        return parse_path_address(text)
    except SmtpSyntaxError as err:
        raise CommandError(f"bad address: {err.message}", codes.BAD_ARGUMENTS) from None


def _split_path(argument: str, keyword: str) -> tuple[str, str]:
    """The text between the angle brackets, without a source route, and the text of the parameters."""
    if argument[: len(keyword)].upper() != keyword:
        raise CommandError(f"{keyword}<address> is needed")
    match = _PATH.fullmatch(argument[len(keyword) :].lstrip(" "))
    if match is None:
        raise CommandError(f"{keyword}<address> is needed")
    path = match[1]
    if path.startswith("@") and (route := _SOURCE_ROUTE.match(path)):
        path = path[route.end() :]
    return path, match[2] or ""


def _mail(argument: str, offers: Offers) -> Mail:
    path, params = _split_path(argument, "FROM:")
    reverse_path: ReversePath = NULL_PATH
    if path:
        reverse_path = _parse_address(path)
    return Mail(reverse_path, parse_mail_params(params, offers.mail))


def _rcpt(argument: str, offers: Offers) -> Rcpt:
    path, params = _split_path(argument, "TO:")
    forward_path: ForwardPath = POSTMASTER
    if path.lower() != "postmaster":  # RFC 5321 §4.5.1
        forward_path = _parse_address(path)
    return Rcpt(forward_path, parse_rcpt_params(params, offers.rcpt))


def _auth(argument: str, offers: Offers) -> Auth:
    words = argument.split()  # more than one space before the initial response is tolerated
    if not 1 <= len(words) <= 2 or not _MECHANISM.fullmatch(words[0]):
        raise CommandError("AUTH mechanism [initial-response] is needed")
    if len(words) == 1:
        return Auth(words[0].upper(), None)
    return Auth(words[0].upper(), b"" if words[1] == "=" else decode_base64(words[1].encode()))


def _bdat(argument: str, offers: Offers) -> Bdat:
    match = _BDAT.fullmatch(argument)
    if match is None or int(match[1]) > MAX_CHUNK:
        raise CommandError("BDAT size [LAST] is needed")
    return Bdat(int(match[1]), match[2] is not None)


def _alone(command: Command) -> Callable[[str, Offers], Command]:
    """A command that takes no argument."""

    def read(argument: str, offers: Offers) -> Command:
        if argument:
            raise CommandError("no argument is allowed")
        return command

    return read


def _ignoring(command: Command) -> Callable[[str, Offers], Command]:
    """A command whose argument means nothing to us."""
    return lambda argument, offers: command


_READERS: dict[bytes, Callable[[str, Offers], Command]] = {
    b"HELO": lambda argument, offers: Helo(parse_greeting_name(argument)),
    b"EHLO": lambda argument, offers: Ehlo(parse_greeting_name(argument)),
    b"STARTTLS": _alone(StartTls()),
    b"AUTH": _auth,
    b"MAIL": _mail,
    b"RCPT": _rcpt,
    b"DATA": _alone(Data()),
    b"BDAT": _bdat,
    b"RSET": _alone(Rset()),
    b"NOOP": _ignoring(Noop()),
    b"QUIT": _ignoring(Quit()),
    b"HELP": _ignoring(Help()),
    b"VRFY": _ignoring(Vrfy()),
    b"EXPN": _ignoring(Expn()),
}

_TAKES_UTF8 = (b"MAIL", b"RCPT", b"VRFY", b"EXPN")


def parse_command(line: bytes, offers: Offers) -> Command:
    """The command in `line`, which has no line end; raises CommandError."""
    match = _VERB.fullmatch(line.rstrip(b" "))
    reader = _READERS.get(match[1].upper()) if match else None
    if match is None or reader is None:
        raise CommandError("unknown command", codes.UNKNOWN_COMMAND)
    argument = match[2] or b""
    if argument.isascii():
        return reader(argument.decode("ascii"), offers)
    if match[1].upper() not in _TAKES_UTF8:
        raise CommandError("only ASCII is allowed here", codes.BAD_SYNTAX)
    try:
        return reader(argument.decode("utf-8"), offers)
    except UnicodeDecodeError:
        raise CommandError("the command is not UTF-8", codes.BAD_SYNTAX) from None
