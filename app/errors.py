"""The exception tree of the whole program.

    MailError
      WireError            the peer's bytes break the grammar
        SmtpSyntaxError      a command line, parameter or reply
        ImapSyntaxError      a command or literal
        MessageSyntaxError   an address or date that had to be exact
        SconfSyntaxError     a configuration file
      ConfigError          a configuration that cannot be used: every problem of it, at once
      Refusal              we decline and say why: public text for the peer, private detail for the log
        Conflict             somebody else has changed it meanwhile
      StoreError           what was asked of the store cannot be
        NoSuchAccount  NoSuchMailbox  MailboxExists  BadMailboxName  MailboxHasChildren
        OverQuota  AnnotationTooLarge  TooManyAnnotations  TooManyGrants  ReadOnly
      Temporary            try again later: lookup failed, disk full, locked
      ConnectionGone       nobody left to tell

Raise for what stops the work; an answer (SPF `fail`, a delivery that is deferred) is a value and not an exception.
Nothing here knows replies: `smtpserver/replies.py`, `imapserver/replies.py` and `web/errors.py` are the only tables
from an exception to what the peer is told.
"""

from __future__ import annotations

from dataclasses import dataclass


class MailError(Exception):
    """Anything this program raises on purpose."""


class WireError(MailError):
    """The peer's bytes break the grammar; `offset` is the position in the input, in bytes, where known."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class SmtpSyntaxError(WireError):
    """An SMTP command, parameter, address or reply that breaks RFC 5321 or an extension."""


class ImapSyntaxError(WireError):
    """An IMAP command that breaks RFC 9051 or an extension."""


class MessageSyntaxError(WireError):
    """A header field value that had to be exact and is not."""


class SconfSyntaxError(WireError):
    """A line of a configuration file that breaks the sconf format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a configuration: where, and what would be right."""

    file: str
    line: int  # from 1; 0 when the problem is not tied to a line
    path: str  # of the setting, such as "Listeners.public.SMTP.Port"
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.text}" if self.path else f"{place}: {self.text}"


class ConfigError(MailError):
    """A configuration that cannot be used, with all its problems."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class Refusal(MailError):
    """We decline: `public` may be shown to the peer, `private` only to the log."""

    def __init__(self, public: str, private: str = "") -> None:
        super().__init__(private or public)
        self.public = public
        self.private = private


class Conflict(Refusal):
    """What was to be changed is not any more what was seen; `present` is its text now and `digest` the mark of it."""

    def __init__(self, public: str, *, present: str, digest: str) -> None:
        super().__init__(public)
        self.present = present
        self.digest = digest


class StoreError(MailError):
    """What was asked of the store cannot be."""


class NoSuchAccount(StoreError):
    """There is no account of that name."""


class NoSuchMailbox(StoreError):
    """There is no mailbox of that name or number."""


class MailboxExists(StoreError):
    """A mailbox of that name is there already."""


class BadMailboxName(StoreError):
    """The name breaks the rules for mailbox names."""


class MailboxHasChildren(StoreError):
    """Only a mailbox without children can be deleted."""


class OverQuota(StoreError):
    """The account may not hold that many more bytes."""


class AnnotationTooLarge(StoreError):
    """A value is larger than one annotation may be."""


class TooManyAnnotations(StoreError):
    """The account may not hold that many annotations, or not so much in them."""


class TooManyGrants(StoreError):
    """The mailbox cannot be shared with that many others."""


class ReadOnly(StoreError):
    """The mailbox was opened for reading only."""


class Temporary(MailError):
    """The same may work later: a lookup failed, the disk is full, a lock is held."""


class ConnectionGone(MailError):
    """The peer has left; nobody to tell."""
