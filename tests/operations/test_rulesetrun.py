"""Rules tried on the messages that are there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.dynamic import Ruleset
from app.config.live import Live
from app.config.regexp import Regexp
from app.operations import rulesetrun
from app.operations.rulesetrun import DryRun, dry_run
from app.store.account import mailboxes, messages
from app.store.account.handle import Account
from app.wire.domain import Domain
from tests.support.accounts import add_now, temporary_account
from tests.support.configuration import write_configuration

DOMAINS_CONF = """Domains:
\texample.com:
\t\tLocalpartCatchallSeparator: +
\t\tAliases:
\t\t\tteam:
\t\t\t\tAddresses:
\t\t\t\t\t- me@example.com
Accounts:
\ttest:
\t\tDomain: example.com
\t\tDestinations:
\t\t\tme@example.com: nil
\t\t\t@example.com: nil
\tjane:
\t\tDomain: example.com
\t\tDestinations:
\t\t\tjane@example.com: nil
"""
ADDRESS = "me@example.com"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with temporary_account(tmp_path) as account:
        yield account


def rule(mailbox: str, name: str, value: str) -> Ruleset:
    return Ruleset(mailbox=mailbox, headers_regexp={Regexp(name): Regexp(value)})


RULES = (rule("Lists", "^list-id$", "devel"), rule("News", "^subject$", "news"))


def deliver(account: Account, header: str, to: str = ADDRESS, mailbox: str = "Inbox", size: int = 0) -> None:
    prefix = f"Delivered-To: {to}\r\nReturn-Path: <sender@example.org>\r\n".encode() if to else b""
    add_now(account, f"{header}\r\n\r\n".encode() + b"x\r\n" * (size // 3), mailbox, prefix=prefix)


def run(account: Account, rules: tuple[Ruleset, ...] = RULES, address: str = ADDRESS, **more: object) -> DryRun:
    return asyncio.run(dry_run(account, address, rules, **more))  # type: ignore[arg-type]


def test_each_message_has_the_rule_it_falls_under(account: Account) -> None:
    deliver(account, "From: A <a@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=")
    deliver(account, "From: b@example.org\r\nSubject: news\r\nList-Id: devel")
    deliver(account, "Subject: more news", mailbox="Archive", size=400_000)  # its body is in a file
    result = run(account)
    assert [(row.subject, row.author, row.rule, row.target, row.mailbox) for row in result.rows] == [
        ("more news", "", 1, "News", "Archive"),
        ("news", "b@example.org", 0, "Lists", "Inbox"),
        ("Grüße", "a@example.org", None, "", "Inbox"),
    ]
    assert (result.counts, result.unmatched, result.unverified) == ((1, 1), 1, 3)
    assert result.is_by_address
    assert result.is_complete


def test_mail_from_is_the_return_path(account: Account) -> None:
    deliver(account, "Subject: hello")
    result = run(account, (Ruleset(mailbox="X", smtp_mail_from_regexp=Regexp("^sender@example.org$")),))
    assert result.counts == (1,)


@pytest.mark.parametrize(
    ("address", "subjects"),
    [(ADDRESS, {"me", "separator", "case", "team"}), ("@example.com", {"other"}), ("jane@example.com", set())],
)
def test_only_messages_of_the_address_count(account: Account, tmp_path: Path, address: str, subjects: set[str]) -> None:
    directory = Live.open(write_configuration(tmp_path, domains_conf=DOMAINS_CONF), files=False).snapshot.directory
    for to, subject in [
        (ADDRESS, "me"),
        ("me+shop@example.com", "separator"),
        ("ME@example.com", "case"),
        ("team@example.com", "team"),
        ("any@example.com", "other"),
        ("me@elsewhere.example", "stranger"),
    ]:
        deliver(account, f"Subject: {subject}", to)
    result = run(account, address=address, directory=directory)
    assert {row.subject for row in result.rows if result.is_by_address} == subjects


def test_without_recorded_addresses_all_but_own_messages_are_tried(account: Account) -> None:
    deliver(account, "Subject: news", to="")
    deliver(account, "Subject: news that I sent", to="", mailbox="Sent")
    result = run(account)
    assert not result.is_by_address
    assert [(row.subject, row.rule) for row in result.rows] == [("news", 1)]


def test_copies_count_once_and_the_newest_are_tried(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulesetrun, "_ROWS", 3)
    for number in range(10):
        deliver(account, f"Subject: news {number}")

    def copy_two(tx) -> None:  # type: ignore[no-untyped-def]
        inbox, archive = mailboxes.get(tx.db, "Inbox"), mailboxes.get(tx.db, "Archive")
        messages.copy(tx, inbox.id, [8, 9], archive.id)

    account.write_now(copy_two)
    assert [row.subject for row in run(account, limit=5).rows] == [f"news {number}" for number in (9, 8, 7, 6, 5)]
    assert len(run(account).rows) == 10


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("dkim=fail header.d=example.org; dkim=pass (2048 bits) header.d=lists.example.org", True),
        ("spf=pass smtp.mailfrom=x@example.org", True),
        ('spf=pass smtp.mailfrom="a@b.test"@example.org', True),
        ("spf=pass smtp.helo=mx.example.org", True),
        ("auth=pass smtp.mailfrom=jane@example.org", True),
        ("dkim=pass header.i=@example.org header.d=example.com", False),
        ("dmarc=pass header.from=example.org", False),
        ("spf=softfail smtp.mailfrom=example.org", False),
        ("spf=pass smtp.mailfrom=example.org.evil.test", False),
        ("spf=pass smtp.mailfrom=x@..", False),
    ],
)
def test_verified_domains_are_those_that_delivery_wrote_down(account: Account, said: str, holds: bool) -> None:
    forged = b"Authentication-Results: mx.example; dkim=pass header.d=example.org\r\nSubject: news\r\n\r\nx\r\n"
    prefix = f"Delivered-To: {ADDRESS}\r\nAuthentication-Results: mx.example; {said}\r\n".encode()
    add_now(account, forged, prefix=prefix)
    deliver(account, "Authentication-Results: mx.example; spf=pass smtp.helo=example.org\r\nSubject: not checked")
    result = run(account, (Ruleset(mailbox="X", verified_domain=Domain("example.org")),))
    assert result.counts == (int(holds),)
    assert result.unverified == 1


def test_time_is_bounded(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulesetrun, "MAX_SECONDS", -1.0)
    deliver(account, "Subject: news")
    assert not run(account).is_complete


def test_an_account_without_messages_has_nothing_to_show(account: Account) -> None:
    assert run(account).rows == ()
