"""From an exception to what the client is told: the only such table of the IMAP server."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import (
    AnnotationTooLarge,
    BadMailboxName,
    ImapSyntaxError,
    MailboxExists,
    MailboxHasChildren,
    NoSuchMailbox,
    OverQuota,
    ReadOnly,
    Refusal,
    Temporary,
    TooManyAnnotations,
    TooManyGrants,
    WireError,
)
from app.store.account.annotations import MAX_VALUE_BYTES
from app.wire.imap import response
from app.wire.imap.command import CommandRule
from app.wire.imap.respond import metadata
from app.wire.imap.response import Code, Status


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ends when it raised."""

    status: Status
    text: str
    code: Code | None = None


class UidRequired(ImapSyntaxError):
    """The client named a message by sequence number after it enabled UIDONLY (RFC 9586 §3)."""


class CommandFailed(Refusal):
    """A command function declines, with its own response code."""

    def __init__(self, text: str, code: Code | None = None) -> None:
        super().__init__(text)
        self.code = code


_CODES: dict[type[Exception], Code] = {
    NoSuchMailbox: response.NONEXISTENT,
    MailboxExists: response.ALREADYEXISTS,
    MailboxHasChildren: response.HASCHILDREN,
    BadMailboxName: response.CANNOT,
    OverQuota: response.OVERQUOTA,
    AnnotationTooLarge: metadata.maxsize(MAX_VALUE_BYTES),
    TooManyAnnotations: metadata.TOOMANY,
    TooManyGrants: response.LIMIT,
    ReadOnly: response.READ_ONLY,
    Temporary: response.UNAVAILABLE,
}

_TEXTS: dict[type[Exception], str] = {
    OverQuota: "the account is full; delete messages or ask the administrator for more room",
    Temporary: "that does not work right now, please try again later",
}


def outcome_of(error: Exception) -> Outcome | None:
    """What to tell the client; None for an error of ours, which the caller logs as such."""
    if isinstance(error, CommandFailed):
        return Outcome(Status.NO, error.public, error.code)
    if isinstance(error, Refusal):
        return Outcome(Status.NO, error.public)
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return Outcome(Status.NO, _TEXTS.get(kind) or str(error), code)
    if isinstance(error, UidRequired):
        return Outcome(Status.BAD, error.message, response.UIDREQUIRED)
    if isinstance(error, ImapSyntaxError):
        return Outcome(Status.BAD, error.message)
    if isinstance(error, WireError):
        return Outcome(Status.NO, error.message, response.CANNOT)
    return None


def too_big(rule: CommandRule | None) -> Code:
    """The code for a command, or a literal in it, that is not even read (RFC 5464 §4.3 has its own)."""
    return _CODES[AnnotationTooLarge] if rule is not None and rule.name == "SETMETADATA" else response.TOOBIG


SERVER_BUG = Outcome(Status.NO, "an error of ours, it has been logged", response.SERVERBUG)
