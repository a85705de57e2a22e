"""Keys of host names: what is missing is made once, named in mox.conf, and nothing is left when that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.certificates.files import CertificateFiles
from app.cli.main import main
from app.config.live import Live
from app.errors import Refusal
from app.net.selfsigned import make_self_signed
from app.operations.hostkeys import ECDSA, KINDS, RSA, ensure_host_keys, kind_of

NOW = 1_800_000_000.0
MOX_CONF = """DataDir: ../data
LogLevel: info
Hostname: mx.example.org
ACME:
	small:
		DirectoryURL: https://authority.example/dir
		ContactEmail: jane@example.org
Listeners:
	public:
		IPs:
			- 127.0.0.1
		# how it is secured
		TLS:
			ACME: small
	second:
		IPs:
			- 127.0.0.2
		TLS:
			ACME: small
	other:
		IPs:
			- 127.0.0.3
		Hostname: two.example.org
		TLS:
			ACME: small
Postmaster:
	Account: jane
	Mailbox: Inbox
"""
DOMAINS_CONF = """Domains:
	example.org: nil
Accounts:
	jane:
		Domain: example.org
		Destinations:
			jane@example.org: nil
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "mox.conf").write_text(MOX_CONF)
    (folder / "domains.conf").write_text(DOMAINS_CONF)
    return folder / "mox.conf"


def test_each_host_gets_both_kinds_and_the_key_in_use_is_kept(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = Live.open(config)
    present = make_self_signed(["mx.example.org"], NOW)
    CertificateFiles(live.data_dir).put("small", "mx.example.org", present.key, present.certificate)
    assert main(["-config", str(config), "config", "ensureacmehostprivatekeys"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("the key of its present certificate") == 1
    changed = Live.open(config)
    files = {name: one.tls.host_private_key_files for name, one in changed.static.listeners.items() if one.tls}
    assert files["public"] == files["second"]
    for names in files.values():
        assert [kind_of((config.parent / name).read_bytes()) for name in names] == list(KINDS)
        assert {(config.parent / name).stat().st_mode & 0o777 for name in names} == {0o600}
    assert (config.parent / files["public"][1]).read_bytes() == present.key
    assert set(files["other"]).isdisjoint(files["public"])
    assert "# how it is secured" in config.read_text()
    before = config.read_bytes()
    assert main(["-config", str(config), "config", "ensureacmehostprivatekeys"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert config.read_bytes() == before


def test_kind_that_is_there_stays_the_only_one(config: Path) -> None:
    (config.parent / "own.pem").write_bytes(make_self_signed(["x"], NOW).key)
    text = MOX_CONF.replace(
        "\t\tTLS:\n\t\t\tACME: small\n", "\t\tTLS:\n\t\t\tACME: small\n\t\t\tHostPrivateKeyFiles:\n\t\t\t\t- own.pem\n"
    )
    config.write_text(text)
    made = ensure_host_keys(Live.open(config), lambda authority, name: None, NOW)
    assert [kind_of(key.pem) for key in made] == [RSA, RSA]
    assert [key.hostname for key in made] == ["mx.example.org", "two.example.org"]


def test_nothing_is_left_when_mox_conf_cannot_be_changed(config: Path) -> None:
    live = Live.open(config)
    config.write_text(MOX_CONF + "Nonsense: yes\n")
    with pytest.raises(Exception, match="Nonsense"):
        ensure_host_keys(live, lambda authority, name: None, NOW)
    assert not (config.parent / "hostkeys").exists()


def test_without_authority_there_is_nothing_to_keep_keys_for(config: Path) -> None:
    text = MOX_CONF.replace("\t\tTLS:\n\t\t\tACME: small\n", "")
    config.write_text(text)
    with pytest.raises(Refusal, match="ACME"):
        ensure_host_keys(Live.open(config), lambda authority, name: None, NOW)


def test_keys_of_other_kinds_are_none_of_ours() -> None:
    assert kind_of(b"damaged") == ""
    assert kind_of(make_self_signed(["x"], NOW).key) == ECDSA
