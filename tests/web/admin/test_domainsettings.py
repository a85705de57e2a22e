"""The administrator's pages about the settings of a domain and its signing keys."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from app.config.dynamic import ConfigDomain, MtaStsMode, ReportAddress
from app.config.schema import Seconds
from app.operations.domainsettings import set_description
from app.wire.domain import Domain
from tests.web.world import Visitor, World

DOMAIN = Domain("example.com")
BASE = "/admin/domains/example.com"
REPORTS = {"dmarc_on": "yes", "dmarc_localpart": "dmarc", "dmarc_account": "jane", "dmarc_mailbox": "DMARC"}
POLICY = {"policy_mode": "testing", "policy_hours": "24", "policy_mx": ""}
_SECTION = re.compile(r'<form method="post" action="[^"]*/settings/(\w+)".*?</form>', re.S)
_FIELD = re.compile(r'name="([^"]+)"[^>]* value="([^"]*)"')


def config(world: World) -> ConfigDomain:
    return world.live.dynamic.domains[DOMAIN]


def shown(admin: Visitor, section: str) -> dict[str, str]:
    """The hidden fields that say what a section of the page showed."""
    page = admin.get(f"{BASE}/settings").text
    form = next(match[0] for match in _SECTION.finditer(page) if match[1] == section)
    return {name: html.unescape(value) for name, value in _FIELD.findall(form) if name.startswith("was.")}


def test_each_section_saves_its_own_settings(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        sections = {
            "about": {"description": "mine"},
            "host": {"client_host": "mail.example.com"},
            "localparts": {"separators": "+\r\n-", "case_sensitive": ""},
            "dmarc": REPORTS,
            "tls": {name.replace("dmarc_", "tls_"): value for name, value in REPORTS.items()} | {"tls_localpart": "t"},
            "mtasts": POLICY,
        }
        for section, fields in sections.items():
            sent = admin.post(f"{BASE}/settings/{section}", {**shown(admin, section), **fields})
            assert sent.status_code == 303, (section, sent.text)
        found = config(world)
        assert (found.description, str(found.client_settings_domain)) == ("mine", "mail.example.com")
        assert found.separators == ("+", "-")
        assert found.dmarc == ReportAddress(localpart="dmarc", account="jane", mailbox="DMARC")
        assert found.tlsrpt == ReportAddress(localpart="t", account="jane", mailbox="DMARC")
        assert found.mtasts is not None
        assert (found.mtasts.mode, found.mtasts.max_age) == (MtaStsMode.TESTING, Seconds(86400.0))


@pytest.mark.parametrize(
    ("section", "fields", "field"),
    [
        ("about", {"description": "x" * 501}, "description"),
        ("host", {"client_host": "not a host"}, "client_host"),
        ("localparts", {"separators": "@"}, "separators"),
        ("dmarc", {**REPORTS, "dmarc_localpart": "a b"}, "dmarc_localpart"),
        ("dmarc", {**REPORTS, "dmarc_account": "nobody"}, "dmarc_account"),
        ("dmarc", {**REPORTS, "dmarc_mailbox": "a//b"}, "dmarc_mailbox"),
        ("mtasts", {**POLICY, "policy_hours": "0"}, "policy_hours"),
        ("mtasts", {**POLICY, "policy_mode": "sometimes"}, "policy_mode"),
        ("mtasts", {**POLICY, "policy_mx": "not a host"}, "policy_mx"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_saved(
    tmp_path: Path, section: str, fields: dict[str, str], field: str
) -> None:
    with World(tmp_path) as world:
        before = world.live.domains_path.read_bytes()
        response = world.admin().post(f"{BASE}/settings/{section}", fields)
        assert response.status_code == 422
        assert f'id="{field}-error"' in response.text
        assert world.live.domains_path.read_bytes() == before


def test_separators_that_would_make_two_addresses_one_are_refused_in_words(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        admin.post(f"{BASE}/addresses", {"localpart": "jane-x", "account": "locked"})
        response = admin.post(f"{BASE}/settings/localparts", {"separators": "-"})
        assert response.status_code == 422
        assert "jane-x@example.com" in response.text


def test_the_second_of_two_browsers_is_shown_what_changed_and_may_then_save(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        seen = shown(admin, "about")
        set_description(world.live, DOMAIN, "<b>theirs</b>")
        response = admin.post(f"{BASE}/settings/about", {**seen, "description": "mine"})
        assert response.status_code == 409
        assert "&lt;b&gt;theirs&lt;/b&gt;" in response.text
        assert 'value="mine"' in response.text, "what was typed is lost"
        assert config(world).description == "<b>theirs</b>"
        again = {"was.description": "<b>theirs</b>", "description": "mine"}
        assert admin.post(f"{BASE}/settings/about", again).status_code == 303
        assert config(world).description == "mine"


def test_a_change_elsewhere_is_no_conflict(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        seen = shown(admin, "host")
        set_description(world.live, DOMAIN, "theirs")
        response = admin.post(f"{BASE}/settings/host", {**seen, "client_host": "mail.example.com"})
        assert response.status_code == 303
        assert config(world).description == "theirs"


def test_a_key_is_made_then_signs_then_goes(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        assert "goes out unsigned" in admin.get(f"{BASE}/dkim").text
        made = admin.post(f"{BASE}/dkim-new", {"selector": "2026x", "algorithm": "ed25519"})
        assert made.status_code == 303
        dkim = config(world).dkim
        assert dkim is not None
        assert dkim.sign == (), "a key may not sign before its record is published"
        page = admin.get(f"{BASE}/dkim").text
        assert "k=ed25519" in page
        admin.post(f"{BASE}/dkim", {"sign": "2026x", "was.sign": ""})
        assert (dkim := config(world).dkim) is not None
        assert dkim.sign == ("2026x",)
        assert admin.post(f"{BASE}/dkim", {"was.sign": ""}).status_code == 409
        fields = {"header_canonicalization": "simple", "body_canonicalization": "relaxed", "expiration": "24h"}
        assert admin.post(f"{BASE}/dkim/2026x", {**fields, "seal": "yes"}).status_code == 303
        assert admin.post(f"{BASE}/dkim/2026x", {**fields, "expiration": "soon"}).status_code == 422
        assert "It signs mail now" in admin.get(f"{BASE}/dkim/2026x/remove").text
        admin.post(f"{BASE}/dkim/2026x/remove", {})
        assert config(world).dkim is None


@pytest.mark.parametrize("selector", ["", "a/b", "../x", "a b", "é", "-x"])
def test_a_selector_that_dns_cannot_hold_is_refused(tmp_path: Path, selector: str) -> None:
    with World(tmp_path) as world:
        response = world.admin().post(f"{BASE}/dkim-new", {"selector": selector, "algorithm": "ed25519"})
        assert response.status_code == 422
        assert 'id="selector-error"' in response.text
        assert config(world).dkim is None
