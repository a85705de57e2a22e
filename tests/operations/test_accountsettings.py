"""Settings of accounts and addresses: each verb, what it refuses by the name of the setting, edits at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.config.dynamic import Destination, Route, Ruleset
from app.config.junksettings import NEW_ACCOUNT_FILTER, JunkFilter, JunkParams
from app.config.live import Live
from app.config.regexp import Regexp
from app.config.schema import Seconds
from app.errors import ConfigError, Conflict, Refusal
from app.operations import accountsettings, destinations, routes
from app.operations.accountsettings import JunkMailboxes, Limits
from app.operations.destinations import AddressOf
from app.operations.edits import digest
from app.operations.presentfields import present_fields
from app.wire.domain import Domain
from tests.support.operating import DOMAINS_CONF, open_live, text

LIMITS = Limits(
    quota_message_size=1 << 30,
    max_outgoing_messages_per_day=10,
    max_first_time_recipients_per_day=5,
    no_first_time_sender_delay=True,
    no_custom_password=True,
)
JOE = AddressOf("joe", "JOE@example.org")
RULE = Ruleset(msg_from_regexp=Regexp("^list@"), mailbox="Lists")


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return open_live(tmp_path)


def joe(live: Live) -> dict[str, str]:
    return dict(present_fields(live.dynamic.accounts["joe"]))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda live: accountsettings.set_full_name(live, "joe", " Joe <b>"), {"full_name": "Joe <b>"}),
        (lambda live: accountsettings.set_description(live, "joe", "new here"), {"description": "new here"}),
        (
            lambda live: accountsettings.set_limits(live, "joe", LIMITS),
            {"quota_message_size": "1073741824", "max_outgoing_messages_per_day": "10", "no_custom_password": "true"},
        ),
        (
            lambda live: accountsettings.set_automatic_junk_flags(live, "joe", JunkMailboxes(enabled=True, junk="^j")),
            {"automatic_junk_flags.enabled": "true", "automatic_junk_flags.junk_mailbox_regexp": "^j"},
        ),
        (
            lambda live: accountsettings.set_junk_filter(live, "joe", NEW_ACCOUNT_FILTER),
            {"junk_filter.threshold": "0.95", "junk_filter.params.top_words": "10"},
        ),
        (
            lambda live: accountsettings.set_rejects(live, "joe", "inbox/no", keep=True),
            {"rejects_mailbox": "Inbox/no", "keep_rejects": "true"},
        ),
        (lambda live: accountsettings.set_introbox(live, "joe", "New"), {"introbox": "New"}),
        (
            lambda live: accountsettings.set_keep_retired(live, "joe", messages=Seconds(3600.0), webhooks=Seconds(0.0)),
            {"keep_retired_message_period": "1h"},
        ),
        (
            lambda live: accountsettings.set_subject_pass(live, "joe", Seconds(7200.0)),
            {"subject_pass": "yes", "subject_pass.period": "2h"},
        ),
        (
            lambda live: accountsettings.set_imap_capabilities_disabled(live, "joe", ["notify", "NOTIFY"]),
            {"imap_capabilities_disabled": "NOTIFY"},
        ),
    ],
)
def test_a_setting_is_set_and_nothing_else(live: Live, edit: Callable[[Live], None], expected: dict[str, str]) -> None:
    before = joe(live)
    edit(live)
    after = joe(live)
    assert {name: after[name] for name in expected} == expected
    groups = {name.partition(".")[0] for name in expected}
    rest = {name for name in before if before[name] != after[name]} - set(expected)
    assert {name.partition(".")[0] for name in rest} <= groups | {
        "max_first_time_recipients_per_day",
        "no_first_time_sender_delay",
    }
    assert text(live).startswith(DOMAINS_CONF[: DOMAINS_CONF.index("\tjoe:")])  # comments too
    assert live.dynamic.accounts["jane"] == Live.open(live.path).dynamic.accounts["jane"]


@pytest.mark.parametrize(
    ("edit", "setting", "reason"),
    [
        (
            lambda live: accountsettings.set_automatic_junk_flags(live, "joe", JunkMailboxes(enabled=True, junk="(")),
            "JunkMailboxRegexp",
            "bad regular expression",
        ),
        (lambda live: accountsettings.set_rejects(live, "joe", "Inbox", keep=False), "RejectsMailbox", "Inbox"),
        (lambda live: accountsettings.set_rejects(live, "joe", "a//b", keep=False), "RejectsMailbox", "twice in a row"),
        (
            lambda live: accountsettings.set_junk_filter(
                live, "joe", JunkFilter(threshold=1.5, params=JunkParams(max_power=0.1, top_words=1))
            ),
            "Threshold",
            "between 0 and 1",
        ),
        (
            lambda live: accountsettings.set_from_id_login_addresses(live, "joe", ["joe@example.org"]),
            "FromIDLoginAddresses",
            "Separator",
        ),
        (
            lambda live: destinations.set_destination(live, JOE, Destination(smtp_error="no")),
            "SMTPError",
            "421 or 550",
        ),
        (lambda live: destinations.set_rulesets(live, JOE, [Ruleset(mailbox="x")]), "Rulesets", "needs a condition"),
        (lambda live: routes.set_routes(live, [Route(transport="none")]), "Transport", "no transport"),
    ],
)
def test_a_wrong_value_is_told_by_its_setting(
    live: Live, edit: Callable[[Live], None], setting: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        edit(live)
    assert setting in caught.value.problems[0].path
    assert not caught.value.problems[0].line
    assert text(live) == DOMAINS_CONF


@pytest.mark.parametrize("words", ["a\n\tQuotaMessageSize: 5", "a\rb", "a\0", "\ud800", "a\u2028b"])
def test_the_name_that_is_sent_can_have_no_line_break_or_control_character(live: Live, words: str) -> None:
    with pytest.raises(ConfigError, match="FullName: this has a character"):
        accountsettings.set_full_name(live, "joe", words)
    with pytest.raises(ConfigError, match="FullName"):
        destinations.set_destination(live, JOE, Destination(full_name=words))
    assert text(live) == DOMAINS_CONF


def test_a_change_of_nothing_writes_nothing(live: Live) -> None:
    accountsettings.set_full_name(live, "joe", "Joe")
    versions = len(live.history.list())
    accountsettings.set_full_name(live, "joe", "Joe", by="somebody")
    assert len(live.history.list()) == versions


def test_the_history_says_who_and_what(live: Live) -> None:
    accountsettings.set_full_name(live, "joe", "Joe", by="the admin page")
    newest = live.history.list()[0]
    assert (newest.by, newest.what) == ("the admin page", "account joe changed (FullName)")


def test_edits_at_the_same_time_all_land(live: Live) -> None:
    edits: list[Callable[[], None]] = [
        lambda: accountsettings.set_full_name(live, "joe", "Joe"),
        lambda: accountsettings.set_introbox(live, "joe", "New"),
        lambda: accountsettings.set_description(live, "joe", "words"),
        lambda: accountsettings.set_full_name(live, "jane", "Jane"),
        lambda: destinations.set_rulesets(live, JOE, [RULE]),
    ]
    threads = [threading.Thread(target=edit) for edit in edits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = Live.open(live.path).dynamic.accounts
    assert (read["joe"].full_name, read["joe"].introbox, read["joe"].description) == ("Joe", "New", "words")
    assert read["jane"].full_name == "Jane"
    assert read["joe"].destinations["joe@example.org"].rulesets == (RULE,)


def test_rules_that_somebody_else_changed_are_not_overwritten(live: Live) -> None:
    seen = digest(destinations.find_destination(live.dynamic, JOE).rulesets)
    destinations.set_rulesets(live, JOE, [RULE], seen=seen)
    with pytest.raises(Conflict, match="changed meanwhile") as caught:
        destinations.set_rulesets(live, JOE, [], seen=seen)
    assert "mailbox: Lists" in caught.value.present
    destinations.set_rulesets(live, JOE, [], seen=caught.value.digest)
    assert text(live) == DOMAINS_CONF


def test_conditions_on_header_fields_count_as_a_change(live: Live) -> None:
    one = Ruleset(headers_regexp={Regexp("^x$"): Regexp("^1$")}, mailbox="Lists")
    other = Ruleset(headers_regexp={Regexp("^x$"): Regexp("^2$")}, mailbox="Lists")
    assert digest((one,)) != digest((other,))
    assert present_fields(one)["headers_regexp"] == "^x$: ^1$"


def test_an_address_of_another_account_cannot_be_reached(live: Live) -> None:
    with pytest.raises(Refusal, match=r"has no address jane@example\.org"):
        destinations.set_destination(live, AddressOf("joe", "jane@example.org"), Destination(mailbox="x"))


def test_the_default_domain_is_one_of_ours(live: Live) -> None:
    with pytest.raises(Refusal, match="no domain"):
        accountsettings.set_default_domain(live, "joe", Domain("example.net"))


def test_secrets_are_not_among_present_fields(live: Live) -> None:
    assert not any("authorization" in name for name in joe(live))
