"""Settings of an account about junk: how flags are set by mailbox, and the parameters of the word filter."""

from __future__ import annotations

from app.config.regexp import Regexp
from app.config.schema import optional, required, settings

NEW_ACCOUNT_JUNK = Regexp("^(junk|spam)")
NEW_ACCOUNT_NEUTRAL = Regexp("^(inbox|introbox|neutral|postmaster|dmarc|tlsrpt|rejects)")


@settings
class AutomaticJunkFlags:
    """Junk flags that follow from the mailbox a message is put in."""

    enabled: bool = required("Whether flags are set.")
    junk_mailbox_regexp: Regexp | None = optional("Mailboxes, in lower case, whose messages are junk.", default=None)
    neutral_mailbox_regexp: Regexp | None = optional("Mailboxes whose messages get neither flag.", default=None)
    not_junk_mailbox_regexp: Regexp | None = optional(
        "Mailboxes whose messages are wanted. Of the three, the one left empty means all others.", default=None
    )


@settings
class JunkParams:
    """How another server of this name counts words. The filter here counts words and pairs, and weighs them itself."""

    onegrams: bool = optional("Count single words.", default=False)
    twograms: bool = optional("Count pairs of words.", default=False)
    threegrams: bool = optional("Count runs of three words.", default=False)
    max_power: float = required("Most that one word may say: 0.01 means between 1 % and 99 %.")
    top_words: int = required("How many of the strongest words decide.")
    ignore_words: float = optional("Ignore words that say less than this, such as 0.1.", default=0.0)
    rare_words: int = optional("A word seen this often or less says little.", default=0)


@settings
class JunkFilter:
    """The word filter."""

    threshold: float = required("Probability from which a message is junk, such as 0.95.")
    params: JunkParams = required("Kept for other servers; here the filter itself finds out what each word says.")


NEW_ACCOUNT_FILTER = JunkFilter(
    threshold=0.95,
    params=JunkParams(onegrams=True, max_power=0.01, top_words=10, ignore_words=0.1, rare_words=2),
)
