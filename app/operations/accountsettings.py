"""Settings of an account, as edits of domains.conf: names, limits, junk, Rejects, what is kept.

Each verb changes the settings that belong together and leaves all others as they are at that moment. Numbers and
mailbox names are checked with the whole file; what a form gives as text (expressions, mailbox names) is read here and
told by the name of its setting.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from app.config.dynamic import DEFAULT_SUBJECT_PASS_PERIOD, Account, Dynamic, SubjectPass
from app.config.junksettings import NEW_ACCOUNT_FILTER, AutomaticJunkFlags, JunkFilter
from app.config.live import Live
from app.config.regexp import Regexp, parse_regexp
from app.config.schema import Seconds
from app.errors import BadMailboxName, ConfigError, Problem, SconfSyntaxError
from app.operations.edits import (
    change,
    change_account,
    need_account,
    need_domain,
    plain_text,
    with_account,
    wrong_setting,
)
from app.wire.domain import Domain
from app.wire.imap.mailboxname import canonical

MAX_EXPRESSION = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the administrator sets for an account, and its holder cannot."""

    quota_message_size: int  # bytes; 0 for the limit of mox.conf, negative for none
    max_outgoing_messages_per_day: int
    max_first_time_recipients_per_day: int
    no_first_time_sender_delay: bool
    no_custom_password: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JunkMailboxes:
    """Automatic junk flags as a form has them: expressions as typed, empty for none."""

    enabled: bool
    junk: str = ""
    neutral: str = ""
    not_junk: str = ""


def set_full_name(live: Live, name: str, full_name: str, *, by: str = "") -> None:
    """Set the name to send with."""
    change_account(
        live, name, lambda account: dataclasses.replace(account, full_name=plain_text("FullName", full_name)), by
    )


def set_description(live: Live, name: str, description: str, *, by: str = "") -> None:
    """Set the administrator's words about the account."""
    change_account(
        live, name, lambda account: dataclasses.replace(account, description=plain_text("Description", description)), by
    )


def set_default_domain(live: Live, name: str, domain: Domain, *, by: str = "") -> None:
    """Set the domain that completes addresses without one."""

    def edit(dynamic: Dynamic) -> Dynamic:
        need_domain(dynamic, domain)
        account = dataclasses.replace(need_account(dynamic, name), domain=domain.unicode)
        return with_account(dynamic, name, account)

    change(live, edit, by, f"default domain of account {name} changed")


def set_limits(live: Live, name: str, limits: Limits, *, by: str = "") -> None:
    """Set quota, sending limits and what goes with them."""
    values = dataclasses.asdict(limits)
    change_account(live, name, lambda account: dataclasses.replace(account, **values), by)


def set_automatic_junk_flags(live: Live, name: str, wanted: JunkMailboxes, *, by: str = "") -> None:
    """Set which mailboxes mean junk, not junk, or neither; raises ConfigError with every expression that is wrong."""
    flags = read_junk_mailboxes(wanted)
    change_account(live, name, lambda account: dataclasses.replace(account, automatic_junk_flags=flags), by)


def read_junk_mailboxes(wanted: JunkMailboxes) -> AutomaticJunkFlags | None:
    """The setting for what was typed; None when all of it is off and empty."""
    problems: list[Problem] = []
    flags = AutomaticJunkFlags(
        enabled=wanted.enabled,
        junk_mailbox_regexp=_expression("JunkMailboxRegexp", wanted.junk, problems),
        neutral_mailbox_regexp=_expression("NeutralMailboxRegexp", wanted.neutral, problems),
        not_junk_mailbox_regexp=_expression("NotJunkMailboxRegexp", wanted.not_junk, problems),
    )
    if problems:
        raise ConfigError(problems)
    return None if flags == AutomaticJunkFlags(enabled=False) else flags


def set_junk_filter(live: Live, name: str, junk_filter: JunkFilter | None, *, by: str = "") -> None:
    """Set the word filter with all its parameters; None switches it off."""
    change_account(live, name, lambda account: dataclasses.replace(account, junk_filter=junk_filter), by)


def set_junk_threshold(live: Live, name: str, threshold: float | None, *, by: str = "") -> None:
    """Judge new mail by its words, as junk from this probability on; None judges by words no more."""

    def edit(account: Account) -> Account:
        if threshold is None:
            return dataclasses.replace(account, junk_filter=None)
        present = account.junk_filter or NEW_ACCOUNT_FILTER
        return dataclasses.replace(account, junk_filter=dataclasses.replace(present, threshold=threshold))

    change_account(live, name, edit, by)


def set_strangers(live: Live, name: str, introbox: str, *, gives_passes: bool, by: str = "") -> None:
    """Set the mailbox for mail of senders not heard of before, empty for none, and whether refused ones get a token
    for the subject; how long such a token is valid stays as it is."""
    wanted = mailbox_name("Introbox", introbox)

    def edit(account: Account) -> Account:
        present = account.subject_pass or SubjectPass(period=DEFAULT_SUBJECT_PASS_PERIOD)
        return dataclasses.replace(account, introbox=wanted, subject_pass=present if gives_passes else None)

    change_account(live, name, edit, by)


def set_subject_pass(live: Live, name: str, period: Seconds | None, *, by: str = "") -> None:
    """Let refused senders pass with a token in the subject that is valid this long; None lets them not."""
    wanted = None if period is None else SubjectPass(period=period)
    change_account(live, name, lambda account: dataclasses.replace(account, subject_pass=wanted), by)


def set_rejects(live: Live, name: str, mailbox: str, *, keep: bool, by: str = "") -> None:
    """Set the mailbox for copies of what was refused, empty for none, and whether old ones stay."""
    wanted = mailbox_name("RejectsMailbox", mailbox)
    change_account(
        live, name, lambda account: dataclasses.replace(account, rejects_mailbox=wanted, keep_rejects=keep), by
    )


def set_introbox(live: Live, name: str, mailbox: str, *, by: str = "") -> None:
    """Set the mailbox for mail of senders not heard of before; empty for none."""
    wanted = mailbox_name("Introbox", mailbox)
    change_account(live, name, lambda account: dataclasses.replace(account, introbox=wanted), by)


def set_keep_retired(live: Live, name: str, *, messages: Seconds, webhooks: Seconds, by: str = "") -> None:
    """Set how long messages that left the queue, and webhook calls, are remembered."""

    def edit(account: Account) -> Account:
        return dataclasses.replace(account, keep_retired_message_period=messages, keep_retired_webhook_period=webhooks)

    change_account(live, name, edit, by)


def set_imap_capabilities_disabled(live: Live, name: str, capabilities: Sequence[str], *, by: str = "") -> None:
    """Set the IMAP capabilities that are not offered to this account."""
    wanted = tuple(dict.fromkeys(one.strip().upper() for one in capabilities if one.strip()))
    change_account(live, name, lambda account: dataclasses.replace(account, imap_capabilities_disabled=wanted), by)


def set_from_id_login_addresses(live: Live, name: str, addresses: Sequence[str], *, by: str = "") -> None:
    """Set the sign-in addresses whose messages get a MAIL FROM of their own."""
    wanted = tuple(one.strip() for one in addresses if one.strip())
    change_account(live, name, lambda account: dataclasses.replace(account, from_id_login_addresses=wanted), by)


def mailbox_name(setting: str, text: str) -> str:
    """A mailbox name as typed in its canonical form, or nothing for an empty text; raises ConfigError."""
    if not (text := text.strip()):
        return ""
    try:
        return canonical(text)
    except BadMailboxName as err:
        raise wrong_setting(setting, str(err)) from None


def _expression(setting: str, text: str, problems: list[Problem]) -> Regexp | None:
    if not (text := text.strip()):
        return None
    try:
        if len(text) > MAX_EXPRESSION:
            raise SconfSyntaxError(f"this is too long; at most {MAX_EXPRESSION} characters fit")
        return parse_regexp(text)
    except SconfSyntaxError as err:
        problems += wrong_setting(setting, err.message).problems
        return None
