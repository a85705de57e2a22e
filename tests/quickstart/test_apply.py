"""From an address to files that load, or to nothing at all."""

from __future__ import annotations

import dataclasses
import ipaddress
import stat
from pathlib import Path

import pytest

from app.config.live import Live
from app.errors import Refusal, Temporary
from app.operations import adminpassword
from app.store.account import credentials
from app.store.accounts import Accounts
from app.wire.domain import Domain
from quickstart import apply as apply_module
from quickstart import generate as generate_module
from quickstart.apply import apply
from quickstart.generate import KEY_FILE, Answers, Generated, make_material
from quickstart.options import Network, answers_of, parse_options

NOW = 1_790_000_000.0
NETWORK = Network(hostname="box", ips=[ipaddress.ip_address("203.0.113.7")])


def answers(
    address: str, user: str = "", hostname: str = "", *, proxied: bool = False, network: Network = NETWORK
) -> Answers:
    values = {"address": address, "system_user": user, "hostname": hostname, "existing_webserver": proxied}
    return answers_of(parse_options(values), network, "/srv/mox")


ADMIN_PASSWORD = "correct horse battery"


def generate(wanted: Answers, now: float) -> Generated:
    hashed = adminpassword.hash_password(ADMIN_PASSWORD).encode()
    return generate_module.generate(wanted, make_material(wanted, now), hashed)


@pytest.fixture(scope="module")
def generated() -> Generated:
    return generate(answers("jane@example.org"), NOW)


def test_the_files_load_and_the_passwords_are_right(tmp_path: Path, generated: Generated) -> None:
    applied = apply(generated, tmp_path)
    live = Live.open(applied.mox_conf)
    assert live.static == generated.static
    assert live.dynamic == generated.dynamic
    assert live.data_dir == applied.data_dir
    assert [(one.host.ascii, one.port) for one in applied.clients] == [
        ("mail.example.org", 993),
        ("mail.example.org", 465),
    ]
    stored = (tmp_path / "config" / "adminpasswd").read_text()
    assert adminpassword.check(stored, ADMIN_PASSWORD)
    accounts = Accounts(live.data_dir)
    found = accounts.open_now("jane").read_now(credentials.load)
    accounts.close()
    assert found is not None
    assert credentials.verify_password(found.argon2id, generated.account_password)


def test_mail_is_signed_twice_and_mtasts_is_tested(tmp_path: Path, generated: Generated) -> None:
    live = Live.open(apply(generated, tmp_path).mox_conf)
    selectors = live.selectors(Domain("example.org"))
    assert [(one.name, one.key.algorithm, one.relaxed_header, one.relaxed_body) for one in selectors] == [
        ("2026a", "rsa-sha256", True, True),
        ("2026b", "ed25519-sha256", True, True),
    ]
    assert b"Mode: testing" in generated.domains_conf


def test_certificates_come_from_lets_encrypt_with_a_key_that_stays(tmp_path: Path, generated: Generated) -> None:
    live = Live.open(apply(generated, tmp_path).mox_conf)
    tls = live.static.listeners["public"].tls
    assert tls is not None
    assert (tls.acme, tls.key_certs, tls.host_private_key_files) == ("letsencrypt", (), (KEY_FILE,))
    assert live.static.acme["letsencrypt"].contact_email == "jane@example.org"
    assert not list(tmp_path.glob("config/tls/*.crt.pem"))
    assert "# Certificates come from Let's Encrypt" in generated.mox_conf.decode().partition("\n\t\tTLS:\n")[0][-500:]
    assert "you accept the terms" in generated.notes[0]


@pytest.mark.parametrize("changes", [{"own_certificate": True}, {"existing_webserver": True}])
def test_certificate_of_our_own_where_no_authority_is_asked(tmp_path: Path, changes: dict[str, bool]) -> None:
    wanted = dataclasses.replace(answers("jane@example.org"), **changes)
    made = generate_module.generate(wanted, make_material(wanted, NOW), b"x")
    live = Live.open(apply(made, tmp_path).mox_conf)
    tls = live.static.listeners["public"].tls
    assert tls is not None
    assert [pair.key_file for pair in tls.key_certs] == [KEY_FILE]
    assert not live.static.acme
    assert "signed by this server itself" in made.mox_conf.decode().partition("\n\t\tTLS:\n")[0][-500:]


def test_keys_and_passwords_are_private(tmp_path: Path, generated: Generated) -> None:
    apply(generated, tmp_path)
    secret = [*tmp_path.glob("config/dkim/*"), *tmp_path.glob("config/tls/*.key.pem"), tmp_path / "config/adminpasswd"]
    assert len(secret) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert generated.account_password.encode() not in text
    assert ADMIN_PASSWORD.encode() not in text


def test_nothing_is_overwritten(tmp_path: Path, generated: Generated) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(Refusal, match="data"):
        apply(generated, tmp_path)
    (tmp_path / "data").rmdir()
    (tmp_path / "mox.service").write_text("mine")
    with pytest.raises(Refusal, match=r"mox\.service"):
        apply(generated, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mox.service"]


def test_the_same_answers_and_material_give_the_same_files() -> None:
    wanted = answers("jane@example.org")
    material = make_material(wanted, NOW)
    first, second = (generate_module.generate(wanted, material, b"x") for _ in range(2))
    assert (first.mox_conf, first.domains_conf) == (second.mox_conf, second.domains_conf)


def test_everything_is_removed_when_the_account_cannot_be_made(
    tmp_path: Path, generated: Generated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        (tmp_path / "data" / "accounts").mkdir()
        raise Temporary("disk full")

    monkeypatch.setattr(apply_module, "set_password", fail)
    with pytest.raises(Temporary):
        apply(generated, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_behind_another_webserver_it_loads_too(tmp_path: Path) -> None:
    made = generate(answers("jane@example.org", "mailer", "mx.example.net", proxied=True), NOW)
    live = Live.open(apply(made, tmp_path).mox_conf)
    public, internal = live.static.listeners["public"], live.static.listeners["internal"]
    assert (public.webserver_https, public.autoconfig_https) == (None, None)
    assert internal.mtasts_https is not None
    assert (internal.mtasts_https.port, internal.mtasts_https.non_tls, internal.mtasts_https.forwarded) == (
        81,
        True,
        True,
    )
    assert (live.static.hostname, live.static.user) == (Domain("mx.example.net"), "mailer")
    assert len(made.notes) == 2


def test_an_internationalised_domain_works(tmp_path: Path) -> None:
    live = Live.open(apply(generate(answers("jane@bücher.example"), NOW), tmp_path).mox_conf)
    assert live.static.hostname == Domain("mail.xn--bcher-kva.example")
    assert "jane@bücher.example" in live.dynamic.accounts["jane"].destinations
