"""What happens to mail for one address of an account: mailbox, rules, refusal, as edits of domains.conf.

The rules of an address are a list whose order decides, so it is replaced whole: whoever edits it gives the `digest` of
the destination that was shown, and is told by Conflict when it is another by then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from app.config.dynamic import Account, Destination, Dynamic, Ruleset
from app.config.live import Live
from app.errors import Refusal
from app.operations.accountsettings import mailbox_name
from app.operations.edits import change, need_account, plain_text, require_seen, with_account
from app.operations.localaddresses import key_of


@dataclass(frozen=True, slots=True)
class AddressOf:
    """An address of an account; only this account's are found, so that a holder reaches no other's."""

    account: str
    address: str


def find_destination(dynamic: Dynamic, of: AddressOf) -> Destination:
    """What is set for the address; raises Refusal."""
    account = need_account(dynamic, of.account)
    return account.destinations[_need_key(dynamic, account, of)]


def set_destination(live: Live, of: AddressOf, wanted: Destination, *, seen: str = "", by: str = "") -> None:
    """Set everything about an address; `seen` is the digest of what was shown."""

    def edit(dynamic: Dynamic) -> Dynamic:
        account = need_account(dynamic, of.account)
        key = _need_key(dynamic, account, of)
        require_seen(account.destinations[key], seen, f"the settings of {key}")
        destinations = {**account.destinations, key: _tidy(wanted)}
        return with_account(dynamic, of.account, dataclasses.replace(account, destinations=destinations))

    change(live, edit, by, f"address {of.address} changed")


def set_rulesets(live: Live, of: AddressOf, rulesets: Sequence[Ruleset], *, seen: str = "", by: str = "") -> None:
    """Replace the rules of an address, and nothing else; `seen` is the digest of the tuple of rules shown."""

    def edit(dynamic: Dynamic) -> Dynamic:
        account = need_account(dynamic, of.account)
        key = _need_key(dynamic, account, of)
        present = account.destinations[key]
        require_seen(present.rulesets, seen, f"the rules of {key}")
        destination = _tidy(dataclasses.replace(present, rulesets=tuple(rulesets)))
        destinations = {**account.destinations, key: destination}
        return with_account(dynamic, of.account, dataclasses.replace(account, destinations=destinations))

    change(live, edit, by, f"rules of {of.address} changed")


def _need_key(dynamic: Dynamic, account: Account, of: AddressOf) -> str:
    if key := key_of(dynamic, account, of.address):
        return key
    raise Refusal(f"the account {of.account!r} has no address {of.address}")


def _tidy(destination: Destination) -> Destination:
    """Mailbox names in their canonical form, texts without blanks around them."""
    return dataclasses.replace(
        destination,
        mailbox=mailbox_name("Mailbox", destination.mailbox),
        smtp_error=destination.smtp_error.strip(),
        message_auth_required_smtp_error=destination.message_auth_required_smtp_error.strip(),
        full_name=plain_text("FullName", destination.full_name),
        rulesets=tuple(_tidy_ruleset(one) for one in destination.rulesets),
    )


def _tidy_ruleset(ruleset: Ruleset) -> Ruleset:
    return dataclasses.replace(
        ruleset,
        mailbox=mailbox_name("Mailbox", ruleset.mailbox),
        accept_rejects_to_mailbox=mailbox_name("AcceptRejectsToMailbox", ruleset.accept_rejects_to_mailbox),
        comment=plain_text("Comment", ruleset.comment),
    )
