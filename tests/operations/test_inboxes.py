"""Where mail of an account is delivered to, as IMAP's `inboxes` means it (RFC 5465 §6.3)."""

from __future__ import annotations

from app.config.dynamic import Account, Destination, Ruleset
from app.operations.accountdata import inboxes_of


def test_inboxes_are_the_mailboxes_of_addresses_and_rules():
    rule = Ruleset(mailbox="Lists", accept_rejects_to_mailbox="Odd")
    account = Account(
        domain="example.com",
        destinations={"a@example.com": Destination(), "b@example.com": Destination(mailbox="Work", rulesets=(rule,))},
        introbox="First",
        rejects_mailbox="Rejects",
    )
    assert inboxes_of(account) == {"Inbox", "Work", "Lists", "First"}
