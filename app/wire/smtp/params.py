"""Parameters of MAIL and RCPT: `KEYWORD[=value]`, separated by spaces (RFC 5321 §4.1.2).

The two tables name every parameter we can read, with the RFC that defines it. Which of them a connection offers is the
caller's business; one that is not offered is as unknown as any other word (555). A parameter given twice, a value where
none belongs, and a bad value are 501.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from app.errors import SmtpSyntaxError
from app.wire.smtp import codes
from app.wire.smtp.codes import Status
from app.wire.smtp.xtext import decode_xtext, split_original_recipient

MAX_ENVID = 100  # RFC 3461 §4.4
MAX_ORCPT = 500  # RFC 3461 §4.2
MAX_PARAMETERS = 20

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,31})(?:=([^ =\x00-\x1f\x7f]+))?")
_DIGITS = re.compile(r"[0-9]{1,20}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class CommandError(SmtpSyntaxError):
    """A command that is refused for its form; `status` says with which code."""

    def __init__(self, message: str, status: Status = codes.BAD_ARGUMENTS) -> None:
        super().__init__(message)
        self.status = status


class BodyKind(Enum):
    """What a message may hold (RFC 6152, RFC 3030)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"
    BINARY = "BINARYMIME"


class Notify(Enum):
    """When the sender wants to be told about a recipient (RFC 3461 §4.1)."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailParams:
    """The parameters of MAIL; None or False where one was not given."""

    size: int | None = None  # RFC 1870
    body: BodyKind | None = None
    smtputf8: bool = False  # RFC 6531
    auth: str | None = None  # RFC 4954 §5; read and not used
    requiretls: bool = False  # RFC 8689
    hold_for: int | None = None  # seconds, RFC 4865
    hold_until: int | None = None  # seconds since 1970, RFC 4865
    ret: str | None = None  # FULL or HDRS, RFC 3461
    envid: str | None = None
    mt_priority: int | None = None  # RFC 6710
    by: str | None = None  # RFC 2852


@dataclass(frozen=True, slots=True, kw_only=True)
class RcptParams:
    """The parameters of RCPT."""

    notify: frozenset[Notify] | None = None
    orcpt: tuple[str, str] | None = None  # address type and address


NO_MAIL_PARAMS = MailParams()
NO_RCPT_PARAMS = RcptParams()

Reader = Callable[[str], object]


def _number(text: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise SmtpSyntaxError("a number is needed")
    return int(text)


def _body(text: str) -> BodyKind:
    try:
        return BodyKind(text.upper())
    except ValueError:
        raise SmtpSyntaxError("must be 7BIT, 8BITMIME or BINARYMIME") from None


def _date_time(text: str) -> int:
    if not _DATE_TIME.fullmatch(text):
        raise SmtpSyntaxError("a time such as 2026-11-22T16:00:00Z is needed")
    try:
        return int(datetime.datetime.fromisoformat(text.upper()).timestamp())
    except (ValueError, OverflowError):
        raise SmtpSyntaxError("no such time") from None


def _ret(text: str) -> str:
    if text.upper() not in ("FULL", "HDRS"):
        raise SmtpSyntaxError("must be FULL or HDRS")
    return text.upper()


def _envid(text: str) -> str:
    if len(text) > MAX_ENVID:
        raise SmtpSyntaxError(f"longer than {MAX_ENVID} characters")
    return decode_xtext(text)


def _priority(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]", text):
        raise SmtpSyntaxError("must be a number from -9 to 9")
    return int(text)


def _by(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,9};[NRnr][Tt]?", text):
        raise SmtpSyntaxError("must be seconds, a semicolon and a mode")
    return text.upper()


def _notify(text: str) -> frozenset[Notify]:
    try:
        wanted = frozenset(Notify(word) for word in text.upper().split(","))
    except ValueError:
        raise SmtpSyntaxError("must be NEVER, or some of SUCCESS, FAILURE and DELAY") from None
    if Notify.NEVER in wanted and len(wanted) > 1:
        raise SmtpSyntaxError("NEVER stands alone")
    return wanted


def _orcpt(text: str) -> tuple[str, str]:
    if len(text) > MAX_ORCPT:
        raise SmtpSyntaxError(f"longer than {MAX_ORCPT} characters")
    return split_original_recipient(text)


@dataclass(frozen=True, slots=True)
class Parameter:
    """How one parameter is read; `read` is None where it has no value."""

    field: str
    read: Reader | None


MAIL_PARAMETERS = {
    "SIZE": Parameter("size", _number),
    "BODY": Parameter("body", _body),
    "SMTPUTF8": Parameter("smtputf8", None),
    "AUTH": Parameter("auth", decode_xtext),
    "REQUIRETLS": Parameter("requiretls", None),
    "HOLDFOR": Parameter("hold_for", _number),
    "HOLDUNTIL": Parameter("hold_until", _date_time),
    "RET": Parameter("ret", _ret),
    "ENVID": Parameter("envid", _envid),
    "MT-PRIORITY": Parameter("mt_priority", _priority),
    "BY": Parameter("by", _by),
}

RCPT_PARAMETERS = {
    "NOTIFY": Parameter("notify", _notify),
    "ORCPT": Parameter("orcpt", _orcpt),
}


def _read(text: str, table: dict[str, Parameter], offered: frozenset[str]) -> dict[str, object]:
    """The fields that `text` sets."""
    words = text.split()
    if len(words) > MAX_PARAMETERS:
        raise CommandError("too many parameters")
    fields: dict[str, object] = {}
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise CommandError("a parameter is written KEYWORD or KEYWORD=value")
        name = match[1].upper()
        parameter = table.get(name)
        if parameter is None or name not in offered:
            raise CommandError(f"parameter {name} is not known here", codes.UNKNOWN_PARAMETER)
        if parameter.field in fields:
            raise CommandError(f"parameter {name} is given twice")
        fields[parameter.field] = _read_value(name, parameter, match[2])
    return fields


def _read_value(name: str, parameter: Parameter, value: str | None) -> object:
    if (value is None) != (parameter.read is None):
        raise CommandError(f"parameter {name} needs a value" if value is None else f"parameter {name} takes no value")
    if parameter.read is None or value is None:
        return True
    try:
        return parameter.read(value)
    except SmtpSyntaxError as err:
        raise CommandError(f"bad value of parameter {name}: {err.message}") from None


def parse_mail_params(text: str, offered: frozenset[str]) -> MailParams:
    """The parameters of MAIL; raises CommandError. `offered` are the keywords that this connection knows."""
    if not text:
        return NO_MAIL_PARAMS
    params = MailParams(**_read(text, MAIL_PARAMETERS, offered))  # type: ignore[arg-type]
    if params.hold_for is not None and params.hold_until is not None:
        raise CommandError("HOLDFOR and HOLDUNTIL exclude each other")  # RFC 4865 §4
    return params


def parse_rcpt_params(text: str, offered: frozenset[str]) -> RcptParams:
    """The parameters of RCPT; raises CommandError."""
    if not text:
        return NO_RCPT_PARAMS
    return RcptParams(**_read(text, RCPT_PARAMETERS, offered))  # type: ignore[arg-type]
