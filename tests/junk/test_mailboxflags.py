"""Which junk flags follow from a mailbox."""

from __future__ import annotations

import pytest

from app.config.junksettings import NEW_ACCOUNT_JUNK, NEW_ACCOUNT_NEUTRAL, AutomaticJunkFlags
from app.config.regexp import Regexp
from app.junk.mailboxflags import KEEP, MARK_JUNK, MARK_NEITHER, MARK_NOT_JUNK, JunkFlags, junk_flags
from app.wire.imap.flags import JUNK, NOTJUNK, SEEN

NEW_ACCOUNT = AutomaticJunkFlags(
    enabled=True, junk_mailbox_regexp=NEW_ACCOUNT_JUNK, neutral_mailbox_regexp=NEW_ACCOUNT_NEUTRAL
)
OFF = AutomaticJunkFlags(enabled=False, junk_mailbox_regexp=NEW_ACCOUNT_JUNK)


def settings(junk: str = "", neutral: str = "", wanted: str = "") -> AutomaticJunkFlags:
    junk_regexp, neutral_regexp, wanted_regexp = (Regexp(text) if text else None for text in (junk, neutral, wanted))
    return AutomaticJunkFlags(
        enabled=True,
        junk_mailbox_regexp=junk_regexp,
        neutral_mailbox_regexp=neutral_regexp,
        not_junk_mailbox_regexp=wanted_regexp,
    )


@pytest.mark.parametrize(
    ("account", "mailbox", "special_use", "expected"),
    [
        (NEW_ACCOUNT, "Junk", None, MARK_JUNK),
        (NEW_ACCOUNT, "SPAM/2026", None, MARK_JUNK),
        (NEW_ACCOUNT, "Inbox", None, MARK_NEITHER),
        (NEW_ACCOUNT, "Archive", "\\Archive", MARK_NOT_JUNK),  # the category that is left
        (NEW_ACCOUNT, "Ungewollt", "\\Junk", MARK_JUNK),
        (OFF, "Junk", None, KEEP),
        (OFF, "Inbox", "\\Junk", MARK_JUNK),  # special use counts when the names do not
        (None, "Junk", None, KEEP),
        (None, "Junk", "\\Junk", MARK_JUNK),
        (settings(junk="x", wanted="y"), "z", None, MARK_NEITHER),
        (settings(neutral="x", wanted="y"), "z", None, MARK_JUNK),
        (settings(junk="x", neutral="x", wanted="x"), "x", None, MARK_JUNK),  # the order
        (settings(neutral="x", wanted="x"), "x", None, MARK_NEITHER),
        (settings(junk="x", neutral="y", wanted="z"), "other", None, KEEP),
        (settings(junk="x"), "other", None, KEEP),
        (settings(), "other", None, KEEP),
    ],
)
def test_what_a_mailbox_says(
    account: AutomaticJunkFlags | None, mailbox: str, special_use: str | None, expected: JunkFlags
) -> None:
    assert junk_flags(account, mailbox, special_use) == expected


@pytest.mark.parametrize(
    ("flags", "mark", "after"),
    [
        (SEEN | NOTJUNK, MARK_JUNK, SEEN | JUNK),
        (JUNK, MARK_NOT_JUNK, NOTJUNK),
        (SEEN | JUNK | NOTJUNK, MARK_NEITHER, SEEN),
        (SEEN | JUNK, KEEP, SEEN | JUNK),
    ],
)
def test_other_flags_stay(flags: int, mark: JunkFlags, after: int) -> None:
    assert mark.on(flags) == after
