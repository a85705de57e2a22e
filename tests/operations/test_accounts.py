"""Accounts, addresses and domains, as edits of a real domains.conf."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from app.config.dynamic import Destination
from app.config.live import Live
from app.errors import ConfigError, Refusal
from app.operations import accounts, domains
from app.operations.domains import NewDomain
from app.operations.edits import change_account
from app.wire.domain import Domain
from app.wire.smtp.address import parse_address
from tests.support.operating import DOMAINS_CONF, open_live, text

NOW = 1_790_000_000.0  # 2026-09-21


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return open_live(tmp_path)


def owner(live: Live, text: str) -> str | None:
    destined = live.directory.login_account(text)
    return destined and destined.account_name


def test_an_account_is_added_with_the_usual_settings(live: Live) -> None:
    accounts.add_account(live, "zoe", "Zoe@EXAMPLE.org")
    assert owner(live, "zoe@example.org") == "zoe"
    zoe = live.dynamic.accounts["zoe"]
    assert zoe.junk_filter is not None
    assert (zoe.rejects_mailbox, zoe.junk_filter.threshold, zoe.no_custom_password) == ("Rejects", 0.95, True)
    assert text(live).startswith(DOMAINS_CONF)


@pytest.mark.parametrize(
    ("name", "address", "reason"),
    [
        ("joe", "x@example.org", "already"),
        ("x", "x@example.net", "no domain"),
        ("x", "example.org", "not an address"),
    ],
)
def test_a_bad_new_account_is_refused(live: Live, name: str, address: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        accounts.add_account(live, name, address)
    assert text(live) == DOMAINS_CONF


def test_an_address_that_is_taken_is_refused(live: Live) -> None:
    with pytest.raises(Refusal, match="address of the account 'jane' already"):
        accounts.add_account(live, "x", "JANE@example.org")


def test_addresses_come_and_go(live: Live) -> None:
    accounts.add_address(live, "@example.org", "joe")
    assert owner(live, "whoever@example.org") == "joe"
    accounts.remove_address(live, "@example.org")
    assert owner(live, "whoever@example.org") is None
    with pytest.raises(Refusal, match="no account has"):
        accounts.remove_address(live, "@example.org")
    assert text(live) == DOMAINS_CONF


def test_an_account_that_goes_leaves_its_aliases(live: Live) -> None:
    accounts.remove_account(live, "joe")
    assert owner(live, "joe@example.org") is None
    assert live.dynamic.domains[Domain("example.org")].aliases["team"].addresses == ("jane@example.org",)
    assert "# the first" in text(live)


def test_the_last_member_of_an_alias_stays(live: Live) -> None:
    accounts.remove_address(live, "joe@example.org")
    with pytest.raises(Refusal, match="last member"):
        accounts.remove_address(live, "jane@example.org")


def test_the_postmaster_stays(live: Live) -> None:
    with pytest.raises(Refusal, match="Postmaster"):
        accounts.remove_account(live, "jane")


def test_login_is_switched_off_and_on(live: Live) -> None:
    accounts.set_login_disabled(live, "joe", "on holiday")
    assert live.dynamic.accounts["joe"].login_disabled == "on holiday"
    accounts.set_login_disabled(live, "joe", "")
    assert text(live) == DOMAINS_CONF


def new(name: str, account: str) -> NewDomain:
    return NewDomain(domain=Domain(name), hostname=Domain("mx.example.org"), account=account, serves_mtasts=True)


def test_a_new_domain_signs_with_two_keys_and_tests_mtasts(live: Live) -> None:
    domains.add_domain(live, new("example.net", "zoe"), "zoe", NOW)
    assert owner(live, "zoe+x@example.net") == "zoe"
    algorithms = {selector.name: selector.key.algorithm for selector in live.selectors(Domain("example.net"))}
    assert algorithms == {"2026a": "rsa-sha256", "2026b": "ed25519-sha256"}
    assert "Mode: testing" in text(live)
    report = live.directory.find(parse_address("dmarcreports@example.net"))
    assert report is not None


def test_a_new_domain_of_another_account_gives_it_postmaster(live: Live) -> None:
    domains.add_domain(live, new("example.net", "joe"), "", NOW)
    assert owner(live, "postmaster@example.net") == "joe"
    domains.add_domain(live, new("example.com", "jane"), "", NOW)  # she is postmaster for all
    assert "postmaster@example.com" not in text(live)


def test_a_domain_that_cannot_be_added_leaves_no_keys(live: Live) -> None:
    with pytest.raises(Refusal, match="new; give the localpart"):
        domains.add_domain(live, new("example.net", "nobody"), "", NOW)
    with pytest.raises(ConfigError):
        domains.add_domain(live, new("example.net", "zoe"), "x+y", NOW)
    assert text(live) == DOMAINS_CONF
    assert not (live.config_dir / "dkim").exists()


def test_a_domain_that_was_added_is_removed_as_it_came(live: Live) -> None:
    domains.add_domain(live, new("example.net", "joe"), "", NOW)
    assert "postmaster@example.net" in text(live)
    domains.remove_domain(live, Domain("example.net"))
    assert text(live) == DOMAINS_CONF


def test_a_postmaster_that_somebody_changed_keeps_its_domain(live: Live) -> None:
    domains.add_domain(live, new("example.net", "joe"), "", NOW)
    changed = Destination(mailbox="Postmaster")
    change_account(
        live,
        "joe",
        lambda one: dataclasses.replace(one, destinations={**one.destinations, "postmaster@example.net": changed}),
        "",
        "changed",
    )
    with pytest.raises(Refusal, match=r"still in use: postmaster@example\.net"):
        domains.remove_domain(live, Domain("example.net"))


def test_a_domain_with_an_account_of_its_own_is_removed_after_it(live: Live) -> None:
    domains.add_domain(live, new("example.net", "zoe"), "zoe", NOW)
    with pytest.raises(Refusal, match=r"still in use: zoe@example\.net, account zoe"):
        domains.remove_domain(live, Domain("example.net"))
    accounts.add_address(live, "x@example.net", "joe")
    with pytest.raises(Refusal, match=r"DMARC reports about example\.net go to this account"):
        accounts.remove_account(live, "zoe")
    accounts.remove_address(live, "x@example.net")
    accounts.remove_account(live, "zoe")
    domains.remove_domain(live, Domain("example.net"))
    assert text(live) == DOMAINS_CONF


def test_a_removed_domain_leaves_its_keys(live: Live) -> None:
    domains.add_domain(live, new("example.net", "jane"), "", NOW)
    accounts.add_address(live, "x@example.net", "joe")
    with pytest.raises(Refusal, match=r"x@example.net"):
        domains.remove_domain(live, Domain("example.net"))
    accounts.remove_address(live, "x@example.net")
    domains.remove_domain(live, Domain("example.net"))
    assert text(live) == DOMAINS_CONF
    assert len(list((live.config_dir / "dkim").glob("*.pem"))) == 2
    with pytest.raises(Refusal, match="last domain"):
        domains.remove_domain(live, Domain("example.org"))


def test_a_domain_is_switched_off_and_on(live: Live) -> None:
    domains.set_disabled(live, Domain("example.org"), True)
    assert owner(live, "jane@example.org") is None
    domains.set_disabled(live, Domain("example.org"), False)
    assert text(live) == DOMAINS_CONF


def test_reports_keep_their_account(live: Live) -> None:
    domains.add_domain(live, new("example.net", "joe"), "", NOW)
    with pytest.raises(Refusal, match=r"DMARC reports about example\.net go to this account"):
        accounts.remove_account(live, "joe")


def test_a_name_that_differs_only_in_case_is_refused(live: Live) -> None:
    with pytest.raises(Refusal, match="only in upper and lower case"):
        accounts.add_account(live, "Joe", "x@example.org")


def test_a_new_account_does_not_take_over_old_mail(live: Live) -> None:
    (live.data_dir / "accounts" / "zoe").mkdir(parents=True)
    with pytest.raises(Refusal, match="mail of an earlier account"):
        accounts.add_account(live, "zoe", "zoe@example.org")


def test_an_address_is_removed_however_it_is_written(live: Live) -> None:
    accounts.remove_address(live, "JOE@Example.ORG")
    assert owner(live, "joe@example.org") is None
    assert "joe@example.org" not in text(live)


def test_a_new_domain_with_a_new_account_takes_only_a_localpart(live: Live) -> None:
    with pytest.raises(Refusal, match="only what stands before the @"):
        domains.add_domain(live, new("example.net", "zoe"), "zoe@example.net", NOW)
    assert not (live.config_dir / "dkim").exists()


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "a:b", "#x", "a\nb", "x" * 65, "\ud800", "a\0", "-x", "a "])
def test_a_name_that_cannot_be_a_directory_or_a_key_is_refused(live: Live, name: str) -> None:
    with pytest.raises(Refusal, match="short name of letters and digits"):
        accounts.add_account(live, name, "x@example.org")
    assert text(live) == DOMAINS_CONF


@pytest.mark.parametrize("address", ['"a:b"@example.org', "#a@example.org"])
def test_an_address_that_the_file_cannot_keep_is_refused(live: Live, address: str) -> None:
    with pytest.raises(Refusal, match=r"cannot be kept in domains\.conf"):
        accounts.add_address(live, address, "joe")
