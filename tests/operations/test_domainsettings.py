"""Settings and DKIM keys of a domain: each verb, what it refuses, what follows from a change."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.config.dynamic import MtaStsMode, ReportAddress
from app.config.live import Live
from app.config.schema import Seconds
from app.errors import ConfigError, Refusal
from app.operations import accounts, dkimselectors, domainsettings
from app.operations.dkimkeys import Algorithm
from app.operations.dkimselectors import SelectorOf, Signing
from app.operations.domainsettings import Localparts, Policy, Reports
from app.wire.domain import Domain
from tests.support.operating import DOMAINS_CONF, open_live, text

EXAMPLE = Domain("example.org")
NOW = 1_790_000_000.0  # 2026-09-21
DAY = Seconds(86400.0)


@pytest.fixture
def live(tmp_path: Path) -> Live:
    return open_live(tmp_path)


def test_words_and_host_name_are_set(live: Live) -> None:
    domainsettings.set_description(live, EXAMPLE, "<script>")
    domainsettings.set_client_settings_domain(live, EXAMPLE, Domain("mail.example.org"))
    config = live.dynamic.domains[EXAMPLE]
    assert (config.description, config.client_settings_domain) == ("<script>", Domain("mail.example.org"))
    domainsettings.set_description(live, EXAMPLE, "")
    domainsettings.set_client_settings_domain(live, EXAMPLE, None)
    assert text(live) == DOMAINS_CONF


def test_separators_are_written_in_the_form_of_their_number(live: Live) -> None:
    domainsettings.set_localparts(live, EXAMPLE, Localparts(separators=("+",)))
    assert "LocalpartCatchallSeparator: +" in text(live)
    domainsettings.set_localparts(live, EXAMPLE, Localparts(separators=("+", "-", "+"), case_sensitive=True))
    assert live.dynamic.domains[EXAMPLE].separators == ("+", "-")
    domainsettings.set_localparts(live, EXAMPLE, Localparts())
    assert text(live) == DOMAINS_CONF


def test_two_addresses_cannot_become_one(live: Live) -> None:
    domainsettings.set_localparts(live, EXAMPLE, Localparts(case_sensitive=True))
    accounts.add_address(live, "Jane@example.org", "joe")
    with pytest.raises(Refusal, match=r"jane@example\.org and Jane@example\.org would be the same"):
        domainsettings.set_localparts(live, EXAMPLE, Localparts())
    accounts.add_address(live, "a-b@example.org", "joe")
    with pytest.raises(Refusal, match=r"a-b@example\.org has '-' in it"):
        domainsettings.set_localparts(live, EXAMPLE, Localparts(separators=("-",), case_sensitive=True))


def test_reports_go_to_an_account(live: Live) -> None:
    wanted = ReportAddress(localpart="dmarcreports", account="joe", mailbox="inbox/DMARC")
    domainsettings.set_reports(live, EXAMPLE, Reports.DMARC, wanted)
    domainsettings.set_reports(live, EXAMPLE, Reports.TLS, wanted)
    config = live.dynamic.domains[EXAMPLE]
    assert config.dmarc
    assert config.dmarc.mailbox == "Inbox/DMARC"
    assert config.tlsrpt == config.dmarc
    domainsettings.set_reports(live, EXAMPLE, Reports.DMARC, None)
    domainsettings.set_reports(live, EXAMPLE, Reports.TLS, None)
    assert text(live) == DOMAINS_CONF


@pytest.mark.parametrize(("localpart", "reason"), [("Jane", "address of the account 'jane'"), ("team", "is an alias")])
def test_reports_take_nobodys_mail(live: Live, localpart: str, reason: str) -> None:
    wanted = ReportAddress(localpart=localpart, account="joe", mailbox="DMARC")
    with pytest.raises(Refusal, match=reason):
        domainsettings.set_reports(live, EXAMPLE, Reports.DMARC, wanted)


def policy_id(live: Live) -> str:
    mtasts = live.dynamic.domains[EXAMPLE].mtasts
    assert mtasts
    return mtasts.policy_id


def test_a_policy_gets_a_new_id_when_it_changes(live: Live) -> None:
    testing = Policy(mode=MtaStsMode.TESTING, max_age=DAY)
    domainsettings.set_mtasts(live, EXAMPLE, testing, NOW)
    assert policy_id(live) == "20260921T141320"
    domainsettings.set_mtasts(live, EXAMPLE, testing, NOW + 60)
    assert policy_id(live) == "20260921T141320"
    domainsettings.set_mtasts(live, EXAMPLE, Policy(mode=MtaStsMode.ENFORCE, max_age=DAY), NOW + 0.5)
    assert policy_id(live) == "20260921T141320500000"
    domainsettings.set_mtasts(live, EXAMPLE, testing, NOW + 60)
    assert policy_id(live) == "20260921T141420"
    domainsettings.set_mtasts(live, EXAMPLE, None, NOW)
    assert text(live) == DOMAINS_CONF


@pytest.mark.parametrize(
    ("policy", "setting"),
    [
        (Policy(mode=MtaStsMode.TESTING, max_age=Seconds(DAY * 400)), "MaxAge"),
        (Policy(mode=MtaStsMode.TESTING, max_age=Seconds(0.0)), "MaxAge"),
        (Policy(mode=MtaStsMode.TESTING, max_age=DAY, mx=("a b",)), "MX"),
    ],
)
def test_a_wrong_policy_is_told_by_its_setting(live: Live, policy: Policy, setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        domainsettings.set_mtasts(live, EXAMPLE, policy, NOW)
    assert setting in caught.value.problems[0].path


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_is_added_signs_when_told_and_goes(live: Live, algorithm: Algorithm) -> None:
    of = SelectorOf(EXAMPLE, "new1")
    key = dkimselectors.add_selector(live, of, algorithm, NOW)
    assert key.record.startswith("v=DKIM1;")
    file = live.config_dir / key.path
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert live.selectors(EXAMPLE) == ()
    dkimselectors.set_signing_selectors(live, EXAMPLE, ["new1", "new1"])
    assert [selector.name for selector in live.selectors(EXAMPLE)] == ["new1"]
    dkimselectors.set_signing(live, of, Signing(headers=("From", "Subject"), expiration="24h"))
    (signer,) = live.selectors(EXAMPLE)
    assert (signer.headers, signer.expiration_s, signer.relaxed_body) == (("From", "Subject"), 86400, False)
    before = text(live)
    dkimselectors.remove_selector(live, of)
    assert text(live) == DOMAINS_CONF
    kept = next(version for version in live.history.list() if live.history.text(version.number).decode() == before)
    live.restore(kept.number, live.shown().digest)
    assert [selector.name for selector in live.selectors(EXAMPLE)] == ["new1"]


@pytest.mark.parametrize(("name", "reason"), [("a/../b", "letters"), ("", "letters"), ("a b", "letters, digits")])
def test_a_selector_that_cannot_be_a_name_leaves_no_file(live: Live, name: str, reason: str) -> None:
    with pytest.raises((Refusal, ConfigError), match=reason):
        dkimselectors.add_selector(live, SelectorOf(EXAMPLE, name), Algorithm.ED25519, NOW)
    assert not (live.config_dir / "dkim").exists()


def test_a_selector_is_there_once(live: Live) -> None:
    dkimselectors.add_selector(live, SelectorOf(EXAMPLE, "one"), Algorithm.ED25519, NOW)
    with pytest.raises(Refusal, match="already"):
        dkimselectors.add_selector(live, SelectorOf(EXAMPLE, "ONE"), Algorithm.ED25519, NOW + 1)
    assert len(list((live.config_dir / "dkim").iterdir())) == 1
    with pytest.raises(Refusal, match="no key with the selector 'two'"):
        dkimselectors.set_signing_selectors(live, EXAMPLE, ["two"])


def test_an_ed25519_key_signs_with_sha256_only(live: Live) -> None:
    from app.config.dynamic import DkimHash

    of = SelectorOf(EXAMPLE, "one")
    dkimselectors.add_selector(live, of, Algorithm.ED25519, NOW)
    with pytest.raises(ConfigError, match="sha256"):
        dkimselectors.set_signing(live, of, Signing(hash=DkimHash.SHA1))
