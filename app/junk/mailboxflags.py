"""The junk flags that a message gets from the mailbox it is put in, so that moving mail is all that a user has to do.

A mailbox for junk (special use `\\Junk`) makes $Junk of everything. For others the settings have an expression for each
of junk, neutral and wanted mail, asked in this order with the name of the mailbox in lower case. When exactly two of
the three are given and neither matches, the third category is meant; otherwise flags stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.wire.imap.flags import JUNK, NOTJUNK


class Expression(Protocol):
    """A regular expression."""

    def search(self, subject: str) -> bool:
        """Whether it matches anywhere in `subject`."""


class Settings(Protocol):
    """What is read of AutomaticJunkFlags."""

    @property
    def enabled(self) -> bool:
        """Whether names of mailboxes count."""

    @property
    def junk_mailbox_regexp(self) -> Expression | None:
        """Mailboxes of junk."""

    @property
    def neutral_mailbox_regexp(self) -> Expression | None:
        """Mailboxes that say nothing."""

    @property
    def not_junk_mailbox_regexp(self) -> Expression | None:
        """Mailboxes of wanted mail."""


@dataclass(frozen=True, slots=True)
class JunkFlags:
    """Which flags are taken away, and which are set then."""

    cleared: int = 0
    added: int = 0

    def on(self, flags: int) -> int:
        """The flags of a message afterwards."""
        return flags & ~self.cleared | self.added


KEEP = JunkFlags()
MARK_JUNK = JunkFlags(NOTJUNK, JUNK)
MARK_NOT_JUNK = JunkFlags(JUNK, NOTJUNK)
MARK_NEITHER = JunkFlags(JUNK | NOTJUNK, 0)


def junk_flags(settings: Settings | None, mailbox: str, special_use: str | None) -> JunkFlags:
    """What happens to the junk flags of messages that are put into the mailbox."""
    if special_use == "\\Junk":
        return MARK_JUNK
    if settings is None or not settings.enabled:
        return KEEP
    name = mailbox.lower()
    left_out: list[JunkFlags] = []
    for expression, flags in (
        (settings.junk_mailbox_regexp, MARK_JUNK),
        (settings.neutral_mailbox_regexp, MARK_NEITHER),
        (settings.not_junk_mailbox_regexp, MARK_NOT_JUNK),
    ):
        if expression is None:
            left_out.append(flags)
        elif expression.search(name):
            return flags
    return left_out[0] if len(left_out) == 1 else KEEP
